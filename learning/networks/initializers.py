"""Weight initialisers by the names that YAML uses. Each maps keyword arguments to a function of a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from learning.object_factory import ObjectFactory

Initializer = Callable[[Tensor], object]


def variance_scaling_(tensor: Tensor, mode: str = "fan_in", scale: float = 2.0) -> Tensor:
    """Fill `tensor` from a normal cut off at ±2, of standard deviation sqrt(scale / fan) before the cut.

    Args:
        tensor: weights (out, in, …).
        mode: `fan_in`, `fan_out` or `fan_avg`.
        scale: 2 keeps the variance through ReLU layers (He et al. 2015).
    """
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(tensor)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    return nn.init.trunc_normal_(tensor, std=math.sqrt(scale / fan), a=-2.0, b=2.0)


def _keep(tensor: Tensor) -> Tensor:
    return tensor


def _create_factory() -> ObjectFactory:
    factory = ObjectFactory("initializer")
    factory.register_builder("const_initializer", partial(partial, nn.init.constant_))
    factory.register_builder("orthogonal_initializer", partial(partial, nn.init.orthogonal_))
    factory.register_builder("glorot_normal_initializer", partial(partial, nn.init.xavier_normal_))
    factory.register_builder("glorot_uniform_initializer", partial(partial, nn.init.xavier_uniform_))
    factory.register_builder("variance_scaling_initializer", partial(partial, variance_scaling_))
    factory.register_builder("random_uniform_initializer", partial(partial, nn.init.uniform_))
    factory.register_builder("kaiming_normal", partial(partial, nn.init.kaiming_normal_))
    factory.register_builder("orthogonal", partial(partial, nn.init.orthogonal_))
    factory.register_builder("default", lambda **_: _keep)  # torch's own initialisation stays
    return factory


init_factory = _create_factory()

"""Observations as networks take them: floats, of one sensor or of several by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from learning.rollouts.observations import Obs
from learning.typed_config import ConfigError

ObsShape = Sequence[int] | Mapping[str, Sequence[int]]
"""ObsShape of one observation, or of each sensor's."""


def scale_bytes(x: Tensor) -> Tensor:
    """Return bytes, as images have them, as float32 between 0 and 1; anything else as it is."""
    return x.float().div_(255.0) if x.dtype == torch.uint8 else x


def float_obs(obs: Obs) -> Obs:
    """Return observations as float32, bytes scaled to between 0 and 1."""
    if isinstance(obs, Tensor):
        return scale_bytes(obs).float()
    return {name: scale_bytes(part).float() for name, part in obs.items()}


def require_names(obs: Mapping[str, Tensor], names: Iterable[str]) -> None:
    """Refuse a dictionary observation that lacks one of the space's names.

    Raises:
        ConfigError: naming what is missing.
    """
    missing = [name for name in names if name not in obs]
    if missing:
        raise ConfigError(
            f"observations with the keys {', '.join(obs)}: {', '.join(missing)} of the observation space is "
            "missing; the environment must give every key at every step"
        )

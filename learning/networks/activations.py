"""Activation functions by the names that YAML uses."""

from __future__ import annotations

from torch import nn

from learning.object_factory import ObjectFactory

NO_ACTIVATION = "None"  # RL Games' name for it; null means the same

# Those whose gradient needs only their output, so that they may overwrite their input.
_OVERWRITABLE = ("relu", "elu", "selu")


def _create_factory() -> ObjectFactory:
    factory = ObjectFactory("activation")
    factory.register_builder("relu", nn.ReLU)
    factory.register_builder("tanh", nn.Tanh)
    factory.register_builder("sigmoid", nn.Sigmoid)
    factory.register_builder("elu", nn.ELU)
    factory.register_builder("selu", nn.SELU)
    factory.register_builder("swish", nn.SiLU)
    factory.register_builder("gelu", nn.GELU)
    factory.register_builder("softplus", nn.Softplus)
    factory.register_builder(NO_ACTIVATION, nn.Identity)
    return factory


activations_factory = _create_factory()


def create_hidden_activation(name: str) -> nn.Module:
    """Return the activation for a place right after a linear layer, where nobody else reads its input.

    Overwriting that input saves one pass over memory a layer, a few per cent of an update on a CPU.
    """
    return activations_factory.create(name, **({"inplace": True} if name in _OVERWRITABLE else {}))

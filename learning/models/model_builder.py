"""The registries of models and networks: where a name in YAML becomes a class.

Add your own before training starts, as train.py does for AMP:

    model_builder.register_model("my_model", lambda network, **kwargs: MyModel(network))
    model_builder.register_network("my_network", lambda **kwargs: MyBuilder())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from learning.central_value.model import ModelCentralValue
from learning.curiosity.network_builder import RNDCuriosityBuilder
from learning.models.discrete_models import ModelA2C, ModelA2CMultiDiscrete
from learning.models.models import BaseModel, ModelA2CContinuous, ModelA2CContinuousLogStd
from learning.networks import network_builder
from learning.networks.network_config import ModelConfig
from learning.networks.resnet_network import A2CResnetBuilder
from learning.object_factory import ObjectFactory
from learning.sac.models import ModelSACContinuous
from learning.sac.network_builder import SACBuilder
from learning.typed_config import ConfigError, from_mapping, join


def _create_model_factory() -> ObjectFactory:
    factory = ObjectFactory("model")
    factory.register_builder("continuous_a2c", lambda network, **kwargs: ModelA2CContinuous(network))
    factory.register_builder(
        "continuous_a2c_logstd", lambda network, **kwargs: ModelA2CContinuousLogStd(network)
    )
    factory.register_builder("discrete_a2c", lambda network, **kwargs: ModelA2C(network))
    factory.register_builder("multi_discrete_a2c", lambda network, **kwargs: ModelA2CMultiDiscrete(network))
    factory.register_builder("central_value", lambda network, **kwargs: ModelCentralValue(network))
    factory.register_builder("soft_actor_critic", lambda network, **kwargs: ModelSACContinuous(network))
    return factory


def _create_network_factory() -> ObjectFactory:
    factory = ObjectFactory("network")
    factory.register_builder("actor_critic", lambda **kwargs: network_builder.A2CBuilder())
    factory.register_builder("resnet_actor_critic", lambda **kwargs: A2CResnetBuilder())
    factory.register_builder("soft_actor_critic", lambda **kwargs: SACBuilder())
    factory.register_builder("rnd_curiosity", lambda **kwargs: RNDCuriosityBuilder())
    return factory


_model_factory = _create_model_factory()
_network_factory = _create_network_factory()


def register_model(name: str, builder: Callable[..., BaseModel], override: bool = False) -> None:
    """Make `model.name: <name>` build `builder(network=<loaded network builder>)`; a class will do."""
    _model_factory.register_builder(name, builder, override)


def register_network(
    name: str, builder: Callable[..., network_builder.NetworkBuilder], override: bool = False
) -> None:
    """Make `network.name: <name>` build `builder()`, whose `load` then gets the `network` block."""
    _network_factory.register_builder(name, builder, override)


class NetworkBuilder:
    """Finds the network builder that a `network` block names."""

    def __init__(self) -> None:
        """Use all registered networks."""
        self.network_factory = _network_factory

    def load(
        self, params: Mapping[str, Any], path: str = "train.params.network"
    ) -> network_builder.NetworkBuilder:
        """Return the named builder with the block loaded.

        Args:
            params: the `network` block.
            path: where it stands, for error messages.

        Raises:
            ConfigError: for an unknown name, or what the builder finds wrong.
        """
        network = _create(self.network_factory, params.get("name"), path)
        if isinstance(network, network_builder.A2CBuilder):
            network.load(params, path)
        else:
            network.load(params)
        return network


class ModelBuilder:
    """Joins the named model and the named network."""

    def __init__(self) -> None:
        """Use all registered models and networks."""
        self.model_factory = _model_factory
        self.network_builder = NetworkBuilder()

    def get_network_builder(self) -> NetworkBuilder:
        """Return the finder of networks."""
        return self.network_builder

    def load(self, params: Mapping[str, Any], path: str = "train.params") -> BaseModel:
        """Return the model; its `build` makes modules.

        Args:
            params: the blocks `model` and `network`.
            path: where they stand, for error messages.

        Raises:
            ConfigError: for unknown names and keys.
        """
        model = from_mapping(ModelConfig, params.get("model"), join(path, "model"))
        network = self.network_builder.load(params.get("network") or {}, join(path, "network"))
        return _create(self.model_factory, model.name, join(path, "model"), network=network)


def _create(factory: ObjectFactory, name: str | None, path: str, **kwargs: Any) -> Any:
    if not isinstance(name, str):
        raise ConfigError(f"{path}.name: required key is missing; registered are {', '.join(factory.names)}")
    try:
        builder = factory.get(name)
    except ValueError as error:
        raise ConfigError(f"{path}.name={name}: {error}") from None
    return builder(**kwargs)

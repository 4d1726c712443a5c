"""The `rnd_curiosity` network: a fixed random target and the predictor that learns it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from learning.networks.encoders import build_encoder, encoder_width
from learning.networks.layer_config import CnnConfig, InitializerConfig, MlpConfig
from learning.networks.layers import build_sequential_mlp
from learning.networks.network_builder import NetworkBuilder, image_encoding
from learning.rollouts.float_obs import ObsShape
from learning.rollouts.observations import Obs
from learning.typed_config import ConfigError, from_mapping

PATH = "train.params.config.rnd_config.network"


@dataclass
class RNDLayersConfig:
    """The layers of one of the two networks."""

    units: list[int]
    """Width of each layer; the last is the features', has no activation, and is the same in both."""


@dataclass
class RNDMlpConfig:
    """`mlp`: fully connected layers (RL Games' names)."""

    rnd: RNDLayersConfig = field(default_factory=lambda: RNDLayersConfig([128, 64]))
    """The random target."""
    net: RNDLayersConfig = field(default_factory=lambda: RNDLayersConfig([128, 128, 64]))
    """The predictor; it needs more than the target, whose weights it cannot copy."""
    activation: str | None = "relu"
    """Between layers."""
    initializer: InitializerConfig = field(
        default_factory=lambda: InitializerConfig("orthogonal_initializer", gain=math.sqrt(2.0))
    )
    """Of all weights; biases start at 0."""
    regularizer: Any = None
    """Stands in an RL Games file; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check as any layers are checked, and that both networks' features can be compared."""
        for name in ("rnd", "net"):
            units = getattr(self, name).units
            if not units:
                raise ValueError(f"{name}.units=[]: needs at least one layer, the features'")
            self.activation = MlpConfig(units, self.activation).activation
        if self.rnd.units[-1] != self.net.units[-1]:
            raise ValueError(
                f"net.units={self.net.units}: must end with as many features as rnd.units={self.rnd.units}"
            )


@dataclass
class RNDNetworkConfig:
    """The `rnd_curiosity` network."""

    mlp: RNDMlpConfig = field(default_factory=RNDMlpConfig)
    """Both networks' layers."""
    name: str = "rnd_curiosity"
    """The registered network."""
    cnn: CnnConfig | None = None
    """Convolutions before the layers, for images; of the same form in both networks."""


class RNDCuriosityBuilder(NetworkBuilder):
    """Builds the `rnd_curiosity` network."""

    config_class: type[RNDNetworkConfig] = RNDNetworkConfig
    """Dataclass of the `network` block."""

    def load(self, params: Mapping[str, Any], path: str = PATH) -> None:
        """Read and check the `network` block; `path` is where it stands, for error messages."""
        self.params = from_mapping(self.config_class, params, path)

    def build(self, name: str, **kwargs: Any) -> RNDCuriosityBuilder.Network:
        """Return a new network; see `Network` for the arguments.

        Raises:
            ConfigError: it is wanted as a policy.
        """
        if name != "rnd":
            raise ConfigError(
                f"train.params.network.name=rnd_curiosity: is no policy; its place is {PATH}, here goes one "
                "like actor_critic"
            )
        return type(self).Network(self.params, **kwargs)

    class Network(NetworkBuilder.BaseNetwork):
        """Target and predictor; the target never learns."""

        def __init__(
            self,
            params: RNDNetworkConfig,
            *,
            input_shape: ObsShape,
            **kwargs: object,
        ) -> None:
            """Build both and initialise their weights.

            Args:
                params: the checked `network` block.
                input_shape: shape of one observation: `(num_obs,)`, that of an image, or those of several
                    sensors by name.
                **kwargs: further build settings, for subclasses.
            """
            super().__init__()
            self.target = self._build_features(params, params.mlp.rnd.units, input_shape)
            self.predictor = self._build_features(params, params.mlp.net.units, input_shape)
            self.target.requires_grad_(False)

        @torch.no_grad()
        def _build_features(
            self, params: RNDNetworkConfig, units: Sequence[int], input_shape: ObsShape
        ) -> nn.Sequential:
            path, mlp = f"{PATH}.cnn", params.mlp
            encoder = build_encoder(input_shape, image_encoding(params.cnn, None, path), path)
            width = encoder_width(encoder, input_shape, path)
            hidden = build_sequential_mlp(width, units[:-1], str(mlp.activation))
            layers = nn.Sequential(*hidden, nn.Linear([width, *units][-2], units[-1]))
            self._initialize(layers, mlp.initializer)
            if params.cnn is not None:
                self._initialize(encoder, params.cnn.initializer)
            return nn.Sequential(encoder, layers)

        def _initialize(self, module: nn.Module, config: InitializerConfig) -> None:
            initializer = self._create_initializer(config)
            for layer in module.modules():
                if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d)):
                    initializer(layer.weight)
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

        def forward(self, obs: Obs) -> tuple[Tensor, Tensor]:
            """Return both networks' features of normalised observations (B, …).

            Returns:
                The predictor's and the target's, (B, F) each.
            """
            return self.predictor(obs), self.target(obs)

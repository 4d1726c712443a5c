"""The `resnet_actor_critic` network: residual convolutions for images, one trunk, a policy and a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from learning.networks.activations import activations_factory
from learning.networks.encoders import ImageEncoder, ImageEncoding, build_encoder, encoder_width
from learning.networks.layer_config import InitializerConfig, activation_name
from learning.networks.network_builder import A2CBuilder
from learning.networks.network_config import NetworkConfig
from learning.networks.trunk import Trunk, TrunkSizes
from learning.rollouts.float_obs import ObsShape


@dataclass
class ResnetCnnConfig:
    """Residual convolutions."""

    conv_depths: list[int] = field(default_factory=lambda: [16, 32, 32])
    """Channels of each section; every section halves height and width."""
    activation: str | None = "relu"
    """Inside the residual blocks (RL Games has relu whatever stands here); behind the convolutions stands the
    MLP's."""
    initializer: InitializerConfig = field(
        default_factory=lambda: InitializerConfig("kaiming_normal", mode="fan_out", nonlinearity="relu")
    )
    """Of the convolutions' weights; biases start at 0."""
    permute_input: bool = True
    """Images are (height, width, channels); otherwise channels stand first."""
    regularizer: Any = None
    """Stands in many RL Games files; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check the widths and the activation's name."""
        if not self.conv_depths or min(self.conv_depths) < 1:
            raise ValueError(f"conv_depths={self.conv_depths}: needs sections of 1 channel or more")
        self.activation = activation_name("activation", self.activation)


@dataclass
class ResnetNetworkConfig(NetworkConfig):
    """The `resnet_actor_critic` network."""

    name: str = "resnet_actor_critic"
    """The registered network."""
    cnn: ResnetCnnConfig = field(default_factory=ResnetCnnConfig)  # type: ignore[assignment]
    """The convolutions."""
    require_rewards: bool = False
    """RL Games: show the recurrent layer the last reward. Not supported."""
    require_last_actions: bool = False
    """RL Games: show the recurrent layer the last actions. Not supported."""

    def __post_init__(self) -> None:
        """Refuse what the network does not have."""
        super().__post_init__()
        for key in ("require_rewards", "require_last_actions"):
            if getattr(self, key):
                raise ValueError(f"{key}=True: is not supported; let the task put it into the observation")
        if self.separate:
            raise ValueError("separate=True: resnet_actor_critic has one trunk; actor_critic may have two")


class A2CResnetBuilder(A2CBuilder):
    """Builds the `resnet_actor_critic` network."""

    config_class = ResnetNetworkConfig

    class Network(A2CBuilder.Network):
        """Actor and critic on one trunk. Parameters are named as in RL Games' checkpoints."""

        cnn: nn.Module
        mlp: nn.Module

        def _build_trunks(self, params: NetworkConfig, input_shape: ObsShape) -> int:
            """Add the trunk's modules and return the width of what the heads see."""
            assert isinstance(params, ResnetNetworkConfig)
            self.cnn = build_encoder(input_shape, _image_encoding(params))
            sizes = TrunkSizes.of(encoder_width(self.cnn, input_shape), params.mlp.units, params.rnn)
            self._build_rnns(params.rnn, sizes.rnn_input, ("",))
            self.mlp = self._build_mlp(sizes.mlp_input, params.mlp, params.normalization)
            return sizes.output

        def _actor(self) -> Trunk:
            find: Any = self._modules.get
            return Trunk(self.cnn, self.mlp, find("rnn"), find("layer_norm"), self.rnn_config)


class ConvBlock(nn.Module):
    """A convolution of 3 x 3 pixels that keeps height and width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        """Build the weights."""
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return self.conv(x)


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, channels: int, activation: str) -> None:
        """Build the layers; `activation` is a name in `activations_factory`."""
        super().__init__()
        self.conv1, self.conv2 = ConvBlock(channels, channels), ConvBlock(channels, channels)
        self.activation = activations_factory.create(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        out = self.conv1(self.activation(x))
        return x + self.conv2(self.activation(out))


class ImpalaSection(nn.Module):
    """A convolution, a pooling that halves height and width, and two residual blocks.

    Espeholt et al. 2018, "IMPALA: Scalable Distributed Deep-RL with Importance Weighted Actor-Learner
    Architectures", fig. 3, the large architecture.
    """

    def __init__(self, in_channels: int, out_channels: int, activation: str) -> None:
        """Build the layers; `activation` is a name in `activations_factory`."""
        super().__init__()
        self.conv = ConvBlock(in_channels, out_channels)
        self.max_pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.res_block1 = ResidualBlock(out_channels, activation)
        self.res_block2 = ResidualBlock(out_channels, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, ⌈H/2⌉, ⌈W/2⌉)."""
        return self.res_block2(self.res_block1(self.max_pool(self.conv(x))))


def _image_encoding(params: ResnetNetworkConfig) -> ImageEncoding:
    cnn = params.cnn

    def build(shape: Sequence[int]) -> ImageEncoder:
        channels = [shape[-1] if cnn.permute_input else shape[0], *cnn.conv_depths]
        pairs = zip(channels[:-1], channels[1:], strict=True)
        sections = [ImpalaSection(*pair, str(cnn.activation)) for pair in pairs]
        # Flattened first, then activated, by RL Games' order; neither has parameters.
        activation = activations_factory.create(str(params.mlp.activation))
        return ImageEncoder([*sections, nn.Flatten(), activation], cnn.permute_input)

    return ImageEncoding(3, build)

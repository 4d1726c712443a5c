"""Convolutional layers, with the module indices of RL Games' checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from learning.networks.activations import create_hidden_activation
from learning.networks.layer_config import CnnConfig, ConvConfig


def build_conv_layers(config: CnnConfig, in_channels: int, normalization: str | None) -> list[nn.Module]:
    """Return Conv, activation, norm for each convolution, and what the type adds.

    Args:
        config: the `cnn` block.
        in_channels: channels of the images.
        normalization: `layer_norm`, `batch_norm` or None.
    """
    is_1d = config.type == "conv1d"
    conv: type[nn.Module] = nn.Conv1d if is_1d else nn.Conv2d
    layers: list[nn.Module] = []
    for i, item in enumerate(config.convs):
        kind = CoordConv2d if config.type == "coord_conv2d" and i == 0 else conv
        layers += [kind(in_channels, **_arguments(item)), create_hidden_activation(str(config.activation))]
        if normalization == "layer_norm":
            layers.append(ChannelLayerNorm(item.filters))
        elif normalization == "batch_norm":
            layers.append((nn.BatchNorm1d if is_1d else nn.BatchNorm2d)(item.filters))
        in_channels = item.filters
    if config.type == "conv2d_spatial_softargmax":
        layers.append(SpatialSoftArgmax())
    return layers


def _arguments(conv: ConvConfig) -> dict[str, int | Sequence[int]]:
    sizes = {"kernel_size": conv.kernel_size, "stride": conv.strides, "padding": conv.padding}
    pairs = {key: tuple(size) if isinstance(size, list) else size for key, size in sizes.items()}
    return {"out_channels": conv.filters, **pairs}


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation of the channels of every pixel.

    RL Games' layer for it takes mean and deviation over the batch, and starts with an offset of 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, …) over C."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class CoordConv2d(nn.Conv2d):
    """A convolution that also sees where it is.

    Liu et al. 2018, "An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution". Two
    channels follow the image's: the x (along the width) and the y of each pixel's centre; the image spans
    -1 to 1.
    """

    def __init__(self, in_channels: int, out_channels: int, **kwargs: int | tuple[int, ...]) -> None:
        """Build the weights for two channels more than `in_channels`."""
        super().__init__(in_channels + 2, out_channels, **kwargs)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        height, width = x.shape[-2:]
        xs, ys = (_pixel_centres(size, x) for size in (width, height))
        coordinates = torch.stack([xs.expand(height, width), ys.unsqueeze(-1).expand(height, width)])
        return super().forward(torch.cat([x, coordinates.expand(len(x), -1, -1, -1)], dim=1))


class SpatialSoftArgmax(nn.Module):
    """Where each filter answers most: the mean pixel position, weighted by the softmax of the answers.

    Levine et al. 2016, "End-to-End Training of Deep Visuomotor Policies". The first row and column are at -1,
    the last ones at 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the row and column of each channel, (B, 2C): row, column, row, column, …."""
        height, width = x.shape[-2:]
        weights = x.flatten(2).softmax(dim=-1).view(x.shape)
        rows, columns = (torch.linspace(-1.0, 1.0, size, device=x.device) for size in (height, width))
        row = (weights.sum(dim=-1) * rows).sum(dim=-1)
        column = (weights.sum(dim=-2) * columns).sum(dim=-1)
        return torch.stack([row, column], dim=-1).flatten(1)


def _pixel_centres(size: int, like: Tensor) -> Tensor:
    return (torch.arange(size, dtype=like.dtype, device=like.device) * 2 + 1) / size - 1

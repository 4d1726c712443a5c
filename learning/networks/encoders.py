"""Encoders: what turns an observation of any kind into the vector that the rest of a network sees.

A vector stays as it is. An image goes through convolutions. Of a dictionary, each image goes through
convolutions of its own, everything else is flattened, and all parts stand side by side in the order of the
observation space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from learning.rollouts.float_obs import ObsShape, require_names
from learning.rollouts.observations import Obs
from learning.typed_config import ConfigError

CNN_PATH = "train.params.network.cnn"


class ImageEncoding(NamedTuple):
    """How a network encodes images."""

    num_dims: int
    """Dimensions of one image: 3, or 2 for convolutions over a line."""
    build: Callable[[Sequence[int]], ImageEncoder]
    """Returns an encoder of images of a shape."""
    path: str = CNN_PATH
    """The block that describes it, for error messages."""


class ImageEncoder(nn.Sequential):
    """Convolutions, from images as the environment gives them to flat features.

    Args:
        layers: from images with channels first, (B, C, …), to anything.
        permute_input: channels stand last in the observation.
    """

    def __init__(self, layers: Sequence[nn.Module], permute_input: bool) -> None:
        super().__init__(*layers)
        self.permute_input = permute_input

    def forward(self, images: Tensor) -> Tensor:
        """Return features (B, F) of images (B, H, W, C), or (B, C, H, W) without `permute_input`."""
        if self.permute_input:
            images = images.movedim(-1, 1)
        return super().forward(images).flatten(1)


class DictEncoder(nn.ModuleDict):
    """Encoders of the images among the observations of several sensors; the rest is flattened.

    Args:
        names: of all sensors, in the order in which their features stand.
        image_encoders: by name.
    """

    def __init__(self, names: Sequence[str], image_encoders: Mapping[str, nn.Module]) -> None:
        super().__init__(image_encoders)
        self.names = tuple(names)

    def forward(self, obs: Mapping[str, Tensor]) -> Tensor:
        """Return features (B, F) of observations (B, …) by name."""
        require_names(obs, self.names)
        parts = [self[name](obs[name]) if name in self else _flat(obs[name]) for name in self.names]
        return torch.cat(parts, dim=-1)


def build_encoder(input_shape: ObsShape, images: ImageEncoding | None, path: str = CNN_PATH) -> nn.Module:
    """Return the encoder for observations of a shape, or of a shape for each name.

    Args:
        input_shape: of one observation.
        images: how images are encoded; None where the network has no convolutions.
        path: the block that would describe it, for error messages.

    Raises:
        ConfigError: images without convolutions, or convolutions without images.
    """
    if isinstance(input_shape, Mapping):
        names = [name for name, shape in input_shape.items() if _is_image(name, shape, images, path)]
        if images is not None and not names:
            raise ConfigError(_no_image(images, str({name: tuple(s) for name, s in input_shape.items()})))
        encoders = {name: images.build(input_shape[name]) for name in names} if images is not None else {}
        return DictEncoder(tuple(input_shape), encoders)
    if images is None:
        if len(input_shape) != 1:
            raise ConfigError(_no_convolutions(f"shape {tuple(input_shape)}", path))
        return nn.Identity()
    if len(input_shape) != images.num_dims:
        raise ConfigError(_no_image(images, str(tuple(input_shape))))
    return images.build(input_shape)


@torch.no_grad()
def encoder_width(encoder: nn.Module, input_shape: ObsShape, path: str = CNN_PATH) -> int:
    """Return how many features the encoder gives for observations of a shape.

    Args:
        encoder: of `build_encoder`.
        input_shape: of one observation.
        path: the block that describes it, for error messages.

    Raises:
        ConfigError: the images are too small for the convolutions.
    """
    is_training = encoder.training
    encoder.eval()  # so that norms of batches learn nothing from it
    try:
        return encoder(_zeros(input_shape)).shape[-1]
    except RuntimeError as error:
        raise ConfigError(f"{path}.convs: do not fit observations of shape {input_shape}: {error}") from error
    finally:
        encoder.train(is_training)


def _zeros(input_shape: ObsShape) -> Obs:
    if isinstance(input_shape, Mapping):
        return {name: torch.zeros(1, *shape) for name, shape in input_shape.items()}
    return torch.zeros(1, *input_shape)


def _flat(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


def _is_image(name: str, shape: Sequence[int], images: ImageEncoding | None, path: str) -> bool:
    if images is not None and len(shape) == images.num_dims:
        return True
    if len(shape) > 2:
        raise ConfigError(_no_convolutions(f"shape {tuple(shape)} under the key {name}", path))
    return False


def _no_convolutions(what: str, path: str) -> str:
    return (
        f"observations of {what}: without convolutions for them, a network takes vectors; add {path}, or let "
        "the task flatten them"
    )


def _no_image(images: ImageEncoding, shape: str) -> str:
    dims = "(height, width, channels)" if images.num_dims == 3 else "(length, channels)"
    return f"{images.path}: takes images {dims}, but the observations have shape {shape}; remove the block"

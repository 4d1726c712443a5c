"""`isaacgym.gymtorch`: between `gymapi.Tensor` descriptors and torch tensors, without copies."""

from __future__ import annotations

import torch

from mjgym.api_names import used_names
from mjgym.descriptor import Tensor
from mjgym.errors import module_getattr


def wrap_tensor(gym_tensor: Tensor) -> torch.Tensor:
    """Return the torch tensor over a descriptor's memory.

    Every call for one descriptor returns the same tensor; what is written into it is what setters read and
    what `refresh_*` overwrites.

    Raises:
        TypeError: if the argument is no descriptor.
    """
    if not isinstance(gym_tensor, Tensor):
        raise TypeError(
            f"wrap_tensor takes what acquire_* returns (gymapi.Tensor), not {type(gym_tensor).__name__}; "
            "a torch tensor needs no wrapping"
        )
    return gym_tensor.torch


def unwrap_tensor(torch_tensor: torch.Tensor) -> Tensor:
    """Return a descriptor of a torch tensor's memory, for a setter.

    Raises:
        TypeError: if the argument is no torch tensor.
        ValueError: if its memory is not contiguous, in which case a setter could only see a copy of it.
    """
    if not isinstance(torch_tensor, torch.Tensor):
        raise TypeError(f"unwrap_tensor takes a torch.Tensor, not {type(torch_tensor).__name__}")
    if not torch_tensor.is_contiguous():
        raise ValueError(
            f"unwrap_tensor needs contiguous memory, but a tensor of shape {tuple(torch_tensor.shape)} has "
            f"strides {torch_tensor.stride()}; pass the whole buffer or call .contiguous() first"
        )
    return Tensor(torch_tensor.detach())


__all__ = ["unwrap_tensor", "wrap_tensor"]

__getattr__ = module_getattr("gymtorch", __all__, used_names("gymtorch"))

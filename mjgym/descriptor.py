"""The tensor descriptor that ``acquire_*`` returns and that setters take (Isaac Gym's ``gymapi.Tensor``)."""

from __future__ import annotations

import torch


class Tensor:
    """A view of simulation memory, not yet a torch tensor.

    ``gymtorch.wrap_tensor`` turns it into the torch tensor that aliases the memory,
    ``gymtorch.unwrap_tensor`` turns a torch tensor into one.

    Attributes:
        torch: the torch tensor over the memory; never replaced, only written in place.
    """

    __slots__ = ("torch",)

    def __init__(self, tensor: torch.Tensor) -> None:
        self.torch = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions."""
        return tuple(self.torch.shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.torch.ndim

    @property
    def dtype(self) -> torch.dtype:
        """Element type, as torch names it."""
        return self.torch.dtype

    @property
    def device(self) -> torch.device:
        """Where the memory lies."""
        return self.torch.device

    @property
    def data_ptr(self) -> int:
        """Address of the first element."""
        return self.torch.data_ptr()

    @property
    def own_data(self) -> bool:
        """False: the simulation owns the memory."""
        return False

    def __repr__(self) -> str:
        """Shape, type and device."""
        return f"Tensor(shape={self.shape}, dtype={self.dtype}, device={self.device})"

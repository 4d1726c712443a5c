"""What the workers of one run tell each other, so that they learn as one.

`Distributed` wraps torch.distributed where a process group exists (gloo on CPUs, nccl on GPUs), and adds up
through shared memory where the workers have some. In a single process every method does nothing and returns
what it was given, so that nobody else asks how many workers there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from learning.shared_memory import SharedSum

_shared_sum: SharedSum | None = None


def use_shared_memory(shared_sum: SharedSum | None) -> None:
    """Let this process add up through memory that all workers share; None for torch.distributed alone."""
    global _shared_sum
    _shared_sum = shared_sum


class Distributed:
    """This worker's place among the workers of its run.

    Args:
        device: where tensors for collectives live; with nccl, this worker's GPU.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        active = dist.is_available() and dist.is_initialized()
        self.device = torch.device(device)
        self.rank: int = dist.get_rank() if active else 0
        self.world_size: int = dist.get_world_size() if active else 1
        self._flat: dict[int, Tensor] = {}  # buffers for gradients laid end to end, by size

    @property
    def is_main(self) -> bool:
        """This worker writes files and shows progress."""
        return self.rank == 0

    def all_reduce_sum_(self, tensor: Tensor) -> Tensor:
        """Add up `tensor` (contiguous) over all workers, in place; all end with the same bits."""
        if self.world_size > 1 and _shared_sum is not None:
            return _shared_sum.add_up_(self.rank, tensor)
        if self.world_size > 1:
            dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
        return tensor

    def all_gather(self, tensor: Tensor) -> Tensor:
        """Return the tensors of all workers, of one shape, by rank, (world_size, *shape); equal on all."""
        rows = tensor.new_zeros(self.world_size, *tensor.shape)
        rows[self.rank] = tensor
        return self.all_reduce_sum_(rows)

    def average_gradients_(self, parameters: Iterable[nn.Parameter], extras: Tensor) -> Tensor:
        """Average gradients over all workers in place, in one collective, and a few scalars with them.

        Args:
            parameters: those without a gradient are passed over, and have to be the same on every worker.
            extras: (n,) scalars to average along (KL divergence, losses).

        Returns:
            `extras` averaged, (n,).
        """
        if self.world_size == 1:
            return extras
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = self._flat_buffer(sum(grad.numel() for grad in grads) + extras.numel(), like=grads[0])
        pieces = flat.split([grad.numel() for grad in grads] + [extras.numel()])
        views = [piece.view_as(grad) for piece, grad in zip(pieces, grads, strict=False)]
        torch._foreach_copy_(views, grads)
        pieces[-1].copy_(extras)
        self.all_reduce_sum_(flat).div_(self.world_size)
        torch._foreach_copy_(grads, views)
        return pieces[-1].clone()

    def broadcast_parameters(self, module: nn.Module) -> None:
        """Give every worker the main worker's parameters and buffers."""
        if self.world_size > 1:
            for tensor in (*module.parameters(), *module.buffers()):
                dist.broadcast(tensor.detach(), src=0)

    def gather_objects(self, item: Any) -> list[Any] | None:
        """Collect one picklable object of each worker, by rank, on the main worker; None on the others."""
        if self.world_size == 1:
            return [item]
        gathered: list[Any] | None = [None] * self.world_size if self.is_main else None
        dist.gather_object(item, gathered, dst=0)
        return gathered

    def any_flags(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether any worker raised it."""
        if self.world_size == 1:
            return flags
        raised = self.all_reduce_sum_(torch.tensor(flags, dtype=torch.int32, device=self.device))
        return tuple(number > 0 for number in raised.tolist())

    def any_flag(self, flag: bool) -> bool:
        """Whether any worker raised this flag."""
        return self.any_flags(flag)[0]

    def mean_scalars(self, values: Mapping[str, Tensor | float]) -> dict[str, float]:
        """Average named scalars, the same names on all workers, and take them to the host."""
        if not values:
            return {}
        names = sorted(values)
        scalars = [torch.as_tensor(values[name], device=self.device).double() for name in names]
        stacked = self.all_reduce_sum_(torch.stack(scalars)) / self.world_size
        return dict(zip(names, stacked.tolist(), strict=True))

    def _flat_buffer(self, size: int, like: Tensor) -> Tensor:
        if size not in self._flat:
            self._flat[size] = torch.empty(size, dtype=like.dtype, device=like.device)
        return self._flat[size]

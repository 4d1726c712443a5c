"""Scripts that ask for a GPU where the simulation cannot use one get the CPU, and one line says so."""

from __future__ import annotations

import functools
import logging
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from mjgym.install import ENGINES

_log = logging.getLogger(__name__)


def stays_on_cpu(engine: str) -> bool:
    """Tell a script that asks for a GPU, once, if simulations of an engine run on the CPU here all the same.

    Args:
        engine: the physics engine by name.

    Returns:
        Whether simulation and tensors lie on the CPU.
    """
    if not torch.cuda.is_available():
        _say("there is no CUDA device here")
        return True
    if engine == ENGINES[0]:
        _say(f"engine {engine!r} simulates on the CPU ({ENGINES[1]!r} would use the GPU)")
        return True
    return False


def torch_device(device: Any) -> Any:
    """Return "cpu" for a CUDA device, ``"cuda:0"`` or ``torch.device("cuda:0")``, where there is none.

    Everything else is returned as it is.
    """
    if type(device) not in (str, torch.device) or str(device).partition(":")[0] != "cuda":
        return device
    if torch.cuda.is_available():
        return device
    _say("there is no CUDA device here")
    return "cpu"


@functools.cache
def _say(reason: str) -> None:
    _log.warning("the script asks for a GPU, but %s: it runs on the CPU", reason)


class CudaOnCpu(TorchFunctionMode):
    """While active, calls of torch that name a CUDA device, and ``tensor.cuda()``, use the CPU instead.

    For scripts with a hard-coded ``"cuda:0"``, on machines without CUDA. It reaches what torch lets modes
    reach: functions that make tensors, ``tensor.to``, ``module.to`` and ``module.cuda``, in the thread that
    entered the mode. Not ``torch.load(map_location=...)``, generators, the inside of TorchScript, or
    ``torch.cuda.*``.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call ``func`` with every CUDA device among its arguments replaced."""
        if func is torch.Tensor.cuda:
            return args[0].to(torch_device("cuda"))
        named = {key: torch_device(value) for key, value in kwargs.items()} if kwargs else {}
        return func(*map(torch_device, args), **named)

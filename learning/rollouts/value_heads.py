"""Value heads: an agent that learns from several rewards predicts the return of each by a head of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ValueHead:
    """What one head predicts."""

    gamma: float
    """Discount a step."""
    episodic: bool = True
    """The return ends with the episode; false: it goes on into the next one."""


class ValueHeads:
    """All heads of an agent, V of them, for tensors (T, N, V).

    Args:
        heads: in the order of the last dimension.
        device: where values live.
    """

    def __init__(self, heads: Sequence[ValueHead], device: torch.device) -> None:
        gammas = [head.gamma for head in heads]
        self.gamma: float | Tensor = gammas[0] if len(heads) == 1 else torch.tensor(gammas, device=device)
        """Discount a step, one number or (V,)."""
        self.episodic = torch.tensor([head.episodic for head in heads], device=device)
        """Whether returns end with the episode, (V,) bool."""

    def ends(self, flags: Tensor) -> Tensor:
        """Return which returns end, (T, N, V) bool, where episodes do: flags (T, N) bool."""
        return flags.unsqueeze(-1) & self.episodic

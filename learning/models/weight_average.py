"""An exponential moving average of a model's weights: it often plays better than the newest weights do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """Follows the learned parameters of a model; normalisers and fixed parameters stay the model's own.

    Early on it forgets faster, with a decay of (1 + n) / (10 + n) after n updates, so that the first weights
    do not linger.

    Args:
        model: whose parameters to follow.
        decay: share of the average that an update keeps, 0 to 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters: list[Tensor] = [item for item in model.parameters() if item.requires_grad]
        self._average = [parameter.detach().clone() for parameter in self._parameters]
        self._decay = decay
        self._updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the model's present weights."""
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(self._average, self._parameters, 1.0 - decay)
        self._updates += 1

    @torch.no_grad()
    def restart(self) -> None:
        """Begin anew at the model's present weights."""
        torch._foreach_copy_(self._average, self._parameters)
        self._updates = 0

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the model the averaged weights for the length of a `with` block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        kept = [parameter.clone() for parameter in self._parameters]
        torch._foreach_copy_(self._parameters, self._average)
        torch._foreach_copy_(self._average, kept)

    def state_dict(self) -> dict[str, Any]:
        """Return the average and the number of updates."""
        return {"average": [tensor.clone() for tensor in self._average], "updates": self._updates}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        for own, saved in zip(self._average, state["average"], strict=True):
            own.copy_(saved)
        self._updates = int(state["updates"])

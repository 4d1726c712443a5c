"""A ring of samples on the device: when it is full, the newest take the place of the oldest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class ReplayBuffer:
    """Keeps samples of one shape and draws from them.

    Where it stands is known on the host, so that nothing waits for the device.

    Args:
        capacity: samples that fit.
        shape: of one sample.
        device: where samples live.
    """

    def __init__(self, capacity: int, shape: Sequence[int], device: torch.device) -> None:
        self.capacity = capacity
        self._samples = torch.empty((capacity, *shape), device=device)
        self._next = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def is_full(self) -> bool:
        """Whether new samples take the place of old ones."""
        return self._size == self.capacity

    def store(self, samples: Tensor) -> None:
        """Copy samples (n, *shape) in; of more than fit, the last."""
        samples = samples[-self.capacity :]
        first = min(len(samples), self.capacity - self._next)  # up to the end; the rest begins anew
        self._samples[self._next : self._next + first] = samples[:first]
        self._samples[: len(samples) - first] = samples[first:]
        self._next = (self._next + len(samples)) % self.capacity
        self._size = min(self._size + len(samples), self.capacity)

    def sample(self, num_samples: int) -> Tensor:
        """Draw samples (num_samples, *shape) with replacement, all with the same probability.

        Raises:
            ValueError: there is nothing to draw from.
        """
        if not self._size:
            raise ValueError("the buffer is empty: store samples before drawing from it")
        return draw_rows(self._samples[: self._size], num_samples)

    def state_dict(self) -> dict[str, Any]:
        """Return the samples so far and where the next one goes."""
        return {"samples": self._samples[: self._size].clone(), "next": self._next}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`; of one from a larger buffer, what fits."""
        samples = state["samples"]
        if len(samples) > self.capacity or (len(samples) < self.capacity and state["next"] != len(samples)):
            self._next = self._size = 0  # of another capacity: the ring starts anew
            self.store(samples)
            return
        self._samples[: len(samples)] = samples
        self._size, self._next = len(samples), int(state["next"])


def draw_rows(rows: Tensor, num_samples: int) -> Tensor:
    """Draw rows of a tensor (n, …) with replacement, (num_samples, …)."""
    return rows.index_select(0, torch.randint(len(rows), (num_samples,), device=rows.device))


def thin_rows(rows: Tensor, share: float) -> Tensor:
    """Draw a share of rows (n, …) without replacement, (round(share * n), …); all of them where it is 1."""
    if share >= 1.0:
        return rows
    kept = torch.randperm(len(rows), device=rows.device)[: round(share * len(rows))]
    return rows.index_select(0, kept)

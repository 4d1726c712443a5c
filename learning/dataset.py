"""A rollout cut into minibatches, in a new random order for every pass."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class PPODataset:
    """Minibatches of the samples that `update_values_dict` was given.

    Args:
        batch_size: samples in a rollout.
        minibatch_size: samples in a minibatch; divides `batch_size`.
        device: where the samples live.
        shuffle: False leaves the samples in time-major order, so that minibatch k is a range of time steps
            over all environments, whatever number of workers shares them.
    """

    def __init__(
        self, batch_size: int, minibatch_size: int, device: torch.device, shuffle: bool = True
    ) -> None:
        self.batch_size = batch_size
        self.minibatch_size = minibatch_size
        self.device = device
        self.shuffle = shuffle
        self.values_dict: dict[str, Tensor] = {}
        self._order: tuple[Tensor, ...] = ()

    def update_values_dict(self, values_dict: Mapping[str, Tensor]) -> None:
        """Take up a rollout: fields of shape (batch_size, …), kept without a copy."""
        self.values_dict = dict(values_dict)
        self._order = ()

    def apply_permutation(self) -> None:
        """Draw a new order; called before each pass over the rollout."""
        if self.shuffle:
            self._order = torch.randperm(self.batch_size, device=self.device).split(self.minibatch_size)

    def __len__(self) -> int:
        return self.batch_size // self.minibatch_size

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if self._order:
            rows = self._order[index]
            return {name: value.index_select(0, rows) for name, value in self.values_dict.items()}
        start = index * self.minibatch_size
        return {name: value[start : start + self.minibatch_size] for name, value in self.values_dict.items()}

"""A rollout cut into minibatches, in a new random order for every pass."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from learning.rollouts.recurrent_rollout import STATES


class PPODataset:
    """Minibatches of the samples that `update_values_dict` was given.

    Args:
        batch_size: samples in a rollout.
        minibatch_size: samples in a minibatch; divides `batch_size`.
        device: where the samples live.
        shuffle: False leaves the samples in the order given: time-major, minibatch k is a range of time
            steps over all environments, whatever number of workers shares them.
        seq_length: steps that stay together, one after the other; minibatches are made of such sequences.
            Columns with a row a sequence (`rnn_states/…`) are drawn with them.
    """

    def __init__(
        self,
        batch_size: int,
        minibatch_size: int,
        device: torch.device,
        shuffle: bool = True,
        seq_length: int = 1,
    ) -> None:
        self.batch_size = batch_size
        self.minibatch_size = minibatch_size
        self.device = device
        self.shuffle = shuffle
        self.seq_length = seq_length
        self.values_dict: dict[str, Tensor] = {}
        self._order: tuple[Tensor, ...] = ()

    def update_values_dict(self, values_dict: Mapping[str, Tensor]) -> None:
        """Take up a rollout: fields of shape (batch_size, …), kept without a copy."""
        self.values_dict = dict(values_dict)
        self._order = ()

    def apply_permutation(self) -> None:
        """Draw a new order; called before each pass over the rollout."""
        if self.shuffle:
            num_sequences = self.batch_size // self.seq_length
            order = torch.randperm(num_sequences, device=self.device)
            self._order = order.split(self.minibatch_size // self.seq_length)

    def __len__(self) -> int:
        return self.batch_size // self.minibatch_size

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        per_minibatch = self.minibatch_size // self.seq_length
        rows = (
            self._order[index] if self._order else slice(index * per_minibatch, (index + 1) * per_minibatch)
        )
        return {name: self._pick(name, value, rows) for name, value in self.values_dict.items()}

    def _pick(self, name: str, value: Tensor, rows: Tensor | slice) -> Tensor:
        """Return the sequences `rows` of a column."""
        is_cut = self.seq_length > 1 and not name.startswith(STATES)
        sequences = value.unflatten(0, (-1, self.seq_length)) if is_cut else value
        picked = sequences[rows] if isinstance(rows, slice) else sequences.index_select(0, rows)
        return picked.flatten(0, 1) if is_cut else picked

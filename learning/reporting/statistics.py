"""Figures of an epoch, gathered on the device and taken to the host once an epoch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from learning.distributed import Distributed


class EpisodeMeters:
    """Mean return and length of recent episodes.

    The means are over the most recent epochs that together hold at least `games_to_track` ended episodes (all
    there are, early on). Whole epochs are taken, so that episodes which ended at the same time count alike.

    Args:
        num_envs: environments of this worker.
        games_to_track: episodes to look back over, at least.
        device: where rewards live.
    """

    def __init__(self, num_envs: int, games_to_track: int, device: torch.device) -> None:
        self.games_to_track = games_to_track
        self.current = torch.zeros(
            3, num_envs, device=device
        )  # reward, shaped reward, steps of running episodes
        self._ended = torch.zeros(
            4, dtype=torch.float64, device=device
        )  # sums of the same, number of episodes
        self._epochs: deque[list[float]] = deque()  # `_ended` of recent epochs, over all workers

    def step(self, rewards: Tensor, shaped_rewards: Tensor, dones: Tensor) -> None:
        """Count one environment step, without leaving the device.

        Args:
            rewards: (num_envs,) as the environment gave them.
            shaped_rewards: (num_envs,) as they are learned from.
            dones: (num_envs,) bool, which episodes ended with this step.
        """
        self.current[0].add_(rewards)
        self.current[1].add_(shaped_rewards)
        self.current[2].add_(1.0)
        ended = self.current * dones
        self._ended[:3].add_(ended.sum(dim=1))
        self._ended[3].add_(dones.sum())
        self.current.sub_(ended)

    def harvest(self, distributed: Distributed) -> None:
        """Close an epoch: add up what ended in it over all workers."""
        sums = distributed.all_reduce_sum_(self._ended.clone()).tolist()
        self._ended.zero_()
        if sums[3] > 0:
            self._epochs.append(sums)
        while self.count - (self._epochs[0][3] if self._epochs else 0) >= self.games_to_track:
            self._epochs.popleft()

    def clear(self) -> None:
        """Forget ended episodes."""
        self._epochs.clear()
        self._ended.zero_()

    def restart(self) -> None:
        """Forget the running episodes, since the environments were reset."""
        self.current.zero_()

    @property
    def count(self) -> int:
        """Number of episodes that the means are over."""
        return int(sum(epoch[3] for epoch in self._epochs))

    @property
    def mean_reward(self) -> float | None:
        """Mean return; None before the first episode ends."""
        return self._mean(0)

    @property
    def mean_shaped_reward(self) -> float | None:
        """Mean return of shaped rewards; None before the first episode ends."""
        return self._mean(1)

    @property
    def mean_length(self) -> float | None:
        """Mean episode length in control steps; None before the first episode ends."""
        return self._mean(2)

    def state_dict(self) -> dict[str, Any]:
        """Return the ended episodes, which all workers share."""
        return {"epochs": [list(epoch) for epoch in self._epochs]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._epochs = deque(list(epoch) for epoch in state["epochs"])

    def _mean(self, row: int) -> float | None:
        count = sum(epoch[3] for epoch in self._epochs)
        return sum(epoch[row] for epoch in self._epochs) / count if count else None


class MeanMeter:
    """Means of named scalars over an epoch, added up on the device."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Count one value a name: 0-dim tensors, or tensors of which the mean counts."""
        for name, value in values.items():
            scalar = value.detach() if value.ndim == 0 else value.detach().float().mean()
            if name in self._sums:
                self._sums[name] += scalar
                self._counts[name] += 1
            else:
                self._sums[name] = scalar.clone()
                self._counts[name] = 1

    def harvest(self) -> dict[str, Tensor]:
        """Return the means as 0-dim tensors and begin anew."""
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

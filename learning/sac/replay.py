"""SAC's memory: transitions on the device, each in one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from learning.rollouts.replay_buffer import ReplayBuffer


@dataclass(frozen=True)
class Transitions:
    """B steps of environments: what was seen, done, got and seen then."""

    obs: Tensor
    """(B, num_obs), raw."""
    actions: Tensor
    """(B, A), in units of the action space."""
    rewards: Tensor
    """(B,), shaped."""
    next_obs: Tensor
    """(B, num_obs), raw: what the step really led to, never the first observation of a next episode."""
    terminated: Tensor
    """(B,): 1 where the next observation is worth nothing, else 0; an episode that ended by time has 0."""


class TransitionReplay:
    """A ring of transitions.

    One row holds a whole transition, so that drawing one is one read from memory.

    Args:
        capacity: transitions that fit.
        num_obs: length of an observation.
        actions_num: number of actions A.
        device: where transitions live.
    """

    def __init__(self, capacity: int, num_obs: int, actions_num: int, device: torch.device) -> None:
        self._widths = [num_obs, actions_num, 1, num_obs, 1]  # of Transitions' fields, in order
        self._rows = ReplayBuffer(capacity, (sum(self._widths),), device)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def capacity(self) -> int:
        """Transitions that fit."""
        return self._rows.capacity

    def store(self, transitions: Transitions) -> None:
        """Copy transitions in, in their order; of more than fit, the last."""
        columns = tuple(getattr(transitions, field.name) for field in fields(transitions))
        pairs = zip(columns, self._widths, strict=True)
        self._rows.store(torch.cat([item.reshape(-1, width).float() for item, width in pairs], dim=1))

    def sample(self, num_samples: int) -> Transitions:
        """Draw transitions with replacement, all with the same probability.

        Raises:
            ValueError: there is nothing to draw from.
        """
        obs, actions, rewards, next_obs, terminated = self._rows.sample(num_samples).split(
            self._widths, dim=1
        )
        return Transitions(obs, actions, rewards.squeeze(1), next_obs, terminated.squeeze(1))

    def state_dict(self) -> dict[str, Any]:
        """Return the transitions so far and where the next one goes."""
        return self._rows.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`; of one from a larger memory, what fits."""
        self._rows.load_state_dict(state)

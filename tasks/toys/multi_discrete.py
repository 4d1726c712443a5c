"""MultiDiscrete: several choices of unequal size in one step, with masks or without."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from tasks.toys.base import ToyVectorEnv, one_hot

HEADS = (3, 5, 2)
FORBIDDEN_REWARD = -1.0


class MultiDiscreteEnv(ToyVectorEnv):
    """Three heads, with 3, 5 and 2 choices; one choice of each is right, and another one in every step.

    The observation shows the right choices, one-hot, head after head: 10 numbers. The reward is the share of
    heads that chose right: 1 a step at best, 16 an episode.

    With masks, `infos["action_mask"]` says what is allowed, (num_envs, 10) bool. One head, another one in
    every step, is blank in the observation, and its mask allows the right choice alone. The other heads'
    masks allow the right choice and each other one with even chance. A choice that is not allowed costs the
    whole step: its reward is -1. Who reads the masks gets 16 an episode; who does not cannot know the blank
    head.

    Args:
        num_envs: environments.
        masked: with masks.
        max_episode_steps: steps an episode.
    """

    def __init__(self, num_envs: int = 1, masked: bool = False, max_episode_steps: int = 16) -> None:
        observation_space = spaces.Box(0.0, 1.0, (sum(HEADS),), dtype=np.float32)
        super().__init__(num_envs, observation_space, spaces.MultiDiscrete(list(HEADS)), max_episode_steps)
        self.masked = masked
        self.right = np.zeros((num_envs, len(HEADS)), dtype=np.int64)
        self.blank = np.zeros(num_envs, dtype=np.int64)
        self.allowed = np.ones((num_envs, sum(HEADS)), dtype=bool)

    def begin(self, rows: np.ndarray) -> None:
        """Ask for other choices."""
        count = int(rows.sum())
        right = self.np_random.integers(HEADS, size=(count, len(HEADS)))
        self.right[rows] = right
        if not self.masked:
            return
        blank = self.np_random.integers(len(HEADS), size=count)
        is_right = self._per_choice(right) > 0
        even_chance = self.np_random.random((count, sum(HEADS))) < 0.5
        self.blank[rows] = blank
        self.allowed[rows] = is_right | (even_chance & ~_columns_of(blank))

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Judge the choices and ask for others."""
        chosen = self._per_choice(actions) > 0
        rewards = (actions == self.right).mean(axis=1)
        rewards = np.where((chosen & ~self.allowed).any(axis=1), FORBIDDEN_REWARD, rewards)
        self.begin(np.ones(self.num_envs, dtype=bool))
        return rewards, np.zeros(self.num_envs, dtype=bool)

    def observe(self) -> np.ndarray:
        """The right choices, without those of a blank head: (num_envs, 10)."""
        shown = self._per_choice(self.right)
        return shown * ~_columns_of(self.blank) if self.masked else shown

    def action_mask(self) -> np.ndarray | None:
        """What is allowed, (num_envs, 10) bool."""
        return self.allowed.copy() if self.masked else None

    @staticmethod
    def _per_choice(choices: np.ndarray) -> np.ndarray:
        """(n, 3) choices as ones in (n, 10) columns."""
        return np.concatenate([one_hot(choices[:, i], size) for i, size in enumerate(HEADS)], axis=1)


def _columns_of(heads: np.ndarray) -> np.ndarray:
    """Columns that belong to heads (n,): (n, 10) bool."""
    return np.repeat(np.arange(len(HEADS)), HEADS) == heads[:, None]

"""What the toys share: a batch of environments in numpy that begins new episodes within the step."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from gymnasium import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

MOVES = np.array([[0, -1], [0, 1], [-1, 0], [1, 0]])
"""Up, down, left, right as steps (x, y) on a grid whose rows go down."""


class ToyVectorEnv(VectorEnv):
    """A vector environment that is made of arrays (num_envs, …).

    A subclass states its spaces and fills four hooks. Everything random comes from `self.np_random`, so that
    a seed gives the same episodes again.

    Args:
        num_envs: environments.
        observation_space: of one environment.
        action_space: of one environment.
        max_episode_steps: steps after which an episode is cut off; None: never.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self, num_envs: int, observation_space: Space, action_space: Space, max_episode_steps: int | None
    ) -> None:
        self.num_envs = num_envs
        self.single_observation_space = observation_space
        self.single_action_space = action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self.max_episode_steps = max_episode_steps
        self.steps = np.zeros(num_envs, dtype=np.int64)

    # ---------------------------------------------------------------- what a toy fills in

    @abstractmethod
    def begin(self, rows: np.ndarray) -> None:
        """Put environments into an initial state; `rows` is (num_envs,) bool, `self.steps` is 0 there."""

    @abstractmethod
    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move by a step, which `self.steps` counts already.

        Args:
            actions: (num_envs, …).

        Returns:
            rewards (num_envs,) and terminated (num_envs,) bool.
        """

    @abstractmethod
    def observe(self) -> Any:
        """Observe every environment: arrays of their own memory, batched as `observation_space`."""

    def action_mask(self) -> np.ndarray | None:
        """Say which actions are allowed, (num_envs, num_choices) bool; None where all are."""
        return None

    # ---------------------------------------------------------------- Gymnasium's side

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode everywhere; returns observations and infos."""
        super().reset(seed=seed)
        self._begin(np.ones(self.num_envs, dtype=bool))
        return self.observe(), self._infos()

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step every environment; those that end begin a new episode, and show their last in `final_obs`."""
        self.steps += 1
        rewards, terminated = self.advance(np.asarray(actions))
        limit = self.max_episode_steps
        truncated = np.zeros_like(terminated) if limit is None else (self.steps >= limit) & ~terminated
        obs, infos, ended = self.observe(), {}, terminated | truncated
        if ended.any():
            infos = {"final_obs": obs, "_final_obs": ended}
            self._begin(ended)
            obs = self.observe()
        return obs, rewards.astype(np.float32), terminated, truncated, {**infos, **self._infos()}

    def _begin(self, rows: np.ndarray) -> None:
        self.steps[rows] = 0
        self.begin(rows)

    def _infos(self) -> dict[str, Any]:
        mask = self.action_mask()
        return {} if mask is None else {"action_mask": mask}


def one_hot(indices: np.ndarray, size: int) -> np.ndarray:
    """Return (n, size) float32 with a 1 in the column that each of (n,) indices names."""
    return np.eye(size, dtype=np.float32)[indices]

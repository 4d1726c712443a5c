"""Asymmetric: the actor sees a little, through noise; the critic may see all."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from tasks.toys.base import ToyVectorEnv

PUSH, DRAG, STEP = 0.2, 0.8, 0.2
MAX_DISTANCE = 2.0
MAX_GAIN = 2.0


class AsymmetricEnv(ToyVectorEnv):
    """Drive a point on a plane to the origin: v ← 0.8 v + 0.2 · action, x ← x + 0.2 v, within ±2.

    | key | shape | meaning |
    |---|---|---|
    | obs | (2,) | x with noise of deviation `noise` |
    | states | (5,) | x, v, and the episode's gain |

    The reward of a step is gain · (1 - |x|/2), cut off at 0. The gain is drawn for every episode, U(0, 2),
    and changes nothing in what should be done: but a critic that cannot see it cannot tell values apart.

    Args:
        num_envs: environments.
        noise: standard deviation of the noise on what the actor sees.
        max_episode_steps: steps an episode.
    """

    def __init__(self, num_envs: int = 1, noise: float = 0.3, max_episode_steps: int = 50) -> None:
        infinite = np.full(5, np.inf, dtype=np.float32)
        space = spaces.Dict(
            [("obs", spaces.Box(-infinite[:2], infinite[:2])), ("states", spaces.Box(-infinite, infinite))]
        )
        super().__init__(num_envs, space, spaces.Box(-1.0, 1.0, (2,), dtype=np.float32), max_episode_steps)
        self.noise = noise
        self.x = np.zeros((num_envs, 2))
        self.v = np.zeros((num_envs, 2))
        self.gains = np.zeros(num_envs)

    def begin(self, rows: np.ndarray) -> None:
        """Put the point anywhere within ±1.5, at rest, and draw a gain."""
        count = int(rows.sum())
        self.x[rows] = self.np_random.uniform(-1.5, 1.5, (count, 2))
        self.v[rows] = 0.0
        self.gains[rows] = self.np_random.uniform(0.0, MAX_GAIN, count)

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move the points."""
        self.v = DRAG * self.v + PUSH * np.clip(actions, -1.0, 1.0)
        self.x = np.clip(self.x + STEP * self.v, -MAX_DISTANCE, MAX_DISTANCE)
        return asymmetric_rewards(self.x, self.gains), np.zeros(self.num_envs, dtype=bool)

    def observe(self) -> dict[str, np.ndarray]:
        """The noisy place for the actor, everything for the critic."""
        noise = self.noise * self.np_random.standard_normal((self.num_envs, 2))
        states = np.concatenate([self.x, self.v, self.gains[:, None]], axis=1)
        return {"obs": (self.x + noise).astype(np.float32), "states": states.astype(np.float32)}


def asymmetric_rewards(x: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Return gain · (1 - |x|/2), at least 0.

    Args:
        x: (n, 2) places.
        gains: (n,).
    """
    return gains * np.clip(1.0 - np.linalg.norm(x, axis=1) / MAX_DISTANCE, 0.0, None)

"""SparseGrid: rooms in a row and one reward at the far end, which chance does not find."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from tasks.toys.base import MOVES, ToyVectorEnv, one_hot


class SparseGridEnv(ToyVectorEnv):
    """Square rooms in a row, joined by doors of one cell that lie in turn in the bottom and the top row.

    The walk begins in the first room's top left corner and ends, with the only reward there is, 1, in the far
    corner of the last room. Actions: up, down, left, right; walls stop. The observation is the place: x
    one-hot, then y one-hot.

    Args:
        num_envs: environments.
        num_rooms: rooms.
        room_size: cells a side of a room.
        max_episode_steps: steps after which an episode is cut off.
    """

    def __init__(
        self, num_envs: int = 1, num_rooms: int = 4, room_size: int = 6, max_episode_steps: int = 100
    ) -> None:
        self.is_free = layout(num_rooms, room_size)
        self.width, self.height = self.is_free.shape
        observation_space = spaces.Box(0.0, 1.0, (self.width + self.height,), dtype=np.float32)
        super().__init__(num_envs, observation_space, spaces.Discrete(len(MOVES)), max_episode_steps)
        self.goal = np.array([self.width - 1, self.height - 1 if num_rooms % 2 else 0])
        self.places = np.zeros((num_envs, 2), dtype=np.int64)  # x, y

    def begin(self, rows: np.ndarray) -> None:
        """Go back to the start."""
        self.places[rows] = 0

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Walk, where there is no wall."""
        wanted = np.clip(self.places + MOVES[actions], 0, [self.width - 1, self.height - 1])
        free = self.is_free[wanted[:, 0], wanted[:, 1]]
        self.places = np.where(free[:, None], wanted, self.places)
        arrived = (self.places == self.goal).all(axis=1)
        return arrived, arrived

    def observe(self) -> np.ndarray:
        """The place: (num_envs, width + height)."""
        x, y = self.places.T
        return np.concatenate([one_hot(x, self.width), one_hot(y, self.height)], axis=1)


def layout(num_rooms: int, room_size: int) -> np.ndarray:
    """Return which cells can be walked on, (num_rooms · (room_size + 1) - 1, room_size) bool, by x and y."""
    free = np.ones((num_rooms * (room_size + 1) - 1, room_size), dtype=bool)
    for wall in range(1, num_rooms):
        x = wall * (room_size + 1) - 1
        free[x] = False
        free[x, room_size - 1 if wall % 2 else 0] = True
    return free

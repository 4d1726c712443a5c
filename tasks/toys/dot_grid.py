"""Image and DictObs: move a dot to a target, seen as an image, or as an image and a vector."""

from __future__ import annotations

import numpy as np
from gymnasium import Space, spaces

from tasks.toys.base import MOVES, ToyVectorEnv

DOT, TARGET = 255, 128
"""grey values"""
NEARER = 0.1
"""reward for each cell that the dot comes nearer"""


class DotGrid(ToyVectorEnv):
    """A dot and a target on a square grid. Actions: up, down, left, right; the border stops the dot.

    The reward is 0.1 for each cell nearer (in steps of the grid), and 1 more on the target, which ends the
    episode. Who walks straight gets 1 + 0.1 · distance.

    Args:
        num_envs: environments.
        observation_space: of one environment.
        cells: cells a side.
        cell_size: pixels a side of a cell.
        max_episode_steps: steps after which an episode is cut off.
    """

    def __init__(
        self, num_envs: int, observation_space: Space, cells: int, cell_size: int, max_episode_steps: int
    ) -> None:
        super().__init__(num_envs, observation_space, spaces.Discrete(len(MOVES)), max_episode_steps)
        self.cells, self.cell_size = cells, cell_size
        self.dots = np.zeros((num_envs, 2), dtype=np.int64)  # x, y
        self.targets = np.zeros((num_envs, 2), dtype=np.int64)

    def begin(self, rows: np.ndarray) -> None:
        """Draw two different cells."""
        count, num_cells = int(rows.sum()), self.cells**2
        dots = self.np_random.integers(num_cells, size=count)
        targets = (dots + self.np_random.integers(1, num_cells, size=count)) % num_cells
        self.dots[rows] = np.stack([dots % self.cells, dots // self.cells], axis=1)
        self.targets[rows] = np.stack([targets % self.cells, targets // self.cells], axis=1)

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move the dots."""
        before = self.distances()
        self.dots = np.clip(self.dots + MOVES[actions], 0, self.cells - 1)
        after = self.distances()
        arrived = after == 0
        return NEARER * (before - after) + arrived, arrived

    def distances(self) -> np.ndarray:
        """Steps from dot to target, (num_envs,)."""
        return np.abs(self.dots - self.targets).sum(axis=1)

    def draw(self, *points: tuple[np.ndarray, int]) -> np.ndarray:
        """Draw cells, later ones over earlier ones.

        Args:
            points: cells (num_envs, 2) and their grey value.

        Returns:
            (num_envs, cells · cell_size, cells · cell_size, 1) uint8, dark where nothing is.
        """
        grid = np.zeros((self.num_envs, self.cells, self.cells), dtype=np.uint8)
        for places, grey in points:
            grid[np.arange(self.num_envs), places[:, 1], places[:, 0]] = grey
        return grid.repeat(self.cell_size, axis=1).repeat(self.cell_size, axis=2)[..., None]


def image_space(cells: int, cell_size: int) -> spaces.Box:
    """Return the space of what `DotGrid.draw` draws of one environment."""
    side = cells * cell_size
    return spaces.Box(0, 255, (side, side, 1), dtype=np.uint8)


class ImageEnv(DotGrid):
    """The dot is white, the target grey, and the image is all that is seen: (16, 16, 1) by default.

    Args:
        num_envs: environments.
        cells: cells a side.
        cell_size: pixels a side of a cell.
        max_episode_steps: steps after which an episode is cut off.
    """

    def __init__(
        self, num_envs: int = 1, cells: int = 8, cell_size: int = 2, max_episode_steps: int = 32
    ) -> None:
        super().__init__(num_envs, image_space(cells, cell_size), cells, cell_size, max_episode_steps)

    def observe(self) -> np.ndarray:
        """The image."""
        return self.draw((self.targets, TARGET), (self.dots, DOT))


class DictObsEnv(DotGrid):
    """The image shows the dot alone, and a vector says where the target is: neither is enough.

    | key | shape | meaning |
    |---|---|---|
    | image | (16, 16, 1) uint8 | the dot |
    | target | (2,) | x and y of the target, -1 … 1 |

    Args:
        num_envs: environments.
        cells: cells a side.
        cell_size: pixels a side of a cell.
        max_episode_steps: steps after which an episode is cut off.
    """

    def __init__(
        self, num_envs: int = 1, cells: int = 8, cell_size: int = 2, max_episode_steps: int = 32
    ) -> None:
        space = spaces.Dict(
            [
                ("image", image_space(cells, cell_size)),
                ("target", spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)),
            ]
        )
        super().__init__(num_envs, space, cells, cell_size, max_episode_steps)

    def observe(self) -> dict[str, np.ndarray]:
        """The image of the dot, and the target's place."""
        target = 2.0 * self.targets / (self.cells - 1) - 1.0
        return {"image": self.draw((self.dots, DOT)), "target": target.astype(np.float32)}

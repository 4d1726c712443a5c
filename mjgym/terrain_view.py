"""Drawing only the part of a large height field that the camera can see.

OpenGL takes every cell of a field for every picture, seen or not: seconds for millions of them without a GPU.
"""

from __future__ import annotations

from typing import Final

import mujoco
import numpy as np

MOST_CELLS: Final = 256 * 256
"""A field of at most so many samples is drawn whole."""


class TerrainView:
    """Cuts the large height fields of a model that is only drawn down to the surroundings of the camera.

    Args:
        model: the model, whose height fields are changed.
        reach: how far around the camera's target a field is drawn [m].
    """

    def __init__(self, model: mujoco.MjModel, reach: float) -> None:
        self._model = model
        sizes = model.hfield_nrow * model.hfield_ncol
        self._fields = {
            int(index): _Field(model, int(index), reach) for index in np.flatnonzero(sizes > MOST_CELLS)
        }

    def follow(self, scene: mujoco.MjvScene, target: np.ndarray, context: mujoco.MjrContext) -> None:
        """Change a scene, between its update and its drawing, so that it shows what is around a point [m]."""
        if not self._fields:
            return
        for geom in scene.geoms[: scene.ngeom]:
            if geom.type == mujoco.mjtGeom.mjGEOM_HFIELD and geom.dataid in self._fields:
                field = self._fields[geom.dataid]
                if field.move_to(geom.mat.T @ (target - geom.pos)):
                    mujoco.mjr_uploadHField(self._model, context, geom.dataid)
                geom.pos[:] += geom.mat @ field.offset


class _Field:
    """One height field: all its samples, and the window of them that the model holds.

    Attributes:
        offset: from the middle of the whole field to that of the window, in the geom's frame, (3,) [m].
    """

    def __init__(self, model: mujoco.MjModel, index: int, reach: float) -> None:
        self._model, self._index, self._reach = model, index, reach
        shape = np.array([model.hfield_nrow[index], model.hfield_ncol[index]])
        first = model.hfield_adr[index]
        self._data = model.hfield_data[first : first + shape.prod()]
        self._whole = self._data.copy().reshape(shape)
        self._half = model.hfield_size[index, 1::-1].copy()  # of the sides along y (rows) and x (columns)
        self._step = 2 * self._half / (shape - 1)
        self._middle: np.ndarray | None = None
        self.offset = np.zeros(3)
        # The renderer's first upload, of all fields, is to be a short one.
        self._show(np.zeros(2, dtype=int), np.full(2, 2))

    def move_to(self, target: np.ndarray) -> bool:
        """Show the surroundings of a point in the geom's frame; return whether that changed the model."""
        middle = target[1::-1]
        if self._middle is not None and np.abs(middle - self._middle).max() < self._reach / 4:
            return False
        self._middle = middle.copy()
        count = np.array(self._whole.shape)
        low = np.floor((middle - 1.25 * self._reach + self._half) / self._step).astype(int)
        high = np.ceil((middle + 1.25 * self._reach + self._half) / self._step).astype(int) + 1
        low = np.clip(low, 0, count - 2)
        self._show(low, np.clip(high, low + 2, count))
        return True

    def _show(self, low: np.ndarray, high: np.ndarray) -> None:
        """Hold samples [low, high) of rows and columns in the model."""
        part = self._whole[low[0] : high[0], low[1] : high[1]]
        self._data[: part.size] = part.ravel()
        self._model.hfield_nrow[self._index], self._model.hfield_ncol[self._index] = part.shape
        self._model.hfield_size[self._index, 1::-1] = self._step * (high - low - 1) / 2
        self.offset[1::-1] = self._step * (low + high - 1) / 2 - self._half

"""The triangle mesh of a height field, with vertical walls where it is steep."""

from __future__ import annotations

from typing import Any

import numpy as np

from mjgym.height_field import positive


def convert_heightfield_to_trimesh(
    height_field_raw: Any,
    horizontal_scale: float,
    vertical_scale: float,
    slope_threshold: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Build the triangle mesh of a height field, with vertical walls where it is steep.

    Args:
        height_field_raw: heights in units of vertical_scale, shape (rows, cols), rows along x.
        horizontal_scale: metres from row to row and from column to column.
        vertical_scale: metres a unit of height.
        slope_threshold: where neighbours differ by more than this slope, the lower vertex is moved below the
            higher one, along x, along y or along both. None moves none.

    Returns:
        vertices: float32, shape (rows * cols, 3), x, y and z in metres; [i, j] is vertex i * cols + j.
        triangles: vertex numbers, uint32, shape (2 * (rows - 1) * (cols - 1), 3), counterclockwise seen from
            above, so that normals point up.

    Raises:
        ValueError: if there are less than two rows or columns, or a scale is not positive, or the threshold
            is negative.
    """
    # 64 bits: differences of int16 heights can exceed int16.
    heights = np.asarray(height_field_raw).astype(np.int64)
    if heights.ndim != 2 or min(heights.shape) < 2:
        raise ValueError(
            f"height_field_raw of shape {heights.shape}: must have two rows and two columns at least"
        )
    positive("horizontal_scale", horizontal_scale)
    positive("vertical_scale", vertical_scale)
    cells = np.indices(heights.shape)
    if slope_threshold is not None:
        if not slope_threshold >= 0:
            raise ValueError(f"slope_threshold = {slope_threshold}: must not be negative")
        cells += _wall_moves(heights, slope_threshold * horizontal_scale / vertical_scale)
    vertices = np.stack((*(cells * horizontal_scale), heights * vertical_scale), axis=-1)
    return vertices.reshape(-1, 3).astype(np.float32), grid_triangles(*heights.shape)


def _wall_moves(heights: np.ndarray, limit: float) -> np.ndarray:
    """Return how many cells each vertex moves along x and along y: -1, 0 or 1, shape (2, rows, cols).

    A vertex between two walls stays. One with a wall at its next or its last diagonal neighbour alone lies at
    the outer corner of something higher, and moves along both axes.
    """
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    walls_x = _walls(heights, (first, every), (last, every), limit)
    walls_y = _walls(heights, (every, first), (every, last), limit)
    ahead, behind = _walls(heights, (first, first), (last, last), limit)
    # Beside a straight wall the diagonal neighbours are high too, and would drag the vertex along the wall.
    lone = ~np.logical_or.reduce((*walls_x, *walls_y))
    corner = np.where(lone, ahead.astype(np.int64) - behind, 0)
    return np.stack([forth.astype(np.int64) - back for forth, back in (walls_x, walls_y)]) + corner


def _walls(
    heights: np.ndarray, here: tuple[slice, slice], there: tuple[slice, slice], limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return which vertices have a wall before the one ahead, and which before the one behind, as bool."""
    ahead, behind = np.zeros(heights.shape, dtype=bool), np.zeros(heights.shape, dtype=bool)
    rise = heights[there] - heights[here]
    ahead[here] = rise > limit
    behind[there] = rise < -limit
    return ahead, behind


def grid_triangles(rows: int, cols: int) -> np.ndarray:
    """Split every cell of a grid along the diagonal from its near to its far corner."""
    near = (np.arange(rows - 1)[:, None] * cols + np.arange(cols - 1)).ravel()
    far = near + cols + 1
    pairs = np.stack((near, far, near + 1, near, near + cols, far), axis=-1)
    return pairs.reshape(-1, 3).astype(np.uint32)

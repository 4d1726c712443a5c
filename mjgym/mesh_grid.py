"""Finding the height field in a triangle mesh that was made of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mjgym.height_field_mesh import grid_triangles

_TOLERANCE = 0.01
"""How far a vertex may be from its place, in cells: float32 rounds the coordinates of large fields."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A mesh as a field of heights, rows along x and columns along y, both ascending.

    Attributes:
        heights: z of the vertices [m], shape (rows, cols).
        start: x and y of the corner [0, 0] [m].
        spacing: metres from row to row, and from column to column.
        near_to_far: whether cells are split from [i, j] to [i + 1, j + 1], or along the other diagonal.
    """

    heights: np.ndarray
    start: tuple[float, float]
    spacing: tuple[float, float]
    near_to_far: bool


def find_grid(vertices: np.ndarray, triangles: np.ndarray) -> Grid | None:
    """Read a mesh as a height field if it is one: vertices row by row, two triangles a cell, equal spacing.

    A vertex may be one cell away from its place, along x, along y or along both, as it is where
    `convert_heightfield_to_trimesh` builds a vertical wall. It is put back to its place: such a wall becomes
    a slope as wide as a cell, whose top is where the wall was.

    Args:
        vertices: x, y and z [m], shape (n, 3).
        triangles: vertex numbers, shape (m, 3), in any order.

    Returns:
        The grid, or None if the mesh is none.
    """
    found = _find_cells(len(vertices), triangles)
    if found is None:
        return None
    cols, near_to_far = found
    x, y, heights = (vertices[:, axis].astype(np.float64).reshape(-1, cols) for axis in range(3))
    if np.ptp(x.mean(axis=0)) > np.ptp(x.mean(axis=1)):  # the rows of the mesh lie along y
        x, y, heights = x.T, y.T, heights.T
    if x[-1].mean() < x[0].mean():
        x, y, heights, near_to_far = x[::-1], y[::-1], heights[::-1], not near_to_far
    if y[:, -1].mean() < y[:, 0].mean():
        x, y, heights, near_to_far = x[:, ::-1], y[:, ::-1], heights[:, ::-1], not near_to_far
    along_x, along_y = _grid_lines(x), _grid_lines(y.T)
    if along_x is None or along_y is None:
        return None
    return Grid(heights, (along_x[0], along_y[0]), (along_x[1], along_y[1]), near_to_far)


def _find_cells(num_vertices: int, triangles: np.ndarray) -> tuple[int, bool] | None:
    """Return the number of columns, and whether cells are split from near to far; None if there are no cells.

    A cell at vertex n of a grid of c columns is split into (n, n + 1, n + c + 1) and (n, n + c, n + c + 1),
    or into (n, n + 1, n + c) and (n + 1, n + c, n + c + 1).
    """
    reach = int(np.ptp(triangles[0]))
    for near_to_far, cols in ((True, reach - 1), (False, reach)):
        rows = num_vertices // max(cols, 1)
        if (
            min(rows, cols) < 2
            or rows * cols != num_vertices
            or len(triangles) != 2 * (rows - 1) * (cols - 1)
        ):
            continue
        if near_to_far and np.array_equal(triangles, grid_triangles(rows, cols)):
            return cols, near_to_far  # as they come from a height field, which may be millions
        near = (np.arange(rows - 1)[:, None] * cols + np.arange(cols - 1)).reshape(-1, 1)
        far = cols + 1
        shapes = ((0, 1, far), (0, cols, far)) if near_to_far else ((0, 1, cols), (1, cols, far))
        expected = np.concatenate([near + np.array(shape) for shape in shapes])
        if np.array_equal(_keys(triangles, reach), _keys(expected, reach)):
            return cols, near_to_far
    return None


def _keys(triangles: np.ndarray, reach: int) -> np.ndarray:
    """Return a number for each triangle, sorted: -1 where its vertices reach farther, or less far."""
    low, middle, high = np.sort(triangles.astype(np.int64), axis=1).T
    return np.sort(np.where(high - low == reach, low * (reach + 1) + middle - low, -1))


def _grid_lines(places: np.ndarray) -> tuple[float, float] | None:
    """Return where the first of equally spaced lines is and their spacing, from the places of vertices.

    Args:
        places: coordinate across the lines, shape (lines, vertices); each is on its own line or on one beside
            it.
    """
    low, last = float(places.min()), len(places) - 1
    span = float(places.max()) - low
    best, fewest = None, places.size + 1
    # The first line, or the last, or both may have given all their vertices to the line beside them.
    for missing_first, missing in ((0, 0), (0, 1), (1, 1), (1, 2)):
        if not span > 0 or last <= missing:
            continue
        step = span / (last - missing)
        start = low - missing_first * step
        off = (places - start) / step - np.arange(len(places))[:, None]
        moves = np.rint(off)
        count = int(np.count_nonzero(moves))
        if np.abs(moves).max() <= 1 and np.abs(off - moves).max() < _TOLERANCE and count < fewest:
            best, fewest = (start, step), count
    return best

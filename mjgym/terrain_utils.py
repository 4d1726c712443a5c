"""`isaacgym.terrain_utils`: height fields of slopes, stairs, obstacles and stones, and their triangle mesh.

`height_field_raw[i, j]` is the height at x = i * horizontal_scale, y = j * horizontal_scale, in units of
vertical_scale: the width lies along x, the length along y. The functions change the field of the terrain that
they are given, in place, and return the terrain.

Arguments are in metres unless a docstring says otherwise, and are cut toward zero to whole cells or units of
height. A quotient that misses a whole number by rounding alone, as 0.3 / 0.1 does, counts as that number.

Random terrains draw from numpy's global generator, so `np.random.seed` makes them repeatable.
"""

from __future__ import annotations

import numpy as np

from mjgym.api_names import used_names
from mjgym.errors import module_getattr
from mjgym.height_field import (
    SubTerrain,
    add_heights,
    cells,
    describe,
    divide,
    platform_cells,
    positive,
    to_int16,
    units,
    units_a_cell,
    whole,
)
from mjgym.height_field_mesh import convert_heightfield_to_trimesh

_RASTER = 4
"""Cells between the sizes, and between the places, that obstacles may have."""


def random_uniform_terrain(
    terrain: SubTerrain,
    min_height: float,
    max_height: float,
    step: float = 1,
    downsampled_scale: float | None = None,
) -> SubTerrain:
    """Add heights drawn from min_height, min_height + step, ... up to max_height at most.

    They are drawn on a grid of `downsampled_scale` (every cell if None), which is stretched over the whole
    field and interpolated linearly along x and y.

    Raises:
        ValueError: if max_height is below min_height, step is below one unit of height, or the grid has no
            point in the field.
    """
    low, high = units(terrain, "min_height", min_height), units(terrain, "max_height", max_height)
    stride = units(terrain, "step", step)
    if high < low:
        raise ValueError(f"max_height = {max_height}: must not be below min_height = {min_height}")
    if stride < 1:
        raise ValueError(f"step = {step}: must be at least vertical_scale = {terrain.vertical_scale}")
    if downsampled_scale is None:
        downsampled_scale = terrain.horizontal_scale
    ratio = terrain.horizontal_scale / positive("downsampled_scale", downsampled_scale)
    width, length = terrain.height_field_raw.shape
    shape = (int(whole(width * ratio)), int(whole(length * ratio)))
    if min(shape) < 1:
        raise ValueError(f"downsampled_scale = {downsampled_scale}: larger than {describe(terrain)}")
    coarse = np.random.choice(np.arange(low, high + 1, stride), shape)
    add_heights(terrain, np.rint(_stretch(_stretch(coarse, width).T, length).T))
    return terrain


def _stretch(values: np.ndarray, count: int) -> np.ndarray:
    """Interpolate rows (n, m) linearly to (count, m); the first and the last row keep their places."""
    place = np.linspace(0.0, len(values) - 1, count)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, len(values) - 1)
    part = (place - before)[:, None]
    return (1.0 - part) * values[before] + part * values[after]


def sloped_terrain(terrain: SubTerrain, slope: float = 1) -> SubTerrain:
    """Add a plane that rises along x by `slope` metres a metre, from zero at x = 0."""
    width = terrain.height_field_raw.shape[0]
    top = whole(units_a_cell(terrain, slope) * width)
    add_heights(terrain, divide(top * np.arange(width), width)[:, None])
    return terrain


def pyramid_sloped_terrain(terrain: SubTerrain, slope: float = 1, platform_size: float = 1.0) -> SubTerrain:
    """Add a hill that rises from its edges by `slope`, a hollow if negative, with a flat square on top.

    With x and y scaled to rise from 0 at the edge to 1 in the middle, the height is the full one times x y.
    The full one is what `slope` gives over half the width. The field is then cut off at the height of the
    corner of the platform that is nearest to the origin.

    Raises:
        ValueError: if a side has less than two cells, or the platform is larger than the field.
    """
    field = terrain.height_field_raw
    if min(field.shape) < 2:
        raise ValueError(f"{describe(terrain)}: a hill needs two cells along each side")
    half = platform_cells(terrain, platform_size) // 2
    middles = [side // 2 for side in field.shape]
    x, y = (m - np.abs(m - np.arange(side)) for m, side in zip(middles, field.shape, strict=True))
    top = whole(units_a_cell(terrain, slope) * field.shape[0] / 2)
    add_heights(terrain, divide(top * x[:, None] * y, middles[0] * middles[1]))
    corner = field[middles[0] - half, middles[1] - half]
    np.clip(field, min(corner, 0), max(corner, 0), out=field)
    return terrain


def discrete_obstacles_terrain(
    terrain: SubTerrain,
    max_height: float,
    min_size: float,
    max_size: float,
    num_rects: int,
    platform_size: float = 1.0,
) -> SubTerrain:
    """Set `num_rects` random rectangles to one height each, and a square in the middle to zero.

    Heights are -max_height, -max_height / 2, max_height / 2 or max_height, halves rounded down. Sides are
    min_size and every four cells more, short of max_size (just min_size if the two are equal). Places lie on
    a raster of four cells. Later rectangles cover earlier ones.

    Raises:
        ValueError: if min_size is below one cell or above max_size, or if a rectangle of max_size or the
            platform is larger than the field.
    """
    high = units(terrain, "max_height", max_height)
    smallest = cells(terrain, "min_size", min_size, least=1)
    largest = cells(terrain, "max_size", max_size, least=1, room=min(terrain.height_field_raw.shape))
    platform = platform_cells(terrain, platform_size)
    if largest < smallest:
        raise ValueError(f"max_size = {max_size}: must not be below min_size = {min_size}")
    heights = to_int16(np.array([-high, -high // 2, high // 2, high]))
    sizes = np.arange(smallest, max(largest, smallest + 1), _RASTER)
    field = terrain.height_field_raw
    for _ in range(num_rects):
        sides = [np.random.choice(sizes) for _ in field.shape]
        x, y = (_random_start(total, side) for total, side in zip(field.shape, sides, strict=True))
        field[x : x + sides[0], y : y + sides[1]] = np.random.choice(heights)
    _flatten_middle(field, platform)
    return terrain


def _random_start(total: int, side: int) -> int:
    return int(np.random.choice(np.arange(0, max(total - side, 1), _RASTER)))


def wave_terrain(terrain: SubTerrain, num_waves: float = 1, amplitude: float = 1.0) -> SubTerrain:
    """Add a sine along x and a cosine along y, each of `amplitude` / 2, so `amplitude` is the highest sum.

    `num_waves` waves fit into the field's length, along y, and waves along x are as long. Zero adds nothing.

    Raises:
        ValueError: if num_waves is negative.
    """
    if not num_waves >= 0:
        raise ValueError(f"num_waves = {num_waves}: must not be negative")
    if num_waves == 0:
        return terrain
    width, length = terrain.height_field_raw.shape
    half = units(terrain, "amplitude", 0.5 * amplitude)
    turn = 2.0 * np.pi * num_waves / length
    add_heights(
        terrain, whole(half * (np.sin(turn * np.arange(width))[:, None] + np.cos(turn * np.arange(length))))
    )
    return terrain


def stairs_terrain(terrain: SubTerrain, step_width: float, step_height: float) -> SubTerrain:
    """Add stairs that rise along x, or descend if step_height is negative.

    The first step, at x = 0, has step_height already. Cells behind the last whole step stay as they are.

    Raises:
        ValueError: if step_width is below one cell or larger than the field is wide.
    """
    width = terrain.height_field_raw.shape[0]
    run = cells(terrain, "step_width", step_width, least=1, room=width)
    rise = units(terrain, "step_height", step_height)
    steps = np.arange(width) // run + 1
    add_heights(terrain, rise * np.where(steps <= width // run, steps, 0)[:, None])
    return terrain


def pyramid_stairs_terrain(
    terrain: SubTerrain, step_width: float, step_height: float, platform_size: float = 1.0
) -> SubTerrain:
    """Set stairs that rise from all four edges to the middle, or descend if step_height is negative.

    The outermost ring, step_width wide, stays as it is. Steps go on until what they enclose is no wider than
    platform_size along one side.

    Raises:
        ValueError: if step_width is below one cell, or it or the platform is larger than the field.
    """
    field = terrain.height_field_raw
    run = cells(terrain, "step_width", step_width, least=1, room=min(field.shape))
    rise = units(terrain, "step_height", step_height)
    platform = platform_cells(terrain, platform_size)
    x, y = (np.minimum(np.arange(side), np.arange(side)[::-1]) for side in field.shape)  # to the nearer edge
    count = -((platform - min(field.shape)) // (2 * run))  # the quotient rounded up
    steps = np.minimum(np.minimum(x[:, None], y) // run, count)
    field[steps > 0] = to_int16(rise * steps[steps > 0])
    return terrain


def stepping_stones_terrain(
    terrain: SubTerrain,
    stone_size: float,
    stone_distance: float,
    max_height: float,
    platform_size: float = 1.0,
    depth: float = -10,
) -> SubTerrain:
    """Set square stones over a floor at `depth`, and a square in the middle at zero.

    Stones stand in rows along the shorter side (along x if the sides are equal), `stone_distance` apart. Each
    row begins at a random place, with a part of a stone before it, and every stone has a random height from
    -max_height to max_height, in whole units. The last row and the last stones of a row may be cut off.

    Raises:
        ValueError: if stone_size is below one cell, stone_distance or max_height is negative, or the platform
            is larger than the field.
    """
    size = cells(terrain, "stone_size", stone_size, least=1)
    gap = cells(terrain, "stone_distance", stone_distance)
    high = units(terrain, "max_height", max_height)
    platform = platform_cells(terrain, platform_size)
    if high < 0:
        raise ValueError(f"max_height = {max_height}: must not be negative")
    heights = to_int16(np.arange(-high, high + 1))
    field = terrain.height_field_raw
    field[:] = to_int16(np.array(units(terrain, "depth", depth)))
    along = field if field.shape[1] >= field.shape[0] else field.T  # a view: rows run along its first axis
    for start in range(0, along.shape[1], size + gap):
        _lay_row(along[:, start : start + size], size, gap, heights)
    _flatten_middle(field, platform)
    return terrain


def _lay_row(row: np.ndarray, size: int, gap: int, heights: np.ndarray) -> None:
    first = np.random.randint(0, size)
    row[: max(0, first - gap)] = np.random.choice(heights)
    for begin in range(first, len(row), size + gap):
        row[begin : begin + size] = np.random.choice(heights)


def _flatten_middle(field: np.ndarray, size: int) -> None:
    """Set a square of `size` cells in the middle to zero, nearer to the origin where it cannot be central."""
    low_x, low_y = ((side - size) // 2 for side in field.shape)
    high_x, high_y = ((side + size) // 2 for side in field.shape)
    field[low_x:high_x, low_y:high_y] = 0


__all__ = [
    "SubTerrain",
    "convert_heightfield_to_trimesh",
    "discrete_obstacles_terrain",
    "pyramid_sloped_terrain",
    "pyramid_stairs_terrain",
    "random_uniform_terrain",
    "sloped_terrain",
    "stairs_terrain",
    "stepping_stones_terrain",
    "wave_terrain",
]

__getattr__ = module_getattr("terrain_utils", __all__, used_names("terrain_utils"))

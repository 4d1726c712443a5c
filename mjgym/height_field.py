"""A field of heights, and what turns metres into its cells and its units of height."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


class SubTerrain:
    """A flat field of heights for the functions of `terrain_utils` to shape.

    Args:
        terrain_name: a name, for the caller's own use.
        width: cells along x.
        length: cells along y.
        vertical_scale: metres a unit of height.
        horizontal_scale: metres from cell to cell.

    Attributes:
        height_field_raw: heights in units of vertical_scale, int16, shape (width, length).

    Raises:
        ValueError: if a side has no cell or a scale is not positive.
        TypeError: if width or length is no integer.
    """

    def __init__(
        self,
        terrain_name: str = "terrain",
        width: int = 256,
        length: int = 256,
        vertical_scale: float = 1.0,
        horizontal_scale: float = 1.0,
    ) -> None:
        self.terrain_name = terrain_name
        self.vertical_scale = positive("vertical_scale", vertical_scale)
        self.horizontal_scale = positive("horizontal_scale", horizontal_scale)
        self.width = int(positive("width", operator.index(width)))
        self.length = int(positive("length", operator.index(length)))
        self.height_field_raw = np.zeros((self.width, self.length), dtype=np.int16)


def whole(quotient: Any) -> np.ndarray:
    """Cut toward zero to int64, except where a whole number is missed by no more than rounding."""
    nearest = np.rint(quotient)
    return np.where(np.abs(quotient - nearest) < 1e-6, nearest, np.trunc(quotient)).astype(np.int64)


def divide(dividend: np.ndarray, divisor: int) -> np.ndarray:
    """Divide integers, cut toward zero: whole numbers have no rounding that could lose a unit."""
    return np.sign(dividend) * (np.abs(dividend) // divisor)


def positive(name: str, value: float) -> float:
    """Return the value, or raise ValueError if it is not above zero."""
    if not value > 0:
        raise ValueError(f"{name} = {value}: must be positive")
    return value


def describe(terrain: SubTerrain) -> str:
    """Name the field and its size for an error."""
    width, length = terrain.height_field_raw.shape
    return f"the field of {width} x {length} cells of horizontal_scale = {terrain.horizontal_scale}"


def units(terrain: SubTerrain, name: str, metres: float) -> int:
    """Turn metres into whole units of height."""
    if not np.isfinite(metres):
        raise ValueError(f"{name} = {metres}: must be finite")
    return int(whole(metres / terrain.vertical_scale))


def units_a_cell(terrain: SubTerrain, slope: float) -> float:
    """Turn a slope [m/m] into units of height a cell, not cut to whole ones."""
    if not np.isfinite(slope):
        raise ValueError(f"slope = {slope}: must be finite")
    return slope * terrain.horizontal_scale / terrain.vertical_scale


def cells(terrain: SubTerrain, name: str, metres: float, least: int = 0, room: int | None = None) -> int:
    """Turn metres into whole cells.

    Raises:
        ValueError: if they are less than `least`, or more than `room`.
    """
    if not 0 <= metres < np.inf:
        raise ValueError(f"{name} = {metres}: must be finite and not negative")
    count = int(whole(metres / terrain.horizontal_scale))
    if count < least:
        raise ValueError(f"{name} = {metres}: must be at least horizontal_scale = {terrain.horizontal_scale}")
    if room is not None and count > room:
        raise ValueError(f"{name} = {metres}: larger than {describe(terrain)}")
    return count


def platform_cells(terrain: SubTerrain, metres: float) -> int:
    """Turn the side of a platform [m] into whole cells of a field that can hold it."""
    return cells(terrain, "platform_size", metres, room=min(terrain.height_field_raw.shape))


def to_int16(heights: np.ndarray) -> np.ndarray:
    """Convert integers, or raise ValueError for those that int16 would wrap around."""
    limits = np.iinfo(np.int16)
    if heights.size and (heights.min() < limits.min or heights.max() > limits.max):
        worst = max(heights.min(), heights.max(), key=abs)
        raise ValueError(f"height of {int(worst)} units: beyond int16; use a larger vertical_scale")
    return heights.astype(np.int16)


def add_heights(terrain: SubTerrain, heights: np.ndarray) -> None:
    """Add units of height to a field, in place."""
    terrain.height_field_raw[:] = to_int16(terrain.height_field_raw.astype(np.int64) + heights)

"""Between tensors' rows of floats and the structured arrays that calls for single things give and take."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mjgym.structs import ALL_CONSTANTS

STATE_POS: Final = ALL_CONSTANTS["STATE_POS"]
STATE_VEL: Final = ALL_CONSTANTS["STATE_VEL"]
STATE_ALL: Final = ALL_CONSTANTS["STATE_ALL"]

NUM_POSES: Final = {2: 1, 13: 7}
"""How many numbers of a state are position, by the number of all: of DOF states, of body states."""


def as_records(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """View float32 rows (n, width) as an array (n,) of records."""
    return np.ascontiguousarray(rows, dtype=np.float32).view(dtype).reshape(len(rows))


def as_rows(states: Any, dtype: np.dtype, count: int, call: str) -> np.ndarray:
    """Return records as float32 rows (count, width).

    Raises:
        TypeError: if they are no array of the dtype.
        ValueError: if their number is another.
    """
    if not isinstance(states, np.ndarray) or states.dtype != dtype:
        found = states.dtype if isinstance(states, np.ndarray) else type(states).__name__
        raise TypeError(f"{call}: states are {found}; they must be a numpy array of dtype {dtype}")
    if states.size != count:
        raise ValueError(f"{call}: {states.size} states were given; there must be {count}")
    return np.ascontiguousarray(states).view(np.float32).reshape(count, -1)


def numbers(values: Any, count: int, call: str) -> np.ndarray:
    """Return one float32 number for each DOF, (count,).

    Raises:
        TypeError: if they are no numbers.
        ValueError: if their number is another.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{call}: values are {array.dtype}; they must be numbers, one for each DOF")
    if array.size != count:
        raise ValueError(f"{call}: {array.size} values were given; the actor has {count} DOFs")
    return array.reshape(count).astype(np.float32)


def only(rows: np.ndarray, flags: int, call: str) -> np.ndarray:
    """Return rows (n, 2) or (n, 13) in which what ``flags`` (STATE_*) do not ask for is zero."""
    return merged(np.zeros_like(rows), rows, flags, call)


def merged(old: np.ndarray, new: np.ndarray, flags: int, call: str) -> np.ndarray:
    """Return the old rows with what ``flags`` (STATE_*) name taken from the new ones.

    Raises:
        ValueError: if the flags are none.
    """
    if not 0 <= flags <= STATE_ALL:
        raise ValueError(f"{call}: flags = {flags} must be STATE_NONE, STATE_POS, STATE_VEL or STATE_ALL")
    poses = NUM_POSES[new.shape[-1]]
    result = old.copy()
    if flags & STATE_POS:
        result[:, :poses] = new[:, :poses]
    if flags & STATE_VEL:
        result[:, poses:] = new[:, poses:]
    return result

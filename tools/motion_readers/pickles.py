"""Reads pickled motions without running what is in them: arrays, dictionaries, lists, numbers and text only.

A pickle is a program: it names functions and calls them. The unpickler here knows the few names that numpy's
arrays and ordered dictionaries are written with, gives its own functions for them, which check what they are
handed, and refuses every other name.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tasks.amp.motion import MotionError

MAX_BYTES = 1 << 30
"""largest file that is read"""
_DTYPE = re.compile(r"[biufSU]\d{1,6}")
_MEMO_OPCODES = ("PUT", "BINPUT", "LONG_BINPUT")
_NUMPY_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMPY_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
_UNREADABLE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
               OverflowError, UnicodeError, MemoryError, RecursionError, ImportError, OSError)  # fmt: skip


class _ForbiddenError(Exception):
    """The pickle asks for something that a motion does not need."""


def read_pickle(path: Path) -> Any:
    """Return what a pickle holds.

    Raises:
        MotionError: it is no pickle, or asks for more than arrays, dictionaries, lists, numbers and text.
    """
    return _loads(_read_bytes(path), path)


def read_pickled_npy(path: Path) -> Any:
    """Return the one object that a `.npy` file holds, as `numpy.save(path, dictionary)` writes it.

    Raises:
        MotionError: it is no such file, or asks for more than arrays, dictionaries, lists, numbers and text.
    """
    stream = io.BytesIO(_read_bytes(path))
    try:
        version = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(stream)
    except _UNREADABLE as error:
        raise MotionError(f"{path}: is no .npy file ({error})") from None
    if dtype != np.dtype(object) or shape != ():
        raise MotionError(f"{path}: holds a plain array {dtype} of shape {shape}, not a pickled motion")
    return _loads(stream.read(), path)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionError(f"{path}: {path.stat().st_size} bytes; a motion has at most {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror})") from None


def _loads(data: bytes, path: Path) -> Any:
    try:
        _check_memo(data)
        return _Unpickler(data).load_whole()
    except _ForbiddenError as error:
        raise MotionError(
            f"{path}: its pickle asks for {error}, which no motion needs. Nothing of it was run. Motions "
            f"may hold arrays, dictionaries, lists, numbers and text; if you trust the file, load it in the "
            f"program that wrote it, turn everything else into those, and pickle it again"
        ) from None
    except _UNREADABLE as error:
        raise MotionError(f"{path}: is no readable pickle ({error})") from None


def _check_memo(data: bytes) -> None:
    """Refuse numbers of memo entries that the file has no room for: the table would be allocated at once."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in _MEMO_OPCODES and int(argument or 0) > len(data):
            raise _ForbiddenError(f"a table of {argument} entries")


class _Unpickler(pickle.Unpickler):
    """Knows the names in `self._known` only; their stand-ins are made anew for each file."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        array, self._boxes = _make_array_type()
        self._array_type = array
        self._known = _stand_ins(array)

    def find_class(self, module: str, name: str, /) -> Any:
        """Return the stand-in of a name that the pickle uses."""
        if (module, name) not in self._known:
            raise _ForbiddenError(f"{module}.{name}")
        return self._known[module, name]

    def load_whole(self) -> Any:
        """Return the object; an object array without dimensions, as `numpy.save` makes, is what it holds."""
        result = self.load()
        if not self._boxes:
            return result
        if len(self._boxes) == 1 and result is self._boxes[0][0]:
            return self._boxes[0][1]
        raise _ForbiddenError("an array of objects")


class _Function:
    """A function that a pickle may call, and cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: object) -> None:
        raise _ForbiddenError("changing a function")


def _stand_ins(array: type[np.ndarray]) -> dict[tuple[str, str], Any]:
    """Return what the names of numpy's and `collections`' own pickles stand for."""
    marker = object()  # numpy.ndarray is only ever an argument

    def reconstruct(subtype: object, shape: object, typecode: object) -> np.ndarray:
        if subtype is not marker:
            raise _ForbiddenError("an array of an unknown class")
        return array.__new__(array, (0,))

    known: dict[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("numpy", "ndarray"): marker,
        ("numpy", "dtype"): _DtypeStandIn,
    }
    known |= {(module, "_reconstruct"): _Function(reconstruct) for module in _NUMPY_CORE}
    known |= {(module, "scalar"): _Function(_scalar) for module in _NUMPY_CORE}
    known |= {(module, "_frombuffer"): _Function(_from_buffer) for module in _NUMPY_NUMERIC}
    return known


class _DtypeStandIn:
    """Takes what a pickled dtype is built from, and makes a plain number or text type of it."""

    def __init__(self, name: str, align: bool = False, copy: bool = True) -> None:
        self.is_object = name in ("O", "O8")
        if not self.is_object and not (isinstance(name, str) and _DTYPE.fullmatch(name)):
            raise _ForbiddenError(f"an array of type {name!r}")
        self.value = np.dtype(object if self.is_object else name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


def _make_array_type() -> tuple[type[np.ndarray], list[tuple[np.ndarray, Any]]]:
    """Return an array class whose pickled state is checked, and the list of (array, object) it may box."""
    boxes: list[tuple[np.ndarray, Any]] = []

    class Array(np.ndarray):
        def __setstate__(self, state: tuple[Any, ...]) -> None:
            _, shape, dtype, fortran, data = state
            if dtype.is_object and shape == () and type(data) is list and len(data) == 1:
                boxes.append((self, data[0]))
                return
            if dtype.is_object:
                raise _ForbiddenError("an array of objects")
            _check_size(shape, dtype.value, data)
            checked: Any = (1, shape, dtype.value, bool(fortran), bytes(data))
            super().__setstate__(checked)

    return Array, boxes


def _scalar(dtype: _DtypeStandIn, data: bytes = b"") -> Any:
    _check_size((), dtype.value, data)
    return np.frombuffer(data, dtype.value)[0]


def _from_buffer(
    data: bytes, dtype: Any, shape: tuple[int, ...], order: Any, axis_order: Any = None
) -> np.ndarray:
    _check_size(shape, dtype.value, data)
    if order not in ("C", "F") or axis_order is not None:
        raise _ForbiddenError(f"an array in order {order!r}")
    return np.frombuffer(data, dtype.value).reshape(shape, order=order)


def _check_size(shape: Any, dtype: np.dtype, data: Any) -> None:
    """Refuse a shape that is not of exactly the bytes that the file holds for it."""
    if dtype.hasobject or type(data) not in (bytes, bytearray) or type(shape) is not tuple:
        raise _ForbiddenError("an array of objects")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise _ForbiddenError(f"an array of shape {shape}")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise _ForbiddenError(f"an array of shape {shape} from {len(data)} bytes")

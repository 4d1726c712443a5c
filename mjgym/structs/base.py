"""The base of all parameter structs: fixed fields, checked types, helpful errors."""

from __future__ import annotations

import enum
import functools
import operator
import typing
from typing import Any, ClassVar, TypeVar

import numpy as np

from mjgym.errors import unknown_name_message


@functools.cache
def _field_types(cls: type) -> dict[str, Any]:
    """Resolve the annotations of a struct once; class variables are no fields."""
    hints = typing.get_type_hints(cls)
    return {name: kind for name, kind in hints.items() if typing.get_origin(kind) is not ClassVar}


def _to_float(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise TypeError
    return float(value)


def _to_bool(value: Any) -> bool:
    if isinstance(value, (str, bytes)) or value not in (False, True):
        raise TypeError
    return bool(value)


def _convert(kind: Any, value: Any) -> Any:
    """Return `value` as `kind`, or raise TypeError or ValueError."""
    if kind is float:
        return _to_float(value)
    if kind is bool:
        return _to_bool(value)
    if kind is int:
        return operator.index(value)
    if isinstance(kind, type) and issubclass(kind, enum.IntEnum):
        return kind(operator.index(value))
    if isinstance(value, np.void) and getattr(kind, "dtype", None) == value.dtype:
        return kind(*(value[name] for name in value.dtype.names or ()))
    if isinstance(kind, type) and not isinstance(value, kind):
        raise TypeError
    return value


Kind = TypeVar("Kind")


def as_struct(kind: type[Kind], value: Any, call: str) -> Kind:
    """Return a value given to a call as the struct it stands for: one itself, or a record of its `dtype`.

    Raises:
        TypeError: if it is neither.
    """
    try:
        return _convert(kind, value)
    except (TypeError, ValueError):
        raise TypeError(f"{call}: {value!r} must be a {kind.__name__}") from None


class Struct:
    """A record whose fields are fixed and typed, as those of Isaac Gym's classes are.

    Subclasses are `@dataclass(slots=True)`. Numbers may come from Python, numpy or torch scalars, structs
    from records of their `dtype` (`attractor.target = states["pose"][0]`); text is never taken for a number.
    An unknown field raises AttributeError with the names near it, a value of a wrong type TypeError.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        """Check and store one field."""
        cls: Any = type(self)
        kinds = _field_types(cls)
        if name not in kinds:
            raise AttributeError(unknown_name_message("field", name, kinds, cls.__name__))
        try:
            object.__setattr__(self, name, _convert(kinds[name], value))
        except (TypeError, ValueError, RuntimeError):
            expected = getattr(kinds[name], "__name__", str(kinds[name]))
            raise TypeError(f"{cls.__name__}.{name} = {value!r}: must be {expected}") from None

    def __getattr__(self, name: str) -> Any:
        """Refuse a field that does not exist (only called when the ordinary look-up failed)."""
        if name.startswith("__"):
            raise AttributeError(name)
        cls: Any = type(self)
        raise AttributeError(unknown_name_message("field", name, _field_types(cls), cls.__name__))

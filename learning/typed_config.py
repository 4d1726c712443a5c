"""Turn plain mappings (YAML, Hydra, dicts) into dataclasses, once, with errors that a user can act on.

The dataclass holds names, types and defaults; the mapping holds values. Past this line nobody reads a
dictionary. The check is our own rather than OmegaConf's structured merge, because that one knows no
`Literal`, copies live objects (an injected environment) and cannot be made to name the nearest key.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

T = TypeVar("T")

MISSING = "???"  # OmegaConf's mark for a value that the user has to give


class ConfigError(ValueError):
    """A configuration value that cannot be used. Its text names value, rule, place and fix."""


def from_mapping(cls: type[T], mapping: Mapping[str, Any] | None, path: str) -> T:
    """Build the dataclass `cls` from `mapping`.

    Values are checked against the field annotations: `bool`, `int`, `float`, `str`, `Any`, `Literal`, enums,
    `Optional` and other unions, `list`, `tuple`, `dict`, `Callable`, nested dataclasses and any other class
    (by `isinstance`). Strings that spell a number (`"1e-5"`, as PyYAML reads 1e-5) become numbers where one
    is wanted; a float without a fraction becomes an `int` where one is wanted. Live objects are not copied.

    A dataclass may check itself in `__post_init__` by raising `ValueError("field=value: rule")`; the path
    is put before that text.

    Args:
        cls: dataclass to build; fields without a default are required.
        mapping: its values by field name, a dict or an OmegaConf config. `None` is an empty mapping.
        path: where the mapping stands (`train.params.config`), for error messages.

    Returns:
        An instance of `cls`.

    Raises:
        ConfigError: for an unknown key (with the nearest known one), a missing key, or a wrong type.
    """
    values = _plain(mapping, path)
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key, value in values.items():
        if key not in fields:
            raise ConfigError(unknown_key(join(path, key), value, key, fields))
    given = {key: value for key, value in values.items() if not _is_missing(value)}
    kwargs = {key: convert(hints[key], value, join(path, key)) for key, value in given.items()}
    _require_all(fields.values(), kwargs, path)
    try:
        return cls(**kwargs)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(join(path, str(error))) from error


def convert(kind: object, value: object, path: str) -> object:
    """Return `value` as the annotated type `kind`, or raise `ConfigError` naming `path`."""
    if kind is Any or kind is object:
        return value
    if OmegaConf.is_config(value):
        value = _container(value, path)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _convert_union(get_args(kind), value, path)
    if origin is Literal:
        return _convert_choice(get_args(kind), value, path)
    if kind is None or kind is type(None):
        if value is not None:
            raise _wrong(value, path, "null")
        return None
    if origin in (list, tuple, Sequence) or kind in (list, tuple):
        return _convert_sequence(origin or kind, get_args(kind), value, path)
    if origin in (dict, Mapping) or kind is dict:
        return _convert_dict(get_args(kind), value, path)
    if origin is Callable or kind is Callable:
        if not callable(value):
            raise _wrong(value, path, "something callable")
        return value
    return _convert_class(origin or kind, value, path)


def unknown_key(path: str, value: object, name: str, known: Iterable[str]) -> str:
    """Return the message for a key that nobody knows, with the nearest known name or else all of them."""
    return f"{path}={show(value)}: unknown key; {suggest(name, known)}"


def suggest(name: object, known: Iterable[Any]) -> str:
    """Return `did you mean X?` for the known name nearest to `name`, or the list of known names."""
    names = sorted(str(item) for item in known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "known are " + (", ".join(names) or "none")


def join(path: str, key: object) -> str:
    """Return `path.key`, without a leading dot where the path is empty."""
    return f"{path}.{key}" if path else str(key)


def show(value: object) -> str:
    """Return a value the way a user would write it in YAML, shortened."""
    if value is None:
        return "null"
    text = str(value) if isinstance(value, (str, int, float, list, tuple, Mapping)) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(mapping: object, path: str) -> dict[str, Any]:
    if mapping is None:
        return {}
    if OmegaConf.is_config(mapping):
        mapping = _container(mapping, path)
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{path}={show(mapping)}: must be a mapping of keys to values")
    return {str(key): value for key, value in mapping.items()}


def _container(config: object, path: str) -> object:
    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path}: {error}") from error


def _is_missing(value: object) -> bool:
    return isinstance(value, str) and value == MISSING


def _require_all(fields: Iterable[dataclasses.Field[Any]], given: Mapping[str, Any], path: str) -> None:
    for field in fields:
        no_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.name not in given and (no_default or _is_missing(field.default)):
            raise ConfigError(f"{join(path, field.name)}: required key is missing; give it a value")


def _wrong(value: object, path: str, wanted: str) -> ConfigError:
    return ConfigError(f"{path}={show(value)}: must be {wanted}, not {_type_name(value)}")


def _type_name(value: object) -> str:
    names = {str: "a string", bool: "a boolean", int: "a whole number", float: "a number", type(None): "null"}
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return names.get(type(value), type(value).__name__)


def _convert_union(kinds: tuple[Any, ...], value: object, path: str) -> object:
    for kind in kinds:  # an exact match first, so that Union[float, int] leaves 3 an int
        if isinstance(kind, type) and type(value) is kind:
            return value
    if value is None and type(None) in kinds:
        return None
    errors = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return convert(kind, value, path)
        except ConfigError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    nested = [error for error in errors if not str(error).startswith(f"{path}=")]
    if len(nested) == 1:  # the value has the right outer shape for one member: its own error says most
        raise nested[0]
    raise _wrong(value, path, " or ".join(_kind_name(kind) for kind in kinds))


def _kind_name(kind: object) -> str:
    names: dict[object, str] = {
        str: "a string",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        type(None): "null",
    }
    if dataclasses.is_dataclass(kind) or get_origin(kind) is dict:
        return "a mapping"
    return names.get(kind) or str(getattr(get_origin(kind) or kind, "__name__", kind))


def _convert_choice(choices: tuple[Any, ...], value: object, path: str) -> object:
    for choice in choices:
        if value == choice and isinstance(value, bool) == isinstance(choice, bool):
            return choice
    names = ", ".join(show(choice) for choice in choices)
    near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ConfigError(f"{path}={show(value)}: must be one of {names}{hint}")


def _convert_sequence(origin: object, kinds: tuple[Any, ...], value: object, path: str) -> object:
    if not isinstance(value, (list, tuple)):
        raise _wrong(value, path, "a list")
    if origin is tuple and kinds and kinds[-1] is not Ellipsis:
        if len(kinds) != len(value):
            raise ConfigError(f"{path}={show(value)}: must have {len(kinds)} items, not {len(value)}")
    else:
        kinds = (kinds[0] if kinds else Any,) * len(value)
    pairs = zip(kinds, value, strict=True)
    items = [convert(kind, item, f"{path}[{i}]") for i, (kind, item) in enumerate(pairs)]
    return tuple(items) if origin is tuple else items


def _convert_dict(kinds: tuple[Any, ...], value: object, path: str) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(value, path, "a mapping of keys to values")
    key_kind, value_kind = kinds or (Any, Any)
    return {
        convert(key_kind, key, join(path, key)): convert(value_kind, item, join(path, key))
        for key, item in value.items()
    }


def _convert_class(kind: Any, value: object, path: str) -> object:
    if isinstance(value, kind) and not isinstance(value, bool):
        return _refuse_nan(value, path)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _wrong(value, path, "a mapping of keys to values")
        return from_mapping(kind, value, path)  # type: ignore[arg-type]
    if kind is bool and isinstance(value, bool):
        return value
    if kind in (int, float):
        return _convert_number(kind, value, path)
    if kind is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)  # experiment=3
    if issubclass(kind, Enum):
        return kind[str(_convert_choice(tuple(kind.__members__), value, path))]
    raise _wrong(value, path, _kind_name(kind))


def _convert_number(kind: type, value: object, path: str) -> int | float:
    wanted = _kind_name(kind)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _wrong(value, path, wanted)
    try:
        number = int(value) if isinstance(value, int) else float(value)
    except ValueError:
        raise _wrong(value, path, wanted) from None
    _refuse_nan(number, path)
    if kind is float:
        return float(number)
    if isinstance(number, float) and not number.is_integer():
        raise ConfigError(f"{path}={show(value)}: must be a whole number")
    return int(number)


def _refuse_nan(value: object, path: str) -> object:
    if isinstance(value, float) and math.isnan(value):
        raise ConfigError(f"{path}={show(value)}: must be a number, not NaN")
    return value

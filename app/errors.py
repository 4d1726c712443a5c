"""Hydra's and OmegaConf's errors, said the way that ours are: value, rule, fix, nearest known name."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException

from app.schema import schema_names
from learning.typed_config import ConfigError, join, suggest

KnownKeys = Callable[[Sequence[str]], dict[str, Any]]


class UnknownKeyError(ConfigError):
    """An override whose key stands in no file.

    Args:
        key: the key, dotted.
        text: the message.
    """

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


@contextlib.contextmanager
def translated(argv: Sequence[str], known_keys: KnownKeys) -> Iterator[None]:
    """Turn what Hydra raises inside the block into `ConfigError`.

    Args:
        argv: the command line, for telling what was given.
        known_keys: returns the configuration without the overrides of values; asked when a key is unknown.
    """
    try:
        yield
    except ConfigError:
        raise
    except MissingConfigException as error:
        raise ConfigError(_missing_file(error, argv)) from error
    except OverrideParseException as error:
        raise ConfigError(_unreadable(error)) from error
    except ConfigCompositionException as error:
        raise _composition(error, argv, known_keys) from error
    except OmegaConfBaseException as error:
        raise ConfigError(_value(error)) from error
    except (HydraException, ValueError) as error:
        raise ConfigError(str(error)) from error


def nearest_key(key: str, config: dict[str, Any]) -> str:
    """Return `did you mean X?` for a dotted key: the same name elsewhere, a near name here, one elsewhere."""
    *folders, name = key.split(".")
    leaves = {dotted.rsplit(".", 1)[-1]: dotted for dotted in reversed(list(dotted_keys(config)))}
    if name in leaves:
        return f"did you mean {leaves[name]}?"
    depth, here = _deepest(folders, config)
    wrong = key.split(".")[depth]  # the first part that is unknown
    place = ".".join(folders[:depth])
    names = {**{item: join(place, item) for item in schema_names(place)}, **{k: join(place, k) for k in here}}
    for candidates in (names, leaves):
        near = difflib.get_close_matches(wrong, candidates, n=1)
        if near:
            return f"did you mean {candidates[near[0]]}?"
    return f"known are {', '.join(sorted(names.values()))}"


def _deepest(folders: Sequence[str], config: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Follow `folders` into `config` as far as they exist: how many do, and what the last of them holds."""
    for depth, folder in enumerate(folders):
        if not isinstance(config.get(folder), dict):
            return depth, config
        config = config[folder]
    return len(folders), config


def dotted_keys(config: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield every key as `a.b.c`, parents before children."""
    for key, value in config.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from dotted_keys(value, f"{prefix}{key}.")


def _missing_file(error: MissingConfigException, argv: Sequence[str]) -> str:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not group:
        return str(error).splitlines()[0]
    known = sorted(error.options or [])
    given = any(argument.startswith(f"{group}=") for argument in argv)
    why = "" if given else f" (chosen by default; say {group}= to choose another)"
    listed = suggest(name, known)
    everything = "" if listed.startswith("known are") else f" Known: {', '.join(known)}"
    return f"{group}={name}: there is no cfg/{group}/{name}.yaml{why}; {listed}{everything}"


def _unreadable(error: OverrideParseException) -> str:
    lines = str(error).splitlines()
    given = error.override or ""
    problem = next((line for line in lines if not line.startswith(("Error parsing", "See "))), "")
    return f"{given}: cannot be read as key=value ({problem}); quote special characters: 'key=\"value\"'"


def _composition(
    error: ConfigCompositionException, argv: Sequence[str], known_keys: KnownKeys
) -> ConfigError:
    text = str(error)
    if match := re.match(r"You must specify '([^']+)'", text):
        group, options = match[1], [line.strip() for line in text.splitlines()[2:] if line.strip()]
        example = f"say for example {group}={options[0]}" if options else "no file is there"
        return ConfigError(f"{group}: has to be chosen; {example}. Known: {', '.join(options)}")
    if match := re.match(r"Ambiguous value for argument '([^']+)'", text):
        return ConfigError(f"{match[1]}: several values are a sweep: add -m, or write a list as [a,b]")
    if match := re.search(r"Could not (?:override|delete|append to config|append) '([^']+)'", text):
        return _unknown_key(match[1], text, argv, known_keys)
    known = isinstance(error.__cause__, OmegaConfBaseException)
    return ConfigError(_value(error.__cause__) if known else text)  # type: ignore[arg-type]


def _unknown_key(key: str, text: str, argv: Sequence[str], known_keys: KnownKeys) -> ConfigError:
    key = key.split("=", 1)[0].split("@", 1)[0]
    given = next((argument for argument in argv if argument.lstrip("+~").split("=", 1)[0] == key), key)
    if "An item is already at" in text:
        return ConfigError(f"{given}: the key exists; leave out the +")
    return UnknownKeyError(key, f"{given}: unknown key; {nearest_key(key, known_keys(argv))}")


def _value(error: BaseException) -> str:
    lines = str(error).splitlines()
    key = next((line.split(":", 1)[1].strip() for line in lines if line.strip().startswith("full_key:")), "")
    return f"{key}: {lines[0]}" if key else lines[0]

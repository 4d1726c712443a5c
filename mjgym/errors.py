"""Messages for names that mjgym does not know, or knows and has not built yet."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import NoReturn

MANUAL = "docs/mjgym.md"


def near_names(name: str, known: Collection[str], count: int = 3) -> list[str]:
    """Return up to `count` names of `known` that look like `name`, the nearest first."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.6)
    return [by_lower[match] for match in matches]


def unknown_name_message(kind: str, name: str, known: Collection[str], owner: str = "") -> str:
    """Say that `name` is no `kind` (of `owner`), and what is near it.

    Names that are near are listed; if none is, a short list of everything known is.
    """
    where = f" of {owner}" if owner else ""
    near = near_names(name, known)
    if near:
        return f"'{name}' is no {kind}{where}; near it: {', '.join(near)}"
    names = sorted(candidate for candidate in known if not candidate.startswith("_"))
    hint = f"; known: {', '.join(names)}" if 0 < len(names) <= 30 else ""
    return f"'{name}' is no {kind}{where}{hint}"


def not_built_message(name: str) -> str:
    """Say that `name` belongs to Isaac Gym's API and that mjgym does not provide it yet."""
    return f"'{name}' is part of Isaac Gym's API, but mjgym does not provide it yet; see {MANUAL}"


def missing_name_error(
    kind: str, name: str, known: Collection[str], real: Collection[str] = (), owner: str = ""
) -> Exception:
    """Build the error for a name looked up in vain, for use in a `__getattr__`.

    Args:
        kind: what the name would have been, such as "method" or "field".
        name: the name that was asked for.
        known: names that exist.
        real: names of Isaac Gym's API. A name among them was spelt well, it is mjgym that lacks it.
        owner: what the name was asked of, such as "Gym".

    Returns:
        NotImplementedError for a real name that is not built, else AttributeError with near names.
    """
    if name in real:
        return NotImplementedError(not_built_message(f"{owner}.{name}" if owner else name))
    return AttributeError(unknown_name_message(kind, name, {*known, *real}, owner))


def module_getattr(
    module: str, known: Collection[str], real: Collection[str] = ()
) -> Callable[[str], NoReturn]:
    """Build a module's `__getattr__`, which Python asks for names that the module lacks.

    Args:
        module: the module's name within `isaacgym`.
        known: names that exist.
        real: names of Isaac Gym's API, built or not.
    """

    def refuse(name: str) -> NoReturn:
        raise missing_name_error("name", name, known, real, module)

    return refuse

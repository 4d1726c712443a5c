"""Write into docs/mjgym.md which names of Isaac Gym's API mjgym has: `python -m tools.api_table`.

Whether a name is there is read off the code, what it does less than in Isaac Gym off the note beside it
(`mjgym.partly`), and why it is missing off `mjgym.api_names.REASONS`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from mjgym.api_names import GYM_METHODS, GYMAPI_NAMES, NAMES_BY_JOB, REASONS
from mjgym.assets import AssetError
from mjgym.gym import Gym
from mjgym.install import PROVIDED
from mjgym.partly import partly_note
from mjgym.structs import Struct

PAGE = Path(__file__).parents[1] / "docs" / "mjgym.md"
BEGIN = "<!-- Written by python -m tools.api_table; edit the code, not the lines up to the end mark. -->"
END = "<!-- End of what python -m tools.api_table wrote. -->"

SUPPORTED, PARTLY, NOT = "supported", "partly", "not"
OWN_CLASSES = (AssetError, Struct)
"""Classes of mjgym's `gymapi` that Isaac Gym does not have."""


class Entry(NamedTuple):
    """What is known of a name: `how` says what it lacks, or why it is missing."""

    name: str
    state: str
    how: str


def entry(name: str) -> Entry:
    """Look up a name: a call of Gym, or with its module before a dot."""
    found, thing = _look_up(name)
    if not found:
        return Entry(name, NOT, reason(name))
    how = partly_note(thing)
    return Entry(name, PARTLY if how else SUPPORTED, how)


def reason(name: str) -> str:
    """Return why a name is missing, or nothing if no reason is given."""
    matches = (why for why, names in REASONS.items() if any(fnmatchcase(name, n) for n in names.split()))
    return next(matches, "")


def jobs() -> dict[str, list[Entry]]:
    """Return what is known of the 158 names that tasks use, by job."""
    return {job: [entry(name) for name in names.split()] for job, names in NAMES_BY_JOB.items()}


def others() -> dict[str, list[Entry]]:
    """Return what is known of the rest, by owner: calls of Gym, classes and functions of modules."""
    used = {name for names in NAMES_BY_JOB.values() for name in names.split()}
    rest = {"Gym": set(GYM_METHODS) - used}
    for module in PROVIDED:
        known = {f"{module}.{name}" for name in _public_names(module)}
        rest[module] = (known | {f"gymapi.{name}" for name in GYMAPI_NAMES if module == "gymapi"}) - used
    return {owner: [entry(name) for name in sorted(names)] for owner, names in rest.items() if names}


def _look_up(name: str) -> tuple[bool, Any]:
    """Tell whether a name is there, and what it stands for."""
    owner, _, member = name.rpartition(".")
    holder: Any = _module(owner) if owner else Gym
    # hasattr would not do: modules answer for what they lack with NotImplementedError.
    found = holder is not None and member in dir(holder)
    return found, getattr(holder, member) if found else None


def _module(name: str) -> ModuleType | None:
    """Import a module of `isaacgym`, if mjgym has it."""
    full_name = f"mjgym.{name}"
    return importlib.import_module(full_name) if importlib.util.find_spec(full_name) else None


def _public_names(module_name: str) -> list[str]:
    """Return a module's classes and functions; constants go with their enumerations."""
    module = _module(module_name)
    things = {name: vars(module)[name] for name in getattr(module, "__all__", ())}
    return [
        name
        for name, thing in things.items()
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing not in OWN_CLASSES
    ]


def table(entries: Iterable[Entry]) -> str:
    """Return a table in Markdown. Names of which the same is known share a row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, state, how in entries:
        rows.setdefault((state, how), []).append(f"`{name}`")
    order = (SUPPORTED, PARTLY, NOT)
    lines = [
        f"| {', '.join(names)} | {state} | {how} |"
        for (state, how), names in sorted(rows.items(), key=lambda row: order.index(row[0][0]))
    ]
    return "\n".join(["| name | state | how |", "|---|---|---|", *lines])


def count(entries: Iterable[Entry]) -> str:
    """Say how many names are in which state."""
    states = Counter(entry.state for entry in entries)
    return f"{states[SUPPORTED]} are supported, {states[PARTLY]} partly, {states[NOT]} not"


def text() -> str:
    """Return everything that stands between the marks of the page."""
    used, rest = jobs(), others()
    all_used = [one for entries in used.values() for one in entries]
    all_rest = [one for entries in rest.values() for one in entries]
    parts = [
        f"Of the {len(all_used)} names that the tasks of IsaacGymEnvs use, {count(all_used)}.",
        *(f"### {job}\n\n{table(entries)}" for job, entries in used.items()),
        "### The rest of the API",
        f"Of {len(all_rest)} more names, {count(all_rest)}. The members of every enumeration are there, too.",
        *(f"**{owner}**\n\n{table(entries)}" for owner, entries in rest.items()),
    ]
    return "\n\n".join(parts)


def updated(page: str) -> str:
    """Return a page with the table that the code gives between its marks.

    Raises:
        ValueError: if it does not have both marks, once and in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} must hold the marks {BEGIN!r} and {END!r}, in this order")
    return f"{before}{BEGIN}\n\n{text()}\n\n{END}{after}"


def main() -> None:
    """Rewrite the table."""
    PAGE.write_text(updated(PAGE.read_text()))


if __name__ == "__main__":
    main()

"""Notes on what does less than it does in Isaac Gym; `tools.api_table` writes them into docs/mjgym.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

Noted = TypeVar("Noted")

_NOTE: Final = "__partly__"


def partly(how: str) -> Callable[[Noted], Noted]:
    """Note beside a call or class what it ignores or lacks. It works as it did without the note.

    The note of an enumeration speaks of its members, which are constants of `gymapi`, too.
    """

    def note(thing: Noted) -> Noted:
        setattr(thing, _NOTE, how)
        return thing

    return note


def partly_note(thing: Any) -> str:
    """Return the note on a call, a class or a member of an enumeration; empty if there is none."""
    # Looked up in the thing's own names: a subclass does not inherit its parent's shortcomings.
    own = getattr(thing, "__dict__", {}).get(_NOTE, "")
    return own or vars(type(thing)).get(_NOTE, "")

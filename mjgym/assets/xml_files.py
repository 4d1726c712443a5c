"""Reading XML files that a user may have been sent: no document types, no entities, errors that say where.

Entities can name local files or grow without bound, and no model needs them, so a file that declares any is
refused before a parser sees it.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final
from xml.parsers import expat

MAX_BYTES: Final = 64 * 2**20
"""Largest file that is read. Models are far smaller: their meshes lie in files of their own."""

MAX_NESTING: Final = 500
"""Most elements that lie in each other."""

MAX_COPIES: Final = 100_000
"""How often a file may have an element repeated."""

_REPEATING: Final = ("replicate", "composite", "flexcomp")
_NUMBERS: Final = (
    "mass",
    "density",
    "stiffness",
    "damping",
    "armature",
    "frictionloss",
    "size",
    "gear",
    "kp",
    "kv",
)
"""Attributes whose value is a single number; one that may be a name is looked at only if it holds several."""


class AssetError(ValueError):
    """An asset file cannot be used. The message names the file, the element and the rule."""


def read_xml(path: Path) -> str:
    """Return the text of an XML file after checking that it is well formed and declares nothing.

    Files that MJCF's ``<include>`` names are checked too.

    Raises:
        FileNotFoundError: if there is no such file.
        AssetError: if it is too large, not XML in UTF-8, declares a document type or an entity, includes a
            file twice, or holds numbers that are not finite.
    """
    return _read_checked(path, set())


def parse_xml(path: Path) -> ElementTree.Element:
    """Return the root element of an XML file, checked as :func:`read_xml` does."""
    return ElementTree.fromstring(read_xml(path))


def is_file(path: Path) -> bool:
    """Whether there is a file of this name; False, too, for names that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def _read_checked(path: Path, seen: set[Path]) -> str:
    if not is_file(path):
        raise FileNotFoundError(f"asset file {path} does not exist")
    path = path.resolve()
    if path in seen:
        raise AssetError(f"{path}: <include> leads back to this file, or names it twice")
    seen.add(path)
    if path.stat().st_size > MAX_BYTES:
        raise AssetError(f"{path}: {path.stat().st_size} bytes; an asset file has at most {MAX_BYTES}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AssetError(f"{path}: not XML in UTF-8: {error}") from None
    for name in _check(text, path):
        _read_checked(path.parent / name, seen)
    return text


def _check(text: str, path: Path) -> list[str]:
    """Refuse declarations and bad XML; return the files that `<include>` elements name."""
    checker = _Checker(path)
    try:
        checker.parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise AssetError(f"{path}:{error.lineno}: not well-formed XML: {error}") from None
    return checker.includes


class _Checker:
    """Reads a file element by element, and raises at the first one that is not allowed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.includes: list[str] = []
        self._copies = [1.0]  # of each element that is open, how often the file has it repeated
        # Whatever encoding the file declares: what reads it next goes by UTF-8, too.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartDoctypeDeclHandler = self._declaration
        self.parser.EntityDeclHandler = self._declaration
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _error(self, problem: str) -> AssetError:
        return AssetError(f"{self.path}:{self.parser.CurrentLineNumber}: {problem}")

    def _declaration(self, *_: object) -> None:
        raise self._error("<!DOCTYPE> and <!ENTITY> are not allowed in asset files; remove them")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        counts = _numbers(attributes.get("count", "")) if tag in _REPEATING else []
        self._copies.append(self._copies[-1] * math.prod(counts))
        if self._copies[-1] > MAX_COPIES:
            raise self._error(f"<{tag}> repeats things {self._copies[-1]:.0f} times; at most {MAX_COPIES}")
        if len(self._copies) > MAX_NESTING + 1:
            raise self._error(f"<{tag}> lies in {MAX_NESTING} others; no model needs that")
        if tag == "include" and "file" in attributes:
            self.includes.append(attributes["file"])
        for key, value in attributes.items():
            if _is_infinite(key, value):
                raise self._error(f"<{tag} {key}={value!r}> must hold finite numbers")

    def _end(self, _: str) -> None:
        self._copies.pop()


def _numbers(value: str) -> list[float]:
    """Return the numbers that an attribute holds; none if it holds anything else."""
    try:
        return [float(token) for token in value.split()]
    except ValueError:
        return []


def _is_infinite(key: str, value: str) -> bool:
    """Whether an attribute holds numbers, one of them infinite or not a number: MuJoCo lets these pass."""
    if "n" not in value.lower():  # neither "nan" nor "inf"
        return False
    numbers = _numbers(value)
    return (len(numbers) > 1 or key in _NUMBERS) and not all(map(math.isfinite, numbers))

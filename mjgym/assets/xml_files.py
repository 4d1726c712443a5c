"""Reading XML files that a user may have been sent: no document types, no entities, errors that say where.

Entities can name local files or grow without bound, and no model needs them, so a file that declares any is
refused before a parser sees it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from xml.parsers import expat


class AssetError(ValueError):
    """An asset file cannot be used. The message names the file, the element and the rule."""


def read_xml(path: Path) -> str:
    """Return the text of an XML file after checking that it is well formed and declares nothing.

    Files that MJCF's ``<include>`` names are checked too.

    Raises:
        FileNotFoundError: if there is no such file.
        AssetError: if it is not XML, or declares a document type or an entity.
    """
    return _read_checked(path, frozenset())


def parse_xml(path: Path) -> ElementTree.Element:
    """Return the root element of an XML file, checked as :func:`read_xml` does."""
    return ElementTree.fromstring(read_xml(path))


def _read_checked(path: Path, seen: frozenset[Path]) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"asset file {path} does not exist")
    path = path.resolve()
    if path in seen:
        raise AssetError(f"{path}: <include> leads back to this file")
    text = path.read_text(encoding="utf-8")
    for name in _check(text, path):
        _read_checked(path.parent / name, seen | {path})
    return text


def _check(text: str, path: Path) -> list[str]:
    """Refuse declarations and bad XML; return the files that `<include>` elements name."""
    includes: list[str] = []
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise AssetError(
            f"{path}:{parser.CurrentLineNumber}: <!DOCTYPE> and <!ENTITY> are not allowed in asset files; "
            "remove them"
        )

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "include" and "file" in attributes:
            includes.append(attributes["file"])

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise AssetError(f"{path}:{error.lineno}: not well-formed XML: {error}") from None
    return includes

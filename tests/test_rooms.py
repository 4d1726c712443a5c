"""Arrows only point down: which room may import which (the table in CONTRIBUTING.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PHYSICS = {"mujoco", "mujoco_warp", "warp", "isaacgym"}
ABOVE_ALL = {"train", "benchmarks", "tools", "tests"}
FORBIDDEN = {
    "mjgym": ABOVE_ALL | {"app", "tasks", "learning", "isaacgym", "hydra", "omegaconf"},
    "tasks": ABOVE_ALL | {"app", "learning", "mjgym"} | (PHYSICS - {"isaacgym"}),
    "learning": ABOVE_ALL | {"app", "tasks", "mjgym"} | PHYSICS,
    "app": ABOVE_ALL,
    "examples": ABOVE_ALL | {"app", "tasks", "learning", "mjgym"} | (PHYSICS - {"isaacgym"}),
}


def imported_rooms(source: str) -> Iterator[tuple[int, str]]:
    """(line, top-level name) of every absolute import, those inside functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_nothing_above_it(room):
    upward = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, name in imported_rooms(path.read_text())
        if name in FORBIDDEN[room]
    ]
    assert not upward, f"{room} may not import {sorted(FORBIDDEN[room])}:\n" + "\n".join(upward)


def test_imports_are_found_wherever_they_stand():
    source = "import a.b, c\ndef f():\n    from d.e import g\nfrom . import h\n"
    assert sorted(imported_rooms(source)) == [(1, "a"), (1, "c"), (3, "d")]

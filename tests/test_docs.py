"""Commands that the documentation shows can be typed."""

import re
import shlex
from pathlib import Path

import pytest

from app.compose import compose
from app.plan import make_plan
from train import build_runner

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS_MORE = re.compile(r"NAME|DIR|checkpoint=(best|last)|cuda|multi_gpu|…|--help|-m |=clip")
"""Commands with a part to fill in, or that need a trained run, a graphics card or several processes."""


def commands():
    """The arguments of train.py wherever a page calls it."""
    found = set()
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        found |= set(re.findall(r"python train\.py ([^`\n#]+)", text))
        found |= set(re.findall(r'make train ARGS="([^"]+)"', text))
    return sorted(command.strip() for command in found if not NEEDS_MORE.search(command))


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_documentation_is_accepted(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    plans = [make_plan(job, build_runner) for job in compose(shlex.split(command))]
    assert len(plans) == 1


def test_commands_are_found():
    assert len(commands()) > 10
    assert any("HumanoidAMP_run.pth" in command for command in commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []

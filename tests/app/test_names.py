"""docs/names.md lists every registered name, the class it makes, and the train files that say it."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from app.choices import CONFIG_DIR
from learning.models import model_builder
from learning.networks.network_builder import NetworkBuilder
from train import build_runner

PAGE = Path(__file__).parents[2] / "docs" / "names.md"
TRAINS = sorted(path.stem for path in (CONFIG_DIR / "train").glob("*.yaml"))


@pytest.fixture
def factories(monkeypatch):
    """The factories as train.py fills them, whatever other tests have registered."""
    monkeypatch.setattr(model_builder, "_model_factory", model_builder._create_model_factory())
    monkeypatch.setattr(model_builder, "_network_factory", model_builder._create_network_factory())
    runner, models = build_runner(), model_builder.ModelBuilder()
    return {
        "agents": runner.algo_factory,
        "players": runner.player_factory,
        "models": models.model_factory,
        "networks": models.network_builder.network_factory,
    }


def table(block):
    """The rows of a table of the page by their name: all that stands in backticks in each cell behind it."""
    section = PAGE.read_text().split(f"| `{block}.name` |")[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    cells = [[re.findall(r"`([^`]+)`", cell) for cell in row] for row in rows]
    return {row[0][0]: row[1:] for row in cells}


def params_of(train):
    """The `params` of a train file, on top of the files that it begins with."""
    own = OmegaConf.load(CONFIG_DIR / "train" / f"{train}.yaml")
    bases = [params_of(base) for base in own.pop("defaults", []) if base != "_self_"]
    return OmegaConf.merge(*bases, own.params)


def said(block, params):
    """Every name that a block of this kind says, at any depth."""
    nested = [value for value in params.values() if isinstance(value, dict)]
    own = {params[block]["name"]} if "name" in params.get(block, {}) else set()
    return own.union(*(said(block, value) for value in nested))


def files_by_name(block):
    """The train files that say each name."""
    names = {train: said(block, OmegaConf.to_container(params_of(train))) for train in TRAINS}
    all_names = set().union(*names.values())
    return {name: [train for train in TRAINS if name in names[train]] for name in all_names}


@pytest.mark.parametrize("block", ["algo", "model", "network"])
def test_the_table_names_the_train_files_that_say_a_name(block):
    assert {name: row[-1] for name, row in table(block).items()} == files_by_name(block)


def test_the_table_has_every_algorithm_with_its_agent_and_player(factories):
    agents, players = factories["agents"], factories["players"]
    classes = {name: [[agents.get(name).__name__], [players.get(name).__name__]] for name in agents.names}
    assert players.names == agents.names
    assert {name: row[1:3] for name, row in table("algo").items()} == classes


@pytest.mark.parametrize("block, made_of", [("model", {"network": NetworkBuilder()}), ("network", {})])
def test_the_table_has_every_model_and_network_with_its_class(factories, block, made_of):
    factory = factories[f"{block}s"]
    classes = {name: [type(factory.create(name, **made_of)).__name__] for name in factory.names}
    assert {name: row[1] for name, row in table(block).items()} == classes

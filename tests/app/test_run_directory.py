import os

import pytest
import yaml

from app.run_directory import Checkpoint, find_checkpoint, new_run, stored_overrides
from learning.typed_config import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(name, task="Ant", age=0.0, files=("Ant.pth", "last.pth")):
    directory = new_run(name, task, f"{task}PPO")
    config = {"train": {"params": {"config": {"name": task}}}, "odd": "${x}"}
    directory.create(
        config, [f"task={task}", f"train={task}PPO", "num_envs=8", "test=False", "rl_device=cpu"]
    )
    (directory.path / "nn").mkdir()
    for file in files:
        (directory.path / "nn" / file).touch()
    written = 1e9 - age
    os.utime(directory.path / "config.yaml", (written, written))
    return directory.path


def test_naming_writes_nothing(here):
    assert new_run(None, "Ant", "AntPPO").path.name.startswith("Ant_AntPPO_2")
    assert list(here.iterdir()) == []


def test_two_runs_of_the_same_second_get_two_directories():
    first, second = (new_run(None, "Ant", "AntPPO") for _ in range(2))
    second.path = first.path
    for run in (first, second):
        run.create({"seed": 1}, [])
    assert second.path.name == f"{first.path.name}_2"
    assert yaml.safe_load((second.path / "config.yaml").read_text()) == {"seed": 1}


def test_existing_run_is_refused_with_the_way_to_resume_it():
    make_run("a")
    with pytest.raises(ConfigError, match="checkpoint=last"):
        new_run("a", "Ant", "AntPPO")


def test_discarding_leaves_nothing(here):
    run = new_run("a", "Ant", "AntPPO")
    run.create({}, [])
    run.discard()
    assert list(here.iterdir()) == []


def test_best_and_last_of_the_newest_run_with_the_same_task():
    make_run("old", age=100.0)
    new = make_run("new", age=1.0)
    make_run("other", task="Cartpole")
    assert find_checkpoint("best", None, "Ant", "AntPPO", True) == Checkpoint(
        (new / "nn/Ant.pth").resolve(), new.resolve()
    )
    last = find_checkpoint("last", None, "Ant", "AntPPO", False)
    assert last.path == (new / "nn/last.pth").resolve()
    assert last.is_last
    assert find_checkpoint("last", "old", "Ant", "AntPPO", False).run.name == "old"


def test_run_directory_means_best_when_testing_and_last_when_training():
    run = make_run("a")
    assert find_checkpoint(str(run), None, "Ant", "AntPPO", True).path.name == "Ant.pth"
    assert find_checkpoint(str(run), None, "Ant", "AntPPO", False).path.name == "last.pth"


def test_file_belongs_to_its_run(here):
    run = make_run("a")
    assert find_checkpoint("runs/a/nn/Ant.pth", None, "Ant", "AntPPO", True).run == run.resolve()
    (here / "lone.pth").touch()
    assert find_checkpoint("lone.pth", None, "Ant", "AntPPO", True).run is None


@pytest.mark.parametrize(
    ("value", "experiment", "message"),
    [
        ("last", None, "there is no run of task=Humanoid train=HumanoidPPO in runs"),
        ("best", "b", "there is no run runs/b; did you mean bb\\?"),
        ("best", "bb", "there is no runs/bb/nn/Ant.pth .* it has last.pth"),
        ("runs/bb/nn/las.pth", None, "did you mean last.pth\\?"),
        ("no/where.pth", None, "there is no directory no either"),
    ],
)
def test_missing_checkpoints(value, experiment, message):
    make_run("bb", files=["last.pth"])
    with pytest.raises(ConfigError, match=message):
        find_checkpoint(value, experiment, "Humanoid", "HumanoidPPO", True)


def test_stored_command_line_leaves_out_mode_and_machine():
    assert stored_overrides(make_run("a")) == ["task=Ant", "train=AntPPO", "num_envs=8"]

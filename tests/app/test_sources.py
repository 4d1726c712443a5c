from pathlib import Path

from app.compose import CONFIG_DIR, Job
from app.sources import source_of, with_source


def job(*overrides):
    choices = {"task": "Ant", "train": "AntPPO", "hardware": "cpu", "overlay": "cpu/AntPPO"}
    return Job({}, overrides, choices, (CONFIG_DIR,))


def test_command_line_comes_first():
    assert source_of("num_envs", job("num_envs=3", "++num_envs=4")) == "the command line: num_envs=4"
    assert source_of("train.params.config.player.x", job("train.params.config.player={x: 1}")).endswith(
        "{x: 1}"
    )


def test_files_are_named_from_strong_to_weak():
    for key, file in {
        "train.params.config.horizon_length": "overlay/cpu/AntPPO.yaml",
        "train.params.config.gamma": "train/AntPPO.yaml",
        "task.env.deathCost": "task/Ant.yaml",
        "rl_device": "hardware/cpu.yaml",
        "seed": "config.yaml",
    }.items():
        assert Path(source_of(key, job())) == CONFIG_DIR / file
    assert source_of("nowhere.at.all", job()) is None


def test_message_is_extended_by_its_source():
    assert with_source("num_envs=-4: no", job("num_envs=-4")) == (
        "num_envs=-4: no\n  given by the command line: num_envs=-4"
    )
    assert with_source("a text without a key", job()) == "a text without a key"

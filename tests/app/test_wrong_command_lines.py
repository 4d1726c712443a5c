"""Wrong command lines: one readable message, exit code 2, no traceback, nothing left behind."""

import numpy as np
import pytest
import torch

from learning.checkpoints.checkpoint import save_checkpoint
from learning.models.model_builder import ModelBuilder


def files_in(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def write_checkpoint(path, task, num_obs, num_actions, units):
    """A checkpoint as training writes it, untrained."""
    head = {"mu_activation": None, "sigma_activation": None, "fixed_sigma": True}
    params = {
        "model": {"name": "continuous_a2c_logstd"},
        "network": {
            "name": "actor_critic",
            "separate": False,
            "space": {"continuous": head},
            "mlp": {"units": units, "activation": "elu"},
        },
    }
    sizes = {"actions_num": num_actions, "input_shape": (num_obs,), "value_size": 1, "num_seqs": 1}
    module = ModelBuilder().load(params).build({**sizes, "normalize_input": True, "normalize_value": True})
    save_checkpoint(path, {"model": module.state_dict(), "info": {"task": task}})


WRONG = {
    "unknown task": (["task=Cartpol"], ["task=Cartpol", "did you mean Cartpole?"]),
    "key one letter off": (["task=Ant", "num_env=64"], ["num_env=64", "did you mean num_envs?"]),
    "nested key one letter off": (
        ["task=Ant", "train.params.config.gama=0.9"],
        ["train.params.config.gama=0.9", "did you mean train.params.config.gamma?"],
    ),
    "string for a number": (
        ["task=Ant", "train.params.config.gamma=high"],
        ["train.params.config.gamma=high", "must be a number", "given by the command line"],
    ),
    "minibatch does not divide": (
        [
            *("task=Cartpole", "num_envs=64", "train.params.config.horizon_length=16"),
            "train.params.config.minibatch_size=1000",
        ],
        ["minibatch_size=1000", "16 * 64 = 1024", "try 512"],
    ),
    "minibatch of the central critic does not divide": (
        [
            *("task=Asymmetric", "num_envs=64", "train.params.config.horizon_length=16"),
            "train.params.config.central_value_config.minibatch_size=1000",
        ],
        ["central_value_config.minibatch_size=1000", "16 * 64 = 1024", "try 512"],
    ),
    "missing checkpoint": (
        ["task=Ant", "test=True", "checkpoint=nowhere.pth"],
        ["checkpoint=nowhere.pth", "there is no such file"],
    ),
    "no run to play": (["task=Ant", "test=True", "checkpoint=best"], ["there is no run of task=Ant"]),
    "domain randomization": (
        ["task=Ant", "task.task.randomize=True"],
        ["task.randomize=True", "not there yet"],
    ),
    "negative num_envs": (["task=Ant", "num_envs=-4"], ["num_envs=-4", "at least 1", "the command line"]),
    "unknown engine": (["task=Ant", "physics_engine=mujocco"], ["mujocco", "did you mean mujoco?"]),
    "unknown motion": (
        ["task=Humanoid", "train=HumanoidAMP", "task.env.motion_file=wlak"],
        ["motion_file=wlak", "did you mean walk?"],
    ),
    "dump without a test": (["task=HumanoidAMP", "dump_rollouts=a.npz"], ["dump_rollouts=a.npz", "test="]),
    "unknown environment of Gymnasium": (
        ["task=CartPole-v1", "task.env.id=CartPole-v9"],
        ["task.env.id=CartPole-v9", "`v0`, `v1`", "the command line"],
    ),
    "physx": (["task=Ant", "physics_engine=physx"], ["physx", "Python 3.8", "mujoco_warp"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_is_refused_with_one_readable_message(name, train, tmp_path):
    arguments, expected = WRONG[name]
    code, out, err = train(*arguments)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    assert err.count("error:") == 1
    for text in expected:
        assert text in err
    assert files_in(tmp_path) == []


def test_checkpoint_of_another_task(train, tmp_path):
    write_checkpoint(tmp_path / "ant.pth", "Ant", num_obs=60, num_actions=8, units=[32, 32])
    code, out, err = train("task=Cartpole", "test=True", "checkpoint=ant.pth")
    assert (code, out) == (2, "")
    assert "ant.pth: was trained on task=Ant, not Cartpole" in err
    assert "Traceback" not in err
    assert files_in(tmp_path) == ["ant.pth"]


def test_checkpoint_of_another_architecture(train, tmp_path):
    write_checkpoint(tmp_path / "wide.pth", None, num_obs=4, num_actions=1, units=[64, 32])
    code, out, err = train("task=Cartpole", "test=True", "checkpoint=wide.pth")
    assert (code, out) == (2, "")
    assert "wide.pth" in err
    assert "(64, 4), here (32, 4)" in err
    assert "Traceback" not in err
    assert files_in(tmp_path) == ["wide.pth"]


def test_motion_that_would_run_code(train, tmp_path):
    class Danger:
        def __reduce__(self):
            return (exec, ("open('harm', 'w')",))

    np.savez(tmp_path / "bad.npz", root_pos=np.array([Danger()], dtype=object))
    code, _, err = train("task=HumanoidAMP", "task.env.motion_file=bad.npz")
    assert code == 2
    assert "bad.npz" in err
    assert "Traceback" not in err
    assert files_in(tmp_path) == ["bad.npz"]


@pytest.mark.parametrize("name", ["runs", "runs/mine"])
def test_runs_path_that_is_a_file(name, train, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    before = files_in(tmp_path)
    code, out, err = train("task=Cartpole", "experiment=mine")
    assert (code, out) == (2, "")
    assert "is a file" in err
    assert "Traceback" not in err
    assert files_in(tmp_path) == before
    assert path.read_text() == "mine"


def test_checkpoint_that_would_run_code(train, tmp_path):
    class Danger:
        def __reduce__(self):
            return (exec, ("open('harm', 'w')",))

    torch.save({"model": Danger()}, tmp_path / "bad.pth")
    code, _, err = train("task=Cartpole", "test=True", "checkpoint=bad.pth")
    assert code == 2
    assert "is no readable checkpoint" in err
    assert files_in(tmp_path) == ["bad.pth"]

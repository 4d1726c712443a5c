"""Resuming: training that was stopped goes on as if it never had been."""

import json
import logging

import numpy as np
import pytest
import torch

from learning.checkpoints.checkpoint import CheckpointError, load_checkpoint
from learning.torch_runner import Runner
from tests.learning.toy_env import ToyVecEnv, toy_params


def train(run_dir, checkpoint=None, **config):
    """Train in environments of its own and return last.pth."""
    runner = Runner()
    config = {"env_config": {"episode_length": 11}, **config}
    runner.load(toy_params(train_dir=str(run_dir), **config))
    runner.run({"train": True, "checkpoint": checkpoint and str(checkpoint)})
    return load_checkpoint(run_dir / "nn" / "last.pth")


def differences(one, other, path=""):
    """Return the paths at which nested plain data differ, bit by bit."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        return [line for key in one for line in differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other), path
        pairs = zip(one, other, strict=True)
        return [line for i, (a, b) in enumerate(pairs) for line in differences(a, b, f"{path}[{i}]")]
    same = torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    return [] if same else [path]


@pytest.mark.parametrize(
    "schedule", [{"schedule_type": "legacy"}, {"lr_schedule": "linear", "max_frames": 999_999}]
)
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, schedule):
    straight = train(tmp_path / "a", max_epochs=8, **schedule)
    half = (
        {"max_epochs": 4}
        if "lr_schedule" not in schedule
        else {"stop_fn": lambda agent: agent.epoch_num == 4}
    )
    train(tmp_path / "b", **{"max_epochs": 8, **half}, **schedule)
    torch.manual_seed(12345)  # another process would begin elsewhere
    resumed = train(tmp_path / "b", tmp_path / "b" / "nn" / "last.pth", max_epochs=8, **schedule)

    assert set(differences(straight, resumed)) == {".total_time"}
    assert resumed["epoch"] == 8 and resumed["frame"] == 8 * 128
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "b" / "metrics.jsonl").open()]
    assert epochs == list(range(1, 9))


def test_an_environment_without_a_state_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(ToyVecEnv, "get_env_state", lambda self: None)
    train(tmp_path, max_epochs=2)
    runner = Runner()
    runner.load(toy_params(train_dir=str(tmp_path), max_epochs=3))
    agent = runner.algo_factory.create("a2c_continuous", base_name="run", params=runner.params)
    agent.restore(str(tmp_path / "nn" / "last.pth"))
    assert agent.vec_env.resets == 1 and agent.epoch_num == 2
    assert torch.equal(agent.obs["obs"], agent.vec_env.obs_buf)
    assert not agent.vec_env.progress.any() and not agent.episodes.current.any()


def test_the_layout_is_rl_games_with_keys_beside_it(tmp_path):
    state = train(tmp_path, max_epochs=2, save_best_after=0, result_info={"task": "Toy"})
    assert {"model", "epoch", "frame", "optimizer", "last_mean_rewards", "env_state"} <= set(state)
    assert {"a2c_network.sigma", "a2c_network.actor_mlp.0.weight", "running_mean_std.count"} <= set(
        state["model"]
    )
    assert state["info"] == {"task": "Toy"} and state["versions"]["torch"]
    best = load_checkpoint(tmp_path / "nn" / "Toy.pth")
    assert "optimizer" not in best and "workers" not in best


def test_a_best_checkpoint_starts_a_new_optimizer(tmp_path, caplog):
    train(tmp_path / "a", max_epochs=4, save_best_after=0)
    with caplog.at_level(logging.WARNING):
        state = train(tmp_path / "b", tmp_path / "a" / "nn" / "Toy.pth", max_epochs=6)
    assert "without its optimizer" in caplog.text
    assert state["epoch"] == 6  # its own: what the other run did is no part of it
    assert state["optimizer"]["state"][0]["step"] == 6 * 8


def test_another_run_has_a_best_of_its_own(tmp_path):
    train(tmp_path / "a", max_epochs=2)
    path = tmp_path / "a" / "nn" / "last.pth"
    torch.save({**load_checkpoint(path), "last_mean_rewards": 1e6}, path)
    state = train(tmp_path / "b", path, max_epochs=4, save_best_after=0)
    assert state["epoch"] == 4 and state["last_mean_rewards"] < 1e6
    assert (tmp_path / "b" / "nn" / "Toy.pth").is_file()


def test_other_parameter_groups_start_a_new_optimizer(tmp_path, caplog):
    state = train(tmp_path, max_epochs=2)
    path = tmp_path / "nn" / "last.pth"
    groups = state["optimizer"]["param_groups"]
    numbers = groups[0]["params"]
    halves = [{**groups[0], "params": numbers[:3]}, {**groups[0], "params": numbers[3:]}]
    torch.save({**state, "optimizer": {**state["optimizer"], "param_groups": halves}}, path)
    with caplog.at_level(logging.WARNING):
        state = train(tmp_path, path, max_epochs=3)
    assert "other parameter groups" in caplog.text
    assert state["epoch"] == 3 and state["optimizer"]["state"][0]["step"] == 8


def test_checkpoints_say_nothing_of_the_machine(tmp_path):
    assert str(tmp_path) not in str(train(tmp_path, max_epochs=1)["config"])


def test_a_file_of_rl_games_goes_on_from_its_optimizer(tmp_path):
    state = train(tmp_path / "a", max_epochs=2)
    kept = {key: state[key] for key in ("model", "epoch", "frame", "optimizer", "env_state")}
    kept["optimizer"]["param_groups"][0] |= {"lr": 3e-3, "fused": None}
    torch.save({**kept, "last_mean_rewards": np.float32(-5.0)}, tmp_path / "foreign.pth")
    runner = Runner()
    runner.load(toy_params())
    agent = runner.algo_factory.create("a2c_continuous", base_name="run", params=runner.params)
    agent.restore(str(tmp_path / "foreign.pth"))
    assert (agent.epoch_num, agent.frame, agent.learning_rate.value, agent.best_reward) == (
        2,
        256,
        3e-3,
        -5.0,
    )
    assert agent.optimizer.state_dict()["state"][0]["step"] == 2 * 8
    assert agent.optimizer.param_groups[0]["fused"] is True
    assert agent.obs == {}  # its environments are not in the file


def test_another_number_of_environments_starts_them_anew(tmp_path, caplog):
    train(tmp_path / "a", max_epochs=2)
    with caplog.at_level(logging.WARNING):
        state = train(tmp_path / "b", tmp_path / "a" / "nn" / "last.pth", max_epochs=3, num_actors=32)
    assert "environments start anew" in caplog.text
    assert state["epoch"] == 3 and state["optimizer"]["state"][0]["step"] == 2 * 8 + 16


def test_the_best_reward_so_far_survives_a_resume(tmp_path):
    state = train(tmp_path, max_epochs=4, save_best_after=0)
    path = tmp_path / "nn" / "last.pth"
    state["last_mean_rewards"] = 1e6
    torch.save(state, path)
    best = (tmp_path / "nn" / "Toy.pth").read_bytes()
    state = train(tmp_path, path, max_epochs=5, save_best_after=0)
    assert state["last_mean_rewards"] == 1e6
    assert (tmp_path / "nn" / "Toy.pth").read_bytes() == best


def test_settings_changed_on_resume_count(tmp_path):
    train(tmp_path, max_epochs=1, lr_schedule=None, learning_rate=1e-3)
    path = tmp_path / "nn" / "last.pth"
    state = train(tmp_path, path, max_epochs=2, lr_schedule=None, learning_rate=2e-3, weight_decay=0.1)
    assert state["optimizer"]["param_groups"][0]["lr"] == 2e-3
    assert state["optimizer"]["param_groups"][0]["weight_decay"] == 0.1


def test_a_run_that_is_over_stays_over(tmp_path, caplog):
    first = train(tmp_path, max_epochs=2)
    with caplog.at_level(logging.WARNING):
        again = train(tmp_path, tmp_path / "nn" / "last.pth", max_epochs=2)
    assert "nothing is left to train" in caplog.text
    assert differences(first["model"], again["model"]) == []
    assert json.loads((tmp_path / "result.json").read_text())["exit_reason"] == "max_epochs"


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    train(tmp_path / "a", max_epochs=1)
    with pytest.raises(CheckpointError, match=r"actor_mlp\.0\.weight is \(16, 4\), here \(16, 6\)"):
        train(tmp_path / "b", tmp_path / "a" / "nn" / "last.pth", env_config={"num_obs": 6})

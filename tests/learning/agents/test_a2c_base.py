"""The rollout and the loop: what is recorded, what the values after each step are, when training stops."""

import json
import math
import os
import signal

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from learning.agents.a2c_continuous import A2CAgent
from learning.maths.returns import compute_gae
from learning.reporting.figures import TrainingError
from learning.reporting.observer import AlgoObserver
from learning.typed_config import ConfigError
from tests.learning.toy_env import ToyVecEnv, toy_params


def make_agent(env=None, **config):
    torch.manual_seed(0)
    env = env or ToyVecEnv(16)
    return A2CAgent("run", toy_params(vec_env=env, **config))


def play(agent):
    agent.obs = agent.env_reset()
    agent.set_eval()
    return agent.play_steps()


class WaitsForDevice(TorchDispatchMode):
    """Notes operations whose result the host has to wait for, or whose shape depends on data."""

    NAMES = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "unique", "item")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if any(name == known or name.startswith("unique") for known in self.NAMES):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def test_the_step_loop_never_waits_for_the_device():
    agent = make_agent()
    agent.obs = agent.env_reset()
    agent.finish_rollout = dict
    with WaitsForDevice() as mode:
        agent.play_steps()
    assert mode.found == []
    with WaitsForDevice() as mode:  # the detector detects
        bool(torch.ones(1) > 0)
    assert mode.found


def test_the_buffer_holds_copies_of_what_was_seen():
    agent = make_agent()
    first = agent.env_reset()["obs"].clone()
    agent.obs = {"obs": agent.vec_env.obs_buf}
    batch = agent.play_steps()
    buffer = agent.experience_buffer
    assert torch.equal(buffer["obses"][0], first)
    assert batch["obses"].shape == (8 * 16, 4) and batch["returns"].shape == (8 * 16, 1)
    inside = ~buffer["dones"][:-1]
    assert torch.equal(buffer["final_obses"][:-1][inside], buffer["obses"][1:][inside])
    assert agent.frame == 128
    assert not batch["returns"].requires_grad


def test_values_after_each_step_by_how_it_ended():
    agent = make_agent(ToyVecEnv(16, episode_length=3, limit=1.0))
    play(agent)
    buffer = agent.experience_buffer
    following = agent.next_values()
    time_outs = buffer["time_outs"]
    terminated = buffer["dones"] & ~time_outs
    assert time_outs.any() and terminated.any()
    with torch.no_grad():
        true_next = agent.get_values(buffer["final_obses"].flatten(0, 1)).view(8, 16, 1)
    expected = torch.where(terminated.unsqueeze(-1), 0.0, true_next)
    torch.testing.assert_close(following, expected)


def test_without_bootstrap_a_time_out_is_a_failure():
    agent = make_agent(ToyVecEnv(16, episode_length=3), value_bootstrap=False)
    batch = play(agent)
    buffer = agent.experience_buffer
    assert "final_obses" not in buffer.tensor_dict
    following = agent.next_values()
    assert following[buffer["dones"]].abs().sum() == 0
    advantages = compute_gae(
        buffer["rewards"], buffer["values"], buffer["dones"], following, agent.config.gamma, agent.config.tau
    )
    torch.testing.assert_close(batch["advantages"], advantages.flatten(0, 1))


def test_rewards_are_shaped_for_learning_and_counted_as_they_were():
    agent = make_agent(
        ToyVecEnv(16, episode_length=4), reward_shaper={"scale_value": 0.5, "shift_value": 1.0}
    )
    play(agent)
    agent.episodes.harvest(agent.distributed)
    meters = agent.episodes
    assert math.isclose(meters.mean_length, 4.0)
    assert math.isclose(meters.mean_shaped_reward, 0.5 * (meters.mean_reward + 4.0), rel_tol=1e-5)


def test_the_input_normaliser_learns_after_the_update():
    agent = make_agent()
    agent.obs = agent.env_reset()
    seen = []
    original = agent.calc_gradients

    def watch(minibatch):
        seen.append(agent.model.running_mean_std.count.item())
        return original(minibatch)

    agent.calc_gradients = watch
    agent.train_epoch()
    assert set(seen) == {1.0}
    assert agent.model.running_mean_std.count == 1 + 128


def test_probability_ratios_of_the_first_minibatch_are_one():
    agent = make_agent(num_actors=64, minibatch_size=512, mini_epochs=1, env=ToyVecEnv(64), max_epochs=3)
    agent.obs = agent.env_reset()
    for _ in range(3):
        agent.train_epoch()
        figures = agent.losses.harvest()
        assert abs(figures["kl"]) < 1e-6
        assert abs(figures["a_loss"]) < 1e-5  # -mean(ratio · normalised advantage)


def test_advantages_are_normalised_over_the_batch():
    agent = make_agent()
    normal = agent.normalize_advantages(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    torch.testing.assert_close(normal, torch.tensor([-2.0, -1.0, 0.0, 3.0]) / math.sqrt(3.5))


def test_environments_have_to_be_as_many_as_configured():
    with pytest.raises(ConfigError, match=r"num_actors=16 means 16 environments .* has 8"):
        make_agent(ToyVecEnv(8))


@pytest.mark.parametrize(
    ("limits", "reason", "epochs"),
    [
        ({"max_epochs": 2}, "max_epochs", 2),
        ({"max_epochs": None, "max_frames": 300}, "max_frames", 3),
        ({"max_epochs": 50, "score_to_win": -1e9}, "score_to_win", 3),
        ({"max_epochs": 50, "stop_fn": lambda agent: agent.epoch_num == 4}, "stop_fn", 4),
    ],
)
def test_training_stops_at_its_limits(tmp_path, limits, reason, epochs):
    agent = make_agent(train_dir=str(tmp_path), result_info={"task": "Toy"}, **limits)
    best, epoch = agent.train()
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["exit_reason"], result["epochs"], epoch) == (reason, epochs, epochs)
    assert (result["mode"], result["task"], result["frames"]) == ("train", "Toy", 128 * epochs)
    assert result["best_reward"] == best
    assert (tmp_path / "nn" / "last.pth").exists() and (tmp_path / "nn" / "Toy.pth").exists()
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == epochs


def test_an_interrupt_saves_and_leaves(tmp_path):
    class PressesCtrlC(AlgoObserver):
        def on_progress(self, progress):
            if progress.epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    agent = make_agent(train_dir=str(tmp_path), max_epochs=100, observer=PressesCtrlC())
    agent.train()
    assert json.loads((tmp_path / "result.json").read_text())["exit_reason"] == "interrupted"
    assert torch.load(tmp_path / "nn" / "last.pth", weights_only=True)["epoch"] == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_checkpoints_come_when_they_are_due(tmp_path):
    config = {"save_frequency": 2, "max_epochs": 5, "save_best_after": 100, "save_last_interval": None}
    saved = []

    class Watches(AlgoObserver):
        def on_progress(self, progress):
            saved.append(sorted(path.name for path in (tmp_path / "nn").iterdir()))

    make_agent(train_dir=str(tmp_path), observer=Watches(), **config).train()
    assert saved[1] == []  # epoch 2 is shown before its checkpoint is written
    assert saved[2] == saved[3] == ["Toy_ep_2.pth", "last.pth"]
    assert {path.name for path in (tmp_path / "nn").iterdir()} == {
        "Toy.pth",  # a run that ends before save_best_after leaves its last policy as its best
        "Toy_ep_2.pth",
        "Toy_ep_4.pth",
        "last.pth",
    }


def test_the_last_checkpoint_is_renewed_by_the_clock(tmp_path):
    seen = []

    class Watches(AlgoObserver):
        def on_progress(self, progress):
            path = tmp_path / "nn" / "last.pth"
            seen.append(torch.load(path, weights_only=True)["epoch"] if path.exists() else 0)

    make_agent(train_dir=str(tmp_path), observer=Watches(), save_last_interval=0.0, max_epochs=3).train()
    assert seen == [0, 1, 2]


def test_a_loss_that_is_not_finite_ends_training_before_anything_is_saved(tmp_path):
    class Breaks(ToyVecEnv):
        def step(self, actions):
            obs, rewards, dones, extras = super().step(actions)
            return obs, rewards * float("nan"), dones, extras

    agent = make_agent(Breaks(16), train_dir=str(tmp_path), save_last_interval=0.0)
    with pytest.raises(TrainingError, match=r"loss became nan in epoch 1"):
        agent.train()
    assert not (tmp_path / "nn" / "last.pth").exists()


def test_without_a_run_directory_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_agent(max_epochs=2).train()
    assert list(tmp_path.iterdir()) == []


def test_environments_are_reset_between_epochs_when_asked():
    env = ToyVecEnv(16)
    make_agent(env, max_epochs=4, epochs_between_resets=2).train()
    assert env.resets == 1 + 2


@pytest.mark.slow
def test_it_learns():
    torch.manual_seed(0)
    agent = make_agent(ToyVecEnv(64), num_actors=64, minibatch_size=128, mini_epochs=4, max_epochs=60)
    agent.obs = agent.env_reset()
    agent.train()
    assert agent.episodes.mean_reward > 17.0  # an untrained policy gets about 12

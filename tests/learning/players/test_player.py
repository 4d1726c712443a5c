import json
import math

import pytest
import torch

from learning.players.player import EpisodeCounter, PpoPlayerContinuous
from learning.torch_runner import Runner
from learning.typed_config import ConfigError
from tests.learning.toy_env import ToyVecEnv, toy_params


class TwoPaces(ToyVecEnv):
    """Environment 0 ends after 2 steps with a reward of 1 each, environment 1 after 6 with 10 each."""

    def __init__(self):
        super().__init__(2)
        self.lengths = torch.tensor([2, 6])

    def step(self, actions):
        super().step(actions)
        self.progress = torch.where(self.progress > self.lengths, 1, self.progress)
        dones = self.progress >= self.lengths
        rewards = torch.tensor([1.0, 10.0])
        extras = {"time_outs": dones, "terminate": ~dones & dones, "final_obs": {"obs": self.obs_buf}}
        extras["episode"] = {"mean_step": self.progress.float().mean(), "step": self.progress}
        return {"obs": self.obs_buf}, rewards, dones, extras


def player(**config):
    env = config.pop("vec_env", None) or ToyVecEnv(16)
    return PpoPlayerContinuous(toy_params(vec_env=env, num_actors=env.num_envs, **config))


def test_every_environment_counts_the_same_number_of_episodes():
    result = player(vec_env=TwoPaces(), player={"games_num": 3}).run()
    # 3 games are rounded up to 2 in each; environment 0 would have ended 6 meanwhile
    assert result["episodes"] == 4
    assert result["reward"] == (2 * 2 * 1.0 + 2 * 6 * 10.0) / 4
    assert result["episode_length"] == (2 * 2 + 2 * 6) / 4
    assert result["frames"] == 12 * 2
    assert result["exit_reason"] == "games_num"


def test_one_episode_of_every_environment_is_the_default():
    assert player(vec_env=TwoPaces()).run()["episodes"] == 2


def test_what_the_environment_tells_of_each_step_is_averaged_over_all_steps():
    # environment 0 is at steps 1, 2, 1, 2, 1, 2 and environment 1 at 1 to 6; a tensor counts by its mean
    expected = (6 * 1.5 + 21) / 12
    assert player(vec_env=TwoPaces()).run()["episode"] == {"mean_step": expected, "step": expected}


def test_play_ends_at_max_steps(caplog):
    result = player(vec_env=TwoPaces(), player={"max_steps": 3}).run()
    assert (result["episodes"], result["reward"], result["exit_reason"]) == (1, 2.0, "max_steps")
    assert "1 episodes still to end; raise max_steps" in caplog.text
    nothing = player(player={"max_steps": 1}).run()
    assert nothing["reward"] is None and nothing["episodes"] == 0


def test_counting_stops_at_the_quota():
    counter = EpisodeCounter(2, 1, torch.device("cpu"))
    assert counter.means() == (None, None, 0)
    for dones in ([True, False], [True, False], [True, True]):
        counter.step(torch.tensor([1.0, 2.0]), torch.tensor(dones))
    assert counter.is_full()
    assert counter.means() == ((1.0 + 6.0) / 2, (1 + 3) / 2, 2)


def test_actions_are_the_mean_or_a_sample():
    made = player()
    obs = made.vec_env.reset()
    with torch.no_grad():
        assert torch.equal(made.get_action(obs), made.get_action(obs))
        assert not torch.equal(made.get_action(obs, False), made.get_action(obs, False))
        mean = made.model({"is_train": False, "obs": obs["obs"]})["mus"]
    assert torch.equal(made.get_action(obs), mean.clamp(-1, 1))
    with pytest.raises(NotImplementedError, match="continuous"):
        made.get_masked_action(obs, torch.ones(1))


def test_a_trained_policy_plays_as_it_trained(tmp_path):
    runner = Runner()
    config = {"num_actors": 64, "minibatch_size": 128, "max_epochs": 8, "save_best_after": 0}
    runner.load(toy_params(train_dir=str(tmp_path), result_info={"task": "Toy"}, **config))
    runner.run({"train": True})
    path = str(tmp_path / "nn" / "Toy.pth")
    result = runner.run({"play": True, "checkpoint": path})
    trained = json.loads((tmp_path / "result.json").read_text())
    assert result == json.loads((tmp_path / "test_result.json").read_text())
    assert (result["mode"], result["task"], result["checkpoint"], result["epochs"]) == (
        "test",
        "Toy",
        path,
        8,
    )
    assert result["reward"] > 0.9 * trained["reward"]


def test_the_players_normalisers_are_those_of_the_checkpoint(tmp_path):
    runner = Runner()
    runner.load(toy_params(train_dir=str(tmp_path), max_epochs=2))
    runner.run({"train": True})
    made = player()
    assert made.model.running_mean_std.count == 1
    made.restore(str(tmp_path / "nn" / "Toy.pth"))
    assert made.model.running_mean_std.count == 1 + 2 * 128
    assert made.model.value_mean_std.count == 1 + 2 * 128


def test_sigma_can_be_overridden(tmp_path):
    runner = Runner()
    runner.load(toy_params(player={"deterministic": False, "max_steps": 5}, vec_env=ToyVecEnv(16)))
    seen = []
    runner.player_factory.register_builder(
        "a2c_continuous", lambda params: Recorded(params, seen), override=True
    )
    runner.run({"play": True, "sigma": -9.0})
    assert all(math.isclose(value, -9.0) for value in seen[0].tolist())


class Recorded(PpoPlayerContinuous):
    def __init__(self, params, seen):
        super().__init__(params)
        self.seen = seen

    def run(self):
        self.seen.append(self.model.a2c_network.sigma.detach().clone())
        return super().run()


def test_a_learned_sigma_cannot_be_overridden():
    params = toy_params(vec_env=ToyVecEnv(16))
    params["network"]["space"]["continuous"]["fixed_sigma"] = False
    runner = Runner()
    runner.load(params)
    with pytest.raises(ConfigError, match="sigma=1: this network computes sigma itself"):
        runner.run({"play": True, "sigma": 1.0})

"""Stopping and going on: the same bits, replay buffer, temperature and optimizers included; playing."""

import logging

import pytest
import torch
from gymnasium import spaces

from learning.checkpoints.checkpoint import CheckpointError, load_checkpoint, load_replay
from learning.sac.agent import SACAgent
from learning.sac.players import SACPlayer
from learning.torch_runner import Runner
from tests.learning.checkpoints.test_training_state import differences
from tests.learning.sac_toy import CountingVecEnv, sac_params
from tests.learning.toy_env import ToyVecEnv


def train(run_dir, checkpoint=None, **config):
    """Train in environments of its own and return last.pth with the replay buffers beside it."""
    runner = Runner()
    runner.load(sac_params(train_dir=str(run_dir), env_config={"episode_length": 5}, **config))
    runner.run({"train": True, "checkpoint": checkpoint and str(checkpoint)})
    path = run_dir / "nn" / "last.pth"
    return {**load_checkpoint(path), **load_replay(path)}


def make_agent(**config):
    torch.manual_seed(0)
    return SACAgent("run", sac_params(vec_env=ToyVecEnv(16), **config))


@pytest.mark.parametrize("replay_buffer_size", [1000, 80])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, replay_buffer_size):
    config = {"replay_buffer_size": replay_buffer_size, "policy_frequency": 3, "alpha_lr": 0.1}
    config["save_best_after"] = 0  # else the end of a run, wherever it is, chooses a best
    straight = train(tmp_path / "a", max_epochs=8, **config)
    train(tmp_path / "b", max_epochs=4, **config)
    torch.manual_seed(12345)  # another process would begin elsewhere
    resumed = train(tmp_path / "b", tmp_path / "b" / "nn" / "last.pth", max_epochs=8, **config)
    assert set(differences({**straight, "config": 0}, {**resumed, "config": 0})) == {".total_time"}
    assert straight["num_updates"] == 6 * 4
    assert {"actor_optimizer", "critic_optimizer", "log_alpha_optimizer", "log_alpha"} <= set(straight)
    assert straight["log_alpha"].item() != pytest.approx(torch.tensor(0.2).log().item(), abs=1e-3)
    assert len(straight["replay"][0]["samples"]) == min(8 * 32, replay_buffer_size)


def test_a_run_resumed_during_warm_up_ends_with_the_same_bits(tmp_path):
    straight = train(tmp_path / "a", max_epochs=6, num_warmup_steps=4)
    train(tmp_path / "b", max_epochs=2, num_warmup_steps=4)
    resumed = train(tmp_path / "b", tmp_path / "b" / "nn" / "last.pth", max_epochs=6, num_warmup_steps=4)
    assert (
        differences({**straight, "total_time": 0, "config": 0}, {**resumed, "total_time": 0, "config": 0})
        == []
    )


def test_without_its_replay_buffer_a_run_collects_before_it_learns(tmp_path, caplog):
    config = {"num_warmup_steps": 3}
    train(tmp_path, max_epochs=5, **config)
    (tmp_path / "nn" / "last_replay.pth").unlink()
    with caplog.at_level(logging.WARNING):
        state = train(tmp_path, tmp_path / "nn" / "last.pth", max_epochs=9, **config)
    assert "no replay buffers beside it" in caplog.text
    assert state["num_updates"] == 2 * 4 + 2 * 4  # epochs 6 and 7 made none
    assert len(state["replay"][0]["samples"]) == 4 * 32


def test_a_replay_buffer_that_is_not_to_be_kept_is_not(tmp_path, caplog):
    state = train(tmp_path, max_epochs=3, save_replay_buffer=False)
    assert "replay" not in state
    with caplog.at_level(logging.WARNING):
        train(tmp_path, tmp_path / "nn" / "last.pth", max_epochs=4, save_replay_buffer=False)
    assert "replay" not in caplog.text


def test_settings_changed_on_resume_count(tmp_path):
    train(tmp_path, max_epochs=3)
    agent = make_agent(actor_lr=5e-4, critic_betas=[0.5, 0.9])
    agent.restore(str(tmp_path / "nn" / "last.pth"))
    assert agent.actor_optimizer.param_groups[0]["lr"] == 5e-4
    assert agent.critic_optimizer.param_groups[0]["betas"] == (0.5, 0.9)
    assert agent.critic_optimizer.state_dict()["state"][0]["step"] == 4


def test_a_best_checkpoint_plays_and_starts_training_anew(tmp_path):
    train(tmp_path, max_epochs=4, save_best_after=0)
    best = load_checkpoint(tmp_path / "nn" / "Toy.pth")
    assert not any(name.endswith("optimizer") for name in best)
    agent = make_agent(train_dir=str(tmp_path / "other"))
    agent.restore(str(tmp_path / "nn" / "Toy.pth"))
    assert (agent.epoch_num, agent.num_updates) == (0, 0)
    assert differences(best["model"], agent.model.state_dict()) == []


def rl_games_file(path, agent, **changes):
    """Write what RL Games 1.6.5 writes for this agent."""
    network = agent.model.sac_network
    state = {
        **{name: getattr(network, name).state_dict() for name in ("actor", "critic", "critic_target")},
        "running_mean_std": agent.model.running_mean_std.state_dict(),
        "epoch": 40,
        "frame": 1280,
        **{name: optimizer.state_dict() for name, optimizer in agent._optimizers().items()},
        **changes,
    }
    torch.save({key: value for key, value in state.items() if value is not None}, path)
    return str(path)


def test_a_file_of_rl_games_goes_on(tmp_path):
    trained = make_agent()
    trained.train()
    path = rl_games_file(tmp_path / "rl_games.pth", trained)
    agent = make_agent(seed=1)
    agent.restore(path)
    assert differences(trained.model.state_dict(), agent.model.state_dict()) == []
    assert (agent.epoch_num, agent.frame) == (40, 1280)
    assert agent.actor_optimizer.state_dict()["state"][0]["step"] == 4
    player = SACPlayer(sac_params(vec_env=ToyVecEnv(16)))
    player.restore(path)
    assert differences(trained.model.state_dict(), player.model.state_dict()) == []


def test_a_file_of_rl_games_for_another_network_is_refused(tmp_path):
    path = rl_games_file(tmp_path / "rl_games.pth", make_agent(), running_mean_std=None)
    with pytest.raises(CheckpointError, match="running_mean_std"):
        make_agent().restore(path)
    path = rl_games_file(tmp_path / "rl_games.pth", make_agent(), actor=None)
    with pytest.raises(CheckpointError, match="holds no 'model'"):
        make_agent().restore(path)


# ---------------------------------------------------------------- playing


def test_the_player_scales_actions_by_dimension():
    space = spaces.Box(torch.tensor([-1.0, 0.0]).numpy(), torch.tensor([3.0, 0.5]).numpy())
    params = sac_params(vec_env=CountingVecEnv(4, action_space=space), num_actors=4)
    torch.manual_seed(0)
    player = SACPlayer(params)
    with torch.no_grad():
        output = player.model.sac_network.actor.trunk[-1]
        output.weight.zero_()
        output.bias.copy_(torch.tensor([0.0, -20.0, -20.0, -20.0]))
    obs = {"obs": torch.randn(4, 4)}
    assert player.get_action(obs)[0].tolist() == pytest.approx([1.0, 0.0])
    sampled = player.get_action(obs, is_deterministic=False)
    assert sampled[:, 0].tolist() == pytest.approx([1.0] * 4, abs=0.1)  # σ = exp(-5)
    assert not torch.equal(sampled, player.get_action(obs, is_deterministic=False))
    with pytest.raises(NotImplementedError, match="continuous"):
        player.get_masked_action(obs, torch.ones(4, 2))


def test_a_trained_policy_is_played(tmp_path):
    train(tmp_path, max_epochs=4, save_best_after=0)
    runner = Runner()
    runner.load(sac_params(env_config={"episode_length": 5}, player={"games_num": 32}))
    result = runner.run({"play": True, "checkpoint": str(tmp_path / "nn" / "Toy.pth")})
    assert (result["episodes"], result["episode_length"], result["exit_reason"]) == (32, 5.0, "games_num")


def test_the_policy_decides_its_own_noise(tmp_path):
    train(tmp_path, max_epochs=1)
    runner = Runner()
    runner.load(sac_params())
    with pytest.raises(ValueError, match="sigma=0.5: this network computes sigma itself"):
        runner.run({"play": True, "checkpoint": str(tmp_path / "nn" / "last.pth"), "sigma": 0.5})

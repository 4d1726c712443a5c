import json
import logging

import pytest
import torch

from learning.amp.agent import AMPAgent
from learning.amp.players import AMPPlayerContinuous
from tests.learning.toy_motion_env import ToyMotionEnv, amp_params, amp_runner


@pytest.fixture
def trained(tmp_path):
    torch.manual_seed(0)
    config = {"train_dir": str(tmp_path), "eval_interval": 2, "max_epochs": 2, "save_best_after": 0}
    agent = AMPAgent("run", amp_params(vec_env=ToyMotionEnv(16), **config))
    agent.train()
    return agent, tmp_path / "nn" / "Toy.pth"


def test_playing_measures_what_training_measured(trained, tmp_path, caplog):
    agent, checkpoint = trained
    env = ToyMotionEnv(16)
    player = {"dump_rollouts": "rollouts.npz", "print_disc_prediction": True}
    runner = amp_runner()
    runner.load(amp_params(vec_env=env, train_dir=str(tmp_path), player=player))
    with caplog.at_level(logging.INFO, logger="learning.amp.players"):
        result = runner.run({"play": True, "checkpoint": str(checkpoint)})
    for name, value in agent.evaluations.newest.means.items():
        assert result[name] == value
    assert result["evaluation_episodes"] == 3
    assert json.loads((tmp_path / "test_result.json").read_text())["pose_error"] == result["pose_error"]
    assert "pose error" in caplog.text and "discriminator: logit" in caplog.text
    assert env.evaluations[0].dumped == "rollouts.npz" and env.evaluations[0].is_closed


def test_the_player_has_the_agents_discriminator(trained):
    agent, checkpoint = trained
    player = AMPPlayerContinuous(amp_params(vec_env=ToyMotionEnv(16)))
    player.restore(str(checkpoint))
    windows = torch.randn(5, 4)
    torch.testing.assert_close(player.disc_predictions(windows)[1], agent.disc_rewards(windows))
    obs = {"obs": torch.randn(16, 4)}
    assert torch.equal(player.act_deterministically(obs), player.get_action(obs))

import logging

import pytest

from learning.agents.a2c_config import AgentConfig
from learning.sac.config import SACConfig
from learning.typed_config import ConfigError
from tests.learning.sac_toy import sac_params
from tests.learning.toy_env import toy_params


def config(**changes):
    return SACConfig.from_params(sac_params(**changes)["config"])


def test_defaults_are_rl_games():
    required = ("name", "env_name", "num_actors", "batch_size", "replay_buffer_size", "init_alpha")
    required += ("learnable_temperature", "actor_lr", "critic_lr", "alpha_lr")
    given = sac_params()["config"]
    least = SACConfig.from_params({key: given[key] for key in required})
    assert (least.gamma, least.critic_tau, least.num_updates_per_step, least.policy_frequency) == (
        *(0.99, 0.005, 1, 2),
    )
    assert (least.num_steps_per_episode, least.horizon_length, least.num_warmup_steps) == (1, 1, 1000)
    assert (least.critic_grad_clip, least.target_entropy_coef, least.min_alpha) == (5.0, 1.0, 0.01)
    assert least.actor_betas == least.critic_betas == least.alphas_betas == (0.9, 0.999)
    assert (least.value_bootstrap, least.normalize_input, least.save_best_after) == (True, False, 500)
    for key in required:
        with pytest.raises(ConfigError, match=f"{key}: required key is missing"):
            SACConfig.from_params({name: given[name] for name in required if name != key})


def test_a_rollout_takes_num_steps_per_episode():
    assert config(num_steps_per_episode=8).horizon_length == 8
    with pytest.raises(ConfigError, match="horizon_length=8: unknown key"):
        config(horizon_length=8)


def test_numbers_written_as_text_are_numbers():
    given = config(alpha_lr="5e-3", critic_betas=["0.5", "0.9"], max_frames=-1)
    assert (given.alpha_lr, given.critic_betas, given.max_frames) == (0.005, (0.5, 0.9), None)


def test_keys_of_old_files_do_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        assert config(num_seed_steps=5, ppo=True, max_env_steps=1000) == config()
    assert "num_seed_steps" in caplog.text and "max_env_steps" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "batch_size=0: must be at least 1"),
        ({"self_play": True}, "self_play=True: self play is not supported"),
        ({"replay_buffer_size": 0}, "replay_buffer_size=0: must be at least 1"),
        ({"policy_frequency": 0}, "policy_frequency=0: must be at least 1"),
        ({"num_steps_per_episode": 0}, "num_steps_per_episode=0: must be at least 1"),
        ({"utd_ratio": 0}, "utd_ratio=0: must be greater than 0"),
        ({"critic_tau": 1.5}, "critic_tau=1.5: must be between 0 and 1"),
        ({"actor_lr": 0}, "actor_lr=0: must be greater than 0"),
        ({"num_warmup_frames": -1}, "num_warmup_frames=-1: must be at least 0"),
        ({"critic_betas": [0.9, 1.0]}, "critic_betas=[0.9, 1.0]: must be at least 0 and less than 1"),
        ({"critic_betas": [0.9]}, "critic_betas=[0.9]: must have 2 items"),
        ({"init_alpha": 0.001}, "init_alpha=0.001: is less than min_alpha=0.01"),
        ({"clip_actions": False}, "clip_actions=False: SAC's actions never leave the action space"),
        ({"alfa_lr": 1e-3}, "alfa_lr=0.001: unknown key; did you mean alpha_lr?"),
        ({"mini_epochs": 3}, "mini_epochs=3: unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ConfigError) as error:
        config(**changes)
    assert f"train.params.config.{message}" in str(error.value)


def test_a_configuration_of_another_agent_is_refused():
    other = AgentConfig.from_params(toy_params()["config"])
    with pytest.raises(ConfigError, match="holds a AgentConfig, this agent needs a SACConfig"):
        SACConfig.from_params(other)


def test_warm_up_in_frames_is_rounded_up_to_epochs():
    assert config(num_warmup_steps=7).warmup_epochs(32) == 7
    frames = config(num_warmup_steps=7, num_warmup_frames=65)
    assert frames.warmup_epochs(32) == 3
    assert frames.warmup_epochs(16, world_size=2) == 3  # a total of both workers
    assert config(num_warmup_frames=64, world_share=False).warmup_epochs(32, world_size=2) == 2
    assert config(num_warmup_frames=0).warmup_epochs(32) == 0


def test_updates_by_step_or_by_frame():
    assert config(num_steps_per_episode=4, num_updates_per_step=3).updates_between(0, 64) == 12
    by_frame = config(utd_ratio=0.3)
    assert [by_frame.updates_between(frame, frame + 4) for frame in range(0, 20, 4)] == [1, 1, 1, 1, 2]

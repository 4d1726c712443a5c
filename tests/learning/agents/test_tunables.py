"""Settings that change while training runs: what is known, what is checked, and that it counts."""

import pytest
import torch

from learning.sac.agent import SACAgent
from learning.typed_config import ConfigError
from tests.learning.agents.test_a2c_base import make_agent
from tests.learning.sac_toy import sac_params
from tests.learning.toy_env import ToyVecEnv

RL_GAMES_NAMES = {
    "grad_norm": 0.5,
    "critic_coef": 1.0,
    "bounds_loss_coef": 0.1,
    "entropy_coef": 0.02,
    "kl_threshold": 0.02,
    "gamma": 0.9,
    "tau": 0.8,
    "mini_epochs_num": 3,
    "e_clip": 0.1,
    "learning_rate": 5e-4,
}


@pytest.fixture(scope="module")
def agent():
    return make_agent(max_epochs=3)


@pytest.mark.parametrize(("name", "value"), RL_GAMES_NAMES.items())
def test_all_of_rl_games_names_are_set_and_read(agent, name, value):
    assert agent.get_param(name) != value
    agent.set_param(name, value)
    assert agent.get_param(name) == value


def test_the_names_are_rl_games(agent):
    assert set(agent.tunables()) == set(RL_GAMES_NAMES)


def test_what_is_set_counts():
    agent = make_agent()
    agent.set_param("learning_rate", 3e-3)
    agent.set_param("kl_threshold", 0.5)
    agent.set_param("mini_epochs_num", 1)
    agent.set_param("entropy_coef", 0.5)
    assert agent.optimizer.param_groups[0]["lr"] == 3e-3
    assert agent.learning_rate.scheduler.kl_threshold == 0.5
    agent.obs = agent.env_reset()
    agent.train_epoch()
    assert agent.optimizer.state_dict()["state"][0]["step"] == 4  # one pass
    data = agent.dataset[0]
    res_dict = {
        "prev_neglogp": data["old_logp_actions"],
        "values": data["returns"],
        "entropy": torch.full((32,), 2.0),
        "mus": torch.zeros(32, 2),
    }
    agent.set_param("gamma", 0.0)
    batch = agent.play_steps()
    torch.testing.assert_close(batch["returns"], batch["rewards"])
    agent.set_param("critic_coef", 0)
    loss, figures = agent.calc_losses(data, res_dict)
    torch.testing.assert_close(loss, figures["a_loss"] - 0.5 * 2.0)


def test_another_agent_of_the_same_configuration_keeps_its_own():
    first = make_agent()
    config = first.config
    second = make_agent()
    second.config = config
    first.set_param("gamma", 0.5)
    assert (first.config.gamma, second.config.gamma) == (0.5, 0.95)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "gama",
            0.9,
            r"set_param\(gama\): A2CAgent has no such parameter; did you mean gamma\? \(known are ",
        ),
        ("horizon", 9, r"no such parameter; known are bounds_loss_coef, critic_coef, e_clip"),
        ("gamma", 1.5, r"set_param\(gamma\): gamma=1.5: must be between 0 and 1"),
        ("gamma", "high", r"set_param\(gamma\): gamma=high: must be a number"),
        ("mini_epochs_num", 0, r"mini_epochs=0: must be at least 1"),
        ("kl_threshold", None, r"kl_threshold=null: lr_schedule=adaptive needs it"),
    ],
)
def test_wrong_names_and_values_are_refused(agent, name, value, text):
    with pytest.raises(ConfigError, match=text):
        agent.set_param(name, value)


def test_unknown_names_cannot_be_read(agent):
    with pytest.raises(
        ConfigError, match=r"get_param\(lr\): A2CAgent has no such parameter; .*learning_rate"
    ):
        agent.get_param("lr")


def test_what_a_schedule_moves_is_not_set():
    agent = make_agent(lr_schedule="linear", schedule_entropy=True)
    with pytest.raises(ConfigError, match=r"learning_rate=0\.1: would be gone .* lr_schedule=linear moves"):
        agent.set_param("learning_rate", 0.1)
    with pytest.raises(ConfigError, match="since schedule_entropy=True moves it"):
        agent.set_param("entropy_coef", 0.1)
    with pytest.raises(ConfigError, match=r"only lr_schedule=adaptive reads it.* lr_schedule=linear"):
        agent.set_param("kl_threshold", 0.1)
    assert agent.config.learning_rate == 1e-3  # nothing is set by half
    constant = make_agent(lr_schedule=None)
    constant.set_param("learning_rate", 2e-3)
    constant.obs = constant.env_reset()
    constant.train_epoch()
    assert constant.get_param("learning_rate") == constant.optimizer.param_groups[0]["lr"] == 2e-3


def test_sac_has_settings_of_its_own():
    torch.manual_seed(0)
    agent = SACAgent("run", sac_params(vec_env=ToyVecEnv(16)))
    for name, value in {"gamma": 0.5, "critic_tau": 0.1, "critic_grad_clip": None}.items():
        agent.set_param(name, value)
        assert agent.get_param(name) == getattr(agent.config, name) == value
    agent.set_param("learning_rate", 0.5)
    agent.set_param("critic_lr", "2e-1")
    agent.set_param("alpha_lr", 0.25)
    rates = [optimizer.param_groups[0]["lr"] for optimizer in agent._optimizers().values()]
    assert rates == [0.5, 0.2, 0.25]
    assert agent.get_param("actor_lr") == agent.learning_figures()["learning_rate"] == 0.5
    with pytest.raises(ConfigError, match=r"SACAgent has no such parameter; .*known are actor_lr, alpha_lr"):
        agent.set_param("e_clip", 0.1)
    with pytest.raises(ConfigError, match=r"set_param\(critic_lr\): critic_lr=0: must be greater than 0"):
        agent.set_param("critic_lr", 0)

"""Discrete actions: one choice or several, masks, what is recorded, and that it learns."""

import pytest
import torch

from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.maths.categorical import categorical_kl
from learning.players.player import PpoPlayerDiscrete
from learning.torch_runner import Runner
from learning.typed_config import ConfigError
from tests.learning.toy_discrete_env import CHOICES, ButtonsEnv, button_params
from tests.learning.toy_env import ToyVecEnv

KINDS = {"discrete": CHOICES[:1], "multi_discrete": CHOICES}


def make_agent(choices=CHOICES[:1], env=None, **config):
    torch.manual_seed(0)
    return DiscreteA2CAgent("run", button_params(choices, vec_env=env or ButtonsEnv(16, choices), **config))


def play(agent):
    agent.obs = agent.env_reset()
    agent.set_eval()
    return agent.play_steps()


@pytest.mark.parametrize("choices", KINDS.values(), ids=KINDS)
def test_what_is_recorded(choices):
    agent = make_agent(choices)
    batch = play(agent)
    assert batch["actions"].dtype == torch.int64
    assert batch["actions"].shape == ((128,) if len(choices) == 1 else (128, 2))
    torch.testing.assert_close(batch["logits"].exp().sum(dim=1), torch.full((128,), float(len(choices))))
    picked = batch["actions"].view(128, -1)
    starts = torch.tensor([0, *choices]).cumsum(0)[: len(choices)]
    logps = batch["logits"].gather(1, picked + starts).sum(dim=1)
    torch.testing.assert_close(batch["neglogpacs"], -logps)
    assert torch.equal(agent.vec_env.last_actions, agent.experience_buffer["actions"][-1])


@pytest.mark.parametrize("choices", KINDS.values(), ids=KINDS)
def test_it_learns_and_plays(choices, tmp_path):
    agent = make_agent(choices, max_epochs=15, train_dir=str(tmp_path))
    agent.train()
    most = 10.0 * len(choices)
    assert agent.episodes.mean_reward > 0.8 * most
    player = PpoPlayerDiscrete(button_params(choices, vec_env=ButtonsEnv(16, choices)))
    player.restore(str(tmp_path / "nn" / "last.pth"))
    assert player.run()["reward"] == most


def test_the_first_pass_sees_the_rollouts_policy():
    agent = make_agent(minibatch_size=128, mini_epochs=1)
    agent.obs = agent.env_reset()
    agent.train_epoch()
    figures = agent.losses.harvest()
    assert abs(figures["kl"]) < 1e-7
    assert set(figures) >= {"a_loss", "c_loss", "entropy"} and "bounds_loss" not in figures


def test_kl_is_that_of_the_categorical_distributions():
    agent = make_agent()
    old, new = torch.randn(2, 5, 3).log_softmax(-1)
    expected = (old.exp() * (old - new)).sum(dim=1)
    torch.testing.assert_close(agent.policy_kl({"old_logits": old}, {"logits": new}), expected)
    torch.testing.assert_close(categorical_kl(old, new), expected)


@pytest.mark.parametrize("choices", KINDS.values(), ids=KINDS)
def test_masked_actions_are_never_taken(choices):
    agent = make_agent(choices, ButtonsEnv(16, choices, masked=True), use_action_masks=True)
    batch = play(agent)
    allowed = agent.vec_env.get_action_masks()[0]
    assert torch.equal(batch["action_masks"], allowed.expand(128, -1))
    assert (batch["actions"].view(128, -1) < torch.tensor(choices) - 1).all()
    agent.set_train()
    agent.learn(batch)
    figures = agent.losses.harvest()
    assert all(torch.isfinite(value) for value in figures.values())


def test_a_player_takes_masks_too():
    player = PpoPlayerDiscrete(button_params(vec_env=ButtonsEnv(16)))
    obs = player.vec_env.reset()
    only = torch.zeros(16, 3, dtype=torch.bool)
    only[:, 1] = True
    for is_deterministic in (True, False):
        assert (player.get_masked_action(obs, only, is_deterministic) == 1).all()


def test_masks_of_the_wrong_width_are_refused():
    env = ButtonsEnv(16)
    env.get_action_masks = lambda: torch.ones(16, 5, dtype=torch.bool)
    with pytest.raises(ConfigError, match=r"5 wide, its action space has 3 actions"):
        play(make_agent(env=env, use_action_masks=True))


def test_masks_that_the_environment_does_not_give_are_refused():
    class Unmasked:
        def __init__(self, env):
            self.env = env

        def __getattr__(self, name):
            if name == "get_action_masks":
                raise AttributeError(name)
            return getattr(self.env, name)

    with pytest.raises(ConfigError, match=r"has no get_action_masks\(\)"):
        play(make_agent(env=Unmasked(ButtonsEnv(16)), use_action_masks=True))


def test_masks_that_the_environment_leaves_open_are_refused():
    env = ButtonsEnv(16)
    env.get_action_masks = lambda: None
    with pytest.raises(ConfigError, match="says of no action whether it is allowed"):
        play(make_agent(env=env, use_action_masks=True))


def test_action_spaces_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="take train.params.algo.name=a2c_continuous"):
        make_agent(env=ToyVecEnv(16))


def test_runner_knows_the_agent_and_the_player():
    runner = Runner()
    runner.load(button_params(vec_env=ButtonsEnv(16), max_epochs=1))
    _, epochs = runner.run({"train": True})
    assert epochs == 1
    assert runner.run({"play": True})["episodes"] == 16


def test_a_resumed_run_goes_on_bit_by_bit(tmp_path):
    def train(agent, epochs):
        agent.config.max_epochs = epochs
        agent.train()
        return agent.get_full_state_weights()

    whole = train(make_agent(CHOICES), 4)
    half = train(make_agent(CHOICES), 2)
    resumed = make_agent(CHOICES)
    resumed.set_full_state_weights(half)
    rest = train(resumed, 4)
    for name, value in whole["model"].items():
        assert torch.equal(value, rest["model"][name]), name

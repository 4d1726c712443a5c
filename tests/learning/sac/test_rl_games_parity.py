"""The same weights, the same batch and the same random numbers through RL Games' SAC and ours.

RL Games 1.6.5 leaves the action space's size out of the likelihood, so actions are within ±1 here.
"""

import pytest
import torch

from learning.sac.agent import SACAgent
from learning.sac.replay import Transitions
from tests.learning.sac_toy import sac_params
from tests.learning.toy_env import ToyVecEnv

# RL Games scripts its normalisers, which torch 2.13 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
rl_games_builder = pytest.importorskip("rl_games.algos_torch.model_builder")
rl_games_sac = pytest.importorskip("rl_games.algos_torch.sac_agent")

MINIBATCH = 32


def their_model(params):
    config = {"obs_dim": 4, "action_dim": 2, "actions_num": 2, "input_shape": (4,), "normalize_input": True}
    return rl_games_builder.ModelBuilder().load(params).build(config).eval()


def their_agent(model, config, batch):
    """RL Games' agent with what its update reads, and a replay buffer that gives one batch."""
    agent = rl_games_sac.SACAgent.__new__(rl_games_sac.SACAgent)
    network = model.sac_network
    agent.model, agent._device, agent.is_tensor_obses = model, "cpu", True
    agent.actor_optimizer = torch.optim.Adam(network.actor.parameters(), lr=config.actor_lr)
    agent.critic_optimizer = torch.optim.Adam(network.critic.parameters(), lr=config.critic_lr)
    agent.log_alpha = torch.tensor(config.init_alpha).log().requires_grad_()
    agent.log_alpha_optimizer = torch.optim.Adam([agent.log_alpha], lr=config.alpha_lr)
    agent.action_scale, agent.action_bias = torch.ones(2), torch.zeros(2)
    agent.action_low, agent.action_high = -torch.ones(2), torch.ones(2)
    agent.min_alpha, agent.target_entropy = torch.tensor(config.min_alpha), -2.0
    agent.enable_mixed_precision, agent.amp_dtype = False, torch.float32
    agent.gamma_tensor, agent.critic_tau = torch.tensor(config.gamma), config.critic_tau
    agent.c_loss, agent.critic_grad_clip = torch.nn.MSELoss(), config.critic_grad_clip
    agent.learnable_temperature, agent.batch_size = True, MINIBATCH
    agent.policy_frequency, agent.update_counter = config.policy_frequency, 0
    agent.replay_buffer = FixedReplay(
        batch.obs,
        batch.actions,
        batch.rewards.unsqueeze(1),
        batch.next_obs,
        batch.terminated.bool().unsqueeze(1),
    )
    return agent


class FixedReplay:
    """A replay buffer that always gives the same."""

    def __init__(self, *columns):
        self.columns = columns

    def sample(self, batch_size):
        return self.columns


class OurFixedReplay:
    """The same of ours."""

    def __init__(self, batch):
        self.batch = batch

    def sample(self, num_samples):
        return self.batch


@pytest.fixture
def both():
    torch.manual_seed(0)
    params = sac_params(vec_env=ToyVecEnv(16), critic_lr=1e-2, actor_lr=1e-2, alpha_lr=1e-2)
    agent = SACAgent("run", params)
    agent.model.running_mean_std.update_from(torch.randn(100, 4) * 3.0 + 1.0)
    with torch.no_grad():  # targets that differ from the critics
        for item in agent.model.sac_network.critic_target.parameters():
            item.add_(0.1 * torch.randn_like(item))
    batch = Transitions(
        obs=torch.randn(MINIBATCH, 4) * 3.0,
        actions=torch.rand(MINIBATCH, 2) * 2.0 - 1.0,
        rewards=torch.randn(MINIBATCH),
        next_obs=torch.randn(MINIBATCH, 4) * 3.0,
        terminated=(torch.rand(MINIBATCH) < 0.3).float(),
    )
    model = their_model(params)
    model.load_state_dict(agent.model.state_dict())
    agent.replay = OurFixedReplay(batch)
    return agent, their_agent(model, agent.config, batch)


def test_model_keys(both):
    ours, theirs = (agent.model.state_dict() for agent in both)
    assert list(ours) == list(theirs)
    assert [value.dtype for value in ours.values()] == [value.dtype for value in theirs.values()]


def test_policy_and_values(both):
    ours, theirs = both
    obs, actions = ours.replay.batch.obs, ours.replay.batch.actions
    torch.manual_seed(1)
    out = ours.model({"obs": obs})
    torch.manual_seed(1)
    normalised = theirs.model.norm_obs(obs)
    dist = theirs.model.actor(normalised)
    sample = dist.rsample()
    torch.testing.assert_close(out["mus"], dist.mean, rtol=0, atol=1e-5)
    torch.testing.assert_close(out["actions"], sample, rtol=0, atol=1e-5)
    torch.testing.assert_close(out["neglogpacs"], -dist.log_prob(sample).sum(-1), rtol=1e-5, atol=1e-5)
    for name in ("critic", "critic_target"):
        pairs = zip(
            getattr(ours.model, name)(normalised, actions),
            getattr(theirs.model, name)(normalised, actions),
            strict=True,
        )
        for own, other in pairs:
            torch.testing.assert_close(own, other.squeeze(-1), rtol=0, atol=1e-5)


def test_updates(both):
    ours, theirs = both
    for _ in range(2 * ours.config.policy_frequency):
        torch.manual_seed(2)
        figures = ours.update()
        torch.manual_seed(2)
        (a_loss, entropy, alpha, alpha_loss), c1_loss, c2_loss = theirs.update(0)
        expected = {"c1_loss": c1_loss, "c2_loss": c2_loss}
        if "a_loss" in figures:
            expected |= {"a_loss": a_loss, "entropy": entropy, "alpha_loss": alpha_loss}
        for name, value in expected.items():
            torch.testing.assert_close(figures[name].detach(), value.detach(), rtol=1e-5, atol=1e-5)
    assert "a_loss" in figures  # the last update was one of the actor's
    theirs_state = theirs.model.state_dict()
    for name, value in ours.model.state_dict().items():
        torch.testing.assert_close(value, theirs_state[name], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.log_alpha.detach(), theirs.log_alpha.detach(), rtol=0, atol=1e-5)

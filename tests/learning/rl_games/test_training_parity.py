"""The same weights and the same minibatches through RL Games' update and ours: losses, gradients, weights."""

from types import SimpleNamespace

import pytest
import torch

from learning.agents.a2c_continuous import A2CAgent
from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.agents.schedulers import AdaptiveScheduler, LinearScheduler
from learning.maths.losses import bound_loss, policy_kl, regularisation_loss, smooth_clamp
from learning.maths.returns import compute_gae
from learning.maths.running_mean_std import RunningMeanStd
from learning.rollouts.reward_shaper import DefaultRewardsShaper
from tests.learning.rl_games.toy import make_env, params_of, their_agent
from tests.learning.toy_discrete_env import ButtonsEnv

# RL Games scripts its normalisers, which torch 2.13 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
a2c_common = pytest.importorskip("rl_games.common.a2c_common")

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
VARIANTS = {
    "plain": {},
    "no_clipping": {"clip_value": False, "truncate_grads": False, "weight_decay": 1e-3},
    "entropy_and_regularisation": {"entropy_coef": 0.02, "bound_loss_type": "regularisation"},
    "smooth_clamp": {"use_smooth_clamp": True, "normalize_value": False},
    "a2c": {"ppo": False, "normalize_input": False},
}


def our_agent(kind, **config):
    torch.manual_seed(0)
    env = ButtonsEnv(16, masked=True) if config.get("use_action_masks") else make_env(kind)
    agent_class = DiscreteA2CAgent if "discrete" in kind else A2CAgent
    agent = agent_class("run", params_of(kind, vec_env=env, shuffle_minibatches=False, **config))
    agent.obs = agent.env_reset()
    for _ in range(2):  # normalisers that have seen something; episodes that go on
        agent.set_eval()
        batch = agent.collect()
        agent.update_input_normalizer(batch)
    agent.prepare_dataset(agent.collect())
    return agent


@torch.no_grad()
def moved(agent):
    """Move the policy away from the rollout's, so that ratios and values are clipped here and there."""
    for parameter in agent.model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return agent


def as_theirs(agent, minibatch):
    """A minibatch of ours by RL Games' names."""
    inputs = agent.model_inputs(minibatch)
    names = ("old_values", "old_logp_actions", "advantages", "returns", "actions", "obs", "mu", "sigma")
    given = {name: minibatch[name].clone() for name in names if name in minibatch}
    if inputs.get("action_masks") is not None:
        given["action_masks"] = inputs["action_masks"]
    if "rnn_states" in inputs:
        memory = {"rnn_states": list(inputs["rnn_states"]), "dones": inputs["dones"].byte()}
        given |= {**memory, "rnn_masks": None}
    return given


CASES = [
    *[("continuous", name) for name in VARIANTS],
    *[("discrete", name) for name in ("plain", "no_clipping", "smooth_clamp")],
    ("multi_discrete", "plain"),
    ("recurrent", "plain"),
]


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_updates(kind, variant, tmp_path):
    check_updates(kind, tmp_path, **VARIANTS[variant])


def test_updates_with_action_masks(tmp_path):
    check_updates("discrete", tmp_path, use_action_masks=True, entropy_coef=0.02)


def check_updates(kind, directory, **config):
    config |= {"lr_schedule": "None"}
    ours, theirs = moved(our_agent(kind, **config)), their_agent(kind, directory, **config)
    theirs.model.load_state_dict(ours.model.state_dict())
    theirs.set_train = theirs.model.eval  # in training its normalisers change with every minibatch
    for index in range(3):
        minibatch = ours.dataset[index]
        figures = ours.train_actor_critic(minibatch)
        a_loss, c_loss, entropy, *rest = theirs.train_actor_critic(as_theirs(ours, minibatch))
        expected = {"a_loss": a_loss, "c_loss": c_loss, "entropy": entropy}
        if "bounds_loss" in figures:
            expected["bounds_loss"] = rest[-1]
        for name, value in expected.items():
            torch.testing.assert_close(figures[name].detach(), value.detach().squeeze(), **TOLERANCE)
        pairs = zip(ours.model.named_parameters(), theirs.model.parameters(), strict=True)
        for (name, mine), other in pairs:
            torch.testing.assert_close(mine.grad, other.grad, msg=name, **TOLERANCE)
            torch.testing.assert_close(mine.detach(), other.detach(), msg=name, **TOLERANCE)
    assert figures["a_loss"] != 0


def test_advantages():
    """RL Games has dones before each step; it bootstraps a time-out from the state before its last step."""
    torch.manual_seed(0)
    steps, envs, gamma, tau = 7, 5, 0.95, 0.9
    rewards, values = torch.randn(steps, envs, 1), torch.randn(steps, envs, 1)
    last_values, dones = torch.randn(envs, 1), torch.rand(steps, envs) < 0.4
    time_outs = dones & (torch.rand(steps, envs) < 0.5)
    following = torch.cat([values[1:], last_values.unsqueeze(0)]) * ~dones.unsqueeze(-1)
    following = torch.where(
        time_outs.unsqueeze(-1), values, following
    )  # as if nothing had moved in that step
    agent = SimpleNamespace(horizon_length=steps, gamma=gamma, tau=tau)
    wanted = a2c_common.A2CBase.discount_values(
        agent,
        dones[-1].float(),
        last_values,
        torch.cat([torch.zeros(1, envs), dones[:-1].float()]),
        values,
        rewards + gamma * values * time_outs.unsqueeze(-1),
    )
    got = compute_gae(rewards, values, dones, following, gamma, tau)
    torch.testing.assert_close(got, wanted, **TOLERANCE)


def test_normalised_advantages_differ_by_the_sample_variance():
    """RL Games divides by a sample's deviation, N - 1; here it is the batch's, which workers can pool."""
    agent = our_agent("continuous")
    advantages = torch.randn(128) * 3.0 + 1.0
    theirs = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    torch.testing.assert_close(
        agent.normalize_advantages(advantages) * (127 / 128) ** 0.5, theirs, **TOLERANCE
    )


def test_losses_of_means_out_of_bounds(tmp_path):
    theirs = their_agent("continuous", tmp_path)
    mu = torch.randn(9, 2) * 3.0
    torch.testing.assert_close(bound_loss(mu), theirs.bound_loss(mu), **TOLERANCE)
    torch.testing.assert_close(regularisation_loss(mu), theirs.reg_loss(mu), **TOLERANCE)


def test_smooth_clamp():
    from rl_games.common.common_losses import smooth_clamp as theirs

    x = torch.linspace(-2.0, 4.0, 50)
    torch.testing.assert_close(smooth_clamp(x, 0.8, 1.2), theirs(x, 0.8, 1.2), **TOLERANCE)


def test_divergence_is_theirs_where_theirs_is_accurate():
    from rl_games.algos_torch.torch_ext import policy_kl as theirs

    torch.manual_seed(0)
    p_mu, q_mu = torch.randn(9, 3), torch.randn(9, 3)
    p_sigma, q_sigma = torch.rand(9, 3) + 0.5, torch.rand(9, 3) + 0.5
    wanted = theirs(p_mu, p_sigma, q_mu, q_sigma, reduce=False)
    torch.testing.assert_close(policy_kl(p_mu, p_sigma, q_mu, q_sigma), wanted, rtol=1e-4, atol=1e-3)
    narrow = torch.full((9, 3), 0.01)
    assert policy_kl(p_mu, narrow, p_mu, narrow).abs().max() == 0.0
    assert theirs(p_mu, narrow, p_mu, narrow) < -0.1


def test_normalisers():
    from rl_games.algos_torch.running_mean_std import RunningMeanStd as Theirs

    torch.manual_seed(0)
    ours, theirs = RunningMeanStd((4,)), Theirs((4,))
    for scale in (1.0, 5.0, 0.1):
        batch = torch.randn(50, 4) * scale + 3.0
        wanted = theirs(batch)  # in training it takes the batch in first
        ours.update_from(batch)
        torch.testing.assert_close(ours(batch), wanted, **TOLERANCE)
        torch.testing.assert_close(ours(wanted, denorm=True), theirs.eval()(wanted, denorm=True), **TOLERANCE)
        theirs.train()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, **TOLERANCE)


def test_schedules():
    from rl_games.common import schedulers

    ours, theirs = AdaptiveScheduler(0.008), schedulers.AdaptiveScheduler(0.008)
    for rate, kl in ((1e-3, 0.02), (1e-3, 0.001), (1e-3, 0.01), (1e-6, 1.0), (1e-2, 0.0)):
        assert ours.update(rate, 0.1, 1, 1, kl) == theirs.update(rate, 0.1, 1, 1, kl)
    settings = {"max_steps": 40, "apply_to_entropy": True, "start_entropy_coef": 0.02}
    ours, theirs = LinearScheduler(1e-3, **settings), schedulers.LinearScheduler(1e-3, **settings)
    for epoch in (0, 7, 40, 50):
        assert ours.update(1.0, 1.0, epoch, 0, 0.0) == pytest.approx(theirs.update(1.0, 1.0, epoch, 0, 0.0))


def test_reward_shaping():
    from rl_games.common.tr_helpers import DefaultRewardsShaper as Theirs

    settings = {"scale_value": 0.5, "shift_value": 1.0, "min_val": 0.25, "max_val": 2.0, "log_val": True}
    rewards = torch.linspace(-3.0, 9.0, 30)
    torch.testing.assert_close(
        DefaultRewardsShaper(**settings)(rewards), Theirs(**settings)(rewards), **TOLERANCE
    )

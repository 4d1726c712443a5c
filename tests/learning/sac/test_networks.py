"""SAC's network and model: names, shapes, actions, refusals."""

import math

import pytest
import torch
from gymnasium import spaces

from learning.models.model_builder import ModelBuilder
from learning.sac.models import build_sac_model, squashed_action_box
from learning.typed_config import ConfigError
from tests.learning.network_params import network_params
from tests.learning.sac_toy import sac_network_params

SPACE = spaces.Box(torch.tensor([-1.0, 0.0]).numpy(), torch.tensor([3.0, 0.5]).numpy())
UNIT = spaces.Box(-1.0, 1.0, (2,))


def build(box=UNIT, obs_shape=(4,), normalize_input=False, **changes):
    torch.manual_seed(0)
    params = {"model": {"name": "soft_actor_critic"}, "network": sac_network_params(**changes)}
    box = squashed_action_box(box, torch.device("cpu"))
    return build_sac_model(ModelBuilder().load(params), box, obs_shape, normalize_input)


def refusal(**changes):
    with pytest.raises(ConfigError) as info:
        build(**changes)
    return str(info.value)


def test_parameters_are_named_as_in_rl_games():
    names = set(build(normalize_input=True).state_dict())
    trunks = ["actor.trunk", "critic.Q1", "critic.Q2", "critic_target.Q1", "critic_target.Q2"]
    expected = {
        f"sac_network.{trunk}.{index}.{kind}"
        for trunk in trunks
        for index in (0, 2, 4)
        for kind in ("weight", "bias")
    }
    assert names == expected | {
        f"running_mean_std.{name}" for name in ("running_mean", "running_var", "count")
    }


@pytest.mark.parametrize("initializer", ["default", "orthogonal_initializer", "kaiming_normal"])
def test_targets_start_as_the_critics(initializer):
    network = build(mlp={"initializer": {"name": initializer}}).sac_network
    critics, targets = network.critic.state_dict(), network.critic_target.state_dict()
    assert all(torch.equal(critics[name], targets[name]) for name in critics)
    assert not torch.equal(critics["Q1.0.weight"], critics["Q2.0.weight"])
    assert not any(item.requires_grad for item in network.critic_target.parameters())
    assert all((value == 0).all() for name, value in critics.items() if name.endswith("bias"))


@pytest.mark.parametrize(
    "changes",
    [{}, {"normalization": "layer_norm"}, {"mlp": {"d2rl": True}}, {"mlp": {"units": []}}],
    ids=["plain", "layer_norm", "d2rl", "linear"],
)
def test_every_form_of_network_gives_values_and_actions(changes):
    model = build(**changes)
    obs = torch.randn(7, 4)
    out = model({"obs": obs})
    assert out["actions"].shape == out["mus"].shape == (7, 2) and out["neglogpacs"].shape == (7,)
    values = model.critic(obs, out["actions"])
    assert [value.shape for value in values] == [(7,), (7,)]
    sum(values).sum().backward()
    assert all(item.grad is not None for item in model.sac_network.critic.parameters())


def test_values_by_hand():
    model = build(mlp={"units": [2]})
    with torch.no_grad():
        for parameter in model.sac_network.critic.parameters():
            parameter.fill_(0.5)
        model.sac_network.critic.Q2[2].bias.fill_(-1.0)
    q1, q2 = model.critic(torch.tensor([[1.0, 0.0, 0.0, 0.0]]), torch.tensor([[1.0, -1.0]]))
    # Each unit 0.5 · (1 + 1 - 1) + 0.5 = 1; Q1 = 0.5 · 2 + 0.5, Q2 = 0.5 · 2 - 1
    assert (q1.tolist(), q2.tolist()) == ([1.5], [0.0])


def test_actions_fill_their_space_by_dimension():
    model = build(SPACE)
    with torch.no_grad():
        output = model.sac_network.actor.trunk[-1]
        output.weight.zero_()
        output.bias.copy_(torch.tensor([0.0, 20.0, 0.0, 0.0]))
    out = model({"obs": torch.zeros(5, 4)})
    assert out["mus"][0].tolist() == pytest.approx([1.0, 0.5])  # centre + scale · tanh(µ)
    with torch.no_grad():
        output.bias.copy_(torch.tensor([0.0, 0.0, 3.0, 3.0]))  # log σ near 2
    out = model({"obs": torch.zeros(20000, 4)})
    low, high = out["actions"].aminmax(dim=0)
    torch.testing.assert_close(low, torch.tensor([-1.0, 0.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(high, torch.tensor([3.0, 0.5]), atol=1e-3, rtol=0)


def test_likelihood_counts_the_size_of_the_space():
    obs = torch.randn(6, 4)
    scaled, unit = (build(space)({"obs": obs}) for space in (SPACE, UNIT))
    unit_again = (scaled["actions"] - torch.tensor([1.0, 0.25])) / torch.tensor([2.0, 0.25])
    # Both were drawn with the same numbers: `build` seeds.
    torch.testing.assert_close(unit_again, unit["actions"], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(scaled["neglogpacs"], unit["neglogpacs"] + math.log(2.0) + math.log(0.25))


def test_observations_are_normalised_and_the_normaliser_left_alone():
    model = build(normalize_input=True)
    model.running_mean_std.update_from(torch.tensor([[10.0] * 4, [30.0] * 4]))
    before = model.running_mean_std.count.item()
    obs = torch.full((3, 4), 20.0)
    torch.testing.assert_close(
        model({"obs": obs})["mus"], model._to_action_space(model.actor(model.norm_obs(obs))[0])
    )
    assert model.running_mean_std.count == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"separate": False}, "train.params.network.separate=False"),
        ({"log_std_bounds": [2, -5]}, "train.params.network.log_std_bounds=[2, -5]: the first must be less"),
        ({"space": {"discrete": None}}, "train.params.network.space=discrete: SAC's actions are continuous"),
        ({"normalization": "batch_norm"}, "normalization=batch_norm: must be one of layer_norm"),
        ({"unit": [3]}, "train.params.network.unit"),
        ({"obs_shape": (3, 8, 8)}, "observations of shape (3, 8, 8): soft_actor_critic takes vectors"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, message):
    assert message in refusal(**changes)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Box(-1.0, math.inf, (2,)), "squashes actions into their space"),
        (spaces.Discrete(3), "actions are vectors of real numbers"),
    ],
)
def test_action_spaces_without_bounds_are_refused(space, message):
    with pytest.raises(ConfigError, match=message):
        squashed_action_box(space, torch.device("cpu"))


def test_the_model_needs_its_network():
    params = {"model": {"name": "soft_actor_critic"}, "network": network_params()}
    box = squashed_action_box(UNIT, torch.device("cpu"))
    with pytest.raises(ConfigError, match="needs an actor and two critics"):
        build_sac_model(ModelBuilder().load(params), box, (4,), False)

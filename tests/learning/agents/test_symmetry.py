"""Mirrored samples and the mirror loss, on a toy whose lines have no preferred direction."""

import pytest
import torch

from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.agents.symmetry import Symmetry, SymmetryConfig, mirror, mirror_loss, swapped, with_mirrored
from learning.typed_config import ConfigError
from tests.learning.agents.test_a2c_base import make_agent
from tests.learning.toy_discrete_env import ButtonsEnv, button_params

MODULE = "tests.learning.agents.toy_mirror"


def block(function="mirrored", **changes):
    return {"data_augmentation_func": f"{MODULE}:{function}", **changes}


AUGMENT = {"symmetry_config": block(use_data_augmentation=True)}
LOSS = {"symmetry_config": block(use_mirror_loss=True, mirror_loss_coeff=0.5)}


def minibatch(agent):
    agent.obs = agent.env_reset()
    agent.prepare_dataset(agent.play_steps())
    return agent.dataset[0]


# ---------------------------------------------------------------- pure functions


def test_mirrors_by_hand():
    x = torch.tensor([[1.0, 2.0, 3.0]])
    assert mirror(x, [1, 0, 2], [1.0, 1.0, -1.0]).tolist() == [[2.0, 1.0, -3.0]]
    assert with_mirrored(x, [0, 1, 2], [-1.0] * 3).tolist() == [[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]
    assert with_mirrored(None, [0], [1.0]) is None


def test_names_of_the_other_side():
    names = ["torso", "left_hip", "left_knee", "right_hip", "right_knee"]
    assert swapped(names) == [0, 3, 4, 1, 2]
    assert swapped(["hip_L", "hip_R"], "_L", "_R") == [1, 0]
    with pytest.raises(ValueError, match="right_knee: stands for the other side"):
        swapped(["left_knee"])


def test_the_mirror_loss_is_the_mean_square_and_aims_at_the_images():
    at_mirrored = torch.tensor([[1.0, 2.0]], requires_grad=True)
    images = torch.tensor([[0.0, 4.0]], requires_grad=True)
    loss = mirror_loss(at_mirrored, images)
    assert loss == (1.0 + 4.0) / 2
    loss.backward()
    assert at_mirrored.grad.tolist() == [[1.0, -2.0]] and images.grad is None


# ---------------------------------------------------------------- minibatches


def test_a_minibatch_gets_the_images_of_its_samples():
    agent = make_agent(**AUGMENT)
    data = minibatch(agent)
    both = agent.augment(data)
    assert all(len(value) == 64 for value in both.values())
    for name in ("obs", "actions"):
        assert torch.equal(both[name], torch.cat([data[name], -data[name]]))
    for name in ("advantages", "returns", "old_values", "old_logp_actions", "mu"):
        assert torch.equal(both[name], torch.cat([data[name], data[name]]))
    assert make_agent().augment(data) is data


def test_the_loss_is_that_of_samples_and_images_together():
    agent = make_agent(**AUGMENT, entropy_coef=0.1)
    plain = make_agent(entropy_coef=0.1)
    plain.model.load_state_dict(agent.model.state_dict())
    data = minibatch(agent)
    figures = agent.calc_gradients(data)
    both = {**data, "obs": -data["obs"], "actions": -data["actions"]}
    halves = [plain.calc_gradients(data)["a_loss"], plain.calc_gradients(both)["a_loss"]]
    torch.testing.assert_close(figures["a_loss"], sum(halves) / 2)
    assert abs(figures["kl"]) < 1e-7  # of the samples alone: at their images the policy is another one
    torch.testing.assert_close(figures["entropy"], plain.calc_gradients(data)["entropy"])


@pytest.mark.parametrize("config", [AUGMENT, LOSS, {"symmetry_config": block()}])
def test_the_mirror_loss_of_the_policys_means(config):
    agent = make_agent(**config)
    data = minibatch(agent)
    figures = agent.calc_gradients(data)
    with torch.no_grad():
        means = [
            agent.model({"obs": x, "prev_actions": data["actions"]})["mus"]
            for x in (data["obs"], -data["obs"])
        ]
    expected = (means[1] + means[0]).square().mean()
    assert expected > 1e-5
    torch.testing.assert_close(figures["mirror_loss"].detach(), expected)


def test_the_weighted_mirror_loss_is_part_of_the_gradient():
    gradients = []
    for config in ({}, LOSS):
        agent = make_agent(**config)
        torch.manual_seed(3)
        agent.calc_gradients(minibatch(agent))
        gradients.append(agent.model.a2c_network.mu.weight.grad)
    data = agent.dataset[0]
    mirrored_mus = agent.model({"obs": -data["obs"], "prev_actions": data["actions"]})["mus"]
    mus = agent.model({"obs": data["obs"], "prev_actions": data["actions"]})["mus"]
    agent.optimizer.zero_grad()
    (0.5 * mirror_loss(mirrored_mus, -mus)).backward()
    torch.testing.assert_close(gradients[1], gradients[0] + agent.model.a2c_network.mu.weight.grad)


def test_one_that_is_only_logged_leaves_training_as_it_is():
    weights = []
    for config in ({}, {"symmetry_config": block()}):
        agent = make_agent(max_epochs=2, **config)
        agent.train()
        weights.append(agent.model.state_dict())
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


STRONG = {"symmetry_config": block(use_mirror_loss=True, mirror_loss_coeff=5.0)}


@pytest.mark.parametrize("config", [AUGMENT, STRONG])
def test_policies_become_symmetric(config):
    """They stay less so without it."""
    asymmetries = []
    for settings in ({}, config):
        agent = make_agent(max_epochs=4, mini_epochs=4, learning_rate=3e-3, lr_schedule=None, **settings)
        agent.train()
        obs = torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            mus = agent.model({"obs": torch.cat([obs, -obs]), "prev_actions": torch.zeros(400, 2)})["mus"]
        asymmetries.append((mus[:200] + mus[200:]).square().mean().item())
    assert asymmetries[1] < 0.7 * asymmetries[0]


def test_the_function_is_told_the_environment_and_may_give_more_images():
    agent = make_agent(symmetry_config=block("seen_by_env", use_data_augmentation=True))
    agent.calc_gradients(minibatch(agent))
    assert agent.vec_env.times_mirrored == 2  # samples, and mean actions
    agent = make_agent(symmetry_config=block("three_images", use_data_augmentation=True))
    data = minibatch(agent)
    assert len(agent.augment(data)["returns"]) == 3 * 32
    assert abs(agent.calc_gradients(data)["mirror_loss"]) < 1e-12
    assert agent.symmetry.mirrored(data)["obs"].shape == (64, 4)


def test_observations_by_name():
    class Twice:
        def mirrored(self, env, obs, actions):
            return {name: with_mirrored(value, [0], [-1.0]) for name, value in obs.items()}, torch.cat(
                [actions, actions]
            )

    symmetry = Symmetry(SymmetryConfig(f"{MODULE}:mirrored"), env=None)
    symmetry._function = Twice().mirrored
    data = {"obs/a": torch.ones(3, 1), "obs/b": torch.zeros(3, 1), "actions": torch.zeros(3, 2)}
    both = symmetry.augment(data)
    assert both["obs/a"].flatten().tolist() == [1.0] * 3 + [-1.0] * 3 and both["actions"].shape == (6, 2)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"data_augmentation_func": "mirrored"}, "data_augmentation_func=mirrored: must be module:function"),
        (
            {"data_augmentation_func": "no.such:thing"},
            "No module named 'no'; put its directory on PYTHONPATH",
        ),
        ({"data_augmentation_func": f"{MODULE}:mirorred"}, "has no attribute 'mirorred'"),
        ({"data_augmentation_func": f"{MODULE}:NUMBER"}, "is no function"),
        ({"use_mirror_loss": True}, r"mirror_loss_coeff=0: use_mirror_loss=True needs a weight above 0"),
        ({"mirror_loss_coef": 1.0}, "unknown key; did you mean mirror_loss_coeff"),
    ],
)
def test_wrong_settings_are_refused(changes, text):
    with pytest.raises(ConfigError, match=f"symmetry_config.*{text}"):
        make_agent(symmetry_config=block(**changes))


def test_the_function_has_to_be_named():
    with pytest.raises(
        ConfigError, match=r"symmetry_config\.data_augmentation_func: required key is missing"
    ):
        make_agent(symmetry_config={"use_data_augmentation": True})


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("nothing_new", "nothing_new: returns 32 rows for 32; it has to return those given"),
        ("images_first", "images_first: does not return the given observations first"),
        ("too_few", "too_few: returns other numbers of observations and of actions"),
    ],
)
def test_functions_that_return_something_else_are_refused(function, text):
    agent = make_agent(symmetry_config=block(function, use_data_augmentation=True))
    with pytest.raises(ConfigError, match=text):
        agent.calc_gradients(minibatch(agent))


def test_discrete_actions_are_refused():
    with pytest.raises(ConfigError, match="symmetry_config: mirrors actions that are vectors"):
        DiscreteA2CAgent("run", button_params(vec_env=ButtonsEnv(16), symmetry_config=block()))

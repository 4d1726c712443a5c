"""Random network distillation: its maths, its schedule, its network, and that it wants what is new."""

import pytest
import torch
from torch import tensor

from learning.agents.a2c_config import AgentConfig
from learning.curiosity.config import RNDConfig
from learning.curiosity.curiosity import Curiosity
from learning.curiosity.rewards import discounted_sums, prediction_errors
from learning.distributed import Distributed
from learning.models.model_builder import NetworkBuilder
from learning.rollouts import observations
from learning.torch_runner import Runner
from learning.typed_config import ConfigError, from_mapping
from tests.learning.toy_env import toy_params

CPU = torch.device("cpu")
NETWORK = {"name": "rnd_curiosity"}
LINEAR = {"mode": "linear", "initial_frame": 100}


def curiosity(num_envs=4, horizon=3, obs_shape=(2,), **rnd):
    torch.manual_seed(0)
    rnd = {"learning_rate": 1e-2, **rnd}
    sizes = {"num_actors": num_envs, "horizon_length": horizon, "minibatch_size": num_envs * horizon}
    config = AgentConfig.from_params(toy_params(rnd_config=rnd, **sizes)["config"])
    return Curiosity(config.rnd_config, config, obs_shape, num_envs, Distributed(), CPU)


def test_prediction_errors_by_hand():
    errors = prediction_errors(tensor([[1.0, 2.0], [0.0, 0.0]]), tensor([[1.0, 4.0], [3.0, -1.0]]))
    assert errors.tolist() == [2.0, 5.0]


def test_discounted_sums_by_hand():
    sums = discounted_sums(tensor([[1.0, 0.0], [2.0, 4.0], [0.0, 8.0]]), tensor([8.0, 0.0]), 0.5)
    assert sums.tolist() == [[5.0, 0.0], [4.5, 4.0], [2.25, 10.0]]


@pytest.mark.parametrize(
    ("schedule", "weights"),
    [
        ({}, [2.0, 2.0, 2.0, 2.0]),
        ({"mode": "step", "final_frame": 200, "final_value": 0.5}, [2.0, 2.0, 0.5, 0.5]),
        ({**LINEAR, "final_frame": 300, "final_value": 1.0}, [2.0, 2.0, 1.5, 1.0]),
    ],
)
def test_the_weight_follows_its_schedule(schedule, weights):
    config = from_mapping(RNDConfig, {"scale_value": 2.0, "weight_schedule": schedule}, "rnd_config")
    assert [config.weight_at(frame) for frame in (0, 100, 200, 400)] == weights


@pytest.mark.parametrize(
    ("rnd", "text"),
    [
        ({"scale": 1.0}, r"rnd_config\.scale=1\.0: unknown key; did you mean scale_value"),
        ({"learning_rate": 0}, r"learning_rate=0: must be greater than 0"),
        ({"update_proportion": 1.5}, r"update_proportion=1\.5: must be between 0 and 1"),
        ({"value": "apart"}, r"value=apart: must be one of mixed, separate"),
        ({"episodic": False}, r"episodic=False: .* set value: separate"),
        ({"weight_schedule": {"mode": "step"}}, r"weight_schedule\.final_frame=null: mode=step needs it"),
        (
            {"weight_schedule": {**LINEAR, "final_frame": 9}},
            r"final_frame=9: must be greater than initial_frame=100",
        ),
        ({"network": {"name": "rnd"}}, r"rnd_config\.network\.name=rnd: 'rnd' is no network"),
        (
            {"network": {**NETWORK, "mlp": {"net": {"units": [8]}}}},
            r"net\.units=\[8\]: must end",
        ),
        ({"network": {**NETWORK, "mlp": {"rnd": {"units": []}}}}, r"rnd\.units=\[\]: needs at"),
        ({"network": {**NETWORK, "cnn": {}}}, r"rnd_config\.network\.cnn\.type: required key is missing"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_built(rnd, text):
    with pytest.raises(ConfigError, match=text):
        Runner().load(toy_params(rnd_config=rnd))


@pytest.mark.parametrize(
    ("rnd", "text"),
    [
        ({"minibatch_size": 5}, r"rnd_config\.minibatch_size=5: does not divide .* = 12; try 4"),
        ({"update_proportion": 0.01}, r"update_proportion=0\.01: leaves nothing of minibatches of 12"),
        ({"network": {"name": "actor_critic"}}, r"rnd_config\.network"),
    ],
)
def test_what_does_not_fit_is_refused(rnd, text):
    with pytest.raises(ConfigError, match=text):
        curiosity(**rnd)


def test_a_policy_is_something_else():
    with pytest.raises(ConfigError, match="rnd_curiosity: is no policy"):
        NetworkBuilder().load(NETWORK).build("a2c", input_shape=(2,), actions_num=1)
    with pytest.raises(ConfigError, match=r"shape \(4, 4, 3\): .* add train.*rnd_config\.network\.cnn"):
        NetworkBuilder().load(NETWORK).build("rnd", input_shape=(4, 4, 3))


@pytest.mark.parametrize("several", [False, True])
def test_images_and_several_sensors_are_looked_at(several):
    cnn = {"type": "conv2d", "convs": [{"filters": 2, "kernel_size": 3}], "activation": "relu"}
    shape = {"camera": (4, 4, 3), "joints": (2,)} if several else (4, 4, 3)
    made = curiosity(obs_shape=shape, network={**NETWORK, "cnn": cnn}, update_proportion=0.5)
    images = torch.randint(256, (12, 4, 4, 3), dtype=torch.uint8)
    obs = {"camera": images, "joints": torch.randn(12, 2)} if several else images
    assert made.rewards(obs).shape == (3, 4)
    figures = made.train(observations.split("final_obses", obs))
    assert figures["info/rnd_loss"] > 0
    assert made.network.target[1][0].in_features == 2 * 2 * 2 + 2 * several
    other = curiosity(obs_shape=shape, network={**NETWORK, "cnn": cnn}, update_proportion=0.5)
    other.load_state_dict(made.state_dict(), "a file")
    torch.testing.assert_close(other.errors(obs), made.errors(obs))


def test_the_block_of_rl_games_loads():
    units = {"rnd": {"units": [16, 8]}, "net": {"units": [4, 4, 8]}}
    initializer = {"name": "default", "scale": 2}
    network = {"name": "rnd_curiosity", "mlp": {**units, "activation": "elu", "initializer": initializer}}
    network["mlp"]["regularizer"] = {"name": "None"}
    block = {"scale_value": 1, "episodic": True, "episode_length": 128, "gamma": 0.99, "mini_epochs": 2}
    made = curiosity(**block, learning_rate="5e-4", network=network)
    shapes = [tuple(parameter.shape) for parameter in made.network.predictor.parameters()]
    assert shapes == [(4, 2), (4,), (4, 4), (4,), (8, 4), (8,)]
    assert not any(parameter.requires_grad for parameter in made.network.target.parameters())
    layers = made.network.predictor[1]
    assert isinstance(layers[1], torch.nn.ELU) and len(layers) == 5


def test_rewards_are_in_deviations_of_their_returns():
    made = curiosity(gamma=0.5)
    obs = torch.randn(12, 2)
    rewards = made.rewards(obs)
    exact = obs.double()
    seen = ((exact - exact.mean(0)) / (exact.var(0, unbiased=False) + 1e-5).sqrt()).clamp(-5, 5)
    with torch.no_grad():
        predicted, target = made.network(seen.float())
    errors = (predicted - target).square().mean(-1).view(3, 4)
    r0, r1, r2 = errors
    returns = torch.stack([r0, r1 + 0.5 * r0, r2 + 0.5 * r1 + 0.25 * r0])
    torch.testing.assert_close(rewards, errors / returns.double().std(unbiased=False).float())
    torch.testing.assert_close(made.returns, returns[-1])
    made.rewards(obs)  # the sums go on where they were
    torch.testing.assert_close(made.returns, r2 + 0.5 * (r1 + 0.5 * (r0 + 0.5 * returns[-1])))


def test_normalisers_are_choices():
    made = curiosity(normalize_input=False, normalize_reward=False)
    obs = torch.randn(12, 2)
    with torch.no_grad():
        expected = prediction_errors(*made.network(obs)).view(3, 4)
    torch.testing.assert_close(made.rewards(obs), expected)
    made.train({"final_obses": obs})
    assert made.obs_moments.count == 0 and made.return_moments.count == 0


def test_every_observation_is_seen_once_and_after_its_reward():
    made = curiosity()
    obs = torch.randn(12, 2)
    made.rewards(obs)
    made.train({"final_obses": obs})
    assert made.obs_moments.count == 12  # the first rollout: before its reward
    made.rewards(obs)
    assert made.obs_moments.count == 12
    made.train({"final_obses": obs})
    assert made.obs_moments.count == 24


def test_rewards_are_added_or_stand_side_by_side():
    task, obs = torch.randn(3, 4, 1), torch.randn(12, 2)
    schedule = {"mode": "step", "final_frame": 50, "final_value": 0.5}
    mixed = curiosity(scale_value=2.0, weight_schedule=schedule)
    own = curiosity().rewards(obs).unsqueeze(-1)
    torch.testing.assert_close(mixed.add_rewards(task, obs, 0), task + 2.0 * own)
    both = curiosity(scale_value=2.0, weight_schedule=schedule, value="separate")
    torch.testing.assert_close(both.add_rewards(task, obs, 60), torch.cat([task, own], dim=-1))
    advantages = torch.ones(3, 4, 2)
    assert both.weigh(advantages)[0, 0].tolist() == [1.0, 0.5]
    assert mixed.weigh(advantages[..., :1]).sum() == 12


def test_what_was_seen_often_is_worth_less_than_what_is_new():
    made = curiosity(num_envs=16, horizon=8, mini_epochs=20)
    torch.manual_seed(1)
    angles = torch.rand(8 * 16) * torch.pi  # half a circle; the other half is never seen
    old = torch.stack([angles.cos(), angles.sin()], dim=-1)
    before = made.rewards(old).mean()
    for _ in range(10):
        figures = made.train({"final_obses": old})
        after = made.rewards(old).mean()
    assert set(figures) == {"info/rnd_error", "info/rnd_reward", "info/rnd_weight", "info/rnd_loss"}
    new = old * tensor([1.0, -1.0])
    with torch.no_grad():
        seen, unseen = made.errors(old).mean(), made.errors(new).mean()
    assert after < 0.1 * before
    assert unseen > 10 * seen


def test_the_predictor_learns_from_a_share_of_each_minibatch():
    made = curiosity(update_proportion=0.25)
    sizes = []
    made.network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    made.train({"final_obses": torch.randn(12, 2)})
    assert sizes == [3]


def test_state_goes_on():
    made, other = curiosity(), curiosity(learning_rate=3e-3)
    obs = torch.randn(12, 2)
    for _ in range(2):
        made.rewards(obs)
        made.train({"final_obses": obs})
    other.load_state_dict(made.state_dict(), "a file")
    other.load_worker_state(made.worker_state())
    torch.testing.assert_close(other.rewards(obs), made.rewards(obs), rtol=0, atol=0)
    assert other.rollouts == made.rollouts == 3
    assert other.optimizer.param_groups[0]["lr"] == 3e-3  # the configuration's
    other.load_state_dict({}, "a file without curiosity")  # it begins anew

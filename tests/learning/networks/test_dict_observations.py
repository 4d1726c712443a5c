"""Observations of several sensors by name."""

import pytest
import torch

from learning.maths.running_mean_std import RunningMeanStd, RunningMeanStdObs
from learning.models.model_builder import ModelBuilder
from learning.rollouts.float_obs import float_obs, scale_bytes
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, network_params

SHAPES = {"joints": (3,), "camera": (6, 6, 1), "map": (2, 2), "clock": ()}
CNN = {"type": "conv2d", "activation": "relu", "convs": [{"filters": 2, "kernel_size": 4}]}


def build(shapes=SHAPES, settings=BUILD, cnn=CNN, **changes):
    torch.manual_seed(0)
    changes |= {"cnn": cnn} if cnn else {}
    params = {"model": {"name": "continuous_a2c_logstd"}, "network": network_params(**changes)}
    return ModelBuilder().load(params).build({**settings, "input_shape": shapes})


def observe(batch=4, shapes=SHAPES):
    return {name: torch.rand(batch, *shape) for name, shape in shapes.items()}


def test_parts_stand_in_the_order_of_the_space():
    model = build(settings={"actions_num": 3})
    network, obs = model.a2c_network, observe()
    features = network.actor_cnn(dict(reversed(obs.items())))
    assert features.shape == (4, 3 + 2 * 3 * 3 + 4 + 1)
    assert torch.equal(features[:, :3], obs["joints"])
    assert torch.equal(features[:, 21:25], obs["map"].flatten(1))
    assert torch.equal(features[:, 25], obs["clock"])
    camera = network.actor_cnn["camera"](obs["camera"])
    assert torch.equal(features[:, 3:21], camera)
    conv = network.actor_cnn["camera"][0]
    expected = torch.relu(conv(obs["camera"].permute(0, 3, 1, 2))).flatten(1)
    torch.testing.assert_close(camera, expected)
    assert "actor_cnn.camera.0.weight" in network.state_dict()


@pytest.mark.parametrize("separate", [False, True])
def test_policy_and_value_of_a_dictionary(separate):
    model = build(separate=separate, rnn={"name": "gru", "units": 5})
    obs = observe()
    out = model({"is_train": False, "obs": obs})
    again = model({"is_train": True, "obs": obs, "prev_actions": out["actions"]})
    assert torch.equal(again["prev_neglogp"], out["neglogpacs"])
    assert torch.equal(model.eval_critic(obs), out["values"])
    (again["prev_neglogp"] + again["entropy"] + again["values"].squeeze(-1)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_vectors_alone_need_no_convolutions():
    shapes = {"a": (2,), "b": (3,)}
    model, obs = build(shapes, cnn=None), observe(4, {"a": (2,), "b": (3,)})
    joined = torch.cat([model.norm_obs(obs)[name] for name in shapes], dim=-1)
    assert torch.equal(
        model({"is_train": False, "obs": obs})["mus"], model.a2c_network({"obs": obs_of(joined)})[0]
    )


def obs_of(joined):
    return {"a": joined[:, :2], "b": joined[:, 2:]}


def test_every_part_has_a_normaliser_of_its_own():
    model = build()
    assert isinstance(model.running_mean_std, RunningMeanStdObs)
    keys = [key for key in model.state_dict() if key.startswith("running_mean_std.")]
    assert keys[:3] == [
        f"running_mean_std.running_mean_std.joints.{part}"
        for part in ("running_mean", "running_var", "count")
    ]
    assert len(keys) == 3 * len(SHAPES)
    obs = {**observe(7), "joints": torch.randn(7, 3) * 5 + 2}
    model.running_mean_std.update_from(obs)
    alone = RunningMeanStd((3,))
    alone.update_from(obs["joints"])
    assert torch.equal(model.norm_obs(obs)["joints"], alone(obs["joints"]))
    restored = model.running_mean_std(model.norm_obs(obs), denorm=True)
    torch.testing.assert_close(restored["map"], obs["map"], rtol=1e-5, atol=1e-5)


def test_moments_of_a_rollout_of_several_steps():
    normalizer = RunningMeanStdObs({"a": (2,)})
    normalizer.update_from({"a": torch.tensor([[[1.0, 0.0]], [[3.0, 0.0]]])})  # two steps of one environment
    part = normalizer.running_mean_std["a"]
    # With the first sample of mean 0 and variance 1: means (4/3, 0), counts 3.
    torch.testing.assert_close(part.running_mean, torch.tensor([4 / 3, 0.0], dtype=torch.float64))
    assert part.count == 3


def test_bytes_are_scaled_part_by_part():
    obs = {"camera": torch.tensor([0, 51, 255], dtype=torch.uint8), "joints": torch.tensor([255.0])}
    scaled = float_obs(obs)
    torch.testing.assert_close(scaled["camera"], torch.tensor([0.0, 0.2, 1.0]))
    assert scaled["joints"] is obs["joints"]
    assert float_obs(torch.tensor([1, 2])).dtype == torch.float32
    assert obs["camera"].tolist() == [0, 51, 255] and scale_bytes(obs["joints"]) is obs["joints"]


def test_a_missing_part_is_named():
    model, obs = build(), observe()
    del obs["map"]
    with pytest.raises(
        ConfigError, match="keys joints, camera, clock: map of the observation space is missing"
    ):
        model({"is_train": False, "obs": obs})
    with pytest.raises(ConfigError, match="map of the observation space is missing"):
        model.running_mean_std.update_from(obs)
    with pytest.raises(ConfigError, match="map of the observation space is missing"):
        model.a2c_network({"obs": obs})


@pytest.mark.parametrize(
    ("shapes", "cnn", "text"),
    [
        ({"a": (2,)}, CNN, r"cnn: takes images .* have shape \{'a': \(2,\)\}; remove the block"),
        ({"a": (2,), "b": (4, 4, 3)}, None, r"shape \(4, 4, 3\) under the key b: without convolutions"),
        ({"a": (2,), "b": (4, 4, 4, 3)}, CNN, r"shape \(4, 4, 4, 3\) under the key b: without convolutions"),
    ],
)
def test_shapes_that_do_not_fit(shapes, cnn, text):
    with pytest.raises(ConfigError, match=text):
        build(shapes, cnn=cnn)

"""Convolutions, and networks that see images."""

import math

import pytest
import torch
from torch import nn

from learning.models.model_builder import ModelBuilder
from learning.networks.cnn_layers import ChannelLayerNorm, CoordConv2d, SpatialSoftArgmax
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, DISCRETE, network_params

CONVS = [{"filters": 4, "kernel_size": 3, "strides": 2, "padding": 1}, {"filters": 6, "kernel_size": [2, 3]}]


def cnn(kind="conv2d", **changes):
    return {"type": kind, "activation": "relu", "initializer": {"name": "default"}, "convs": CONVS, **changes}


def build(block, input_shape=(8, 10, 3), **changes):
    torch.manual_seed(0)
    network = network_params(space=DISCRETE, cnn=block, **changes)
    model = ModelBuilder().load({"model": {"name": "discrete_a2c"}, "network": network})
    return model.build({**BUILD, "input_shape": input_shape})


def test_pixel_coordinates_by_hand():
    conv = CoordConv2d(1, 2, kernel_size=1, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 1] = conv.weight[1, 2] = 1.0  # pass the two coordinates through
    x, y = conv(torch.zeros(1, 1, 2, 4))[0]
    assert x.tolist() == [[-0.75, -0.25, 0.25, 0.75]] * 2
    assert y.tolist() == [[-0.5] * 4, [0.5] * 4]


def test_where_a_filter_answers_most_by_hand():
    image = torch.zeros(1, 2, 3, 5)
    image[0, 0, 2, 1] = 1e4  # last row, second of five columns
    rows_and_columns = SpatialSoftArgmax()(image)
    torch.testing.assert_close(rows_and_columns, torch.tensor([[1.0, -0.5, 0.0, 0.0]]))
    # Weights e^0 : e^(log 3) : e^0 over one row of three columns are 1/5, 3/5, 1/5 at -1, 0 and 1.
    line = torch.tensor([0.0, 0.0, math.log(3.0)]).view(1, 1, 1, 3)
    torch.testing.assert_close(SpatialSoftArgmax()(line), torch.tensor([[-1.0, (-1 + 3) / 5]]))


def test_channels_of_a_pixel_are_normalised_by_hand():
    x = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    out = ChannelLayerNorm(2)(x)
    torch.testing.assert_close(out[0, :, 0, 1], torch.tensor([-1.0, 1.0]))


def test_images_are_convolved_with_channels_first():
    model = build(cnn())
    network, images = model.a2c_network, torch.rand(5, 8, 10, 3)
    # 8 x 10 → 4 x 5 by strides of 2 → 3 x 3 by a kernel of 2 x 3.
    assert network.actor_mlp[0].in_features == 6 * 3 * 3
    conv, _, other, _ = network.actor_cnn
    features = torch.relu(other(torch.relu(conv(images.permute(0, 3, 1, 2))))).flatten(1)
    torch.testing.assert_close(network.actor_cnn(images), features)
    assert list(network.state_dict())[:5] == [
        "actor_cnn.0.weight",
        "actor_cnn.0.bias",
        "actor_cnn.2.weight",
        "actor_cnn.2.bias",
        "actor_mlp.0.weight",
    ]


def test_images_with_channels_first():
    model = build(cnn(permute_input=False), (3, 8, 10))
    assert model.a2c_network.actor_mlp[0].in_features == 54
    assert model({"is_train": False, "obs": torch.rand(5, 3, 8, 10)})["actions"].shape == (5,)


@pytest.mark.parametrize("normalization", [None, "layer_norm", "batch_norm"])
@pytest.mark.parametrize(
    ("kind", "features"),
    [
        ("conv2d", 54),
        ("conv2d_flatten", 54),
        ("coord_conv2d", 54),
        ("conv2d_spatial_softargmax", 12),
    ],
)
def test_every_type_trains(kind, features, normalization):
    model = build(cnn(kind), normalization=normalization, separate=True)
    network = model.a2c_network
    assert network.critic_mlp[0].in_features == features
    assert network.actor_cnn[0].in_channels == (5 if kind == "coord_conv2d" else 3)
    step = 2 if normalization is None else 3
    assert isinstance(network.actor_cnn[step], nn.Conv2d) and network.actor_cnn[step].in_channels == 4
    out = model({"obs": torch.rand(4, 8, 10, 3), "prev_actions": torch.zeros(4, dtype=torch.int64)})
    (out["prev_neglogp"] + out["values"].squeeze(-1)).sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


@pytest.mark.parametrize("normalization", [None, "layer_norm", "batch_norm"])
def test_lines_are_convolved_along_their_length(normalization):
    convs = [{"filters": 4, "kernel_size": 3, "strides": 2, "padding": 0}]
    model = build(cnn("conv1d", convs=convs), (9, 2), normalization=normalization)
    assert model.a2c_network.actor_mlp[0].in_features == 4 * 4
    conv, *rest = model.a2c_network.actor_cnn
    lines = torch.rand(5, 9, 2)
    assert isinstance(conv, nn.Conv1d) and conv.in_channels == 2
    expected = nn.Sequential(conv, *rest)(lines.transpose(1, 2)).flatten(1)
    torch.testing.assert_close(model.a2c_network.actor_cnn(lines), expected)


def test_building_teaches_batch_norms_nothing():
    norm = build(cnn(), normalization="batch_norm").a2c_network.actor_cnn[2]
    assert norm.num_batches_tracked == 0 and norm.training


def test_separate_critics_share_no_convolutions():
    network = build(cnn(), separate=True).a2c_network
    network.eval_critic(torch.rand(4, 8, 10, 3)).sum().backward()
    assert network.actor_cnn[0].weight.grad is None
    assert network.critic_cnn[0].weight.grad.abs().sum() > 0


def test_initializers_of_convolutions_and_of_linear_layers():
    constant = {"name": "const_initializer", "val": 0.5}
    network = build(cnn(initializer=constant), mlp={"initializer": {"name": "orthogonal"}}).a2c_network
    assert (network.actor_cnn[2].weight == 0.5).all() and (network.actor_cnn[0].bias == 0).all()
    assert not (network.actor_mlp[0].weight == 0.5).any()


def test_bytes_become_numbers_between_0_and_1_before_they_are_normalised():
    model = build(cnn())
    images = torch.randint(256, (6, 8, 10, 3), dtype=torch.uint8)
    floats = images / 255.0
    assert torch.equal(model.norm_obs(images), model.norm_obs(floats))
    model.running_mean_std.update_from(images)
    moments = model.running_mean_std.moments
    torch.testing.assert_close(moments.mean, floats.double().mean(0) * 6 / 7, rtol=1e-6, atol=1e-6)
    unnormalised = build(cnn())
    unnormalised.running_mean_std = None
    torch.testing.assert_close(unnormalised.norm_obs(images), floats)


def test_a_recurrent_network_sees_images():
    model = build(cnn(), rnn={"name": "lstm", "units": 7, "concat_input": True}, separate=True)
    out = model({"is_train": False, "obs": torch.rand(4, 8, 10, 3)})
    assert [state.shape for state in out["rnn_states"]] == [(1, 4, 7)] * 4
    assert model.a2c_network.c_rnn.rnn.input_size == 6 + 54


@pytest.mark.parametrize(
    ("block", "shape", "text"),
    [
        (cnn(), (5,), r"cnn: takes images \(height, width, channels\), .* have shape \(5,\); remove"),
        (cnn("conv1d"), (8, 8, 3), r"cnn: takes images \(length, channels\), .* have shape \(8, 8, 3\)"),
        (cnn(), (2, 2, 3), r"cnn\.convs: do not fit observations of shape \(2, 2, 3\): .*[Kk]ernel"),
    ],
)
def test_observations_that_do_not_fit(block, shape, text):
    with pytest.raises(ConfigError, match=text):
        build(block, shape)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"convs": [{"filters": 0, "kernel_size": 3}]}, r"cnn\.convs\[0\]\.filters=0: must be at least 1"),
        ({"convs": [{"filters": 2}]}, r"cnn\.convs\[0\]\.kernel_size: required key is missing"),
        (
            {"convs": [{"filters": 2, "kernel_size": 3, "stride": 1}]},
            r"stride=1: unknown key; did you mean s",
        ),
        ({"activation": "rellu"}, r"cnn\.activation=rellu: .*did you mean relu\?"),
    ],
)
def test_blocks_that_are_wrong(changes, text):
    with pytest.raises(ConfigError, match=text):
        build(cnn(**changes))

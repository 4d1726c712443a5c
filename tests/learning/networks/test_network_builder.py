import pytest
import torch
from torch import nn

from learning.networks.activations import activations_factory
from learning.networks.initializers import init_factory
from learning.networks.network_builder import A2CBuilder
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, network_params


def build(**changes):
    builder = A2CBuilder()
    builder.load(network_params(**changes))
    return builder.build("a2c", **BUILD)


def refusal(**changes):
    with pytest.raises(ConfigError) as info:
        build(**changes)
    return str(info.value)


def test_shared_trunk_output_by_hand():
    network = build(mlp={"units": [2], "activation": "relu"})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.5)
    mu, sigma, value, states = network({"obs": torch.tensor([[1.0, 0.0, 0.0, 0.0, 1.0]])})
    # Each unit: 0.5 * 2 + 0.5 = 1.5; each head: 0.5 * (1.5 + 1.5) + 0.5 = 2.
    assert mu.tolist() == [[2.0, 2.0, 2.0]] and value.tolist() == [[2.0]]
    assert sigma.tolist() == [0.5, 0.5, 0.5] and states is None


@pytest.mark.parametrize("separate", [False, True])
def test_critic_and_actor_alone_equal_forward(separate):
    network = build(separate=separate, continuous={"fixed_sigma": False})
    obs = torch.randn(7, 5)
    mu, sigma, value, _ = network({"obs": obs})
    assert sigma.shape == (7, 3)
    assert torch.equal(network.eval_critic(obs), value)
    assert all(torch.equal(*pair) for pair in zip(network.eval_actor(obs), (mu, sigma), strict=True))
    assert network.is_separate_critic() is separate


def test_separate_trunks_share_nothing():
    network = build(separate=True)
    network({"obs": torch.randn(4, 5)})[2].sum().backward()
    assert network.actor_mlp[0].weight.grad is None
    assert network.critic_mlp[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", activations_factory.names)
def test_every_activation_trains(name):
    network = build(mlp={"activation": name}, value_activation=name, continuous={"mu_activation": name})
    mu, _, value, _ = network({"obs": torch.randn(4, 5)})
    (mu.sum() + value.sum()).backward()
    assert torch.isfinite(network.actor_mlp[0].weight.grad).all()


def test_swish_is_silu_and_null_means_none():
    assert isinstance(activations_factory.create("swish"), nn.SiLU)
    network = build(mlp={"activation": None}, value_activation=None, continuous={"mu_activation": None})
    assert isinstance(network.actor_mlp[1], nn.Identity) and isinstance(network.mu_act, nn.Identity)


@pytest.mark.parametrize(
    ("config", "check"),
    [
        ({"name": "const_initializer", "val": 0.25}, lambda w: (w == 0.25).all()),
        ({"name": "orthogonal_initializer", "gain": 2.0}, lambda w: is_orthogonal(w, 2.0)),
        ({"name": "orthogonal", "gain": 0.5}, lambda w: is_orthogonal(w, 0.5)),
        ({"name": "glorot_uniform_initializer"}, lambda w: near(w.abs().max(), (6 / 600) ** 0.5)),
        ({"name": "glorot_normal_initializer", "gain": 2}, lambda w: near(w.std(), 2 * (2 / 600) ** 0.5)),
        ({"name": "variance_scaling_initializer", "scale": 0.5}, lambda w: near(w.std(), (0.5 / 400) ** 0.5)),
        ({"name": "variance_scaling_initializer", "mode": "fan_out"}, lambda w: near(w.std(), 0.1)),
        ({"name": "random_uniform_initializer", "a": -0.1, "b": "1e-1"}, lambda w: near(w.abs().max(), 0.1)),
        ({"name": "kaiming_normal"}, lambda w: near(w.std(), (2 / 400) ** 0.5)),
        ({"name": "default", "scale": 2}, lambda w: near(w.abs().max(), 1 / 20)),
    ],
)
def test_every_initializer(config, check):
    torch.manual_seed(0)
    builder = A2CBuilder()
    builder.load(network_params(mlp={"units": [200], "initializer": config}))
    layer = builder.build("a2c", actions_num=1, input_shape=(400,)).actor_mlp[0]
    assert check(layer.weight.detach())
    assert (layer.bias == 0).all()


def test_no_initializer_is_left_out():
    assert len(init_factory.names) == 9


def near(value, expected):
    return float(value) == pytest.approx(expected, rel=0.03)


def is_orthogonal(weight, gain):
    return torch.allclose(weight @ weight.T, gain**2 * torch.eye(len(weight)), atol=1e-4)


def test_fixed_sigma_takes_its_initializer_and_is_a_parameter():
    network = build(continuous={"sigma_init": {"name": "const_initializer", "val": -2.9}})
    assert torch.equal(network.sigma, torch.full((3,), -2.9)) and network.sigma.requires_grad


def test_constant_of_a_sigma_layer_is_its_output():
    continuous = {"fixed_sigma": False, "sigma_init": {"name": "const_initializer", "val": -1.5}}
    _, sigma, _, _ = build(continuous=continuous)({"obs": torch.randn(4, 5)})
    assert torch.equal(sigma, torch.full((4, 3), -1.5))


def test_mu_init_reaches_mu_only():
    network = build(continuous={"mu_init": {"name": "const_initializer", "val": 0.5}})
    assert (network.mu.weight == 0.5).all() and not (network.value.weight == 0.5).any()


def test_norm_layers_stand_behind_activations():
    network = build(normalization="layer_norm", separate=True)
    kinds = [type(layer).__name__ for layer in network.critic_mlp]
    assert kinds == ["Linear", "ELU", "LayerNorm", "Linear", "ELU", "LayerNorm"]
    assert "critic_mlp.5.bias" in network.state_dict()


def test_norm_only_first_layer_with_three_unequal_layers():
    network = build(normalization="batch_norm", mlp={"units": [8, 6, 4], "norm_only_first_layer": True})
    kinds = [type(layer).__name__ for layer in network.actor_mlp]
    assert kinds == ["Linear", "ELU", "BatchNorm1d", "Linear", "ELU", "Linear", "ELU"]
    assert network({"obs": torch.randn(2, 5)})[0].shape == (2, 3)


@pytest.mark.parametrize("normalization", [None, "None", "layer_norm", "batch_norm"])
def test_d2rl_feeds_the_input_to_every_layer(normalization):
    network = build(mlp={"d2rl": True, "units": [8, 6, 4]}, normalization=normalization)
    assert [layer.in_features for layer in network.actor_mlp.linears] == [5, 8 + 5, 6 + 5]
    mu = network({"obs": torch.randn(4, 5)})[0]
    mu.sum().backward()
    assert mu.shape == (4, 3) and torch.isfinite(network.actor_mlp.linears[0].weight.grad).all()


def test_no_hidden_layers():
    assert build(mlp={"units": []})({"obs": torch.randn(2, 5)})[0].shape == (2, 3)


def test_several_value_heads():
    builder = A2CBuilder()
    builder.load(network_params())
    network = builder.build("a2c", **{**BUILD, "value_size": 2})
    assert network.eval_critic(torch.randn(4, 5)).shape == (4, 2)


def test_rl_games_dead_key_is_ignored():
    build(mlp={"regularizer": {"name": "None"}})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seperate": True}, "seperate=True: unknown key; did you mean separate?"),
        ({"mlp": {"unit": [4]}}, "mlp.unit=[4]: unknown key; did you mean units?"),
        ({"mlp": {"units": [4, 0]}}, "mlp.units[1]=0: a layer needs at least one unit"),
        ({"mlp": {"units": [], "d2rl": True}}, "mlp.units=[]: d2rl needs at least one layer"),
        ({"mlp": {"activation": "el"}}, "mlp.activation=el: no activation of this name; did you mean elu?"),
        ({"value_activation": "x"}, "value_activation=x: no activation of this name; known are None, elu"),
        ({"mlp": {"initializer": {"name": "defalt"}}}, "mlp.initializer.name=defalt: no initializer of this"),
        (
            {"mlp": {"initializer": {"name": "orthogonal", "val": 1}}},
            "mlp.initializer.val=1.0: orthogonal takes only gain",
        ),
        (
            {"continuous": {"sigma_init": {"name": "const_initializer"}}},
            "space.continuous.sigma_init.val: required key is missing",
        ),
        ({"normalization": "layernorm"}, "normalization=layernorm: must be one of layer_norm, batch_norm"),
        (
            {"rnn": {"name": "lstn", "units": 4}},
            "rnn.name=lstn: must be one of lstm, gru, identity; did you mean",
        ),
        ({"rnn": {"name": "lstm"}}, "rnn.units: required key is missing"),
        ({"rnn": {"name": "lstm", "units": 0}}, "rnn.units=0: must be at least 1"),
        ({"cnn": {"type": "conv2"}}, "cnn.type=conv2: must be one of conv2d"),
        ({"cnn": {"type": "conv2d", "convs": [], "activation": "relu"}}, "cnn.convs=[]: needs at least one"),
        ({"space": {}}, "space: needs exactly one of continuous, discrete and multi_discrete"),
    ],
)
def test_refusals_name_the_place(changes, text):
    assert refusal(**changes).startswith("train.params.network." + text)


def test_images_are_refused():
    builder = A2CBuilder()
    builder.load(network_params())
    with pytest.raises(ConfigError, match=r"shape \(64, 64, 3\): without convolutions .* takes vectors"):
        builder.build("a2c", actions_num=1, input_shape=(64, 64, 3))

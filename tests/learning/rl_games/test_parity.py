"""The same weights and the same batch through RL Games' model and ours."""

import pytest
import torch

from learning.models.model_builder import ModelBuilder
from tests.learning.network_params import BUILD, DISCRETE, MULTI_DISCRETE, network_params

# RL Games scripts its normalisers, which torch 2.13 calls deprecated, and leaves changed defaults unsaid.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Default grid_sample and affine_grid behavior:UserWarning"),
    pytest.mark.filterwarnings("ignore:torch.meshgrid:UserWarning"),
]
rl_games_builder = pytest.importorskip("rl_games.algos_torch.model_builder")

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
SIZES = [2, 4, 3]
IMAGE, LINE = (8, 8, 3), (9, 2)  # square: RL Games' spatial softargmax mixes up the sides of others
CONVS = [
    {"filters": 4, "kernel_size": 3, "strides": 2, "padding": 1},
    {"filters": 6, "kernel_size": 2, "strides": 1, "padding": 0},
]


def cnn(kind, **changes):
    return {"type": kind, "activation": "elu", "initializer": {"name": "default"}, "convs": CONVS, **changes}


def rnn(name, **changes):
    return {"name": name, "units": 7, "layers": 1, **changes}


# The network's keys; `shape` is that of an observation, `model` and `actions_num` those of the policy.
NETWORKS = {
    "shared": {},
    "separate": {"separate": True},
    "d2rl": {"mlp": {"d2rl": True, "units": [8, 6, 4]}},
    "d2rl_layer_norm": {"mlp": {"d2rl": True}, "normalization": "layer_norm", "separate": True},
    "sigma_layer": {"continuous": {"fixed_sigma": False}, "separate": True},
    "no_layers": {"mlp": {"units": []}},
    "activations": {"value_activation": "tanh", "continuous": {"mu_activation": "tanh"}},
    "discrete": {"space": DISCRETE, "model": "discrete_a2c"},
    "discrete_separate": {"space": DISCRETE, "model": "discrete_a2c", "separate": True},
    "multi_discrete": {"space": MULTI_DISCRETE, "model": "multi_discrete_a2c", "actions_num": SIZES},
    "lstm": {"rnn": rnn("lstm")},
    "lstm_layers": {"rnn": rnn("lstm", layers=2, layer_norm=True), "separate": True},
    "lstm_before": {"rnn": rnn("lstm", before_mlp=True, concat_input=True), "separate": True},
    "lstm_concat": {"rnn": rnn("lstm", concat_input=True)},
    "lstm_concat_output": {"rnn": rnn("lstm", concat_output=True, layer_norm=True)},
    "gru_before_concat_output": {"rnn": rnn("gru", before_mlp=True, concat_output=True), "separate": True},
    "gru": {"rnn": rnn("gru", layers=2, layer_norm=True)},
    "gru_separate": {"rnn": rnn("gru", before_mlp=True, layer_norm=True), "separate": True},
    "gru_discrete": {"rnn": rnn("gru"), "space": DISCRETE, "model": "discrete_a2c"},
    "conv2d": {"cnn": cnn("conv2d"), "shape": IMAGE},
    "conv2d_separate": {"cnn": cnn("conv2d"), "shape": IMAGE, "separate": True},
    "conv2d_flatten": {"cnn": cnn("conv2d_flatten"), "shape": IMAGE},
    "coord_conv2d": {"cnn": cnn("coord_conv2d"), "shape": IMAGE},
    "softargmax": {"cnn": cnn("conv2d_spatial_softargmax"), "shape": IMAGE},
    "conv2d_batch_norm": {
        "cnn": cnn("conv2d"),
        "shape": IMAGE,
        "normalization": "batch_norm",  # which RL Games leaves out of MLPs
        "mlp": {"units": []},
        "separate": True,
    },
    "channels_first": {"cnn": cnn("conv2d", permute_input=False), "shape": (3, 8, 8)},
    "conv1d": {"cnn": cnn("conv1d", permute_input=False), "shape": LINE[::-1]},
    "conv2d_lstm": {"cnn": cnn("conv2d"), "shape": IMAGE, "rnn": rnn("lstm"), "separate": True},
    "resnet": {
        "name": "resnet_actor_critic",
        "cnn": {"conv_depths": [4, 6]},
        "shape": IMAGE,
        "space": DISCRETE,
        "model": "discrete_a2c",
    },
    "resnet_gru": {
        "name": "resnet_actor_critic",
        "cnn": {"conv_depths": [4]},
        "shape": IMAGE,
        "rnn": rnn("gru"),
        "space": DISCRETE,
        "model": "discrete_a2c",
    },
    "resnet_lstm_before": {
        "name": "resnet_actor_critic",
        "cnn": {"conv_depths": [4]},
        "shape": IMAGE,
        "rnn": rnn("lstm", before_mlp=True),
        "continuous": {"fixed_sigma": False},
    },
    "central_value": {"central_value": True, "model": "central_value"},
    "central_value_gru": {"central_value": True, "model": "central_value", "rnn": rnn("gru")},
}
each_network = pytest.mark.parametrize("changes", NETWORKS.values(), ids=NETWORKS)


def settings_of(changes):
    shape = changes.get("shape", BUILD["input_shape"])
    return {**BUILD, "input_shape": shape, "actions_num": changes.get("actions_num", BUILD["actions_num"])}


def build_both(changes):
    block = {key: value for key, value in changes.items() if key not in ("shape", "model", "actions_num")}
    name = changes.get("model", "continuous_a2c_logstd")
    params = {"model": {"name": name}, "network": network_params(**block)}
    if "central_value" in changes:
        del params["network"]["space"]  # with it RL Games would build a policy too
    ours = ModelBuilder().load(params).build(settings_of(changes))
    theirs = rl_games_builder.ModelBuilder().load(params).build(settings_of(changes))
    return ours.eval(), theirs.eval()  # in training its forward updates the normalisers


def same_weights(changes):
    torch.manual_seed(0)
    ours, theirs = build_both(changes)
    ours.running_mean_std.update_from(torch.randn(100, *settings_of(changes)["input_shape"]) * 2 + 1)
    ours.value_mean_std.update_from(torch.randn(100, 1) * 7 - 3)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def inputs(model, changes, is_train):
    """Four sequences of two steps for training, of one step otherwise."""
    torch.manual_seed(1)
    settings, length = settings_of(changes), 2 if is_train else 1
    batch = 4 * length
    input_dict = {
        "is_train": is_train,
        "obs": torch.randn(batch, *settings["input_shape"]) * 3,
        "prev_actions": torch.randn(batch, 3),
    }
    if changes.get("model") == "discrete_a2c":
        input_dict["prev_actions"] = torch.randint(3, (batch,))
    if changes.get("model") == "multi_discrete_a2c":
        choices = [torch.randint(size, (batch,)) for size in SIZES]
        input_dict["prev_actions"] = torch.stack(choices, dim=-1)
    if "rnn" in changes:
        dones = torch.zeros(batch)
        dones[batch // 2] = 1.0
        memory = tuple(torch.randn_like(state) for state in model.get_default_rnn_state())
        input_dict |= {"rnn_states": memory, "seq_length": length, "dones": dones}
    return input_dict


def assert_same(mine, other):
    for key in ("prev_neglogp", "values", "entropy", "mus", "sigmas", "logits"):
        if key in mine:
            wanted = torch.cat(other[key], dim=-1) if isinstance(other[key], list) else other[key]
            torch.testing.assert_close(mine[key], wanted, **TOLERANCE)
    for state, wanted in zip(mine["rnn_states"] or (), other["rnn_states"] or (), strict=True):
        torch.testing.assert_close(state, wanted, **TOLERANCE)


@each_network
def test_checkpoint_keys_and_optimizer_order(changes):
    ours, theirs = build_both(changes)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [value.dtype for value in ours.state_dict().values()] == [
        value.dtype for value in theirs.state_dict().values()
    ]
    shapes = [(name, parameter.shape) for name, parameter in ours.named_parameters()]
    assert shapes == [(name, parameter.shape) for name, parameter in theirs.named_parameters()]


@each_network
@pytest.mark.parametrize("is_train", [True, False])
def test_same_weights_give_the_same_output(changes, is_train):
    ours, theirs = same_weights(changes)
    with torch.no_grad():
        assert_same(*(model(inputs(model, changes, is_train)) for model in (ours, theirs)))


def test_masked_choices():
    changes = NETWORKS["discrete"]
    ours, theirs = same_weights(changes)
    masks = torch.tensor([[True, False, True]]).expand(8, 3)
    given = {"prev_actions": torch.tensor([0, 2] * 4), "action_masks": masks}
    mine, other = (model({**inputs(model, changes, True), **given}) for model in (ours, theirs))
    for key in ("prev_neglogp", "entropy"):
        torch.testing.assert_close(mine[key], other[key], **TOLERANCE)
    torch.testing.assert_close(mine["logits"].exp(), other["logits"].exp(), **TOLERANCE)

"""The `resnet_actor_critic` network."""

import pytest
import torch

from learning.models.model_builder import ModelBuilder
from learning.networks.resnet_network import ImpalaSection, ResidualBlock
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, DISCRETE, MULTI_DISCRETE, network_params

KINDS = {
    "continuous_a2c_logstd": ({"continuous": {}}, 3),
    "discrete_a2c": (DISCRETE, 3),
    "multi_discrete_a2c": (MULTI_DISCRETE, [2, 3]),
}


def build(model="discrete_a2c", input_shape=(9, 12, 3), **changes):
    torch.manual_seed(0)
    space, actions_num = KINDS[model]
    block = {"cnn": {"conv_depths": [4, 6]}, **changes}
    network = network_params(name="resnet_actor_critic", space=space, **block)
    builder = ModelBuilder().load({"model": {"name": model}, "network": network})
    return builder.build({**BUILD, "actions_num": actions_num, "input_shape": input_shape})


def test_a_residual_block_by_hand():
    block = ResidualBlock(1, "relu")
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        block.conv1.conv.weight[0, 0, 1, 1] = 2.0
        block.conv2.conv.weight[0, 0, 1, 1] = 3.0
    # x + 3 · max(0, 2 · max(0, x)): 1 becomes 7, -1 stays.
    assert block(torch.tensor([[[[1.0, -1.0]]]])).tolist() == [[[[7.0, -1.0]]]]


@pytest.mark.parametrize(("size", "half"), [((8, 8), (4, 4)), ((9, 12), (5, 6))])
def test_a_section_halves_the_image(size, half):
    assert ImpalaSection(3, 4, "elu")(torch.rand(2, 3, *size)).shape == (2, 4, *half)


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize(
    "rnn",
    [None, {"layer_norm": True}, {"layer_norm": True, "before_mlp": True}],
    ids=["plain", "rnn", "rnn_before_mlp"],
)
def test_every_policy_trains_with_and_without_memory(model, rnn):
    changes = {"rnn": {"name": "lstm", "units": 5, **rnn}} if rnn else {}
    module = build(model, **changes)
    obs = torch.rand(4, 9, 12, 3)
    out = module({"is_train": False, "obs": obs})
    again = module({"is_train": True, "obs": obs, "prev_actions": out["actions"]})
    assert torch.equal(again["prev_neglogp"], out["neglogpacs"])
    assert torch.equal(module.eval_critic(obs), out["values"])
    (again["prev_neglogp"] + again["entropy"] + again["values"].squeeze(-1)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_names_and_order():
    network = build(rnn={"name": "gru", "units": 5, "layer_norm": True}).a2c_network
    parts = [name.split(".")[0] for name, _ in network.named_parameters()]
    assert list(dict.fromkeys(parts)) == ["cnn", "rnn", "layer_norm", "mlp", "value", "logits"]
    names = [name for name, _ in network.named_parameters() if name.startswith("cnn.1.") and "weight" in name]
    assert names == ["cnn.1.conv.conv.weight"] + [
        f"cnn.1.res_block{block}.conv{conv}.conv.weight" for block in (1, 2) for conv in (1, 2)
    ]
    # 9 x 12 → 5 x 6 → 3 x 3, with 6 channels.
    assert network.rnn.rnn.input_size == 6 and network.mlp[0].in_features == 6 * 3 * 3


def test_the_mlps_activation_stands_behind_the_convolutions():
    network = build(mlp={"activation": "relu"}).a2c_network
    assert (network.cnn(torch.rand(2, 9, 12, 3)) >= 0).all()


def test_images_with_channels_first_and_dictionaries():
    cnn = {"conv_depths": [4], "permute_input": False}
    model = build(input_shape=(3, 8, 8), cnn=cnn)
    assert model({"is_train": False, "obs": torch.rand(2, 3, 8, 8)})["actions"].shape == (2,)
    model = build(input_shape={"camera": (8, 8, 3), "joints": (5,)})
    obs = {"camera": torch.rand(2, 8, 8, 3), "joints": torch.rand(2, 5)}
    assert model({"is_train": False, "obs": obs})["actions"].shape == (2,)
    assert model.a2c_network.mlp[0].in_features == 6 * 2 * 2 + 5


def test_initializers_and_published_depths():
    constant = {"name": "const_initializer", "val": 0.5}
    network = build(cnn={"conv_depths": [4], "initializer": constant}).a2c_network
    assert (network.cnn[0].res_block2.conv1.conv.weight == 0.5).all()
    assert not (network.mlp[0].weight == 0.5).any()
    default = build(cnn={}).a2c_network
    assert [section.conv.conv.out_channels for section in list(default.cnn)[:3]] == [16, 32, 32]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"separate": True}, "separate=True: resnet_actor_critic has one trunk"),
        ({"require_rewards": True}, "require_rewards=True: is not supported"),
        ({"require_last_actions": True}, "require_last_actions=True: is not supported"),
        ({"cnn": {"conv_depths": []}}, r"cnn\.conv_depths=\[\]: needs sections"),
        ({"cnn": {"convs": []}}, r"cnn\.convs=\[\]: unknown key"),
    ],
)
def test_refusals(changes, text):
    with pytest.raises(ConfigError, match=r"^train\.params\.network\." + text):
        build(**changes)


def test_vectors_are_refused():
    with pytest.raises(ConfigError, match=r"takes images \(height, width, channels\), .* shape \(5,\)"):
        build(input_shape=(5,))

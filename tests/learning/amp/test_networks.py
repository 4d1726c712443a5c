"""The `amp` network and the `continuous_amp` model."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from learning.models.model_builder import ModelBuilder
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD
from tests.learning.toy_motion_env import amp_params

ROOT = Path(__file__).parents[3]


def build(**changes):
    torch.manual_seed(0)
    return ModelBuilder().load(amp_params(**changes)).build({**BUILD, "amp_input_shape": (6,)})


def test_names_and_starts_are_those_of_isaacgymenvs():
    network = build(network={"disc": {"units": [16, 8]}}).a2c_network
    names = [name for name, _ in network.named_parameters() if name.startswith("_disc")]
    assert names == [
        "_disc_mlp.0.weight",
        "_disc_mlp.0.bias",
        "_disc_mlp.2.weight",
        "_disc_mlp.2.bias",
        "_disc_logits.weight",
        "_disc_logits.bias",
    ]
    assert network._disc_mlp[0].weight.shape == (16, 6)
    assert not network._disc_mlp[0].bias.any() and not network._disc_logits.bias.any()
    logits = network._disc_logits.weight
    assert logits.shape == (1, 8) and 0.35 < logits.abs().max() <= 1.0  # U(-1, 1), not torch's U(±0.35)
    assert sum(p.numel() for p in network.disc_parameters()) == 6 * 16 + 16 + 16 * 8 + 8 + 8 + 1


def test_sigma_is_learned_or_not():
    assert not build().a2c_network.sigma.requires_grad
    assert build(continuous={"learn_sigma": True}).a2c_network.sigma.requires_grad


def test_parameters_belong_to_actor_critic_or_discriminator():
    network = build().a2c_network
    parts = [network.actor_parameters(), network.critic_parameters(), network.disc_parameters()]
    ids = [{id(parameter) for parameter in part} for part in parts]
    assert set.union(*ids) == {id(parameter) for parameter in network.parameters()}
    assert sum(len(part) for part in ids) == len(list(network.parameters()))
    assert id(network.sigma) in ids[0] and id(network.critic_mlp[0].weight) in ids[1]


@pytest.mark.parametrize("disc", [{"units": [16, 8]}, {"units": [7], "activation": "tanh"}, {"units": []}])
def test_logits_and_gradient_at_some_rows(disc):
    network = build(network={"disc": disc}).a2c_network
    windows = torch.randn(9, 6)
    logits, gradient = network.eval_disc_with_gradient(windows, slice(5, None))
    torch.testing.assert_close(logits, network.eval_disc(windows))
    inputs = windows.clone().requires_grad_()
    (expected,) = torch.autograd.grad(network.eval_disc(inputs).sum(), inputs)
    torch.testing.assert_close(gradient, expected[5:])
    gradient.square().sum().backward()
    assert network._disc_logits.weight.grad.abs().sum() > 0


def test_the_mean_action_is_the_models():
    model = build()
    obs = torch.randn(4, 5)
    assert torch.equal(model.eval_mean(obs), model({"is_train": False, "obs": obs})["mus"])


def test_errors_say_what_is_missing():
    params = amp_params()
    params["network"] |= {"name": "actor_critic"}
    del params["network"]["disc"]
    with pytest.raises(ConfigError, match="needs a network with a discriminator"):
        ModelBuilder().load(params).build(BUILD)
    with pytest.raises(ConfigError, match=r"network\.disc\.activation=rellu"):
        build(network={"disc": {"units": [4], "activation": "rellu"}})
    with pytest.raises(ConfigError, match=r"units\[0\]=0"):
        build(network={"disc": {"units": [0]}})


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"rnn": {"name": "gru", "units": 4}}, "network.rnn: the amp network has MLPs only"),
        (
            {"space": {"discrete": None}},
            "network.space: the amp network has a continuous policy, not discrete",
        ),
        ({"central_value": True}, "network.space: the amp network has a continuous policy, not value"),
    ],
)
def test_what_the_network_does_not_have_is_refused(block, text):
    params = amp_params()
    params["network"] |= block
    with pytest.raises(ConfigError, match=text):
        ModelBuilder().load(params)


def test_the_shipped_network_has_the_published_size():
    block = OmegaConf.load(ROOT / "cfg" / "train" / "HumanoidAMP.yaml").params
    sizes = {"actions_num": 28, "input_shape": (105,), "amp_input_shape": (210,)}
    network = ModelBuilder().load({"model": block.model, "network": block.network}).build(sizes).a2c_network
    parts = (network.actor_parameters(), network.critic_parameters(), network.disc_parameters())
    counts = [sum(parameter.numel() for parameter in part) for part in parts]
    assert counts == [647_708 + 28, 633_857, 741_377]
    assert torch.equal(network.sigma, torch.full((28,), -2.9))

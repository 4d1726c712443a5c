"""The model `central_value`, and networks that give a value alone."""

import pytest
import torch

from learning.models.model_builder import ModelBuilder
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, network_params

SETTINGS = {key: value for key, value in BUILD.items() if key != "actions_num"}


def params(**changes):
    network = network_params(central_value=True, **changes)
    del network["space"]
    return {"model": {"name": "central_value"}, "network": network}


def build(settings=SETTINGS, **changes):
    torch.manual_seed(0)
    return ModelBuilder().load(params(**changes)).build(settings)


@pytest.mark.parametrize("separate", [False, True])
def test_a_value_and_nothing_else(separate):
    model = build(separate=separate)
    model.value_mean_std.update_from(torch.tensor([[10.0], [30.0]]))
    states = torch.randn(4, 5)
    train = model({"is_train": True, "obs": states})
    play = model({"is_train": False, "obs": states})
    assert set(train) == {"values", "rnn_states"} and train["rnn_states"] is None
    assert train["values"].shape == (4, 1)
    torch.testing.assert_close(play["values"], model.denorm_value(train["values"]))
    assert torch.equal(model.eval_critic(states), play["values"])
    assert model.kl({}, {}) is None and not model.is_separate_critic()
    names = {name.split(".")[0] for name, _ in model.a2c_network.named_parameters()}
    assert names == {"actor_mlp", "value"}
    train["values"].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_recurrent_value():
    model = build(rnn={"name": "lstm", "units": 7})
    memory = tuple(torch.randn_like(state) for state in model.get_default_rnn_state())
    assert [state.shape for state in memory] == [(1, 4, 7)] * 2
    states = torch.randn(4, 5)
    out = model({"is_train": False, "obs": states, "rnn_states": memory})
    assert torch.equal(model.eval_critic(states, memory), out["values"])
    assert not torch.equal(model.eval_critic(states), out["values"])


def test_several_values_and_dictionaries():
    model = build({**SETTINGS, "value_size": 2, "input_shape": {"a": (2,), "b": (3,)}})
    obs = {"a": torch.randn(4, 2), "b": torch.randn(4, 3)}
    assert model({"is_train": False, "obs": obs})["values"].shape == (4, 2)


def test_a_space_and_a_number_of_actions_are_ignored():
    block = params()
    block["network"]["space"] = {"continuous": {}}
    model = ModelBuilder().load(block).build(BUILD)
    assert not hasattr(model.a2c_network, "mu")


def test_keys_that_do_not_fit_the_model():
    without = {"model": {"name": "central_value"}, "network": network_params()}
    with pytest.raises(
        ConfigError, match=r"network\.central_value=False: the model central_value needs True"
    ):
        ModelBuilder().load(without)
    policy = {**params(), "model": {"name": "discrete_a2c"}}
    with pytest.raises(ConfigError, match=r"network\.central_value=True: the model needs a policy; leave"):
        ModelBuilder().load(policy)

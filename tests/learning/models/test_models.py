import copy

import pytest
import torch
from torch.distributions import Normal

from learning.models import model_builder
from learning.models.models import ModelA2CContinuousLogStd
from learning.networks.network_builder import A2CBuilder, NetworkBuilder
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, network_params

UNIT_SIGMA = {"sigma_init": {"name": "const_initializer", "val": 1.0}}


def build(name="continuous_a2c_logstd", settings=BUILD, **changes):
    params = {"model": {"name": name}, "network": network_params(**changes)}
    torch.manual_seed(0)
    return model_builder.ModelBuilder().load(params).build(settings)


def test_training_output_equals_torch_distributions():
    model = build(continuous={"sigma_init": {"name": "const_initializer", "val": -0.7}})
    obs, actions = torch.randn(6, 5), torch.randn(6, 3)
    out = model({"is_train": True, "obs": obs, "prev_actions": actions})
    normal = Normal(out["mus"], out["sigmas"])
    torch.testing.assert_close(out["sigmas"], torch.full((6, 3), -0.7).exp())
    torch.testing.assert_close(out["prev_neglogp"], -normal.log_prob(actions).sum(-1))
    torch.testing.assert_close(out["entropy"], normal.entropy().sum(-1))
    assert out["values"].shape == (6, 1) and out["rnn_states"] is None


@pytest.mark.parametrize("name", ["continuous_a2c", "continuous_a2c_logstd"])
@pytest.mark.parametrize("fixed_sigma", [True, False])
@pytest.mark.parametrize("batch", [1, 4])
def test_evaluation_agrees_with_training(name, fixed_sigma, batch):
    model = build(name, continuous={**UNIT_SIGMA, "fixed_sigma": fixed_sigma})
    obs = torch.randn(batch, 5)
    out = model({"is_train": False, "obs": obs})
    assert out["neglogpacs"].shape == (batch,) and out["values"].shape == (batch, 1)
    assert all(out[key].shape == (batch, 3) for key in ("actions", "mus", "sigmas"))
    assert not out["actions"].requires_grad
    again = model({"is_train": True, "obs": obs, "prev_actions": out["actions"]})
    assert torch.equal(again["prev_neglogp"], out["neglogpacs"])
    assert again["entropy"].shape == (batch,)
    policies = [{"mu": each["mus"], "sigma": each["sigmas"]} for each in (out, again)]
    assert (model.kl(*policies) == 0).all()


def test_actions_are_drawn_from_the_policy():
    model = build(continuous={"sigma_init": {"name": "const_initializer", "val": -1.0}})
    out = model({"is_train": False, "obs": torch.zeros(20000, 5)})
    noise = (out["actions"] - out["mus"]) / out["sigmas"]
    assert noise.mean(0).abs().max() < 0.03 and (noise.std(0) - 1).abs().max() < 0.03


def test_values_are_denormalised_in_evaluation_only():
    model = build()
    model.value_mean_std.update_from(torch.tensor([[10.0], [30.0]]))
    obs = torch.randn(4, 5)
    with torch.no_grad():
        normalised = model({"is_train": True, "obs": obs, "prev_actions": torch.zeros(4, 3)})["values"]
        values = model({"is_train": False, "obs": obs})["values"]
    torch.testing.assert_close(values, model.denorm_value(normalised))
    assert torch.equal(model.eval_critic(obs), values)
    assert not torch.allclose(values, normalised)


def test_observations_are_normalised_and_the_input_stays():
    model = build()
    model.running_mean_std.update_from(torch.randn(50, 5) * 3 + 10)
    obs = torch.randn(4, 5)
    given = {"is_train": False, "obs": obs}
    mus = model(given)["mus"]
    assert given["obs"] is obs
    torch.testing.assert_close(mus, model.a2c_network({"obs": model.running_mean_std(obs)})[0])


def test_forward_updates_no_normaliser():
    model = build().train()
    before = copy.deepcopy(model.state_dict())
    model({"is_train": True, "obs": torch.randn(4, 5), "prev_actions": torch.zeros(4, 3)})
    model({"is_train": False, "obs": torch.randn(4, 5)})
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_without_normalisers():
    model = build(settings={"actions_num": 3, "input_shape": (5,)})
    assert model.running_mean_std is None and model.value_mean_std is None
    obs = torch.randn(2, 5)
    assert model.norm_obs(obs) is obs and model.denorm_value(obs) is obs
    assert all(key.startswith("a2c_network.") for key in model.state_dict())
    assert model({"is_train": False, "obs": obs})["values"].shape == (2, 1)


def test_gradients_reach_every_parameter():
    model = build(separate=True, continuous={"fixed_sigma": False})
    out = model({"is_train": True, "obs": torch.randn(4, 5), "prev_actions": torch.randn(4, 3)})
    (out["prev_neglogp"] + out["entropy"] + out["values"].squeeze(-1)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_policy_maths_stay_float32_under_autocast():
    model = build()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model({"is_train": True, "obs": torch.randn(4, 5), "prev_actions": torch.randn(4, 3)})
    tensors = [value for value in out.values() if value is not None]
    assert {value.dtype for value in tensors} == {torch.float32}


def test_continuous_a2c_refuses_a_sigma_that_is_no_deviation():
    with pytest.raises(ConfigError, match="sigma_init: continuous_a2c takes sigma as the standard deviation"):
        build("continuous_a2c")
    build("continuous_a2c", continuous={"sigma_activation": "softplus"})


def test_models_and_networks_from_outside():
    class MyNetwork(NetworkBuilder):
        def load(self, params):
            self.width = params["width"]

        def build(self, name, **kwargs):
            return MyNetwork.Network(self.width, kwargs["actions_num"])

        class Network(NetworkBuilder.BaseNetwork):
            def __init__(self, width, actions_num):
                super().__init__()
                self.mu = torch.nn.Linear(width, actions_num)
                self.value = torch.nn.Linear(width, 1)

            def forward(self, obs_dict):
                mu = self.mu(obs_dict["obs"])
                return mu, torch.zeros_like(mu), self.value(obs_dict["obs"]), None

    class MyModel(ModelA2CContinuousLogStd):
        pass

    for _ in range(2):  # a program may register twice
        model_builder.register_model("test_my_model", MyModel)
        model_builder.register_network("test_my_network", lambda **kwargs: MyNetwork())
    with pytest.raises(ValueError, match="already registered"):
        model_builder.register_network("test_my_network", lambda **kwargs: A2CBuilder())
    params = {"model": {"name": "test_my_model"}, "network": {"name": "test_my_network", "width": 5}}
    model = model_builder.ModelBuilder().load(params).build(BUILD)
    obs = torch.randn(4, 5)
    assert model({"is_train": False, "obs": obs})["actions"].shape == (4, 3)
    assert model.eval_critic(obs).shape == (4, 1)
    assert (model.is_rnn(), model.get_default_rnn_state(), model.get_aux_loss()) == (False, None, None)
    assert model.get_value_layer() is model.a2c_network.value


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"model": {"name": "continuous_a2c_logst"}}, r"model.name=.*did you mean continuous_a2c_logstd\?"),
        ({"model": {}}, "model.name: required key is missing"),
        ({"model": {"name": "continuous_a2c", "sigma": 1}}, "model.sigma=1: unknown key"),
        ({"network": {"name": "actor_critik"}}, r"network.name=.*did you mean actor_critic\?"),
        ({"network": None}, "network.name: required key is missing; registered are actor_critic"),
    ],
)
def test_wrong_names(params, text):
    known = {"model": {"name": "continuous_a2c_logstd"}, "network": network_params()}
    with pytest.raises(ConfigError, match=r"^train\.params\." + text):
        model_builder.ModelBuilder().load({**known, **params})

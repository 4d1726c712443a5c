"""How a network's number becomes a standard deviation."""

import math

import pytest
import torch

from learning.models.model_builder import ModelBuilder
from learning.networks.sigma import SMALLEST_LINEAR, SigmaTransform
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, network_params

E = math.e


def build(model="continuous_a2c_logstd", **continuous):
    params = {"model": {"name": model}, "network": network_params(continuous=continuous)}
    return ModelBuilder().load(params).build(BUILD)


@pytest.mark.parametrize(
    ("transform", "raw", "sigma"),
    [
        (SigmaTransform(), 1.0, E),
        (SigmaTransform("exp", 0.5), 1.0, E + 0.5),
        (SigmaTransform("exp", logstd_bounds=(-1.0, 0.0)), 1.0, 1.0),
        (SigmaTransform("exp", logstd_bounds=(-1.0, 0.0)), -9.0, 1 / E),
        (SigmaTransform("softplus"), 0.0, math.log(2)),
        (SigmaTransform("softplus", 0.25), 1.0, math.log(1 + E) + 0.25),
        (SigmaTransform("linear"), 0.3, 0.3),
        (SigmaTransform("scalar", 0.5), 0.3, 0.5),
        (SigmaTransform("linear"), -1.0, SMALLEST_LINEAR),
    ],
)
def test_by_hand(transform, raw, sigma):
    got, logstd = transform(torch.tensor([raw]))
    torch.testing.assert_close(got, torch.tensor([sigma]))
    torch.testing.assert_close(logstd, torch.tensor([math.log(sigma)]))


def test_a_floor_under_exp_and_softplus_keeps_the_gradient():
    for name in ("exp", "softplus"):
        raw = torch.tensor([-3.0], requires_grad=True)
        SigmaTransform(name, min_sigma=0.5)(raw)[0].sum().backward()
        assert raw.grad > 0


@pytest.mark.parametrize("fixed_sigma", [True, False])
def test_the_model_reads_it(fixed_sigma):
    init = {"name": "const_initializer", "val": 1.0}
    model = build(fixed_sigma=fixed_sigma, sigma_init=init, sigma_parametrization="softplus", min_sigma=0.1)
    out = model({"is_train": False, "obs": torch.randn(4, 5)})
    torch.testing.assert_close(out["sigmas"], torch.full((4, 3), math.log(1 + E) + 0.1))


def test_yaml_numbers():
    assert build(min_sigma="1e-2", logstd_bounds=[-5, "2"]).a2c_network.sigma_transform == SigmaTransform(
        "exp", 0.01, (-5.0, 2.0)
    )


@pytest.mark.parametrize(
    ("continuous", "text"),
    [
        ({"min_sigma": -1}, "min_sigma=-1.0: must be at least 0"),
        ({"logstd_bounds": [1, 0]}, r"logstd_bounds=\[1.0, 0.0\]: the lower bound must come first"),
        ({"logstd_bounds": [1]}, r"logstd_bounds=\[1\]: must have 2 items"),
        ({"logstd_bounds": [0, 1], "sigma_parametrization": "linear"}, "only sigma_parametrization exp"),
        ({"sigma_parametrization": "ex"}, "must be one of exp, softplus, linear, scalar; did you mean exp"),
    ],
)
def test_refusals(continuous, text):
    with pytest.raises(ConfigError, match=r"^train\.params\.network\.space\.continuous\..*" + text):
        build(**continuous)


def test_a_linear_sigma_starts_above_zero():
    with pytest.raises(ConfigError, match="sigma_init: sigma_parametrization linear .* must start above 0"):
        build(sigma_parametrization="scalar")
    init = {"name": "const_initializer", "val": 0.5}
    model = build(sigma_parametrization="linear", sigma_init=init)
    assert (model({"is_train": False, "obs": torch.randn(2, 5)})["sigmas"] == 0.5).all()


def test_continuous_a2c_takes_sigma_itself():
    init = {"name": "const_initializer", "val": 1.0}
    with pytest.raises(ConfigError, match="logstd_bounds are of the model continuous_a2c_logstd"):
        build("continuous_a2c", sigma_init=init, min_sigma=0.1)

"""The same weights and the same batch through RL Games' model and ours."""

import pytest
import torch

from learning.model_builder import ModelBuilder
from tests.learning.network_params import BUILD, network_params

# RL Games scripts its normalisers, which torch 2.13 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
rl_games_builder = pytest.importorskip("rl_games.algos_torch.model_builder")

NETWORKS = {
    "shared": {},
    "separate": {"separate": True},
    "d2rl": {"mlp": {"d2rl": True, "units": [8, 6, 4]}},
    "d2rl_layer_norm": {"mlp": {"d2rl": True}, "normalization": "layer_norm", "separate": True},
    "sigma_layer": {"continuous": {"fixed_sigma": False}, "separate": True},
    "no_layers": {"mlp": {"units": []}},
    "activations": {"value_activation": "tanh", "continuous": {"mu_activation": "tanh"}},
}


def build_both(changes):
    params = {"model": {"name": "continuous_a2c_logstd"}, "network": network_params(**changes)}
    ours = ModelBuilder().load(params).build(BUILD)
    theirs = rl_games_builder.ModelBuilder().load(params).build(BUILD)
    return ours, theirs.eval()  # in training its forward updates the normalisers


@pytest.mark.parametrize("changes", NETWORKS.values(), ids=NETWORKS)
def test_checkpoint_keys_and_optimizer_order(changes):
    ours, theirs = build_both(changes)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [value.dtype for value in ours.state_dict().values()] == [
        value.dtype for value in theirs.state_dict().values()
    ]
    shapes = [(name, parameter.shape) for name, parameter in ours.named_parameters()]
    assert shapes == [(name, parameter.shape) for name, parameter in theirs.named_parameters()]


@pytest.mark.parametrize("changes", NETWORKS.values(), ids=NETWORKS)
def test_same_weights_give_the_same_output(changes):
    torch.manual_seed(0)
    ours, theirs = build_both(changes)
    ours.running_mean_std.update_from(torch.randn(100, 5) * 2 + 1)
    ours.value_mean_std.update_from(torch.randn(100, 1) * 7 - 3)
    theirs.load_state_dict(ours.state_dict())
    obs, actions = torch.randn(9, 5) * 4, torch.randn(9, 3)
    mine = ours({"is_train": True, "obs": obs, "prev_actions": actions})
    other = theirs({"is_train": True, "obs": obs, "prev_actions": actions})
    for key in ("prev_neglogp", "values", "entropy", "mus", "sigmas"):
        torch.testing.assert_close(mine[key], other[key], rtol=1e-5, atol=1e-5)
    mine, other = ours({"is_train": False, "obs": obs}), theirs({"is_train": False, "obs": obs})
    for key in ("values", "mus", "sigmas"):
        torch.testing.assert_close(mine[key], other[key], rtol=1e-5, atol=1e-5)

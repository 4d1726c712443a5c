"""Recurrent layers, and networks that have one."""

import math

import pytest
import torch
from torch import nn

from learning.models.model_builder import ModelBuilder
from learning.networks.layer_config import RnnConfig
from learning.networks.recurrent import GRUWithDones, LSTMWithDones, Sequences, build_rnn
from learning.networks.trunk import TrunkSizes
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, DISCRETE, network_params

each_kind = pytest.mark.parametrize("kind", [LSTMWithDones, GRUWithDones])
each_name = pytest.mark.parametrize("name", ["lstm", "gru"])


def layer(kind, layers=2):
    torch.manual_seed(0)
    return kind(3, 4, layers)


def model_of(rnn, space=None, **changes):
    torch.manual_seed(0)
    changes |= {"rnn": {"units": 7, "layers": 2, **rnn}} | ({"space": space} if space else {})
    name = "discrete_a2c" if space else "continuous_a2c_logstd"
    return ModelBuilder().load({"model": {"name": name}, "network": network_params(**changes)}).build(BUILD)


def test_a_step_of_an_lstm_by_hand():
    rnn = LSTMWithDones(1, 1, 1)
    with torch.no_grad():
        for parameter in rnn.parameters():
            parameter.zero_()
    # All gates are σ(0) = ½ and the candidate is tanh(0) = 0: c = ½ · 2 + ½ · 0, h = ½ · tanh(c).
    states = (torch.ones(1, 1, 1), torch.full((1, 1, 1), 2.0))
    out, (h, c) = rnn(torch.ones(1, 1), Sequences(states))
    assert c.item() == 1.0 and h.item() == out.item() == pytest.approx(0.5 * math.tanh(1.0))
    out, (h, c) = rnn(torch.ones(1, 1), Sequences(states, torch.tensor([True])))
    assert out.item() == h.item() == c.item() == 0.0  # the episode begins here, without a past


@each_kind
def test_rows_are_the_steps_of_one_sequence_after_those_of_another(kind):
    rnn, x = layer(kind), torch.randn(2 * 5, 3)
    out, states = rnn(x, Sequences(length=5))
    assert out.shape == (10, 4) and all(state.shape == (2, 2, 4) for state in states)
    for i, rows in enumerate((slice(0, 5), slice(5, 10))):
        expected, last = rnn.rnn(x[rows].unsqueeze(1))
        torch.testing.assert_close(out[rows], expected.squeeze(1))
        last = last if isinstance(last, tuple) else (last,)
        for state, other in zip(states, last, strict=True):
            torch.testing.assert_close(state[:, i : i + 1], other)


@each_kind
def test_splitting_at_dones_equals_running_the_pieces_apart(kind):
    rnn, x = layer(kind), torch.randn(6, 3)
    start = tuple(torch.randn(2, 1, 4) for _ in range(rnn.num_states))
    dones = torch.tensor([False, False, True, False, True, False])
    out, states = rnn(x, Sequences(start, dones, 6))
    first, _ = rnn(x[:2], Sequences(start, torch.zeros(2, dtype=torch.bool), 2))
    second, _ = rnn(x[2:4], Sequences(None, torch.zeros(2, dtype=torch.bool), 2))
    third, last = rnn(x[4:], Sequences(None, torch.zeros(2, dtype=torch.bool), 2))
    assert torch.equal(out, torch.cat([first, second, third]))
    assert all(torch.equal(*pair) for pair in zip(states, last, strict=True))


@each_kind
def test_dones_of_one_sequence_leave_the_others_alone(kind):
    rnn, x = layer(kind), torch.randn(3 * 4, 3)
    start = tuple(torch.randn(2, 3, 4) for _ in range(rnn.num_states))
    dones = torch.zeros(12, dtype=torch.bool)
    dones[4 + 2] = True  # sequence 1, step 2
    out, _ = rnn(x, Sequences(start, dones, 4))
    plain, _ = rnn(x, Sequences(start, None, 4))
    same = torch.isclose(out, plain, atol=1e-6).all(dim=1).view(3, 4)
    assert same.tolist() == [[True] * 4, [True, True, False, False], [True] * 4]


@each_kind
def test_step_by_step_equals_a_whole_sequence(kind):
    rnn, x = layer(kind), torch.randn(3, 5, 3)
    dones = torch.rand(3, 5) < 0.3
    whole, last = rnn(x.flatten(0, 1), Sequences(None, dones.flatten(), 5))
    states, outs = rnn.zero_states(3), []
    for step in range(5):
        out, states = rnn(x[:, step], Sequences(states, dones[:, step]))
        outs.append(out)
    torch.testing.assert_close(torch.stack(outs, dim=1).flatten(0, 1), whole)
    for state, other in zip(states, last, strict=True):
        torch.testing.assert_close(state, other)


@each_kind
def test_no_gradient_crosses_the_beginning_of_an_episode(kind):
    rnn, x = layer(kind), torch.randn(4, 3, requires_grad=True)
    out, _ = rnn(x, Sequences(None, torch.tensor([False, False, True, False]), 4))
    out[3].sum().backward()
    assert (x.grad[:2] == 0).all() and x.grad[2:].abs().sum(dim=1).min() > 0


@each_kind
def test_recurrence_is_float32_under_autocast(kind):
    rnn = layer(kind)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, states = rnn(torch.randn(4, 3).bfloat16(), Sequences(length=2))
    assert {tensor.dtype for tensor in (out, *states)} == {torch.float32}


def test_identity_passes_everything_through():
    rnn, x = build_rnn(RnnConfig("identity", units=3), 3), torch.randn(6, 3)
    out, states = rnn(x, Sequences(length=2))
    assert torch.equal(out, x) and [state.shape for state in states] == [(1, 3, 3)]
    assert not list(rnn.parameters())
    with pytest.raises(ConfigError, match="units=4: identity passes its 3 inputs through; set units to 3"):
        build_rnn(RnnConfig("identity", units=4), 3)


def test_sizes_that_do_not_fit():
    rnn = layer(LSTMWithDones)
    with pytest.raises(ConfigError, match="seq_length=3: a batch of 4 rows is no whole number of sequences"):
        rnn(torch.zeros(4, 3), Sequences(length=3))
    with pytest.raises(ConfigError, match=r"2 sequences need 2 of \(2, 2, 4\)"):
        rnn(torch.zeros(4, 3), Sequences(rnn.zero_states(4), length=2))
    with pytest.raises(ConfigError, match="2 sequences need 2"):
        rnn(torch.zeros(4, 3), Sequences(rnn.zero_states(2)[:1], length=2))


@pytest.mark.parametrize(
    ("rnn", "sizes"),
    [
        ({}, (5, 6, 7)),
        ({"concat_input": True}, (5, 6 + 5, 7)),
        ({"concat_output": True}, (5, 6, 7 + 5)),
        ({"before_mlp": True}, (7, 5, 6)),
        ({"before_mlp": True, "concat_input": True}, (7, 5, 6)),
        ({"before_mlp": True, "concat_output": True}, (7 + 5, 5, 6)),
    ],
)
@pytest.mark.parametrize("separate", [False, True])
def test_joins(rnn, sizes, separate):
    assert TrunkSizes.of(5, [8, 6], RnnConfig("gru", 7, **rnn)) == sizes
    network = model_of({"name": "gru", **rnn}, separate=separate).a2c_network
    assert network.actor_mlp[0].in_features == sizes[0] and network.value.in_features == sizes[2]
    assert (network.a_rnn if separate else network.rnn).rnn.input_size == sizes[1]
    mu, _, value, states = network({"obs": torch.randn(4, 5)})
    assert mu.shape == (4, 3) and value.shape == (4, 1)
    assert [state.shape for state in states] == [(2, 4, 7)] * (1 + separate)


def test_without_an_mlp():
    assert TrunkSizes.of(5, [], RnnConfig("gru", 7)) == (5, 5, 7)
    assert TrunkSizes.of(5, [], RnnConfig("gru", 7, before_mlp=True)) == (7, 5, 7)
    assert TrunkSizes.of(5, [], None) == (5, 0, 5)
    model = model_of({"name": "gru"}, mlp={"units": []})
    assert model({"is_train": False, "obs": torch.randn(4, 5)})["actions"].shape == (4, 3)


@each_name
def test_states_of_the_actor_stand_before_those_of_the_critic(name):
    model = model_of({"name": name, "layer_norm": True}, separate=True)
    states = model.get_default_rnn_state()
    count = 4 if name == "lstm" else 2
    assert [state.shape for state in states] == [(2, 4, 7)] * count
    assert all((state == 0).all() for state in states)
    obs = torch.randn(4, 5)
    base = model({"is_train": False, "obs": obs, "rnn_states": states})
    other = tuple(torch.ones_like(state) for state in states)
    changed = model(
        {"is_train": False, "obs": obs, "rnn_states": (*states[: count // 2], *other[count // 2 :])}
    )
    assert torch.equal(base["mus"], changed["mus"]) and not torch.equal(base["values"], changed["values"])
    new = base["rnn_states"]
    assert torch.equal(new[0], changed["rnn_states"][0]) and not torch.equal(
        new[-1], changed["rnn_states"][-1]
    )


@each_name
@pytest.mark.parametrize("separate", [False, True])
def test_critic_and_actor_alone_equal_forward(name, separate):
    model = model_of({"name": name}, separate=separate)
    obs = torch.randn(4, 5)
    states = tuple(torch.randn_like(state) for state in model.get_default_rnn_state())
    out = model({"is_train": False, "obs": obs, "rnn_states": states})
    assert torch.equal(model.eval_critic(obs, states), out["values"])
    assert torch.equal(model.eval_critic(obs), model({"is_train": False, "obs": obs})["values"])
    assert torch.equal(model.a2c_network.eval_actor(model.norm_obs(obs), states)[0], out["mus"])


@pytest.mark.parametrize("space", [None, DISCRETE])
@pytest.mark.parametrize("before_mlp", [False, True])
def test_training_repeats_what_was_played(space, before_mlp):
    """Four environments are played for six steps, then evaluated as eight sequences of three steps."""
    model = model_of({"name": "lstm", "before_mlp": before_mlp, "layer_norm": True}, space, separate=True)
    obs, dones = torch.randn(6, 4, 5), torch.rand(6, 4) < 0.3
    states, starts, played = model.get_default_rnn_state(), [], []
    for step in range(6):
        starts += [states] if step % 3 == 0 else []
        step_dict = {"obs": obs[step], "rnn_states": states, "dones": dones[step]}
        out = model({"is_train": False, **step_dict})
        states = out["rnn_states"]
        played.append(out)

    def by_env(tensors):  # (steps, envs, …) to rows in which each environment's steps are contiguous
        return torch.stack(tensors).transpose(0, 1).flatten(0, 1)

    # Sequence 2 n + i is the i-th half of environment n.
    halves = [torch.stack(pair, dim=2).flatten(1, 2) for pair in zip(*starts, strict=True)]
    out = model(
        {
            "is_train": True,
            "obs": by_env(list(obs)),
            "dones": by_env(list(dones)),
            "prev_actions": by_env([each["actions"] for each in played]),
            "rnn_states": tuple(halves),
            "seq_length": 3,
        }
    )
    torch.testing.assert_close(out["prev_neglogp"], by_env([each["neglogpacs"] for each in played]))
    torch.testing.assert_close(out["values"], by_env([each["values"] for each in played]))
    for last, played_last in zip(out["rnn_states"], states, strict=True):
        torch.testing.assert_close(last[:, 1::2], played_last)


def test_checkpoint_keys_are_those_of_rl_games():
    network = model_of({"name": "lstm", "layers": 1, "layer_norm": True}, separate=True).a2c_network
    names = [name for name, _ in network.named_parameters() if "rnn" in name or "norm" in name]
    parts = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    assert names == [
        *(f"{rnn}.rnn.{part}" for rnn in ("a_rnn", "c_rnn") for part in parts),
        *(f"{norm}.{part}" for norm in ("a_layer_norm", "c_layer_norm") for part in ("weight", "bias")),
    ]
    order = [name.split(".")[0] for name, _ in network.named_parameters()]
    expected = "sigma actor_mlp critic_mlp a_rnn c_rnn a_layer_norm c_layer_norm value mu"
    assert list(dict.fromkeys(order)) == expected.split()
    assert isinstance(network.a_rnn.rnn, nn.LSTM) and network.is_rnn()


def test_gradients_reach_everything():
    model = model_of({"name": "gru", "concat_input": True, "layer_norm": True}, separate=True)
    out = model({"obs": torch.randn(8, 5), "prev_actions": torch.randn(8, 3), "seq_length": 4})
    (out["prev_neglogp"] + out["entropy"] + out["values"].squeeze(-1)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_networks_without_a_memory_have_no_states():
    params = {"model": {"name": "continuous_a2c_logstd"}, "network": network_params(separate=True)}
    model = ModelBuilder().load(params).build(BUILD)
    assert not model.is_rnn() and model.get_default_rnn_state() is None
    assert model({"is_train": False, "obs": torch.randn(4, 5)})["rnn_states"] is None

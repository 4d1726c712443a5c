"""The models `discrete_a2c` and `multi_discrete_a2c`."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical

from learning.models.model_builder import ModelBuilder
from learning.typed_config import ConfigError
from tests.learning.network_params import BUILD, DISCRETE, MULTI_DISCRETE, network_params

SIZES = [2, 4, 3]
KINDS = {
    "discrete": ("discrete_a2c", DISCRETE, 4, 4, (6,)),
    "multi_discrete": ("multi_discrete_a2c", MULTI_DISCRETE, SIZES, 9, (6, 3)),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def build(kind, **changes):
    torch.manual_seed(0)
    name, space, actions_num, *_ = KINDS[kind]
    params = {"model": {"name": name}, "network": network_params(**{"space": space, **changes})}
    return ModelBuilder().load(params).build({**BUILD, "actions_num": actions_num})


@each_kind
def test_playing_and_training_agree(kind):
    model = build(kind)
    *_, width, shape = KINDS[kind]
    obs = torch.randn(6, 5)
    out = model({"is_train": False, "obs": obs})
    assert out["actions"].dtype == torch.int64 and out["actions"].shape == shape
    assert out["logits"].shape == (6, width) and out["values"].shape == (6, 1)
    assert out["neglogpacs"].shape == (6,) and out["rnn_states"] is None
    again = model({"is_train": True, "obs": obs, "prev_actions": out["actions"]})
    assert torch.equal(again["prev_neglogp"], out["neglogpacs"])
    assert again["entropy"].shape == (6,) and again["values"].shape == (6, 1)
    assert (model.kl(out, again) == 0).all()


def test_a_discrete_policy_equals_torch_distributions():
    model = build("discrete")
    obs, actions = torch.randn(6, 5), torch.randint(4, (6,))
    out = model({"is_train": True, "obs": obs, "prev_actions": actions})
    expected = Categorical(logits=model.a2c_network({"obs": model.norm_obs(obs)})[0])
    torch.testing.assert_close(out["logits"], expected.logits)
    torch.testing.assert_close(out["prev_neglogp"], -expected.log_prob(actions))
    torch.testing.assert_close(out["entropy"], expected.entropy())


def test_a_multi_discrete_policy_sums_over_its_choices():
    model = build("multi_discrete")
    obs = torch.randn(6, 5)
    actions = torch.stack([torch.randint(size, (6,)) for size in SIZES], dim=-1)
    out = model({"is_train": True, "obs": obs, "prev_actions": actions})
    heads = [Categorical(logits=head) for head in model.a2c_network({"obs": model.norm_obs(obs)})[0]]
    neglogp = -sum(head.log_prob(actions[:, i]) for i, head in enumerate(heads))
    torch.testing.assert_close(out["prev_neglogp"], neglogp)
    torch.testing.assert_close(out["entropy"], sum(head.entropy() for head in heads))
    torch.testing.assert_close(out["logits"], torch.cat([head.logits for head in heads], dim=-1))


@each_kind
def test_masked_actions_are_never_drawn(kind):
    model = build(kind)
    width = KINDS[kind][3]
    masks = torch.ones(500, width, dtype=torch.bool)
    masks[:, 1] = masks[:, 3] = False
    out = model({"is_train": False, "obs": torch.randn(500, 5), "action_masks": masks})
    assert (out["logits"].exp()[:, [1, 3]] == 0).all()
    torch.testing.assert_close(
        out["logits"].exp().sum(-1), torch.full((500,), float(out["actions"][0].numel()))
    )
    choices = out["actions"].view(500, -1)
    if kind == "discrete":
        assert set(choices.flatten().tolist()) == {0, 2}
    else:  # columns 1 and 3 are the second action of the first choice and of the second
        assert (choices[:, 0] == 0).all() and set(choices[:, 1].tolist()) == {0, 2, 3}
    assert torch.isfinite(out["neglogpacs"]).all() and torch.isfinite(out["logits"]).all()


@each_kind
def test_a_row_without_an_allowed_action_is_unmasked(kind):
    model = build(kind)
    obs, width = torch.randn(6, 5), KINDS[kind][3]
    masks = torch.zeros(6, width, dtype=torch.bool)
    masked = model({"is_train": False, "obs": obs, "action_masks": masks})
    assert torch.equal(masked["logits"], model({"is_train": False, "obs": obs})["logits"])


@each_kind
def test_masks_of_another_width_are_refused(kind):
    model, width = build(kind), KINDS[kind][3]
    masks = torch.ones(6, width + 1, dtype=torch.bool)
    with pytest.raises(ConfigError, match=f"width {width + 1}: the policy chooses among {width} actions"):
        model({"is_train": False, "obs": torch.randn(6, 5), "action_masks": masks})


def test_greedy_actions_by_hand():
    logits = torch.tensor([[0.1, 0.7, 0.1, 0.1], [0.6, 0.2, 0.1, 0.1]]).log()
    assert build("discrete").greedy_actions(logits).tolist() == [1, 0]
    probs = torch.tensor([[0.9, 0.1, 0.2, 0.2, 0.5, 0.1, 0.3, 0.3, 0.4]])
    assert build("multi_discrete").greedy_actions(probs.log()).tolist() == [[0, 2, 2]]


def test_kl_of_two_choices_is_their_sum():
    model = build("multi_discrete")
    p = torch.tensor([[0.25, 0.75, 0.4, 0.2, 0.2, 0.2, 0.5, 0.25, 0.25]]).log()
    q = torch.tensor([[0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0.25]]).log()
    first = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    second = 0.4 * math.log(1.6) + 0.6 * math.log(0.8)
    third = 0.5 * math.log(2) + 0.25 * math.log(0.5)
    torch.testing.assert_close(model.kl({"logits": p}, {"logits": q}), torch.tensor([first + second + third]))


@each_kind
def test_policy_maths_stay_float32_under_autocast_and_gradients_reach_everything(kind):
    model = build(kind, separate=True)
    actions = torch.zeros(KINDS[kind][4], dtype=torch.int64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model({"is_train": True, "obs": torch.randn(6, 5), "prev_actions": actions})
    tensors = [out[key] for key in ("prev_neglogp", "entropy", "values", "logits")]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}
    sum(tensor.sum() for tensor in tensors).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_values_are_denormalised_when_playing():
    model = build("discrete")
    model.value_mean_std.update_from(torch.tensor([[10.0], [30.0]]))
    obs = torch.randn(4, 5)
    with torch.no_grad():
        values = model({"is_train": False, "obs": obs})["values"]
    assert torch.equal(model.eval_critic(obs), values) and values.mean() > 1


@pytest.mark.parametrize(
    ("model", "space", "text"),
    [
        ("continuous_a2c_logstd", DISCRETE, r"has the block discrete, .* needs continuous;.*discrete_a2c"),
        ("discrete_a2c", {"continuous": {}}, r"needs discrete; .* or use the model continuous_a2c_logstd"),
        ("discrete_a2c", MULTI_DISCRETE, r"needs discrete; .* or use the model multi_discrete_a2c"),
        ("multi_discrete_a2c", DISCRETE, r"needs multi_discrete; .* or use the model discrete_a2c"),
    ],
)
def test_heads_that_do_not_fit_the_model(model, space, text):
    params = {"model": {"name": model}, "network": network_params(space=space)}
    with pytest.raises(ConfigError, match=r"^train\.params\.network\..*" + text):
        ModelBuilder().load(params)


@pytest.mark.parametrize(
    ("kind", "actions_num"), [("discrete", np.int64(4)), ("multi_discrete", np.array(SIZES))]
)
def test_sizes_come_as_action_spaces_have_them(kind, actions_num):
    name, space, *_ = KINDS[kind]
    params = {"model": {"name": name}, "network": network_params(space=space)}
    model = ModelBuilder().load(params).build({**BUILD, "actions_num": actions_num})
    out = model({"is_train": False, "obs": torch.randn(6, 5)})
    assert out["logits"].shape == (6, KINDS[kind][3]) and out["actions"].shape == KINDS[kind][4]


@pytest.mark.parametrize(("space", "actions_num"), [(DISCRETE, [2, 3]), (MULTI_DISCRETE, 3)])
def test_heads_that_do_not_fit_the_task(space, actions_num):
    name = "discrete_a2c" if space is DISCRETE else "multi_discrete_a2c"
    model = ModelBuilder().load({"model": {"name": name}, "network": network_params(space=space)})
    with pytest.raises(ConfigError, match=r"space\..*discrete: does not fit the task's actions"):
        model.build({**BUILD, "actions_num": actions_num})


@pytest.mark.parametrize(
    ("space", "text"),
    [
        ({}, "space: needs exactly one of continuous, discrete and multi_discrete, but has none"),
        ({"continuous": None}, "but has none"),
        ({"discrete": None, "continuous": {}}, "but has continuous, discrete"),
        ({"discrete": {}, "multi_discrete": {}}, "but has discrete, multi_discrete"),
        ({"discrete": {"units": 3}}, "space.discrete=.*: has no keys; write discrete: {}"),
    ],
)
def test_a_network_has_one_kind_of_policy(space, text):
    params = {"model": {"name": "discrete_a2c"}, "network": network_params(space=space)}
    with pytest.raises(ConfigError, match=text):
        ModelBuilder().load(params)

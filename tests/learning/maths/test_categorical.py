import math

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from learning.maths.categorical import (
    categorical_entropy,
    categorical_kl,
    categorical_neglogp,
    masked_log_probs,
    sample_categorical,
    split_heads,
)

LOGITS = torch.tensor([[0.0, math.log(3.0)], [5.0, 5.0]])  # probabilities 1/4, 3/4 and 1/2, 1/2


def test_log_probs_and_neglogp_by_hand():
    log_probs = masked_log_probs(LOGITS)
    torch.testing.assert_close(log_probs.exp(), torch.tensor([[0.25, 0.75], [0.5, 0.5]]))
    neglogp = categorical_neglogp(log_probs, torch.tensor([1, 0]))
    torch.testing.assert_close(neglogp, torch.tensor([math.log(4 / 3), math.log(2)]))


def test_entropy_by_hand():
    entropy = categorical_entropy(masked_log_probs(LOGITS))
    first = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    torch.testing.assert_close(entropy, torch.tensor([first, math.log(2)]))


def test_kl_by_hand_and_exactly_zero_of_equals():
    p, q = masked_log_probs(LOGITS), masked_log_probs(torch.zeros(2, 2))
    first = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    torch.testing.assert_close(categorical_kl(p, q), torch.tensor([first, 0.0]))
    many = masked_log_probs(torch.randn(50, 7) * 9)
    assert (categorical_kl(many, many.clone()) == 0).all()


def test_everything_equals_torch_distributions():
    torch.manual_seed(0)
    logits, others, actions = torch.randn(20, 5) * 3, torch.randn(20, 5), torch.randint(5, (20,))
    p, q = Categorical(logits=logits), Categorical(logits=others)
    log_probs = masked_log_probs(logits)
    torch.testing.assert_close(log_probs, p.logits)
    torch.testing.assert_close(categorical_neglogp(log_probs, actions), -p.log_prob(actions))
    torch.testing.assert_close(categorical_entropy(log_probs), p.entropy())
    torch.testing.assert_close(categorical_kl(log_probs, masked_log_probs(others)), kl_divergence(p, q))


def test_a_masked_action_has_probability_zero_and_the_rest_is_renormalised():
    mask = torch.tensor([[True, False, True]])
    log_probs = masked_log_probs(torch.tensor([[0.0, 50.0, math.log(3.0)]]), mask)
    assert log_probs.exp()[0, 1] == 0 and torch.isfinite(log_probs).all()
    torch.testing.assert_close(log_probs.exp(), torch.tensor([[0.25, 0.0, 0.75]]))
    expected = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    torch.testing.assert_close(categorical_entropy(log_probs), torch.tensor([expected]))


def test_a_row_that_allows_nothing_counts_as_unmasked():
    mask = torch.tensor([[False, False], [True, False]])
    log_probs = masked_log_probs(LOGITS, mask)
    torch.testing.assert_close(log_probs.exp(), torch.tensor([[0.25, 0.75], [1.0, 0.0]]))
    assert categorical_entropy(log_probs)[1] == 0


def test_entropy_and_kl_of_masked_policies_and_their_gradients_stay_finite():
    logits = torch.randn(4, 3, requires_grad=True)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], dtype=torch.bool)
    log_probs = masked_log_probs(logits, mask)
    other = masked_log_probs(torch.randn(4, 3), mask)
    loss = 10.0 * (categorical_entropy(log_probs) + categorical_kl(other, log_probs)).sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()
    assert logits.grad[0, 2] == 0 and (logits.grad[1] == 0).all() and logits.grad[2].abs().sum() > 0
    excluded = masked_log_probs(torch.zeros(1, 2), torch.tensor([[True, False]]))
    unmasked = masked_log_probs(torch.zeros(1, 2))
    torch.testing.assert_close(categorical_kl(excluded, unmasked), torch.tensor([math.log(2)]))
    assert 1e3 < categorical_kl(unmasked, excluded) < 1e5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_follow_the_probabilities_and_the_mask(dtype):
    torch.manual_seed(0)
    probs = torch.tensor([0.1, 0.2, 0.7, 0.0], dtype=dtype)
    mask = torch.tensor([True, True, True, False]).expand(30000, 4)
    logits = torch.cat([probs[:3].log(), torch.full((1,), 9.0, dtype=dtype)]).expand(30000, 4)
    actions = sample_categorical(masked_log_probs(logits, mask))
    assert actions.dtype == torch.int64 and actions.shape == (30000,)
    shares = torch.bincount(actions, minlength=4) / 30000
    assert (shares - probs).abs().max() < 0.01 and shares[3] == 0


def test_samples_of_several_dimensions():
    log_probs = masked_log_probs(torch.tensor([[[100.0, 0.0], [0.0, 100.0]]]))
    assert sample_categorical(log_probs).tolist() == [[0, 1]]


def test_heads_side_by_side():
    first, second = split_heads(torch.tensor([[1.0, 2.0, 3.0]]), [1, 2])
    assert first.tolist() == [[1.0]] and second.tolist() == [[2.0, 3.0]]

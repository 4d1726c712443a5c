import copy

import pytest
import torch
from torch import tensor

from learning.maths.running_mean_std import Moments, RunningMeanStd, merge_moments, moments_of, pool_moments


def assert_same(one, other, tolerance=1e-12):
    for name in ("running_mean", "running_var", "count"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=tolerance, atol=tolerance)


def test_merge_by_hand():
    # {1, 3} and {5, 5, 11}: mean 5, squared distances 16 + 4 + 0 + 0 + 36 = 56.
    a = Moments(tensor(2.0), tensor([2.0]), tensor([1.0]))
    b = Moments(tensor(3.0), tensor([7.0]), tensor([8.0]))
    merged = merge_moments(a, b)
    assert merged.count.item() == 5
    assert merged.mean.item() == pytest.approx(5.0)
    assert merged.var.item() == pytest.approx(56.0 / 5.0)


def test_update_by_hand_counts_the_starting_sample():
    normaliser = RunningMeanStd((1,))
    normaliser.update_from(tensor([[2.0], [4.0]]))
    # The start is one sample of mean 0 and variance 1. Mean: (0 + 2 + 4) / 3 = 2.
    # Squares about it: 1 + (0 - 2)² of the start, 0 and 4 of the samples; 9 / 3 = 3.
    assert normaliser.running_mean.item() == pytest.approx(2.0)
    assert normaliser.running_var.item() == pytest.approx(3.0)
    assert normaliser.count.item() == 3.0


def test_whole_equals_split_updates():
    torch.manual_seed(0)
    samples = torch.randn(300, 7) * torch.logspace(-3, 3, 7) + torch.linspace(-1e3, 1e3, 7)
    whole, split = RunningMeanStd((7,)), RunningMeanStd((7,))
    whole.update_from(samples)
    for part in samples.split([1, 99, 200]):
        split.update_from(part)
    assert_same(whole, split)


def test_leading_dimensions_count_samples():
    samples = torch.randn(4, 5, 3)
    one, other = RunningMeanStd((3,)), RunningMeanStd((3,))
    one.update_from(samples)
    other.update_from(samples.reshape(20, 3))
    assert_same(one, other)
    assert one.count.item() == 21


def test_batch_of_one_is_finite():
    normaliser = RunningMeanStd((2,))
    normaliser.update_from(tensor([[3.0, 4.0]]))
    assert torch.isfinite(normaliser(tensor([[3.0, 4.0]]))).all()
    assert moments_of(tensor([[3.0, 4.0]]), (2,)).var.tolist() == [0.0, 0.0]


class TwoRanks:
    """Stands for one rank of two: adds what the other rank would bring."""

    def __init__(self, other, origin):
        self.other, self.origin = other, origin

    def all_reduce_sum_(self, sums):
        offset = self.other.mean - self.origin
        count = self.other.count
        sums += torch.stack(
            [count.expand_as(offset), count * offset, count * (self.other.var + offset.square())]
        )


def test_pooling_ranks_equals_one_process():
    torch.manual_seed(0)
    samples = torch.randn(64, 5) * 3 + 100
    history = torch.randn(32, 5) + 90
    whole, rank = RunningMeanStd((5,)), RunningMeanStd((5,))
    for normaliser in (whole, rank):
        normaliser.update_from(history)
    whole.update_from(samples)
    rank.update_from(samples[:24], TwoRanks(moments_of(samples[24:], (5,)), rank.running_mean.clone()))
    assert_same(whole, rank, 1e-11)


def test_pooling_one_rank_changes_nothing():
    class Alone:
        def all_reduce_sum_(self, sums):
            return sums

    moments = moments_of(torch.randn(10, 3) * 5 + 7, (3,))
    pooled = pool_moments(moments, torch.zeros(3, dtype=torch.float64), Alone())
    torch.testing.assert_close(pooled.mean, moments.mean)
    torch.testing.assert_close(pooled.var, moments.var)
    assert pooled.count == moments.count


def test_normalise_and_denormalise():
    normaliser = RunningMeanStd((1,), epsilon=0.0)
    normaliser.running_mean.fill_(10.0)
    normaliser.running_var.fill_(4.0)
    normaliser.refresh()
    out = normaliser(tensor([[10.0], [13.0], [100.0], [-100.0]]))
    assert out.dtype == torch.float32
    assert out.flatten().tolist() == [0.0, 1.5, 5.0, -5.0]
    back = normaliser(tensor([[0.0], [1.5], [7.0]]), denorm=True)
    assert back.flatten().tolist() == [10.0, 13.0, 20.0]


def test_forward_changes_neither_statistics_nor_input():
    normaliser = RunningMeanStd((3,)).train()
    x = torch.randn(8, 3)
    before, x_before = copy.deepcopy(normaliser.state_dict()), x.clone()
    normaliser(x)
    normaliser(x, denorm=True)
    assert torch.equal(x, x_before)
    assert all(torch.equal(value, before[key]) for key, value in normaliser.state_dict().items())


def test_state_dict_is_float64_and_survives_loading():
    normaliser, other = RunningMeanStd((3,)), RunningMeanStd((3,))
    normaliser.update_from(torch.randn(50, 3) * 4 + 2)
    state = normaliser.state_dict()
    assert list(state) == ["running_mean", "running_var", "count"]
    assert {value.dtype for value in state.values()} == {torch.float64}
    state["count"] = state["count"].to(torch.int64)  # as later RL Games versions write it
    other.load_state_dict(state)
    x = torch.randn(5, 3)
    assert torch.equal(other(x), normaliser(x))
    assert torch.equal(copy.deepcopy(other)(x), normaliser(x))


def test_equal_to_rl_games():
    theirs = pytest.importorskip("rl_games.algos_torch.running_mean_std").RunningMeanStd((4,))
    torch.manual_seed(0)
    mine = RunningMeanStd((4,))
    for _ in range(3):
        batch = torch.randn(32, 4) * 3 + 1
        mine.update_from(batch)
        theirs.train()(batch)
    # Its batch moments are float32, so that they agree to that precision only.
    assert_same(mine, theirs.eval(), 1e-5)
    mine.load_state_dict(theirs.state_dict())
    batch = torch.randn(32, 4) * 10
    torch.testing.assert_close(mine(batch), theirs(batch), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(mine(batch, denorm=True), theirs(batch, denorm=True), rtol=1e-5, atol=1e-6)

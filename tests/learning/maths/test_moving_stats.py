"""Moving statistics by hand, and against RL Games'."""

import math

import pytest
import torch

from learning.maths.moving_stats import STATISTICS, GeneralizedMovingStats, quantiles

X = torch.tensor([1.0, 2.0, 3.0, 6.0])  # mean 3, mean of squares 12.5


def updated(impl, *batches, decay=0.5, **settings):
    stats = GeneralizedMovingStats((1,), impl, decay, **settings)
    for batch in batches:
        stats.update_from(batch)
    return stats


def test_off_changes_nothing_but_the_outermost():
    stats = updated("off", X)
    assert stats(torch.tensor([-7.0, 2.0])).tolist() == [-5.0, 2.0]
    assert stats.state_dict() == {}


def test_mean_and_deviation_start_at_zero():
    stats = updated("mean_std", X)
    offset, scale = stats.offset_and_scale()
    assert offset.tolist() == [1.5]
    torch.testing.assert_close(scale, torch.tensor([math.sqrt(0.5 * 12.5 - 1.5**2)]))
    torch.testing.assert_close(stats(X), (X - 1.5) / 2.0)
    stats.update_from(2 * X)  # mean 6: half of 1.5 and half of 6
    assert stats.mean.tolist() == [3.75] and stats.step.tolist() == [3]


@pytest.mark.parametrize("num_updates", [1, 2, 5])
def test_corrected_statistics_of_the_same_samples_are_the_samples(num_updates):
    offset, scale = updated("mean_std_corr", *[X] * num_updates, decay=0.9).offset_and_scale()
    torch.testing.assert_close(offset, torch.tensor([3.0]))
    torch.testing.assert_close(scale, torch.tensor([math.sqrt(3.5)]))
    low, width = updated("perc_ema_corr", *[X] * num_updates, perclo=0.0, perchi=1.0).offset_and_scale()
    torch.testing.assert_close(low, torch.tensor([1.0]))
    torch.testing.assert_close(width, torch.tensor([5.0]))


def test_extremes_move_outwards_only():
    stats = updated("min_max", X)
    assert (stats.low.tolist(), stats.high.tolist()) == ([0.0], [3.0])  # halfway from 0 to min(0, 1) and to 6
    stats.update_from(torch.tensor([-4.0, 1.0]))
    assert (stats.low.tolist(), stats.high.tolist()) == ([-2.0], [3.0])
    assert stats(torch.tensor([3.0, -2.0])).tolist() == [1.0, 0.0]


def test_percentiles():
    stats = updated("perc_ema", X, perclo=0.25, perchi=0.5)
    # at places 0.75 and 1.5 of 0…3: 1.75 and 2.5, halfway from 0
    assert (stats.low.tolist(), stats.high.tolist()) == ([0.875], [1.25])


def test_quantiles_are_torchs():
    torch.manual_seed(0)
    x = torch.randn(3, 67)
    for fraction, mine in zip((0.0, 0.05, 0.5, 1.0), quantiles(x, 0.0, 0.05, 0.5, 1.0), strict=True):
        torch.testing.assert_close(mine, torch.quantile(x, fraction))


@pytest.mark.parametrize("impl", STATISTICS)
def test_there_and_back(impl):
    stats = updated(impl, X, X)
    inside = torch.tensor([1.0, 1.5])
    torch.testing.assert_close(stats(stats(inside), denorm=True), inside)


def test_samples_that_are_all_equal_stay_finite():
    for impl in STATISTICS:
        fresh, stats = updated(impl), updated(impl, torch.full((4,), 2.0))
        assert torch.isfinite(stats(X)).all() and torch.isfinite(fresh(X)).all()


def test_all_workers_count():
    class TwoWorkers:
        world_size = 2

        def all_reduce_sum_(self, tensor):
            return tensor.copy_(tensor + other[: len(tensor)])

        def all_gather(self, tensor):
            return torch.stack([tensor, X[2:] if len(other) == 0 else other])

    other = torch.tensor([4.5, 22.5], dtype=torch.float64)  # of 3 and 6
    stats = GeneralizedMovingStats((1,), "mean_std_corr", 0.5)
    stats.update_from(X[:2], TwoWorkers())
    offset, scale = stats.offset_and_scale()
    torch.testing.assert_close((offset, scale), (torch.tensor([3.0]), torch.tensor([math.sqrt(3.5)])))
    other = torch.tensor([])
    stats = GeneralizedMovingStats((1,), "perc_ema_corr", 0.5, perclo=0.0, perchi=1.0)
    stats.update_from(X[:2], TwoWorkers())
    torch.testing.assert_close(stats.offset_and_scale()[1], torch.tensor([5.0]))


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="impl=mean: must be one of off, mean_std"):
        GeneralizedMovingStats((1,), "mean")


def update_theirs(theirs, batch):
    """Update RL Games' statistics in place; its own way to assign means ends in a TypeError (1.6.5)."""
    if theirs.impl.startswith("mean_std"):
        theirs.step.data += 1
        theirs.update_moving_stats(theirs.mean.data, theirs.sqrs.data, batch, theirs.decay)
    else:
        theirs(batch)


@pytest.mark.parametrize("impl", STATISTICS)
def test_state_and_figures_are_rl_games(impl):
    theirs_module = pytest.importorskip("rl_games.algos_torch.moving_mean_std")
    theirs = theirs_module.GeneralizedMovingStats((1,), impl, decay=0.6).train()
    mine = GeneralizedMovingStats((1,), impl, decay=0.6)
    torch.manual_seed(0)
    # Enough updates for the corrections to be 1: RL Games' is another one at first.
    for _ in range(40 if impl.endswith("_corr") else 3):
        batch = torch.randn(50) * 3.0 + 1.0
        mine.update_from(batch)
        update_theirs(theirs, batch)
    state = theirs.state_dict()
    assert list(mine.state_dict()) == list(state)
    for name, value in mine.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(mine(batch), theirs.eval()(batch), rtol=1e-5, atol=1e-5)
    mine.load_state_dict(state)  # files go both ways

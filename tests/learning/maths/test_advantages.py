"""Normalised advantages in an agent: by moving statistics, kept in the checkpoint by RL Games' key."""

import logging
import math

import pytest
import torch

from learning.checkpoints.checkpoint import load_checkpoint
from tests.learning.agents.test_a2c_base import make_agent
from tests.learning.checkpoints.test_training_state import differences, train

RMS = {"normalize_rms_advantage": True}


def test_moving_statistics_take_the_rollouts_in():
    agent = make_agent(**RMS, adv_rms_impl="mean_std_corr")
    first = agent.normalize_advantages(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    torch.testing.assert_close(first, torch.tensor([-2.0, -1.0, 0.0, 3.0]) / math.sqrt(3.5))
    second = agent.normalize_advantages(torch.full((4,), 9.0))
    # mean (½ · ½ · 3 + ½ · 9) / ¾ = 7, mean of squares (¼ · 12.5 + ½ · 81) / ¾
    deviation = math.sqrt((0.25 * 12.5 + 0.5 * 81.0) / 0.75 - 49.0)
    torch.testing.assert_close(second, torch.full((4,), 2.0 / deviation))


def test_by_default_they_are_rl_games_with_its_momentum():
    stats = make_agent(**RMS).advantage_normalizer.stats
    assert (stats.impl, stats.decay) == ("mean_std", 0.5)
    assert make_agent().advantage_normalizer.stats is None


def test_the_checkpoint_holds_them_and_a_resumed_run_goes_on_exactly(tmp_path):
    straight = train(tmp_path / "a", max_epochs=4, **RMS)
    train(tmp_path / "b", max_epochs=2, **RMS)
    resumed = train(tmp_path / "b", tmp_path / "b" / "nn" / "last.pth", max_epochs=4, **RMS)
    assert set(differences(straight, resumed)) == {".total_time"}
    saved = straight["advantage_mean_std"]
    assert list(saved) == ["step", "mean", "sqrs"] and saved["step"].tolist() == [5]
    assert saved["sqrs"].shape == (1,)


def test_a_checkpoint_without_them_starts_them_anew(tmp_path, caplog):
    train(tmp_path, max_epochs=1)
    with caplog.at_level(logging.WARNING):
        state = train(tmp_path, tmp_path / "nn" / "last.pth", max_epochs=2, **RMS)
    assert "advantage_mean_std holds nothing, adv_rms_impl=mean_std needs step, mean, sqrs" in caplog.text
    assert state["advantage_mean_std"]["step"].tolist() == [2]
    assert "advantage_mean_std" not in train(tmp_path / "other", max_epochs=1)
    assert load_checkpoint(tmp_path / "nn" / "last.pth")["epoch"] == 2


@pytest.mark.parametrize("impl", ["off", "mean_std", "min_max", "perc_ema", "perc_ema_corr"])
def test_every_kind_trains(impl):
    agent = make_agent(**RMS, adv_rms_impl=impl, max_epochs=2)
    agent.train()
    assert agent.epoch_num == 2

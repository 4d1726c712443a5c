import math

import pytest
from torch import tensor

from learning.rollouts.reward_shaper import DefaultRewardsShaper


def test_shifts_then_scales():
    assert DefaultRewardsShaper(scale_value=0.5, shift_value=1.0)(tensor([1.0, -3.0])).tolist() == [1.0, -1.0]


def test_clamps_one_side_or_both():
    rewards = tensor([-3.0, 0.0, 3.0])
    assert DefaultRewardsShaper(min_val=-1.0)(rewards).tolist() == [-1.0, 0.0, 3.0]
    assert DefaultRewardsShaper(min_val=-1.0, max_val=2.0)(rewards).tolist() == [-1.0, 0.0, 2.0]


def test_logarithm_comes_last_and_the_input_stays():
    rewards = tensor([1.0, 0.0])
    shaped = DefaultRewardsShaper(scale_value=2.0, min_val=1.0, log_val=True)(rewards)
    assert shaped.tolist() == pytest.approx([math.log(2.0), 0.0])
    assert rewards.tolist() == [1.0, 0.0]

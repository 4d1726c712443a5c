import math

import pytest

from learning.amp.config import AMPConfig
from learning.amp.schedules import ProgressConfig, RangeConfig, next_progress
from learning.typed_config import ConfigError
from tests.learning.toy_motion_env import SCHEDULES, amp_params

LINE = ProgressConfig(start_length=100, end_length=280, max_step=0.02)


def test_progress_follows_the_mean_length_by_small_steps():
    far = ProgressConfig(start_length=100, end_length=280, max_step=1.0)
    assert next_progress(0.0, 190.0, 8192, far) == 0.5
    assert next_progress(0.0, 50.0, 8192, far) == 0.0
    assert next_progress(0.3, 300.0, 8192, far) == 1.0
    assert next_progress(0.3, None, 8192, far) == 0.3
    assert math.isclose(next_progress(0.3, 300.0, 8192, LINE), 0.32)
    assert math.isclose(next_progress(0.3, 0.0, 8192, LINE), 0.28)  # and back
    assert math.isclose(next_progress(0.3, 300.0, 16384, LINE), 0.34)  # twice the samples, twice the step
    assert math.isclose(next_progress(0.3, 0.31 * 180 + 100, 8192, LINE), 0.31)


def test_ranges_are_geometric():
    sigma = RangeConfig(0.15, 0.03)
    assert sigma.at(0.0) == 0.15
    assert math.isclose(sigma.at(1.0), 0.03)
    assert math.isclose(sigma.at(0.5), math.sqrt(0.15 * 0.03))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"progress": {"start_length": 5, "end_length": 5}},
            "end_length=5: must be greater than start_length",
        ),
        ({"progress": {"start_length": 1, "end_length": 5, "max_step": 0}}, "max_step=0: must be greater"),
        ({"sigma": {"start": 0, "end": 1}}, r"sigma\.start=0: must be greater than 0"),
        ({"progress": None}, r"schedules\.progress=null"),
    ],
)
def test_schedules_that_make_no_sense(change, message):
    with pytest.raises(ConfigError, match=message):
        AMPConfig.from_params(amp_params(schedules={**SCHEDULES, **change})["config"])

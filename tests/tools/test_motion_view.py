"""What is drawn of a clip is what training sees of it."""

import numpy as np
import pytest

from tasks.amp.character import HUMANOID_MJCF, Character
from tasks.amp.motion import load_motion
from tasks.amp.motion_lib import MOTIONS
from tools.motion_view import qpos_at


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


def yaw(qpos):
    w, x, y, z = qpos[:, 3:7].T
    return np.degrees(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def test_a_clip_that_turns_goes_on_turning(humanoid):
    motion = load_motion(MOTIONS / "walker" / "turn_left0.npz")
    end = motion.duration
    qpos = qpos_at(motion, humanoid, np.array([0.0, end - 1e-3, end + 1e-3]))
    first, before, after = yaw(qpos)
    assert abs(after - before) < 1.0
    assert after - first > 25.0  # a cycle turns by 31°
    assert np.linalg.norm(qpos[2, :2] - qpos[1, :2]) < 0.01


def test_a_clip_that_clamps_begins_anew(humanoid):
    motion = load_motion(MOTIONS / "kick.npz")
    early, again = qpos_at(motion, humanoid, np.array([0.2, motion.duration + 0.2]))
    np.testing.assert_allclose(again, early, atol=1e-4)

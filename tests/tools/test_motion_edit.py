"""Sampling at another rate, and lifting out of the ground no more than needed."""

import numpy as np
import pytest

from tasks.amp.character import Character
from tasks.amp.ground import ShapePoints
from tasks.amp.motion import Motion
from tests.tasks.amp.skeletons import about
from tools.motion_edit import lift_above_ground, lowest_points, resample

MODEL = """<mujoco><worldbody><body name="ball"><geom size="0.5"/>
  <body name="bead" pos="0 0 0.4"><joint axis="0 1 0"/><geom size="0.1"/></body></body>
</worldbody></mujoco>"""


@pytest.fixture
def ball(tmp_path):
    path = tmp_path / "ball.xml"
    path.write_text(MODEL)
    character = Character.from_mjcf(path)
    return character, ShapePoints.from_mjcf(path, character)


def bouncing(heights, loop="clamp"):
    frames = len(heights)
    path = np.stack([np.arange(frames) * 0.1, np.zeros(frames), heights], axis=-1)
    rot = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 2, 1))
    return Motion("bounce", 10.0, loop, ("ball", "bead"), path, rot)


def test_frames_are_sampled_between_others():
    times, path = np.array([0.0, 0.2, 0.3]), np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
    rot = np.array([[about("x", 0.0)], [about("x", 0.4)], [about("x", 0.4)]])
    positions, rotations = resample(times, path, rot, fps=10.0)
    np.testing.assert_allclose(positions, [[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0]], atol=1e-9)
    np.testing.assert_allclose(rotations[1, 0], about("x", 0.2), atol=1e-9)


def test_the_lowest_point_of_each_frame(ball):
    np.testing.assert_allclose(lowest_points(bouncing([1.0, 0.5, 0.3]), *ball), [0.5, 0.0, -0.2], atol=1e-6)


def test_what_is_above_the_ground_stays_as_it_is(ball):
    motion = bouncing([0.5, 2.0, 0.6])
    np.testing.assert_array_equal(lift_above_ground(motion, *ball).root_pos, motion.root_pos)


def test_a_frame_under_the_ground_is_lifted_and_its_neighbours_no_more_than_smoothness_takes(ball):
    # 0.25 m under at one frame, 0.02 m at the next but one; a lift changes by 0.1 m a frame of 0.1 s.
    motion = bouncing([1.0, 1.0, 1.0, 1.0, 0.25, 1.0, 0.48, 1.0, 1.0])
    lift = lift_above_ground(motion, *ball).root_pos - motion.root_pos
    np.testing.assert_allclose(lift[:, 2], [0, 0, 0.05, 0.15, 0.25, 0.15, 0.05, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(lift[:, :2], 0.0)


def test_frames_that_all_are_under_the_ground_stand_on_it(ball):
    motion = bouncing([0.45, 0.4, 0.42, 0.47])
    np.testing.assert_allclose(lowest_points(lift_above_ground(motion, *ball), *ball), 0.0, atol=1e-6)


def test_a_clip_that_wraps_is_lifted_as_a_ring(ball):
    motion = bouncing([0.25, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.25], loop="wrap")
    lift = (lift_above_ground(motion, *ball).root_pos - motion.root_pos)[:, 2]
    np.testing.assert_allclose(lift, [0.25, 0.15, 0.05, 0.0, 0.0, 0.05, 0.15, 0.25], atol=1e-6)

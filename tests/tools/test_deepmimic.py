"""DeepMimic's clips: axes, signs, order of columns, times."""

import json
import math

import numpy as np
import pytest

from tasks.amp.character import HUMANOID_MJCF, Character, dof_pos_from_local_rotations
from tasks.amp.motion import MotionError
from tools.motion_readers import deepmimic

HALF = math.sqrt(0.5)
QUATERNION_COLUMNS = (4, 8, 12, 16, 21, 25, 30, 35, 39)


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


def frame(duration=0.1, **columns):
    """One frame at rest, with `c4=[…]` from column 4 on, and so forth."""
    values = [0.0] * 44
    values[0] = duration
    for column in QUATERNION_COLUMNS:
        values[column] = 1.0
    for name, given in columns.items():
        start = int(name[1:])
        values[start : start + len(given)] = given
    return values


@pytest.fixture
def read(tmp_path, humanoid):
    def write_and_read(*frames, name="humanoid3d_clip.txt", **content):
        path = tmp_path / name
        path.write_text(json.dumps({"Loop": "none", "Frames": list(frames)} | content))
        return deepmimic.read(path, humanoid)

    return write_and_read


def test_forward_up_and_right_become_forward_up_and_minus_left(read):
    motion = read(frame(c1=[1.0, 2.0, 3.0]), frame())
    np.testing.assert_allclose(motion.root_pos[0], [1.0, -3.0, 2.0])


def test_a_turn_about_up_stays_a_turn_about_up(read):
    motion = read(
        frame(c4=[HALF, 0.0, HALF, 0.0]), frame()
    )  # wxyz: a quarter turn about y, which is up there
    np.testing.assert_allclose(motion.local_rot[0, 0], [0.0, 0.0, HALF, HALF], atol=1e-6)


def test_a_turn_about_right_becomes_one_about_minus_left(read):
    motion = read(frame(c8=[HALF, 0.0, 0.0, HALF]), frame())
    np.testing.assert_allclose(motion.local_rot[0, 1], [0.0, -HALF, 0.0, HALF], atol=1e-6)


@pytest.mark.parametrize(
    ("column", "body"),
    [(8, "torso"), (12, "head"), (16, "right_thigh"), (21, "right_foot"), (25, "right_upper_arm"),
     (30, "left_thigh"), (35, "left_foot"), (39, "left_upper_arm")],
)  # fmt: skip
def test_quaternions_go_to_their_bodies(read, humanoid, column, body):
    motion = read(frame(**{f"c{column}": [HALF, HALF, 0.0, 0.0]}), frame())
    turned = [name for name, rot in zip(motion.body_names, motion.local_rot[0], strict=True) if rot[3] < 0.9]
    assert turned == [body]
    np.testing.assert_allclose(motion.local_rot[0, humanoid.body_index(body)], [HALF, 0, 0, HALF], atol=1e-6)


@pytest.mark.parametrize(
    ("column", "dof"), [(20, 17), (29, 9), (34, 24), (43, 13)], ids=["r knee", "r elbow", "l knee", "l elbow"]
)
def test_knees_and_elbows_change_sign(read, humanoid, column, dof):
    import torch

    motion = read(frame(**{f"c{column}": [-0.5]}), frame())
    dof_pos = dof_pos_from_local_rotations(humanoid, torch.from_numpy(motion.local_rot))[0]
    assert float(dof_pos[dof]) == pytest.approx(0.5, abs=1e-6)
    assert float(dof_pos.abs().sum()) == pytest.approx(0.5, abs=1e-5)


def test_quaternions_that_are_not_of_unit_length_are_made_so(read):
    motion = read(frame(c12=[0.6 * 1.4, 0.8 * 1.4, 0.0, 0.0]), frame())
    np.testing.assert_allclose(motion.local_rot[0, 2], [0.8, 0.0, 0.0, 0.6], atol=1e-6)


def test_name_rate_and_loop_are_read_and_the_last_duration_does_not_count(read):
    motion = read(frame(0.0333320), frame(0.0333320), frame(0.0), Loop="wrap")
    assert (motion.name, motion.fps, motion.loop) == ("clip", 30.0, "wrap")
    assert motion.duration == pytest.approx(2 / 30)
    assert read(frame(), frame()).loop == "clamp"
    assert "MIT" in motion.source


def test_frames_that_last_unequally_are_sampled_at_one_rate(read):
    # Frames at 0, 0.1, 0.3 and 0.4 s: at 10 Hz one more is needed, half-way between 0.1 and 0.3 s.
    frames = [
        frame(0.1, c1=[0.0]),
        frame(0.2, c1=[1.0], c8=[1.0, 0.0, 0.0, 0.0]),
        frame(0.1, c1=[3.0], c8=[HALF, HALF, 0.0, 0.0]),
        frame(0.0, c1=[4.0]),
    ]
    motion = read(*frames)
    assert motion.fps == 10.0
    np.testing.assert_allclose(motion.root_pos[:, 0], [0.0, 1.0, 2.0, 3.0, 4.0], atol=1e-6)
    eighth = [math.sin(math.pi / 8), 0.0, 0.0, math.cos(math.pi / 8)]
    np.testing.assert_allclose(motion.local_rot[2, 1], eighth, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no DeepMimic clip"),
        ("[]", "is no DeepMimic clip"),
        ('{"Frames": [[1, 2], [3]]}', "is no DeepMimic clip"),
        ('{"Frames": [[1, 2], [3, 4]]}', r"frames have shape \(2, 2\)"),
        ('{"Frames": []}', "frames have shape"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, humanoid, text, message):
    path = tmp_path / "clip.txt"
    path.write_text(text)
    with pytest.raises(MotionError, match=rf"clip\.txt: .*{message}"):
        deepmimic.read(path, humanoid)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([frame(0.0), frame()], "a frame before the last lasts 0.0 s"),
        ([frame(c12=[0.0, 0.0, 0.0, 0.0]), frame()], "quaternion of length 0"),
        ([frame(c1=[float("nan")]), frame()], "NaN"),
    ],
)
def test_frames_that_make_no_sense_are_refused_by_name(read, frames, message):
    with pytest.raises(MotionError, match=rf"humanoid3d_clip\.txt: .*{message}"):
        read(*frames)


def test_a_character_of_other_bodies_is_refused(tmp_path):
    from tests.tasks.amp.skeletons import arm

    path = tmp_path / "clip.txt"
    path.write_text(json.dumps({"Frames": [frame(), frame()]}))
    with pytest.raises(MotionError, match="arm has no body head"):
        deepmimic.read(path, arm())

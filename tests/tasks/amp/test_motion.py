"""One clip: its rules, its file, and how it is closed into a loop."""

import contextlib
import dataclasses
import math

import numpy as np
import pytest
import torch

from tasks.amp.motion import Motion, MotionError, close_loop, load_motion, save_motion, seam_angle
from tasks.amp.rotations import quat_to_exp_map, turn_between
from tests.tasks.amp.skeletons import ARM_BODIES, about, arm_motion


def elbow_angles(motion):
    return quat_to_exp_map(torch.from_numpy(motion.local_rot[:, 2]))[:, 1].tolist()


def test_a_clip_lasts_from_its_first_frame_to_its_last():
    motion = arm_motion([0.0, 0.1, 0.2, 0.3, 0.4], fps=8.0)
    assert motion.num_frames == 5 and motion.duration == 0.5


def test_quaternions_are_made_neighbours_of_unit_length():
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (3, 4, 1))
    quats[1] *= -2.0
    quats[2] *= 0.5
    motion = Motion("m", 30.0, "clamp", ARM_BODIES, np.zeros((3, 3)), quats)
    np.testing.assert_array_equal(motion.local_rot, np.tile([0.0, 0.0, 0.0, 1.0], (3, 4, 1)))
    assert motion.local_rot.dtype == motion.root_pos.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": 0.0}, "fps=0.0: must be positive"),
        ({"loop": "bounce"}, "loop='bounce': must be one of wrap, clamp"),
        ({"root_pos": np.zeros((1, 3)), "local_rot": np.ones((1, 4, 4))}, "at least two"),
        ({"root_pos": np.zeros((3, 2))}, r"root_pos has shape \(3, 2\)"),
        ({"local_rot": np.ones((3, 5, 4))}, r"must be \(3, 4, 4\)"),
        ({"root_pos": np.full((3, 3), np.nan)}, "root_pos holds NaN"),
        ({"local_rot": np.full((3, 4, 4), np.inf)}, "local_rot holds NaN or infinite"),
        ({"local_rot": np.zeros((3, 4, 4))}, "length 0"),
    ],
)
def test_what_is_no_motion_is_refused(changes, message):
    with pytest.raises(MotionError, match=message):
        dataclasses.replace(arm_motion([0.0, 0.1, 0.2]), **changes)


def test_a_motion_comes_back_from_its_file(tmp_path):
    motion = arm_motion([0.0, 0.1, 0.2], [[0.0, 0.0, 1.0]] * 3, loop="wrap", name="wave")
    save_motion(motion, tmp_path / "wave.npz")
    loaded = load_motion(tmp_path / "wave.npz")
    for field in dataclasses.fields(Motion):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(motion, field.name))
    assert [path.name for path in tmp_path.iterdir()] == ["wave.npz"]  # no temporary file is left


def test_the_same_motion_makes_the_same_file(tmp_path):
    for name in ("a.npz", "b.npz"):
        save_motion(arm_motion([0.0, 0.1]), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def write_npz(path, **changes):
    save_motion(arm_motion([0.0, 0.1]), path)
    with np.load(path) as file:
        content = {name: file[name] for name in file.files} | changes
    np.savez(path, **{name: value for name, value in content.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": None}, "holds no fps; convert it"),
        ({"version": 9}, "version 9: this program reads version 1"),
        ({"fps": -1.0}, "fps=-1.0"),
        ({"fps": "fast"}, "is no motion file"),
        ({"source": np.array([{}], dtype=object)}, "is no motion file"),  # would be a pickle
    ],
)
def test_files_that_break_a_rule_are_refused_by_name(tmp_path, changes, message):
    path = tmp_path / "clip.npz"
    write_npz(path, **changes)
    with pytest.raises(MotionError, match=rf"clip\.npz: .*{message}"):
        load_motion(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off", b"\x80\x04."])
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "clip.npz"
    path.write_bytes(content)
    with pytest.raises(MotionError, match="is no motion file"):
        load_motion(path)


def test_damaged_files_are_refused_or_still_whole(tmp_path):
    path = tmp_path / "clip.npz"
    save_motion(arm_motion([0.1 * i for i in range(20)]), path)
    content = path.read_bytes()
    for at in range(0, len(content), 37):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        with contextlib.suppress(MotionError):  # any other error fails the test
            load_motion(path)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(MotionError, match="there is no such file"):
        load_motion(tmp_path / "none.npz")


def test_the_closing_frame_is_the_first_pose_one_step_on():
    # The first step is 0.1 m and the last 0.3 m, so the closing one is 0.2 m. The height closes.
    path = [[0.0, 0.0, 1.0], [0.1, 0.0, 1.1], [0.3, 0.0, 1.2], [0.6, 0.0, 1.1]]
    closed = close_loop(arm_motion([0.0, 0.2, 0.2, 0.1], path))
    assert (closed.loop, closed.num_frames) == ("wrap", 5)
    np.testing.assert_allclose(closed.root_pos[-1], [0.8, 0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(closed.local_rot[-1], closed.local_rot[0], atol=1e-7)
    np.testing.assert_array_equal(closed.local_rot[:4], arm_motion([0.0, 0.2, 0.2, 0.1]).local_rot)


def test_a_clip_that_ends_in_its_first_pose_gets_no_frame():
    path = [[0.1 * i, 0.0, 1.0] for i in range(5)]
    closed = close_loop(arm_motion([0.0, 0.2, 0.4, 0.2, 0.01], path))  # 0.01 is little beside steps of 0.2
    assert closed.num_frames == 5
    np.testing.assert_allclose(elbow_angles(closed), [0.0, 0.2, 0.4, 0.2, 0.0], atol=1e-6)
    np.testing.assert_allclose(closed.root_pos[-1], [0.4, 0.0, 1.0], atol=1e-6)


def test_no_joint_moves_faster_over_the_seam_than_anywhere_in_the_clip():
    motion = arm_motion([0.0, 0.2, 0.4, 0.5])  # 0.5 rad back at 0.2 rad a frame: three frames
    assert seam_angle(motion) == pytest.approx(0.5, abs=1e-6)
    closed = close_loop(motion)
    np.testing.assert_allclose(elbow_angles(closed), [0.0, 0.2, 0.4, 0.5, 1 / 3, 1 / 6, 0.0], atol=1e-6)


def test_a_still_clip_is_closed_already():
    assert close_loop(arm_motion([0.3] * 4)).num_frames == 4


def test_the_time_to_close_can_be_given():
    path = [[0.1 * i, 0.0, 1.0] for i in range(3)]
    closed = close_loop(arm_motion([0.0, 0.2, 0.1], path, fps=10.0), closing_time=0.2)
    assert closed.duration == pytest.approx(0.4)
    np.testing.assert_allclose(closed.root_pos[:, 0], [0.0, 0.1, 0.2, 0.3, 0.4], atol=1e-6)
    np.testing.assert_allclose(elbow_angles(closed), [0.0, 0.2, 0.1, 0.05, 0.0], atol=1e-6)


def test_a_steps_sway_does_not_turn_the_walk():
    yaw = [math.radians(angle) for angle in (0.0, 2.0, 4.0, 6.0)]
    closed = close_loop(arm_motion([0.0, 0.2, 0.2, 0.1], yaw=yaw))
    np.testing.assert_allclose(closed.local_rot[-1, 0], about("z", 0.0), atol=1e-7)


def test_a_turn_goes_on_into_the_closing_frame():
    # 30° from the first frame to the last, 10° a frame: a cycle turns by 40°.
    yaw = [math.radians(angle) for angle in (0.0, 10.0, 20.0, 30.0)]
    path = [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [2.0, 0.0, 1.0], [2.0, 1.0, 1.0]]
    closed = close_loop(arm_motion([0.0, 0.2, 0.2, 0.15], path, yaw))
    np.testing.assert_allclose(closed.local_rot[-1, 0], about("z", math.radians(40.0)), atol=1e-6)
    # half of the last step (0, 1), half of the first (1, 0) turned by 40°
    step = [0.5 * math.cos(math.radians(40.0)), 0.5 + 0.5 * math.sin(math.radians(40.0))]
    np.testing.assert_allclose(closed.root_pos[-1], [2.0 + step[0], 1.0 + step[1], 1.0], atol=1e-6)


def test_whether_a_clip_turns_can_be_said():
    yaw = [math.radians(angle) for angle in (0.0, 2.0, 4.0, 6.0)]
    motion = arm_motion([0.0, 0.2, 0.2, 0.1], yaw=yaw)
    root = torch.from_numpy(close_loop(motion, turning=True).local_rot[:, 0])
    assert math.degrees(turn_between(root[0], root[-1])) == pytest.approx(8.0, abs=1e-3)
    steep = dataclasses.replace(motion, local_rot=arm_motion([0.0] * 4, yaw=[0.0, 0.2, 0.4, 0.6]).local_rot)
    root = torch.from_numpy(close_loop(steep, turning=False).local_rot[:, 0])
    assert float(turn_between(root[0], root[-1])) == pytest.approx(0.0, abs=1e-6)


def test_a_pose_that_comes_again_turned_closes_a_turning_clip():
    closed = close_loop(arm_motion([0.0, 0.2, 0.4, 0.2, 0.0], yaw=[0.0, 0.1, 0.2, 0.3, 0.4]))
    assert closed.num_frames == 5
    np.testing.assert_allclose(closed.local_rot[-1, 0], about("z", 0.4), atol=1e-6)


def test_on_a_long_way_to_the_closing_frame_velocity_and_heading_change_evenly():
    # Last step (0, 1), first step (1, 0), three frames to close, by when the heading has turned by 30°, and
    # by 10° for each: 60° in all, so the first step comes again as (cos 60°, sin 60°).
    yaw = [math.radians(angle) for angle in (0.0, 10.0, 20.0, 30.0)]
    path = [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [2.0, 0.0, 1.0], [2.0, 1.0, 1.3]]
    closed = close_loop(arm_motion([0.0, 0.2, 0.2, 0.15], path, yaw), closing_time=0.3)
    assert closed.num_frames == 7
    for frame, angle in ((4, 40.0), (5, 50.0), (6, 60.0)):
        np.testing.assert_allclose(closed.local_rot[frame, 0], about("z", math.radians(angle)), atol=1e-6)
    # velocity after a share w of the way: (1 - w) (0, 1) + w (cos 60°, sin 60°); position is its integral
    last, first = np.array([0.0, 1.0]), np.array([0.5, math.sqrt(0.75)])
    expected = [[2.0, 1.0] + 3.0 * ((w - w * w / 2) * last + w * w / 2 * first) for w in (1 / 3, 2 / 3, 1.0)]
    np.testing.assert_allclose(closed.root_pos[4:, :2], expected, atol=1e-6)
    assert closed.root_pos[-1, 2] == pytest.approx(1.0)

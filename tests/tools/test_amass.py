import math

import numpy as np
import pytest
import torch

pytest.importorskip("mink", reason="pip install -e '.[motion]'")

from tasks.amp.character import HUMANOID_MJCF, Character, forward_kinematics  # noqa: E402
from tasks.amp.motion import MotionError  # noqa: E402
from tools.motion_readers import amass  # noqa: E402

ARM = 0.274788 + 0.258947
LEG = 0.421546 + 0.409870
Y_UP_TO_Z_UP = [math.pi / 2, 0.0, 0.0]  # a body that looks along SMPL's z looks along the world's -y then


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


def clip(tmp_path, frames=5, columns=156, **content):
    """Arms spread, legs straight, 0.95 m above the ground, unless columns of joints are changed."""
    poses = np.zeros((frames, columns))
    poses[:, :3] = Y_UP_TO_Z_UP
    for joint in [key for key in content if key in amass.JOINTS]:
        start = 3 * amass.JOINTS.index(joint)
        poses[:, start : start + 3] = content.pop(joint)
    trans = np.tile([0.0, 0.0, 0.95], (frames, 1))
    arrays = {
        "poses": poses,
        "trans": trans,
        "mocap_framerate": 120.0,
        "gender": "neutral",
        "betas": np.zeros(16),
    }
    path = tmp_path / "walk_poses.npz"
    np.savez(path, **arrays | content)
    return path


def bodies(motion, humanoid):
    """Positions of the bodies by name in the last frame."""
    body_pos, _ = forward_kinematics(
        humanoid, torch.from_numpy(motion.root_pos), torch.from_numpy(motion.local_rot)
    )
    return dict(zip(humanoid.body_names, body_pos[-1].numpy(), strict=True))


def test_spread_arms_stay_spread(tmp_path, humanoid):
    motion = amass.read(clip(tmp_path), humanoid)
    assert (motion.name, motion.fps, motion.loop, motion.num_frames) == ("walk", 120.0, "clamp", 5)
    body = bodies(motion, humanoid)
    # The body looks along -y: its left is +x.
    np.testing.assert_allclose(body["left_hand"] - body["left_upper_arm"], [ARM, 0, 0], atol=5e-3)
    np.testing.assert_allclose(body["right_hand"] - body["right_upper_arm"], [-ARM, 0, 0], atol=5e-3)
    np.testing.assert_allclose(body["torso"] - body["pelvis"], [0, 0, 0.236151], atol=5e-3)
    np.testing.assert_allclose(body["left_foot"] - body["left_thigh"], [0, 0, -LEG], atol=5e-3)


def test_feet_stand_on_the_ground(tmp_path, humanoid):
    body = bodies(amass.read(clip(tmp_path), humanoid), humanoid)
    assert body["left_foot"][2] == pytest.approx(0.05, abs=5e-3)
    assert body["pelvis"][2] == pytest.approx(0.05 + LEG, abs=5e-3)


def test_one_raised_arm(tmp_path, humanoid):
    """The right arm, along SMPL's -x, points up after a quarter turn about -z."""
    body = bodies(amass.read(clip(tmp_path, right_shoulder=[0, 0, -math.pi / 2]), humanoid), humanoid)
    np.testing.assert_allclose(body["right_hand"] - body["right_upper_arm"], [0, 0, ARM], atol=1e-2)
    np.testing.assert_allclose(body["left_hand"] - body["left_upper_arm"], [ARM, 0, 0], atol=1e-2)


def test_a_bent_elbow_and_knee_become_hinges(tmp_path, humanoid):
    path = clip(tmp_path, left_elbow=[0, -math.pi / 2, 0], right_knee=[math.pi / 2, 0, 0])
    motion = amass.read(path, humanoid)
    body = bodies(motion, humanoid)
    # The left forearm points forward (-y), the right shin backward (+y).
    np.testing.assert_allclose(body["left_hand"] - body["left_lower_arm"], [0, -0.258947, 0], atol=1e-2)
    np.testing.assert_allclose(body["right_foot"] - body["right_shin"], [0, 0.409870, 0], atol=1e-2)
    for name, angle in (("left_lower_arm", -math.pi / 2), ("right_shin", math.pi / 2)):
        hinge = motion.local_rot[-1, humanoid.body_index(name)]
        np.testing.assert_allclose(hinge, [0, math.sin(angle / 2), 0, math.cos(angle / 2)], atol=2e-2)


def test_the_pelvis_path_is_kept(tmp_path, humanoid):
    trans = np.stack([0.1 * np.arange(5), -0.2 * np.arange(5), np.full(5, 0.95)], axis=1)
    motion = amass.read(clip(tmp_path, trans=trans), humanoid)
    np.testing.assert_allclose(motion.root_pos[:, :2], trans[:, :2], atol=2e-3)


@pytest.mark.parametrize("columns", [72, 165])
def test_smpl_and_smplx_begin_with_the_same_joints(tmp_path, humanoid, columns):
    path = clip(tmp_path, columns=columns, left_elbow=[0, -1, 0])
    assert amass.read(path, humanoid).num_frames == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"poses": np.zeros((5, 60))}, r"poses have shape \(5, 60\)"),
        ({"trans": np.zeros((4, 3))}, r"trans \(4, 3\)"),
        ({"trans": np.full((5, 3), np.nan)}, "hold NaN"),
        ({"poses": np.array([{}] * 5)}, "is no AMASS clip"),
        ({"mocap_framerate": "fast"}, "is no AMASS clip"),
        ({"mocap_framerate": 0.0}, "fps=0.0: must be positive"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path, humanoid, content, message):
    with pytest.raises(MotionError, match=message):
        amass.read(clip(tmp_path, **content), humanoid)


def test_what_is_no_archive_is_refused(tmp_path, humanoid):
    (tmp_path / "clip.npz").write_bytes(b"hello")
    with pytest.raises(MotionError, match="is no AMASS clip"):
        amass.read(tmp_path / "clip.npz", humanoid)

import logging
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

pytest.importorskip("mink", reason="pip install -e '.[motion]'")
pytest.importorskip("bvhio", reason="pip install -e '.[motion]'")

from tasks.amp.character import HUMANOID_MJCF, REPOSITORY, Character, forward_kinematics  # noqa: E402
from tasks.amp.motion import MotionError, load_motion  # noqa: E402
from tests.tools.bvh_text import NAMES, bvh_text  # noqa: E402
from tools.motion_readers import bvh  # noqa: E402


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


@pytest.fixture(scope="module")
def walk():
    return load_motion(REPOSITORY / "assets" / "motions" / "walk.npz")


def standing(humanoid, frames=3, **rotations):
    """Poses of a standing body; rotations of some bodies relative to their parents."""
    root_pos = np.tile([0.0, 0.0, 0.881], (frames, 1))
    local_rot = np.tile([0.0, 0.0, 0.0, 1.0], (frames, humanoid.num_bodies, 1))
    for name, rotation in rotations.items():
        local_rot[:, humanoid.body_index(name)] = rotation.as_quat()
    return root_pos, local_rot


def written(tmp_path, text):
    path = tmp_path / "clip.bvh"
    path.write_text(text)
    return path


def positions(humanoid, root_pos, local_rot):
    body_pos, _ = forward_kinematics(
        humanoid, torch.as_tensor(root_pos).float(), torch.as_tensor(local_rot).float()
    )
    return body_pos.numpy()


def body(humanoid, motion, name):
    return positions(humanoid, motion.root_pos, motion.local_rot)[-1, humanoid.body_index(name)]


def about(axis, degrees):
    return Rotation.from_euler(axis, degrees, degrees=True)


def test_a_standing_body_looks_along_minus_y(tmp_path, humanoid):
    """BVH bodies look along z, which is the world's -y when y is turned up."""
    text = bvh_text(humanoid, *standing(humanoid, left_upper_arm=about("x", 90)))
    motion = bvh.read(written(tmp_path, text), humanoid)
    assert (motion.name, motion.fps, motion.loop, motion.num_frames) == ("clip", 30.0, "clamp", 3)
    np.testing.assert_allclose(motion.root_pos[0], [0, 0, 0.8814], atol=2e-3)
    np.testing.assert_allclose(motion.local_rot[0, 0], [0, 0, -math.sqrt(0.5), math.sqrt(0.5)], atol=2e-3)
    shoulder, hand = (body(humanoid, motion, name) for name in ("left_upper_arm", "left_hand"))
    np.testing.assert_allclose(hand - shoulder, [0.533735, 0, 0], atol=5e-3)  # the left is +x


def test_a_bent_knee_and_elbow_bend_the_right_way(tmp_path, humanoid):
    poses = standing(humanoid, right_shin=about("y", 60), left_lower_arm=about("y", -80))
    motion = bvh.read(written(tmp_path, bvh_text(humanoid, *poses)), humanoid)
    for name, angle in (
        ("right_shin", math.pi / 3),
        ("left_lower_arm", math.radians(-80)),
        ("left_shin", 0.0),
    ):
        hinge = motion.local_rot[-1, humanoid.body_index(name)]
        np.testing.assert_allclose(hinge, [0, math.sin(angle / 2), 0, math.cos(angle / 2)], atol=2e-2)


@pytest.mark.parametrize("order", ["XYZ", "YXZ", "ZYX"])
def test_channels_may_stand_in_any_order(tmp_path, humanoid, order):
    poses = standing(humanoid, right_thigh=about("xyz", [-20, -50, 10]), torso=about("xyz", [10, 20, 30]))
    expected = bvh.read(written(tmp_path, bvh_text(humanoid, *poses)), humanoid)
    motion = bvh.read(written(tmp_path, bvh_text(humanoid, *poses, order=order)), humanoid)
    np.testing.assert_allclose(motion.local_rot, expected.local_rot, atol=1e-4)


@pytest.mark.parametrize(("unit", "name"), [(1.0, "m"), (0.01, "cm"), (0.0254, "inch"), (0.001, "mm")])
def test_the_unit_of_length_is_guessed_and_told(tmp_path, humanoid, caplog, unit, name):
    path = written(tmp_path, bvh_text(humanoid, *standing(humanoid), unit=unit))
    with caplog.at_level(logging.INFO, "tools"):
        motion = bvh.read(path, humanoid)
    assert f"its unit is taken for {name} (legs of 0.83 m)" in caplog.text
    np.testing.assert_allclose(motion.root_pos[0], [0, 0, 0.8814], atol=2e-3)


def test_a_given_scale_counts(tmp_path, humanoid, walk):
    path = written(tmp_path, bvh_text(humanoid, walk.root_pos, walk.local_rot))
    distance = walk.root_pos[-1, 0] - walk.root_pos[0, 0]
    motion = bvh.read(path, humanoid, scale=0.009)
    assert motion.root_pos[0, 1] - motion.root_pos[-1, 1] == pytest.approx(0.9 * distance, rel=1e-2)


def recorded_axes(humanoid):
    """Joint axes such as LAFAN1 has, whose bones all point the same way at rest."""
    generator = np.random.default_rng(0)
    return [Rotation.random(random_state=generator) for _ in range(humanoid.num_bodies)]


@pytest.mark.parametrize("rest", ["standing", "any"])
def test_walk_comes_back_as_it_was(tmp_path, humanoid, walk, rest):
    axes = recorded_axes(humanoid) if rest == "any" else None
    path = written(tmp_path, bvh_text(humanoid, walk.root_pos, walk.local_rot, axes=axes))
    motion = bvh.read(path, humanoid)
    expected = positions(humanoid, walk.root_pos, walk.local_rot)
    got = positions(humanoid, motion.root_pos, motion.local_rot)
    turned = np.stack([expected[..., 1], -expected[..., 0], expected[..., 2]], axis=-1)
    misses = np.linalg.norm((got - got[:, :1]) - (turned - turned[:, :1]), axis=-1)
    tolerance = 0.002 if rest == "standing" else 0.01  # the trunk's lean at rest is only known in the mean
    assert misses.mean() < tolerance
    np.testing.assert_allclose(got[:, 0, :2], turned[:, 0, :2], atol=2e-3)


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: f"mixamorig:{name}",
        lambda name: f"mixamorig2_{name}",
        lambda name: name.replace("Right", "right_").lower(),
        lambda name: {"LeftArm": "LeftShoulder", "LeftForeArm": "LeftElbow", "LeftHand": "LeftWrist",
                      "LeftUpLeg": "LeftHip", "LeftLeg": "LeftKnee", "LeftFoot": "LeftAnkle"}.get(name, name),
    ],
)  # fmt: skip
def test_names_of_other_programs_are_known(tmp_path, humanoid, rename):
    names = {ours: rename(theirs) for ours, theirs in NAMES.items()}
    path = written(tmp_path, bvh_text(humanoid, *standing(humanoid), names=names))
    assert bvh.read(path, humanoid).num_frames == 3


def test_beside_an_arm_a_shoulder_is_a_collar_bone(tmp_path):
    names = [*NAMES.values(), "LeftShoulder"]
    assert bvh.find_joints(names, {}, tmp_path)["left_shoulder"] == names.index("LeftArm")


def test_unknown_names_are_listed_and_can_be_given(tmp_path, humanoid):
    names = NAMES | {"left_hand": "Bip01 L Palm".replace(" ", "_")}
    path = written(tmp_path, bvh_text(humanoid, *standing(humanoid), names=names))
    with pytest.raises(MotionError, match=r"no joint for left_wrist: .*Bip01_L_Palm.*--map FILE.yaml"):
        bvh.read(path, humanoid)
    given = tmp_path / "map.yaml"
    given.write_text("left_wrist: Bip01_L_Palm\n")
    assert bvh.read(path, humanoid, joint_map=given).num_frames == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left_wing: Wing", "knows no 'left_wing'; the names are hips"),
        ("[1, 2]", "must hold lines"),
        ("left_wrist: [1]", "must hold lines"),
        ("left_wrist: Wing", "no joint for left_wrist: 'Wing' is not among Hips"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_map_is_one_clear_error(tmp_path, humanoid, text, message):
    path = written(tmp_path, bvh_text(humanoid, *standing(humanoid)))
    given = tmp_path / "map.yaml"
    given.write_text(text)
    with pytest.raises(MotionError, match=message):
        bvh.read(path, humanoid, joint_map=given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 4], "is no whole BVH file"),
        (lambda text: text.rsplit("\n", 2)[0], "3 frames announced, 2 there"),
        (lambda text: text.replace("Frames: 3", "Frames: 1"), "1 frames announced"),
        (lambda text: text.replace("OFFSET", "OFSET", 1), "its hierarchy is no BVH hierarchy"),
        (lambda text: text.replace("}", "", 3), "its hierarchy is no BVH hierarchy"),
        (lambda text: text.replace("CHANNELS 3 Zrotation", "CHANNELS 2", 1), "frames have 48 numbers"),
        (lambda text: text.replace("Zrotation", "Wrotation", 1), "'Wrotation' of joint 'Hips' is none of"),
        (lambda text: text.replace("Frame Time: 0.03", "Frame Time: -0.03"), "is no whole BVH file"),
        (lambda text: text + "1 2 3", None),
        (lambda text: text.replace("0.000000", "nan"), "is no"),
        (lambda text: "", "is no whole BVH file"),
    ],
)
def test_a_broken_file_is_one_clear_error(tmp_path, humanoid, change, message):
    path = written(tmp_path, change(bvh_text(humanoid, *standing(humanoid))))
    if message is None:
        assert bvh.read(path, humanoid).num_frames == 3
        return
    with pytest.raises(MotionError, match=message):
        bvh.read(path, humanoid)


def test_a_scale_that_is_not_positive_is_refused(tmp_path, humanoid):
    path = written(tmp_path, bvh_text(humanoid, *standing(humanoid)))
    with pytest.raises(MotionError, match=r"--scale -1: must be positive"):
        bvh.read(path, humanoid, scale=-1)

import math
from collections import OrderedDict

import numpy as np
import pytest
import torch

from tasks.amp.character import HUMANOID_MJCF, Character, forward_kinematics
from tasks.amp.motion import MotionError
from tools.motion_readers.poselib import read

HALF = math.sqrt(0.5)
QUARTER_TURN = {"x": [HALF, 0, 0, HALF], "y": [0, HALF, 0, HALF], "z": [0, 0, HALF, HALF]}  # xyzw


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


@pytest.fixture
def content(humanoid):
    """Three frames: the pelvis turned left by 90 degrees at (1, 2, 0.9), the right knee bent by 90."""
    rotations = np.zeros((3, 15, 4), dtype=np.float32)
    rotations[..., 3] = 1
    rotations[:, 0] = QUARTER_TURN["z"]
    rotations[:, humanoid.body_index("right_shin")] = QUARTER_TURN["y"]
    parents = np.array(humanoid.parents)
    return OrderedDict(
        rotation={"arr": rotations, "context": {"dtype": "float32"}},
        root_translation={"arr": np.tile(np.float32([1, 2, 0.9]), (3, 1)), "context": {"dtype": "float32"}},
        skeleton_tree=OrderedDict(
            node_names=list(humanoid.body_names),
            parent_indices={"arr": parents, "context": {"dtype": "int64"}},
            local_translation={"arr": np.zeros((15, 3)), "context": {"dtype": "float64"}},
        ),
        is_local=True,
        fps=60,
        __name__="SkeletonMotion",
    )


@pytest.fixture
def saved(tmp_path):
    def save(content):
        np.save(tmp_path / "walk.npy", content, allow_pickle=True)
        return tmp_path / "walk.npy"

    return save


def test_a_clip_comes_with_its_rate_path_and_rotations(content, saved, humanoid):
    motion = read(saved(content), humanoid)
    assert (motion.name, motion.fps, motion.loop, motion.num_frames) == ("walk", 60.0, "clamp", 3)
    np.testing.assert_allclose(motion.root_pos, np.tile([1, 2, 0.9], (3, 1)), atol=1e-6)
    np.testing.assert_allclose(motion.local_rot, content["rotation"]["arr"], atol=1e-6)


def test_a_bent_knee_brings_the_foot_behind(content, saved, humanoid):
    motion = read(saved(content), humanoid)
    body_pos, _ = forward_kinematics(
        humanoid, torch.from_numpy(motion.root_pos), torch.from_numpy(motion.local_rot)
    )
    # The character looks along +y: its right is +x, and 0.41 m of shin point to -y.
    foot = body_pos[0, humanoid.body_index("right_foot")]
    np.testing.assert_allclose(foot, [1 + 0.084887, 2 - 0.40987, 0.9 - 0.421546], atol=1e-5)


def test_global_rotations_are_made_local(content, saved, humanoid):
    local = content["rotation"]["arr"].copy()
    motion = read(saved(content), humanoid)
    _, world = forward_kinematics(humanoid, torch.from_numpy(motion.root_pos), torch.from_numpy(local))
    content["rotation"]["arr"], content["is_local"] = world.numpy(), False
    np.testing.assert_allclose(read(saved(content), humanoid).local_rot, local, atol=1e-6)


def test_nodes_are_found_by_name(content, saved, humanoid):
    expected = read(saved(content), humanoid).local_rot
    tree = content["skeleton_tree"]
    # The right leg after the left one, and a node that we have not got.
    order = [*range(9), 12, 13, 14, 9, 10, 11]
    tree["node_names"] = [tree["node_names"][i] for i in order] + ["ponytail"]
    tree["parent_indices"]["arr"] = np.array([-1, 0, 1, 1, 3, 4, 1, 6, 7, 0, 9, 10, 0, 12, 13, 2])
    rotations = content["rotation"]["arr"][:, order]
    content["rotation"]["arr"] = np.concatenate([rotations, rotations[:, :1]], axis=1)
    np.testing.assert_allclose(read(saved(content), humanoid).local_rot, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("fps"), "no SkeletonMotion of poselib .at 'fps'"),
        (lambda c: c["skeleton_tree"]["node_names"].__setitem__(2, "skull"), "has no node 'head'"),
        (lambda c: c["rotation"].update(arr=np.zeros((3, 14, 4))), r"shape \(3, 14, 4\); must be"),
        (lambda c: c["rotation"]["arr"].__setitem__((1, 2), np.nan), "holds NaN"),
        (lambda c: c["root_translation"].update(arr=np.zeros((2, 3))), r"walk.npy: local_rot has shape"),
        (lambda c: c.update(fps=0), "fps=0.0: must be positive"),
        (lambda c: c["skeleton_tree"]["parent_indices"]["arr"].__setitem__(2, 7), "node 2 has parent 7"),
    ],
)
def test_a_wrong_file_is_one_clear_error(content, saved, humanoid, change, message):
    change(content)
    with pytest.raises(MotionError, match=message):
        read(saved(content), humanoid)

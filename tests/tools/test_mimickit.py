import math
import pickle

import numpy as np
import pytest

from tasks.amp.character import HUMANOID_MJCF, Character
from tasks.amp.motion import MotionError
from tools.motion_readers import mimickit

HALF = math.sqrt(0.5)


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


@pytest.fixture
def content():
    frames = np.zeros((4, 34))
    frames[:, :3] = [0.5, 0.0, 0.9]
    frames[:, 5] = math.pi / 2  # the root looks along +y
    frames[:, 6 + 6] = 1.0  # right shoulder about x, after abdomen and neck
    frames[:, 6 + 9] = -0.5  # right elbow
    frames[:, 6 + 13] = -0.25  # left elbow
    frames[:, 6 + 17] = 0.75  # right knee, after the right hip
    frames[:, 6 + 27] = 0.1  # left ankle about z, the last
    return {"loop_mode": 1, "fps": 30, "frames": frames}


def saved(tmp_path, content):
    path = tmp_path / "walk.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


def about(axis, angle):
    return [*(math.sin(angle / 2) * np.eye(3)["xyz".index(axis)]), math.cos(angle / 2)]


@pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist])
def test_columns_are_the_characters_dofs(tmp_path, content, humanoid, convert):
    content["frames"] = convert(content["frames"])
    motion = mimickit.read(saved(tmp_path, content), humanoid)
    assert (motion.loop, motion.fps, motion.num_frames) == ("wrap", 30.0, 4)
    np.testing.assert_allclose(motion.root_pos[3], [0.5, 0.0, 0.9], atol=1e-6)
    expected = {
        "pelvis": [0, 0, HALF, HALF],
        "torso": [0, 0, 0, 1],
        "right_upper_arm": about("x", 1.0),
        "right_lower_arm": about("y", -0.5),
        "left_lower_arm": about("y", -0.25),
        "right_shin": about("y", 0.75),
        "left_foot": about("z", 0.1),
    }
    for name, rotation in expected.items():
        np.testing.assert_allclose(motion.local_rot[2, humanoid.body_index(name)], rotation, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loop_mode": 2}, "no MimicKit clip"),
        ({"fps": None}, "no MimicKit clip"),
        ({"frames": np.zeros((4, 33))}, r"shape \(4, 33\); amp_humanoid's have 34 columns"),
        ({"frames": [[0.0] * 34, [0.0] * 33]}, "no MimicKit clip"),
        ({"frames": [["text"] * 34] * 2}, "no MimicKit clip"),
        ({"frames": np.full((4, 34), np.nan)}, "walk.pkl: root_pos holds NaN"),
        ({"frames": [[0.0] * 10_000] * 10_000}, "more than 10000000 numbers"),
        ({"frames": [[[0.0] * 34] * 34] * 2}, "no MimicKit clip"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path, content, humanoid, change, message):
    path = saved(tmp_path, content | change)
    with pytest.raises(MotionError, match=message):
        mimickit.read(path, humanoid)


def test_another_kind_of_pickle_is_refused(tmp_path, humanoid):
    with pytest.raises(MotionError, match="no MimicKit clip"):
        mimickit.read(saved(tmp_path, [1, 2, 3]), humanoid)

"""The clips that ship are made from PyBullet's archives; here from archives of that layout, made by hand."""

import json
import math
import tarfile
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest

from tasks.amp.character import HUMANOID_MJCF, Character
from tasks.amp.ground import ShapePoints
from tasks.amp.motion import MotionError, load_motion
from tools.deepmimic_clips import CLOSING_TIMES, MOTIONS, clip_name, main, read_texts
from tools.motion_edit import lowest_points

INSIDE = "pybullet-3/examples/pybullet_data/data/motions"
CLIPS = sorted(str(path.relative_to(MOTIONS).with_suffix("")) for path in MOTIONS.rglob("*.npz"))


def frame(x, height, elbow):
    """Upright, at (x, height), with the right elbow bent; 20 frames a second."""
    values = [0.05, x, height, 0.0] + [0.0] * 40
    for column in (4, 8, 12, 16, 21, 25, 30, 35, 39):
        values[column] = 1.0
    values[29] = elbow
    return values


TEXT = json.dumps(
    {"Loop": "wrap", "Frames": [frame(0.0, 0.9, 0.1), frame(0.1, 0.8, 0.3), frame(0.2, 0.9, 0.2)]}
)


def inside(name):
    file = f"{name}.txt" if "/" in name else f"humanoid3d_{name}.txt"
    return f"{INSIDE}/{file}"


@pytest.fixture
def unpacked(tmp_path):
    for name in CLIPS:
        path = tmp_path / "unpacked" / inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)
    (tmp_path / "unpacked" / INSIDE / "dog3d_walk.txt").write_text("{}")
    return tmp_path / "unpacked"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{INSIDE}/humanoid3d_walk.txt", "walk"),
        (f"{INSIDE}/walker/turn_left0.txt", "walker/turn_left0"),
        (f"{INSIDE}/dog3d_walk.txt", None),
        (f"{INSIDE}/walker/readme.md", None),
        ("pybullet_data/args/run_humanoid3d_walk_args.txt", None),
    ],
)
def test_clips_are_known_by_their_paths(path, name):
    assert clip_name(PurePosixPath(path)) == name


def test_archives_and_directories_hold_the_same_clips(tmp_path, unpacked):
    with tarfile.open(tmp_path / "sdist.tar.gz", "w:gz") as sdist:
        sdist.add(unpacked, "")
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as wheel:
        for path in unpacked.rglob("*.txt"):
            wheel.write(path, path.relative_to(unpacked))
    for source in (unpacked, tmp_path / "sdist.tar.gz", tmp_path / "wheel.whl"):
        texts = read_texts(source)
        assert list(texts) == [*(n for n in CLIPS if "/" not in n), *(n for n in CLIPS if "/" in n)]
        assert texts["walk"].decode() == TEXT


def test_every_clip_is_closed_and_lifted(tmp_path, unpacked, capsys):
    assert main([str(unpacked), "-o", str(tmp_path / "out")]) == 0
    walk = load_motion(tmp_path / "out" / "walk.npz")
    assert (walk.name, walk.fps, walk.loop, walk.num_frames) == ("walk", 20.0, "wrap", 4)
    np.testing.assert_allclose(walk.root_pos[:, 0], [0.0, 0.1, 0.2, 0.3], atol=1e-6)
    # Soles lie 0.881416 m under the pelvis: the frame at 0.8 m is lifted by 0.081416, its neighbours, a frame
    # of 1/20 s away, by 0.05 less, the closing frame like the first.
    np.testing.assert_allclose(walk.root_pos[:, 2], [0.931416, 0.881416, 0.931416, 0.931416], atol=1e-5)
    np.testing.assert_allclose(walk.local_rot[-1, 4], [0.0, -math.sin(0.05), 0.0, math.cos(0.05)], atol=1e-6)
    spinkick = load_motion(tmp_path / "out" / "spinkick.npz")
    assert spinkick.num_frames == 3 + round(CLOSING_TIMES["spinkick"] * 20.0)
    assert load_motion(tmp_path / "out" / "walker" / "turn_left0.npz").name == "turn_left0"
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 20
    assert "| `walk` | 4 | 20 | 0.150 | wrap | 0.050 (6°) | 0.30, 0.00 | 0° | 2.00 | 8.1 |" in rows


@pytest.mark.parametrize("name", CLIPS)
def test_feet_of_clips_that_ship_are_on_the_ground_where_they_were_on_it_or_under_it(name):
    humanoid = Character.from_mjcf(HUMANOID_MJCF)
    motion = load_motion(MOTIONS / f"{name}.npz")
    lowest = lowest_points(motion, humanoid, ShapePoints.from_mjcf(HUMANOID_MJCF, humanoid))
    assert lowest.min() > -1e-5
    assert np.quantile(lowest, 0.1) < 0.01


def test_what_does_not_hold_the_clips_is_refused_by_name(tmp_path, unpacked, capsys):
    (unpacked / inside("walk")).unlink()
    assert main([str(unpacked), "-o", str(tmp_path / "out")]) == 2
    assert "unpacked: holds 19 clips" in capsys.readouterr().err
    (tmp_path / "other.tar.gz").write_bytes(b"no archive")
    for name in ("other.tar.gz", "none.tar.gz"):
        with pytest.raises(MotionError, match=rf"{name}: is no sdist, wheel or directory of PyBullet"):
            read_texts(tmp_path / name)

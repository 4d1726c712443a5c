import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from mjgym.rendering import RenderingUnavailableError, choose_gl_backend
from tasks.amp.character import HUMANOID_MJCF, REPOSITORY, Character
from tasks.amp.ground import ShapePoints
from tasks.amp.motion import Motion, load_motion, save_motion
from tools import motion as tool
from tools.character_model import load_model, poses_of, qpos_of
from tools.motion_facts import measure


@pytest.fixture(scope="module")
def humanoid():
    return Character.from_mjcf(HUMANOID_MJCF)


@pytest.fixture
def clip(humanoid):
    """Two seconds at 10 frames a second: 1 m/s along x, rising by 0.1 m, an elbow bending at 0.5 rad/s."""
    time = np.arange(21) / 10
    root_pos = np.stack([time, 0 * time, 0.9 + 0.05 * time], axis=1)
    local_rot = np.tile([0.0, 0.0, 0.0, 1.0], (21, humanoid.num_bodies, 1))
    half = -0.25 * time
    elbow = np.stack([0 * half, np.sin(half), 0 * half, np.cos(half)], axis=1)
    local_rot[:, humanoid.body_index("right_lower_arm")] = elbow
    return Motion("clip", 10.0, "clamp", humanoid.body_names, root_pos, local_rot, "made up")


@pytest.fixture
def saved(tmp_path, clip):
    save_motion(clip, tmp_path / "clip.npz")
    return tmp_path / "clip.npz"


def run(*arguments):
    return tool.main([str(argument) for argument in arguments])


def convert(tmp_path, saved, *options):
    assert run("convert", saved, "-o", tmp_path / "out.npz", *options) == 0
    return load_motion(tmp_path / "out.npz")


def test_measures_of_a_clip(clip, humanoid):
    facts = measure(clip, humanoid, ShapePoints.from_mjcf(HUMANOID_MJCF, humanoid))
    assert facts.speed == pytest.approx(1.0, abs=1e-4)
    assert facts.root_height == pytest.approx((0.9, 1.0))
    assert facts.joint_speed == pytest.approx(0.5, abs=1e-3)
    assert facts.lowest == pytest.approx(0.9 - 0.421546 - 0.40987 - 0.05, abs=1e-4)
    assert facts.seam is None


def test_info_prints_a_line_a_clip(capsys, saved):
    assert run("info", saved, "walk") == 0
    lines = capsys.readouterr().out.splitlines()
    fields = next(line for line in lines if line.startswith("clip  ") and "clamp" in line).split()
    assert fields == ["clip", "21", "10", "2.00", "clamp", "1.00", "0.90–1.00", "0.5", "+0.019", "–"]
    assert any(line.startswith("walk") for line in lines)


def test_qpos_and_back(clip, humanoid):
    qpos = qpos_of(humanoid, clip.root_pos, clip.local_rot)
    assert qpos.shape == (21, load_model().nq)
    root_pos, local_rot = poses_of(humanoid, qpos)
    np.testing.assert_allclose(root_pos, clip.root_pos)
    np.testing.assert_allclose(local_rot, clip.local_rot, atol=1e-6)


def test_convert_keeps_what_it_is_not_asked_to_change(tmp_path, saved, clip):
    motion = convert(tmp_path, saved)
    assert (motion.name, motion.fps, motion.loop, motion.source) == ("out", 10.0, "clamp", "made up")
    np.testing.assert_array_equal(motion.root_pos, clip.root_pos)
    np.testing.assert_allclose(motion.local_rot, clip.local_rot, atol=1e-7)


def test_convert_samples_anew(tmp_path, saved, humanoid):
    motion = convert(tmp_path, saved, "--fps", 40)
    assert (motion.fps, motion.num_frames) == (40.0, 81)
    np.testing.assert_allclose(motion.root_pos[:, 0], np.arange(81) / 40, atol=1e-6)
    elbow = motion.local_rot[33, humanoid.body_index("right_lower_arm")]
    np.testing.assert_allclose(elbow[1], math.sin(-0.25 * 33 / 40), atol=1e-6)


def test_a_clip_that_wraps_keeps_its_closing_frame_at_any_rate(tmp_path):
    assert run("convert", "run", "-o", tmp_path / "out.npz", "--fps", 25) == 0
    run_clip, motion = load_motion(tool.find("run")), load_motion(tmp_path / "out.npz")
    assert motion.num_frames == 22  # 25 / 30 s at 25 fps are 20.8 steps: 21 steps at 25.2 fps
    assert motion.duration == pytest.approx(run_clip.duration)
    np.testing.assert_allclose(motion.root_pos[-1], run_clip.root_pos[-1], atol=1e-6)


def test_convert_cuts(tmp_path, saved):
    motion = convert(tmp_path, saved, "--start", 0.5, "--end", 1.5)
    assert motion.num_frames == 11
    np.testing.assert_allclose(motion.root_pos[[0, -1], 0], [0.5, 1.5], atol=1e-6)


def test_convert_closes_a_loop_when_told(tmp_path, saved):
    motion = convert(tmp_path, saved, "--loop", "wrap", "--close", "--closing-time", 0.2)
    assert motion.loop == "wrap" and motion.num_frames == 23
    np.testing.assert_allclose(motion.local_rot[-1], motion.local_rot[0], atol=1e-6)
    assert convert(tmp_path, saved, "--loop", "wrap", "--no-close").num_frames == 21


def test_files_in_other_formats_are_closed_by_themselves(tmp_path):
    frames = np.zeros((5, 34))
    frames[:, 0], frames[:, 2], frames[:, 6] = 0.1 * np.arange(5), 0.9, 0.1 * np.arange(5)
    path = tmp_path / "hop.pkl"
    path.write_bytes(pickle.dumps({"loop_mode": 1, "fps": 10, "frames": frames}))
    assert run("convert", path, "-o", tmp_path / "clips") == 0
    assert run("convert", path, "-o", tmp_path / "open.npz", "--no-close") == 0
    motion = load_motion(tmp_path / "clips" / "hop.npz")
    np.testing.assert_allclose(motion.local_rot[-1], motion.local_rot[0], atol=1e-6)
    assert load_motion(tmp_path / "open.npz").num_frames == 5 < motion.num_frames


def test_convert_lifts_out_of_the_ground(tmp_path, saved, clip, humanoid, capsys):
    sunk = tmp_path / "sunk.npz"
    save_motion(Motion(**{**vars(clip), "root_pos": clip.root_pos - [0, 0, 0.1]}), sunk)
    motion = convert(tmp_path, sunk, "--lift")
    assert "lifted out of the ground by up to 0.081 m" in capsys.readouterr().out
    shapes = ShapePoints.from_mjcf(HUMANOID_MJCF, humanoid)
    assert measure(motion, humanoid, shapes).lowest == pytest.approx(0.0, abs=1e-4)


def test_several_files_go_into_a_directory(tmp_path, capsys):
    assert run("convert", "walk", "run", "-o", tmp_path / "clips") == 0
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == ["run.npz", "walk.npz"]
    assert "40 frames at 30 fps" in capsys.readouterr().out
    assert run("convert", "walk", "run", "-o", tmp_path / "one.npz") == 2


def rendering_is_there():
    try:
        choose_gl_backend()
    except RenderingUnavailableError:
        return False
    return True


@pytest.mark.skipif(not rendering_is_there(), reason="no OpenGL")
def test_a_strip_shows_the_character_in_every_picture(tmp_path, saved):
    imageio = pytest.importorskip("imageio.v2")
    assert run("render", saved, "-o", tmp_path / "clip.png", "--frames", 3) == 0
    picture = np.asarray(imageio.imread(tmp_path / "clip.png")).astype(int)
    blue = (picture[..., 2] - picture[..., 0] > 60) & (picture[..., 2] < 200)  # the body, not the sky
    assert blue.shape[1] % 3 == 0
    for part in np.split(blue, 3, axis=1):
        assert part.mean() > 0.02
        assert abs(np.nonzero(part)[1].mean() / part.shape[1] - 0.5) < 0.1  # the camera goes along


@pytest.mark.skipif(not rendering_is_there(), reason="no OpenGL")
def test_a_video_lasts_as_long_as_the_clip_repeated(tmp_path, saved):
    imageio = pytest.importorskip("imageio.v2")
    pytest.importorskip("imageio_ffmpeg")
    convert(tmp_path, saved, "--end", 0.2)
    assert run("render", tmp_path / "out.npz", "-o", tmp_path / "clip.mp4", "--repeats", 2) == 0
    assert len(imageio.mimread(tmp_path / "clip.mp4", memtest=False)) == 12  # 0.4 s at 30 pictures a second


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("clip.txt", b"hello", "is no DeepMimic clip"),
        ("clip.npz", b"hello", "is no .npz file"),
        ("clip.pkl", b"hello", "is no readable pickle"),
        ("clip.npy", b"hello", "is no .npy file"),
        ("clip.bvh", b"hello", "is no whole BVH file"),
        ("clip.fbx", b"hello", "'.fbx' is of no known format; known are .npz, .txt"),
        ("clip.pkl", pickle.dumps({"frames": os.system}), "asks for posix.system"),
    ],
)
@pytest.mark.parametrize("command", ["info", "convert", "render"])
def test_what_cannot_be_read_is_one_line_and_status_2(tmp_path, capsys, command, name, content, message):
    if name.endswith(".bvh"):
        pytest.importorskip("mink")
    (tmp_path / name).write_bytes(content)
    out = [] if command == "info" else ["-o", tmp_path / "out.png"]
    assert run(command, tmp_path / name, *out) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "absent.npz"], "absent.npz: there is no such file"),
        (["info", "wlak"], "wlak: there is no such file; assets/motions has walk"),
        (["info", "walk", "--scale", "2"], "--scale and --map are for BVH files"),
        (["convert", "walk", "-o", "{}/x.npz", "--fps", "0"], "--fps 0.0: must be positive"),
        (["convert", "walk", "-o", "{}/x.npz", "--start", "9"], "leaves no two frames of walk"),
        (["render", "walk", "-o", "{}/x.gif"], "must end in .mp4"),
        (["render", "walk", "-o", "{}/x.png", "--frames", "0"], "--frames 0: must be at least 1"),
        (["render", "walk", "-o", "{}/x.mp4", "--repeats", "0"], "--repeats 0: must be at least 1"),
    ],
)
def test_wrong_options_are_one_line_and_status_2(tmp_path, capsys, arguments, message):
    assert run(*(argument.format(tmp_path) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_clips_of_another_character_are_refused(tmp_path, capsys):
    names = ("trunk", "arm")
    motion = Motion("robot", 30, "clamp", names, np.zeros((2, 3)), np.tile([0, 0, 0, 1.0], (2, 2, 1)))
    save_motion(motion, tmp_path / "robot.npz")
    assert run("info", tmp_path / "robot.npz") == 2
    assert "its bodies are trunk, arm" in capsys.readouterr().err


def test_the_tool_runs_as_a_module():
    result = subprocess.run(
        [sys.executable, "-m", "tools.motion", "info", "walk"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert result.returncode == 0 and "walk" in result.stdout and result.stderr == ""

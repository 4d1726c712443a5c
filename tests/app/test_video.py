"""Videos: which steps they hold, and that none is lost. What is drawn is tests/mjgym's business."""

import numpy as np
import pytest

from app.video import RecordVideo, free_path

imageio = pytest.importorskip("imageio.v2")
pytest.importorskip("imageio_ffmpeg")


class Env:
    dt, control_freq_inv = 1 / 60, 2

    def step(self, actions):
        return actions, 0.0, False, {}

    def close(self):
        pass


@pytest.fixture
def record(monkeypatch, tmp_path):
    monkeypatch.setattr(RecordVideo, "_frame", lambda self: np.zeros((32, 32, 3), dtype=np.uint8))

    def run(steps):
        video = RecordVideo(Env(), tmp_path / "videos", every=6, length=4)
        for action in range(steps):
            assert video.step(action)[0] == action
        video.close()
        return {path.name: len(imageio.mimread(path)) for path in sorted((tmp_path / "videos").iterdir())}

    return run


def test_a_video_every_so_many_steps_and_the_last_may_be_short(record):
    assert record(14) == {"step_0.mp4": 4, "step_12.mp4": 2, "step_6.mp4": 4}


def test_what_was_filmed_before_stays(record):
    record(3)
    assert record(4) == {"step_0.mp4": 3, "step_0_2.mp4": 4}


def test_a_taken_name_gets_a_number(tmp_path):
    path = tmp_path / "a.mp4"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "a_2.mp4").touch()
    assert free_path(path) == tmp_path / "a_3.mp4"

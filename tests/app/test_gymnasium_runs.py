"""The real command with environments of Gymnasium: keywords of their own, and films."""

import json

import pytest

pytestmark = pytest.mark.slow
SMALL = [
    *("hardware=cpu", "num_workers=0", "num_threads=1", "num_envs=4", "train.params.config.horizon_length=8"),
    *("train.params.config.minibatch_size=16", "train.params.config.mini_epochs=1"),
]


def test_a_keyword_goes_to_the_environment(train_here, tmp_path):
    code, _, err = train_here(
        *("task=Pendulum-v1", *SMALL, "experiment=a", "max_iterations=1", "task.env.kwargs.g=5.0")
    )
    assert code == 0, err
    assert "kwargs:\n      g: 5.0" in (tmp_path / "runs" / "a" / "config.yaml").read_text()


def test_a_keyword_that_it_does_not_know_is_told(train_here, tmp_path):
    code, _, err = train_here("task=CartPole-v1", *SMALL, "experiment=a", "task.env.kwargs.pole=2")
    assert code == 2
    assert "task.env.id=CartPole-v1: cannot be built with kwargs={'pole': 2}" in err
    assert "Traceback" not in err
    assert list((tmp_path / "runs").glob("*")) == []


def test_play_and_film(train_here, tmp_path, monkeypatch):
    pytest.importorskip("pygame")
    imageio = pytest.importorskip("imageio.v2")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    code, _, err = train_here("task=Pendulum-v1", *SMALL, "experiment=a", "max_iterations=1")
    assert code == 0, err
    code, out, err = train_here(
        *("task=Pendulum-v1", "experiment=a", "test=True", "checkpoint=best", "num_workers=0"),
        *("task.env.episodeLength=6", "capture_video=True", "capture_video_len=4"),
    )
    assert code == 0, err
    result = json.loads((tmp_path / "runs" / "a" / "test_result.json").read_text())
    assert (result["episodes"], result["episode_length"]) == (4, 6.0)
    (video,) = (tmp_path / "runs" / "a" / "videos").glob("*.mp4")
    frames = imageio.mimread(video)
    assert len(frames) == 4 and frames[0].ndim == 3

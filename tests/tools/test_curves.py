import json

import pytest

from tools.curves import curve, plot, read_metrics


@pytest.fixture
def run(tmp_path):
    rows = [
        {"epoch": 1, "frame": 1000, "wall_time": 30.0, "reward": None},
        {"epoch": 2, "frame": 2_000_000, "wall_time": 90.0, "reward": 12.5},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_epochs_without_an_episode_are_left_out(run):
    metrics = read_metrics(run)
    assert curve(metrics, "minutes", "reward") == ([1.5], [12.5])
    assert curve(metrics, "frame", "reward") == ([2.0], [12.5])


def test_the_picture_is_written(run):
    pytest.importorskip("matplotlib")
    plot([run], run / "plots" / "curve.png", goal=10.0)
    assert (run / "plots" / "curve.png").stat().st_size > 1000


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no metrics.jsonl"):
        read_metrics(tmp_path)

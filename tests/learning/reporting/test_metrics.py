import json
import math

from learning.reporting.metrics import (
    EpochTimes,
    MetricsWriter,
    Progress,
    estimate_seconds_left,
    tensorboard_scalars,
    truncate_jsonl,
    write_json,
)


def progress(**changes):
    values = {
        "epoch": 3,
        "frame": 300,
        "wall_time": 1.5,
        "epoch_frames": 100,
        "times": EpochTimes(step=0.1, play=0.2, update=0.3),
        "reward": 4.0,
        "shaped_reward": 0.4,
        "episode_length": 20.0,
        "best_reward": None,
        "learning_rate": 1e-3,
        "e_clip": 0.2,
        "kl": 0.01,
        "losses": {"a_loss": -0.1, "c_loss": 0.2, "entropy": 1.0, "bounds_loss": 0.0},
        "episode": {"reward/near": 0.5},
        "extra": {"info/disc_agent_acc": 0.9},
    }
    return Progress(**{**values, **changes})


def test_rates_are_frames_over_seconds():
    made = progress()
    assert math.isclose(made.fps, 200.0)
    assert math.isclose(made.play_fps, 500.0)
    assert math.isclose(made.step_fps, 1000.0)


def test_tags_are_those_of_rl_games():
    tags = set(tensorboard_scalars(progress()))
    assert {
        "performance/step_inference_rl_update_fps",
        "performance/step_inference_fps",
        "performance/step_fps",
        "performance/rl_update_time",
        "performance/step_inference_time",
        "performance/step_time",
        "losses/a_loss",
        "losses/c_loss",
        "losses/entropy",
        "losses/bounds_loss",
        "info/last_lr",
        "info/lr_mul",
        "info/e_clip",
        "info/kl",
        "info/epochs",
        "Episode/reward/near",
        "info/disc_agent_acc",
    } == tags


def test_an_epoch_is_a_line_of_json_and_a_set_of_events(tmp_path):
    writer = MetricsWriter(tmp_path)
    writer.write(progress())
    writer.write(progress(epoch=4, reward=None, episode_length=None, kl=math.nan))
    writer.close()
    first, second = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert (first["epoch"], first["frame"], first["reward"], first["a_loss"]) == (3, 300, 4.0, -0.1)
    assert (first["lr"], first["kl"], first["fps"], first["wall_time"]) == (1e-3, 0.01, 200.0, 1.5)
    assert second["reward"] is None and second["kl"] is None  # JSON knows no NaN
    assert events_of(tmp_path)["rewards/iter"] == [(3, 4.0)]
    assert events_of(tmp_path)["episode_lengths/step"] == [(300, 20.0)]


def test_without_a_directory_nothing_is_written():
    writer = MetricsWriter(None)
    writer.write(progress())
    writer.add_scalar("a", 1.0, 1)
    writer.close()
    assert writer.writer is None


def test_lines_after_the_resumed_epoch_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3}\n{"epoch": 4, "fra')
    truncate_jsonl(path, 2)
    assert path.read_text() == '{"epoch": 1}\n{"epoch": 2}\n'
    truncate_jsonl(tmp_path / "none.jsonl", 2)


def test_time_left_is_to_the_nearer_limit():
    assert estimate_seconds_left(10.0, 5, 500, None, None) is None
    assert math.isclose(estimate_seconds_left(10.0, 5, 500, 20, None), 30.0)
    assert math.isclose(estimate_seconds_left(10.0, 5, 500, 20, 1000), 10.0)
    assert estimate_seconds_left(10.0, 20, 0, 20, None) == 0.0


def test_json_files_are_replaced_in_one_piece(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, {"reward": math.inf, "epochs": 3})
    assert json.loads(path.read_text()) == {"reward": None, "epochs": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def events_of(run_dir):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run_dir / "summaries"))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }

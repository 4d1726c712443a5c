import io
from pathlib import Path

from rich.console import Console

from app.commands import play_command
from app.console import ConsoleObserver, duration, number, progress_line, summary
from learning.reporting.metrics import EpochTimes, Progress


def progress(**given):
    values = {
        "epoch": 3,
        "frame": 12288,
        "wall_time": 2.0,
        "epoch_frames": 4096,
        "times": EpochTimes(step=0.1, play=0.3, update=0.2),
        "reward": 12.345,
        "shaped_reward": 1.2,
        "episode_length": 250.0,
        "best_reward": None,
        "learning_rate": 3e-4,
        "e_clip": 0.2,
        "kl": 0.01,
        "losses": {},
        "max_epochs": 10,
        "seconds_left": 3725.0,
    }
    return Progress(**{**values, **given})


RESULT = {"mode": "train", "epochs": 10, "frames": 40960, "seconds": 61.2, "reward": 5.0, "best_reward": 7.5}


def shown(is_terminal, result):
    text = io.StringIO()
    console = Console(file=text, force_terminal=is_terminal, width=100, highlight=False)
    observer = ConsoleObserver("Ant with AntPPO", Path("runs/a"), "python train.py", console)
    observer.on_progress(progress())
    observer.on_finish(result)
    return text.getvalue()


def test_line_of_an_epoch():
    # 4096 steps in 0.3 + 0.2 s
    assert progress_line(progress()) == (
        "epoch 3/10  frames 12,288  fps 8,192  reward 12.35  episode length 250.00  left 1:02:05"
    )
    unlimited = progress(reward=None, max_epochs=None, seconds_left=None)
    assert progress_line(unlimited).startswith("epoch 3  ")
    assert "reward -" in progress_line(unlimited)


def test_the_best_of_a_policy_that_imitates_is_a_pose_error():
    measured = {"best_pose_error": 0.0108, "best_fall_rate": 0.25, "best_reward": -25.0108}
    assert summary({**RESULT, **measured}).endswith("reward 5.00, best pose error 0.011 m, 25% falls")


def test_plain_lines_where_the_output_is_no_terminal():
    lines = shown(False, {**RESULT, "exit_reason": "max_epochs"}).splitlines()
    assert lines[0].startswith("epoch 3/10")
    assert lines[1] == "max_epochs: 10 epochs, 40,960 frames in 0:01:01, reward 5.00, best 7.50"
    assert lines[2] == "run directory: runs/a"
    assert lines[3] == "play it:       python train.py"
    assert "\x1b" not in "".join(lines)


def test_live_display_on_a_terminal():
    text = shown(True, {**RESULT, "exit_reason": "interrupted"})
    assert "Ant with AntPPO" in text
    assert "12,288" in text
    assert "interrupted: 10 epochs" in text


def test_end_of_a_play():
    result = {"mode": "test", "episodes": 12, "seconds": 3.0, "reward": 480.0, "episode_length": 499.0}
    text = shown(False, result)
    assert "12 episodes in 0:00:03: mean reward 480.00, mean episode length 499.00" in text
    assert "play it" not in text


def test_end_of_a_play_tells_what_the_task_measures_beside_its_reward():
    terms = {"reward/lin_vel": 0.018, "tracking/lin_vel_error": 0.1234, "tracking/yaw_rate_error": 0.05}
    text = shown(False, {"mode": "test", "episodes": 1, "seconds": 1.0, "episode": terms})
    assert "tracking/lin_vel_error 0.123, tracking/yaw_rate_error 0.050" in text
    assert "reward/" not in text


def test_figures():
    assert (number(None), number(1.005), duration(59.6)) == ("-", "1.00", "0:01:00")


def test_command_to_copy():
    assert play_command("Ant", "AntPPO", "a b") == (
        "python train.py task=Ant test=True checkpoint=best 'experiment=a b'"
    )
    assert play_command("Ant", "Mine", "r", Path("/x")) == (
        "python train.py --config-dir /x task=Ant train=Mine test=True checkpoint=best experiment=r"
    )

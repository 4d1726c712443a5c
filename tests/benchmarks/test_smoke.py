"""The benchmarks run from end to end. Their numbers are not looked at: tests time nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / script), "--quick", "--threads", "1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_throughput():
    (measured,) = json.loads(run("throughput.py", "--no-workers"))["measured"]
    assert set(measured["env_steps_per_s"]) == {"task_step", "batch_step", "batch_step_as_called"}
    assert sum(measured["epoch"]["share"].values()) == pytest.approx(1.0, abs=1e-2)


@pytest.mark.slow
def test_against_rl_games():
    pytest.importorskip("rl_games")
    report = json.loads(run("vs_rl_games.py", "--no-workers"))
    assert report["rl_games"]["batch"] == report["one_process"]["batch"]
    assert set(report["ratios"]) == {
        "one_process / rl_games",
        "one_process / rl_games, what is not physics",
    }


def test_motion_lib():
    (measured,) = json.loads(run("motion_lib.py", "--motions", "run"))["measured"]
    assert measured["motion_file"] == "run"
    assert set(measured) == {"motion_file", "draw", "state", "body_positions"}

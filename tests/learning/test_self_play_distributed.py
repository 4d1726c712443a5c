"""Two workers play against one league, each in matches of its own."""

import subprocess
import sys
from pathlib import Path

import torch

from tests.learning.test_training_state import differences

ROOT = Path(__file__).parents[2]


def test_two_workers_share_a_league(tmp_path):
    command = [sys.executable, "-m", "tests.learning.self_play_worker", str(tmp_path)]
    workers = [
        subprocess.Popen([*command, str(rank), "2"], cwd=ROOT, stderr=subprocess.PIPE) for rank in range(2)
    ]
    errors = [worker.communicate(timeout=400)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(errors)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert [name for name in ("model", "self_play") if differences(first[name], second[name])] == []
    assert first["self_play"]["league"]["generation"] > 1
    assert first["frame"] == 5 * 8 * 16  # the learners' steps
    for worker in (first, second):
        assert worker["num_newest"] >= 2  # four in all
        assert differences(worker["env"], worker["kept"]) == []  # each gets its own matches back
    assert differences(first["env"], second["env"])

"""Two workers learn one policy and one discriminator, each from windows of its own."""

import subprocess
import sys
from pathlib import Path

import torch

from tests.learning.test_training_state import differences

ROOT = Path(__file__).parents[2]


def test_two_workers_agree(tmp_path):
    command = [sys.executable, "-m", "tests.learning.amp_worker", str(tmp_path)]
    workers = [
        subprocess.Popen([*command, str(rank), "2"], cwd=ROOT, stderr=subprocess.PIPE) for rank in range(2)
    ]
    errors = [worker.communicate(timeout=120)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(errors)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    shared = ("model", "normalizer", "disc_optimizer", "progress", "figures", "score")
    assert [name for name in shared if differences({"": first[name]}, {"": second[name]})] == []
    assert first["progress"] > 0.0
    assert first["normalizer"]["count"] == 1 + 4 * (16 + 16)  # sizes are totals of both
    assert first["workers"] == 2
    for worker in (first, second):
        assert {name: len(rows) for name, rows in worker["windows"].items()} == {"demo": 32, "replay": 150}
        assert differences(worker["windows"], worker["kept"]) == []  # each gets its own back
    assert not torch.equal(first["windows"]["demo"], second["windows"]["demo"])
    assert not torch.equal(first["windows"]["replay"], second["windows"]["replay"])

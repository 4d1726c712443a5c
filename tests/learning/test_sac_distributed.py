"""Two workers learn one policy and two critics, each from a replay buffer of its own."""

import subprocess
import sys
from pathlib import Path

import torch

from tests.learning.test_training_state import differences

ROOT = Path(__file__).parents[2]


def test_two_workers_agree(tmp_path):
    command = [sys.executable, "-m", "tests.learning.sac_worker", str(tmp_path)]
    workers = [
        subprocess.Popen([*command, str(rank), "2"], cwd=ROOT, stderr=subprocess.PIPE) for rank in range(2)
    ]
    errors = [worker.communicate(timeout=120)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(errors)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    shared = ("model", "optimizers", "num_updates", "frame")
    assert [name for name in shared if differences({"": first[name]}, {"": second[name]})] == []
    # Sizes are totals of both: 6 epochs of 32 steps, of which two warm up; then 0.1 updates a step.
    assert (first["frame"], first["num_updates"], first["minibatch_size"]) == (192, 19 - 6, 16)
    assert first["model"]["running_mean_std.count"] == 1 + 192
    for worker in (first, second):
        assert len(worker["replay"]["samples"]) == 60
        assert differences(worker["replay"], worker["kept"]) == []  # each gets its own back
    assert not torch.equal(first["replay"]["samples"], second["replay"]["samples"])

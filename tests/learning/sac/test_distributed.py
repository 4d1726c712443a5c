"""Two workers learn one policy and two critics, each from a replay buffer of its own."""

import torch

from tests.learning.checkpoints.test_training_state import differences
from tests.learning.worker_group import run_workers


def test_two_workers_agree(tmp_path):
    first, second = run_workers("sac.worker", tmp_path, timeout=120)
    shared = ("model", "optimizers", "num_updates", "frame")
    assert [name for name in shared if differences({"": first[name]}, {"": second[name]})] == []
    # Sizes are totals of both: 6 epochs of 32 steps, of which two warm up; then 0.1 updates a step.
    assert (first["frame"], first["num_updates"], first["minibatch_size"]) == (192, 19 - 6, 16)
    assert first["model"]["running_mean_std.count"] == 1 + 192
    for worker in (first, second):
        assert len(worker["replay"]["samples"]) == 60
        assert differences(worker["replay"], worker["kept"]) == []  # each gets its own back
    assert not torch.equal(first["replay"]["samples"], second["replay"]["samples"])

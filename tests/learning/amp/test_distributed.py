"""Two workers learn one policy and one discriminator, each from windows of its own."""

import torch

from tests.learning.checkpoints.test_training_state import differences
from tests.learning.worker_group import run_workers


def test_two_workers_agree(tmp_path):
    first, second = run_workers("amp.worker", tmp_path, timeout=120)
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

"""Workers in step: a rollout split over two gives the weights that it gives whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from learning.distributed import Distributed
from tests.learning import split_update

ROOT = Path(__file__).parents[2]


def run_workers(folder, world_size, mode):
    command = [sys.executable, "-m", "tests.learning.split_update", str(folder)]
    workers = [
        subprocess.Popen([*command, str(rank), str(world_size), mode], cwd=ROOT, stderr=subprocess.PIPE)
        for rank in range(world_size)
    ]
    errors = [worker.communicate(timeout=120)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * world_size, "\n".join(errors)
    files = [folder / f"{mode}_{world_size}_{rank}.pt" for rank in range(world_size)]
    return [torch.load(file, weights_only=True) for file in files]


@pytest.mark.parametrize("mode", ["update", "update_moving"])
def test_a_rollout_split_over_two_workers_gives_the_same_weights(tmp_path, mode):
    split_update.record(tmp_path)
    whole = getattr(split_update, mode)(tmp_path, 0, 1)
    halves = run_workers(tmp_path, 2, mode)
    before = torch.load(tmp_path / "rollout.pt", weights_only=True)["model"]
    for half in halves:
        assert half["lr"] == whole["lr"]
        assert half["frame"] == whole["frame"] == 128
        torch.testing.assert_close(half["kl"], whole["kl"], rtol=1e-3, atol=1e-7)
        torch.testing.assert_close((half["exp_var"], half["moving"]), (whole["exp_var"], whole["moving"]))
        for name, value in whole["model"].items():
            torch.testing.assert_close(half["model"][name], value, rtol=1e-5, atol=2e-6, msg=name)
    moved = (whole["model"]["a2c_network.mu.weight"] - before["a2c_network.mu.weight"]).abs().max()
    assert moved > 1e-3  # far more than the tolerance
    for name, value in halves[0]["model"].items():
        assert torch.equal(value, halves[1]["model"][name]), name  # workers agree to the bit


def test_workers_train_stop_and_resume_together(tmp_path):
    first, second = run_workers(tmp_path, 2, "train")
    assert first["epochs"] == second["epochs"] == 3
    assert first["frame"] == second["frame"] == 3 * 128
    assert first["workers"] == 2
    assert not torch.equal(first["obs"], second["obs"])  # each has its own environments back
    result = json.loads((tmp_path / "run_2" / "result.json").read_text())
    assert (result["exit_reason"], result["frames"]) == ("stop_fn", 384)
    assert len((tmp_path / "run_2" / "metrics.jsonl").read_text().splitlines()) == 3


def test_a_single_process_needs_no_group():
    alone = Distributed()
    assert (alone.rank, alone.world_size, alone.is_main) == (0, 1, True)
    tensor = torch.tensor([2.0])
    assert alone.all_reduce_sum_(tensor) is tensor
    assert alone.any_flags(False, True) == (False, True) and alone.any_flag(True)
    assert alone.gather_objects({"a": 1}) == [{"a": 1}]
    assert alone.mean_scalars({"b": torch.tensor(2.0), "a": 1.0}) == {"a": 1.0, "b": 2.0}
    assert alone.mean_scalars({}) == {}
    assert alone.all_gather(tensor).tolist() == [[2.0]]
    extras = torch.tensor([1.0])
    assert alone.average_gradients_([], extras) is extras

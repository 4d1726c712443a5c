"""Worker processes for tests: `run_workers` starts them, `as_worker` is what each is made of."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from app.workers import leave

ROOT = Path(__file__).parents[2]


def run_workers(module, folder, world_size=2, timeout=400):
    """Run `python -m tests.learning.<module> FOLDER RANK WORLD_SIZE` and return what each left behind."""
    command = [sys.executable, "-m", f"tests.learning.{module}", str(folder)]
    workers = [
        subprocess.Popen([*command, str(rank), str(world_size)], cwd=ROOT, stderr=subprocess.PIPE)
        for rank in range(world_size)
    ]
    errors = [worker.communicate(timeout=timeout)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * world_size, "\n".join(errors)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(world_size)]


@contextlib.contextmanager
def as_worker(seconds=300):
    """Join the group for the length of a `with` block; gives FOLDER, RANK, WORLD_SIZE and a dict to fill.

    What is in the dict at the end goes to FOLDER/<rank>.pt, and the process ends.
    """
    signal.alarm(seconds)  # a worker that waits for a dead one ends
    folder, rank, world_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size)
    torch.manual_seed(rank)
    found = {}
    yield folder, rank, world_size, found
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()
    leave(0)

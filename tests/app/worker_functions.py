"""What test_workers.py lets worker processes do; spawned processes import it from here."""

import os
import signal
import time
from pathlib import Path

import torch
import torch.distributed as dist

from learning.typed_config import ConfigError


def add_ranks(rank, directory):
    total = torch.tensor([float(rank)])
    dist.all_reduce(total)
    Path(directory, f"{rank}").write_text(str(total.item()))


def complain(rank, directory):
    if rank == 1:
        raise ConfigError("num_envs=7: wrong")
    time.sleep(60)


def fail(rank, directory):
    if rank == 1:
        raise ZeroDivisionError("by design")
    dist.barrier()


def die(rank, directory):
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()


def leave_when_asked(rank, directory):
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    Path(directory, f"ready{rank}").touch()
    while not asked:
        time.sleep(0.01)
    Path(directory, f"left{rank}").touch()

"""Start a planned run: make its directory, say what runs, and give the work to its processes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from rich.console import Console

from app.plan import Plan
from app.run_directory import RunDirectory
from app.workers import run_workers
from learning.typed_config import ConfigError

Work = Callable[[int, Plan], None]


def launch(work: Work, plan: Plan) -> None:
    """Run one job: in worker processes of its own, or in this process (`num_workers=0`, or under torchrun).

    Args:
        work: importable function that trains or plays as one worker.
        plan: what to do.

    Raises:
        ConfigError: only a worker could see that it is impossible; a directory just made is removed.
        WorkerError: a worker failed.
        Interrupted: the user asked to stop, and the workers have saved and left.
    """
    if plan.processes.by_torchrun:
        _as_rank_of_torchrun(work, plan)
        return
    with _started(plan):
        if plan.processes.num_workers == 0:
            work(0, plan)
        else:
            run_workers(work, plan, plan.processes.num_workers)


@contextlib.contextmanager
def _started(plan: Plan) -> Iterator[None]:
    """Make the run's directory and say what starts."""
    directory = plan.directory
    if directory is not None and not plan.settings.test:
        directory.create(plan.config, plan.overrides, plan.train_file)
    _announce(plan)
    try:
        yield
    except ConfigError:
        if directory is not None:
            directory.discard()
        raise


def _announce(plan: Plan) -> None:
    console = Console(highlight=False, markup=False)
    where = f" in {plan.directory.path}" if plan.directory else ""
    doing = "playing" if plan.settings.test else "training"
    console.print(f"{doing} {plan.title}{where}", soft_wrap=True)
    for note in plan.notes:
        console.print(f"note: {note}", soft_wrap=True)
    if plan.settings.capture_video:
        console.print(f"videos in {plan.video_dir}", soft_wrap=True)


def _as_rank_of_torchrun(work: Work, plan: Plan) -> None:
    """Work as the rank that this process is; all ranks take the first one's directory and seed."""
    backend = "gloo"
    if plan.settings.rl_device.startswith("cuda"):
        backend = "nccl"
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group(backend)
    try:
        dist.barrier()  # every rank has made its plan: none finds the directory that the first one makes
        started = _started(plan) if plan.processes.is_main else contextlib.nullcontext()
        with started:
            work(dist.get_rank(), _agreed(plan))
    finally:
        dist.destroy_process_group()


def _agreed(plan: Plan) -> Plan:
    mine: list[Any] = [str(plan.directory.path.resolve()) if plan.directory else None, plan.settings.seed]
    dist.broadcast_object_list(mine, src=0)
    path, seed = mine
    plan.params["seed"] = seed
    return dataclasses.replace(
        plan,
        settings=dataclasses.replace(plan.settings, seed=seed),
        directory=RunDirectory(Path(path), is_new=False) if plan.directory else None,
    )

"""Worker processes: start them, watch them, stop them together, and say which one failed.

The parent computes nothing. Workers meet in torch.distributed over a store that the parent holds. They leave
the terminal's process group: Ctrl-C reaches the parent alone, which passes it on once as SIGTERM, and each
worker then ends its epoch, saves and returns.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import FrameType
from typing import Any, NoReturn

import torch.distributed as dist
import torch.multiprocessing as mp
from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, ProcessRaisedException

from learning.distributed import use_shared_memory
from learning.shared_memory import SharedSum
from learning.typed_config import ConfigError

EXIT_FAILED, EXIT_USER_ERROR = 1, 2
LOOPBACK = "127.0.0.1"
BLAME_SECONDS = 0.5  # a worker whose peer died fails too, and waits so that the first is seen first
GRACE_SECONDS = 2.0  # between asking the others to stop and killing them, once one has failed
Work = Callable[[int, Any], None]


class WorkerError(RuntimeError):
    """A worker died or raised; the text says which and why."""


class Interrupted(Exception):
    """The user (or the system) asked to stop, and the workers have."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@dataclass(frozen=True)
class Meeting:
    """Where workers meet: how many, on which port the parent's store listens, and which backend they use.

    On CPUs they also share memory, to add up in.
    """

    world_size: int
    port: int
    backend: str
    shared_sum: SharedSum | None


def run_workers(work: Work, argument: Any, num_workers: int, backend: str = "gloo") -> None:
    """Call `work(rank, argument)` in `num_workers` new processes and wait until all have returned.

    Args:
        work: importable function.
        argument: anything that can be pickled.
        num_workers: how many.
        backend: of torch.distributed: gloo, or nccl for GPUs.

    Raises:
        ConfigError: a worker found something wrong with what the user asked for.
        WorkerError: a worker raised or died; the others are stopped.
        Interrupted: SIGINT or SIGTERM arrived; a second one kills the workers.
    """
    store = dist.TCPStore(LOOPBACK, 0, is_master=True, wait_for_workers=False)
    shared_sum = SharedSum(num_workers) if backend == "gloo" else None
    meeting = Meeting(num_workers, store.port, backend, shared_sum)
    complaints = multiprocessing.get_context("spawn").SimpleQueue()
    with _Interrupts() as interrupts:
        with interrupts.ignored():  # inherited: a worker that is still importing is not torn by Ctrl-C
            context = mp.start_processes(
                _worker, (work, argument, meeting, complaints), num_workers, join=False, start_method="spawn"
            )
        _supervise(context, interrupts, complaints)
    if interrupts.received is not None:
        raise Interrupted(interrupts.received)


def _supervise(context: ProcessContext, interrupts: _Interrupts, complaints: Any) -> None:
    passed_on = 0
    try:
        while not context.join(timeout=0.2, grace_period=GRACE_SECONDS):
            if interrupts.count > passed_on:
                _pass_on(context, is_first=passed_on == 0)
                passed_on = interrupts.count
    except (ProcessRaisedException, ProcessExitedException) as error:
        if not complaints.empty():
            raise ConfigError(complaints.get()) from None
        if interrupts.received is None:
            raise WorkerError(_describe(error, context)) from None
    finally:
        for process in context.processes:
            if process.is_alive():
                process.kill()


def _pass_on(context: ProcessContext, is_first: bool) -> None:
    for process in context.processes:
        if process.is_alive():
            process.terminate() if is_first else process.kill()


def _describe(error: Any, context: ProcessContext) -> str:
    """Say which worker failed first, and how."""
    index = error.error_index
    process = context.processes[index]
    who = f"worker {index} of {len(context.processes)} (process {process.pid})"
    if isinstance(error, ProcessRaisedException):
        return f"{who} stopped with an error:\n{error.msg.strip()}"
    if process.exitcode is not None and process.exitcode < 0:
        return f"{who} was killed by {signal.Signals(-process.exitcode).name}"
    return f"{who} ended with exit code {process.exitcode}"


def _worker(rank: int, work: Work, argument: Any, meeting: Meeting, complaints: Any) -> None:
    """What runs in a worker process."""
    os.setpgrp()
    follow_parent()
    # Asked to stop before training listens, a worker simply ends.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with process_group(rank, meeting):
            work(rank, argument)
    except ConfigError as error:
        if complaints.empty():
            complaints.put(str(error))
        leave(EXIT_USER_ERROR)  # at once: the others may be waiting for this one
    except Exception:
        time.sleep(BLAME_SECONDS)
        raise
    leave(0)


def leave(exit_code: int) -> NoReturn:
    """End a worker's process without taking the interpreter down, where PyTorch's threads may abort it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


@contextlib.contextmanager
def process_group(rank: int, meeting: Meeting) -> Iterator[None]:
    """Join the other workers of this machine for the time of the block; one alone joins nobody."""
    if meeting.world_size == 1:
        yield
        return
    if sys.platform == "linux":  # without this, gloo looks up the machine's name, which not every machine has
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    store = dist.TCPStore(LOOPBACK, meeting.port, is_master=False)
    dist.init_process_group(meeting.backend, store=store, rank=rank, world_size=meeting.world_size)
    use_shared_memory(meeting.shared_sum)
    yield
    dist.destroy_process_group()  # not after an error: the others would fail at once, and be blamed


def follow_parent() -> None:
    """End this process when its parent dies, however it dies."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(EXIT_FAILED)

    threading.Thread(target=watch, name="follow_parent", daemon=True).start()


class _Interrupts:
    """Counts SIGINT and SIGTERM while entered, instead of being torn by them."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.count = 0
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> _Interrupts:
        self._previous = {number: signal.signal(number, self._handle) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def ignored(self) -> Iterator[None]:
        """Let processes that start inside the block ignore SIGINT."""
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.received = self.received or number

"""What the benchmarks share: composing a run, building its task, and clocks that say where the time goes."""

from __future__ import annotations

import inspect
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mujoco.batch import MODEL_FIELDS, Batch

ROOT = Path(__file__).resolve().parents[1]


def compose(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the resolved configuration that `python train.py OVERRIDES…` would train with."""
    from app.compose import compose as compose_jobs

    return compose_jobs(list(overrides))[0].config


def build_task(config: dict[str, Any]) -> Any:
    """Build the vectorised task of a composed configuration, in this process."""
    import mjgym

    mjgym.install(engine=config["physics_engine"])
    import tasks

    return tasks.create(
        config["task_name"],
        cfg=config["task"],
        sim_device=config["sim_device"],
        rl_device=config["rl_device"],
        headless=True,
    )


def machine() -> dict[str, Any]:
    """Describe what was measured on: processor, cores, threads of torch, versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("mujoco", "torch", "numpy", "rl-games")},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@dataclass
class Stopwatch:
    """Adds up the seconds that wrapped calls take, by label. Calls within calls count for both labels."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def wrap(self, owner: Any, method: str, label: str) -> None:
        """Time every call of `owner.method` from now on, an instance's or a class's."""
        setattr(owner, method, self.timed(getattr(owner, method), label))

    def timed(self, call: Callable[..., Any], label: str) -> Callable[..., Any]:
        """Return `call`, timed under `label`."""

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds[label] += time.perf_counter() - start

        return wrapper


class PhysicsClock:
    """Times `mujoco.batch.Batch` itself, below everything that Gaitway adds; a context manager.

    It replaces the methods of the class while it is entered, so it needs to know nothing of mjgym.

    Attributes:
        seconds: time spent in `step`, `forward` and `reset` of any batch.
        batch: the batch that was stepped last.
        recording: where to keep the state before each step, or None.
        recording_seconds: time spent on keeping it.
    """

    METHODS = ("step", "forward", "reset")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.batch: Batch | None = None
        self.recording: list[RecordedStep] | None = None
        self.recording_seconds = 0.0
        self._originals: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> PhysicsClock:
        self._originals = {name: getattr(Batch, name) for name in self.METHODS}
        for name, original in self._originals.items():
            setattr(Batch, name, self._timed(name, original))
        return self

    def __exit__(self, *_: object) -> None:
        for name, original in self._originals.items():
            setattr(Batch, name, original)

    def _timed(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def wrapper(batch: Batch, *args: Any, **kwargs: Any) -> Any:
            if name == "step":
                self.batch = batch
                if self.recording is not None:
                    start = time.perf_counter()
                    given = signature.bind(batch, *args, **kwargs).arguments
                    self.recording.append(
                        RecordedStep(batch.state.copy(), given.get("nstep", 1), given.get("stage", 0))
                    )
                    self.recording_seconds += time.perf_counter() - start
            start = time.perf_counter()
            try:
                return original(batch, *args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - start

        return wrapper


@dataclass
class RecordedStep:
    """One call of `Batch.step`: the state before it, with controls and applied forces, and its arguments."""

    state: np.ndarray
    nstep: int
    stage: int


def bare_copy(batch: Batch) -> Batch:
    """Return a new batch like this one: model, simulations, threads, bound outputs, per-simulation fields."""
    copy = Batch(batch.model, batch.nsim, batch.nthread, batch.persistent)
    for name in batch._bound:
        copy.bind(name)
    if batch.models is not None:
        copy.set_models(batch.models)
        return copy
    for name in MODEL_FIELDS:
        values = batch.expanded(name)
        if values is not None:
            copy.expand(name)[...] = values
    return copy


class EpochClock:
    """An observer that notes, after every epoch, the time, the frames and where the time went.

    Its hooks are those that Gaitway's and RL Games' observers have in common, so one class serves both: mix
    it into either's `AlgoObserver`.

    Args:
        physics: the clock of the physics, entered by the caller.
        env: the environment whose `step` is timed.
    """

    def __init__(self, physics: PhysicsClock, env: Any) -> None:
        super().__init__()
        self.physics = physics
        self.watch = Stopwatch()
        self.watch.wrap(env, "step", "step")
        self.marks: list[dict[str, float]] = []

    def after_init(self, algo: Any) -> None:
        """Time the agent's rollout and its whole epoch."""
        self.watch.wrap(algo, "play_steps", "play")
        self.watch.wrap(algo, "train_epoch", "epoch")

    def after_clear_stats(self) -> None:
        """Nothing is kept that statistics would need."""

    def after_print_stats(self, frame: int, epoch_num: int, total_time: float) -> None:
        """Note where the clocks stand."""
        self.marks.append(
            {"wall": time.perf_counter(), "physics": self.physics.seconds, **self.watch.seconds}
        )

    def summary(self, warmup: int, frames_per_epoch: int) -> dict[str, Any]:
        """Rate and time shares of the epochs after the first `warmup` ones.

        Returns:
            `frames_per_s` in all, `seconds_per_epoch`, and `seconds` and `share` of the parts: physics,
            observation and reward (the rest of the environment's step), inference (the rest of the rollout),
            update (the rest of the epoch), other (between epochs: logs, checkpoints).
        """
        first, last = self.marks[warmup - 1], self.marks[-1]
        epochs = len(self.marks) - warmup
        spent = {label: (last[label] - first[label]) / epochs for label in last}
        parts = {
            "physics": spent["physics"],
            "observation_and_reward": spent["step"] - spent["physics"],
            "inference": spent["play"] - spent["step"],
            "update": spent["epoch"] - spent["play"],
            "other": spent["wall"] - spent["epoch"],
        }
        return {
            "epochs": epochs,
            "frames_per_s": frames_per_epoch / spent["wall"],
            "seconds_per_epoch": spent["wall"],
            "seconds": parts,
            "share": {name: seconds / spent["wall"] for name, seconds in parts.items()},
        }


def rounded(value: Any, digits: int = 4) -> Any:
    """Round every float in nested dicts and lists to so many significant digits, for reading."""
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value

"""Short training runs whose speed is measured: in this process, or through train.py with its workers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from typing import Any

from benchmarks.common import ROOT, EpochClock, PhysicsClock, build_task, compose
from learning.agents.a2c_config import fit_minibatch_size
from learning.amp.agent import AMPAgent
from learning.reporting.observer import AlgoObserver


class Clock(EpochClock, AlgoObserver):
    """The clock as an observer of Gaitway's agents; of AMP's it also times what PPO does not have."""

    def after_init(self, algo: Any) -> None:
        """Time rollout and epoch, and the parts of AMP."""
        super().after_init(algo)
        if isinstance(algo, AMPAgent):
            self.watch.wrap(algo, "disc_rewards", "amp/disc_rewards")
            self.watch.wrap(algo.samples, "refresh", "amp/demo_sampling")
            self.watch.wrap(algo, "update_disc", "amp/disc_update")

    def summary(self, warmup: int, frames_per_epoch: int) -> dict[str, Any]:
        """Rate and time shares; for AMP with `amp`, the shares of an epoch that lie within the others."""
        result = super().summary(warmup, frames_per_epoch)
        first, last = self.marks[warmup - 1], self.marks[-1]
        wall = last["wall"] - first["wall"]
        labels = [label for label in last if label.startswith("amp/")]
        own = {label.removeprefix("amp/"): (last[label] - first[label]) / wall for label in labels}
        return {**result, "amp": own} if own else result


def compose_training(overrides: Sequence[str], threads: int, epochs: int) -> dict[str, Any]:
    """Compose a run of so many epochs in one process, not stopped early, with a minibatch that divides."""
    config = compose([*overrides, "num_workers=0", f"num_threads={threads}", f"max_iterations={epochs}"])
    agent = config["train"]["params"]["config"]
    batch_size = agent["horizon_length"] * agent["num_actors"]
    agent["minibatch_size"] = fit_minibatch_size(batch_size, agent["minibatch_size"])
    agent |= {"score_to_win": None, "save_frequency": None, "print_stats": False}
    if "eval_interval" in agent:
        agent["eval_interval"] = None
    return config


def frames_per_epoch(config: dict[str, Any]) -> int:
    """Environment steps that an epoch of a composed run makes."""
    agent = config["train"]["params"]["config"]
    return agent["horizon_length"] * agent["num_actors"]


def train_in_process(overrides: Sequence[str], threads: int, warmup: int, epochs: int) -> dict[str, Any]:
    """Train with Gaitway's agent in this process.

    Args:
        overrides: as for train.py.
        threads: physics threads; torch's are the caller's.
        warmup: epochs that are not counted.
        epochs: epochs that are.

    Returns:
        `EpochClock.summary`, and the batch that was trained with.
    """
    from train import build_runner

    config = compose_training(overrides, threads, warmup + epochs)
    params = config["train"]["params"]
    with PhysicsClock() as physics, tempfile.TemporaryDirectory() as run_dir:
        env = build_task(config)
        clock = Clock(physics, env)
        params["config"] |= {"vec_env": env, "train_dir": run_dir}
        runner = build_runner(clock)
        runner.load(params)
        runner.run({"train": True})
        env.close()
    return {**clock.summary(warmup, frames_per_epoch(config)), "batch": describe_batch(config)}


def describe_batch(config: dict[str, Any]) -> dict[str, Any]:
    """The sizes that decide how much work an epoch is."""
    agent = config["train"]["params"]["config"]
    keys = ("num_actors", "horizon_length", "minibatch_size", "mini_epochs", "mixed_precision")
    return {key: agent[key] for key in keys} | {"units": config["train"]["params"]["network"]["mlp"]["units"]}


def train_with_workers(overrides: Sequence[str], warmup: int, epochs: int) -> dict[str, Any]:
    """Train through train.py, with as many workers as it takes by default, and read its metrics.jsonl.

    Returns:
        `frames_per_s` by wall clock, and the main worker's seconds and shares of an epoch: `step` (physics,
        observation and reward), `inference`, `update`, `other`.
    """
    name = f"benchmark_{uuid.uuid4().hex[:8]}"
    run_dir = ROOT / "runs" / name
    command = [
        sys.executable,
        "train.py",
        *overrides,
        f"experiment={name}",
        f"max_iterations={warmup + epochs}",
    ]
    try:
        subprocess.run(
            command,
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
    return summarise_metrics(lines, warmup)


def summarise_metrics(lines: list[dict[str, Any]], warmup: int) -> dict[str, Any]:
    """Rate and time shares of the epochs after the first `warmup` ones, from the lines of metrics.jsonl."""
    counted = lines[warmup:]
    wall = (counted[-1]["wall_time"] - lines[warmup - 1]["wall_time"]) / len(counted)
    frames = (counted[-1]["frame"] - lines[warmup - 1]["frame"]) / len(counted)
    mean = {
        key: sum(line[key] for line in counted) / len(counted)
        for key in ("step_time", "play_time", "update_time")
    }
    parts = {
        "step": mean["step_time"],
        "inference": mean["play_time"] - mean["step_time"],
        "update": mean["update_time"],
        "other": wall - mean["play_time"] - mean["update_time"],
    }
    return {
        "epochs": len(counted),
        "frames_per_s": frames / wall,
        "seconds_per_epoch": wall,
        "seconds": parts,
        "share": {name: seconds / wall for name, seconds in parts.items()},
    }

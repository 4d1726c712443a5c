"""How many environment steps a second: bare physics, the task, and training, in one run on one machine.

    python benchmarks/throughput.py                      Ant and Humanoid, 1,024 and 4,096 environments
    python benchmarks/throughput.py --tasks Humanoid --num-envs 4096 --out humanoid.json
    python benchmarks/throughput.py --tasks HumanoidAMP --num-envs 512
    python benchmarks/throughput.py --quick              a smoke run, whose numbers mean nothing

Prints one JSON object. For each task and number of environments:

- `batch_step`: `mujoco.batch.Batch.step` alone, on a second batch with the same model, substeps, threads and
  bound outputs, replaying the very states and forces that the task had before its own step, right after it,
  so that both do the same physics. `batch_step_as_called` is the same with the arguments that mjgym passes,
  where these ask for more (current body states).
- `task_step`: `VecTask.step` with random actions.
- `epoch`: whole epochs of training in one process, and where their time goes; `amp` is the share of what AMP
  adds: the discriminator's rewards, sampling and normalising clips, the discriminator's own update.
- `workers`: the same through `train.py` with its default number of workers.

Task steps and batch steps take turns, and `ratios` are medians over rounds of what was measured within one,
so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import benchmarks  # noqa: E402, F401, I001  (before torch)
import torch  # noqa: E402

from benchmarks.common import (  # noqa: E402
    ROOT,
    PhysicsClock,
    RecordedStep,
    bare_copy,
    build_task,
    compose,
    machine,
    rounded,
)
from benchmarks.training import train_in_process, train_with_workers  # noqa: E402

ACTION_SETS = 8  # random actions are drawn before the clock runs, and used in turn


def main(argv: list[str] | None = None) -> None:
    """Measure what the command line asks for, and print it as JSON."""
    args = parse(argv)
    os.chdir(ROOT)  # assets are found relative to the repository
    torch.set_num_threads(args.threads)
    measured = []
    for task in args.tasks:
        for num_envs in args.num_envs:
            measured.append(measure(task, num_envs, args))
            progress(json.dumps(rounded(measured[-1]["ratios"])))
    report = json.dumps(
        rounded({"machine": machine(), "threads": args.threads, "measured": measured}), indent=2
    )
    if args.out:
        args.out.write_text(report + "\n")
    print(report)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--tasks", nargs="+", default=["Ant", "Humanoid"])
    parser.add_argument("--num-envs", nargs="+", type=int, default=[1024, 4096])
    parser.add_argument("--steps", type=int, default=10, help="steps of the task and of the batch a round")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--settle", type=int, default=60, help="steps before the first round")
    parser.add_argument("--epochs", type=int, default=4, help="epochs measured, after one that is not")
    parser.add_argument("--threads", type=int, default=cores, help="physics and torch threads")
    parser.add_argument("--no-workers", action="store_true", help="leave out the run through train.py")
    parser.add_argument(
        "--override", nargs="*", default=[], help="more of train.py's overrides, for training"
    )
    parser.add_argument("--out", type=Path, help="write the JSON here too")
    parser.add_argument("--quick", action="store_true", help="a smoke run: Ant, 64 environments, few steps")
    args = parser.parse_args(argv)
    if args.quick:
        args.tasks, args.num_envs = ["Ant"], [64]
        args.steps, args.rounds, args.settle, args.epochs = 5, 2, 5, 2
    return args


def measure(task: str, num_envs: int, args: argparse.Namespace) -> dict[str, Any]:
    """Measure one task with one number of environments: physics, task, training."""
    progress(f"{task}, {num_envs} environments: physics and task")
    result: dict[str, Any] = {"task": task, "num_envs": num_envs}
    result |= measure_steps(task, num_envs, args)
    gc.collect()
    overrides = [f"task={task}", f"num_envs={num_envs}", *args.override]
    progress(f"{task}, {num_envs} environments: training in one process")
    result["epoch"] = train_in_process(overrides, args.threads, warmup=1, epochs=args.epochs)
    gc.collect()
    if not args.no_workers:
        progress(f"{task}, {num_envs} environments: training with workers")
        result["workers"] = train_with_workers(overrides, warmup=1, epochs=args.epochs)
    result["ratios"] |= epoch_ratios(result)
    return result


def measure_steps(task_name: str, num_envs: int, args: argparse.Namespace) -> dict[str, Any]:
    """Rates of `VecTask.step` and of the bare batch, in environment steps a second, and their ratios.

    All are medians over rounds.
    """
    config = compose([f"task={task_name}", f"num_envs={num_envs}", f"num_threads={args.threads}"])
    with PhysicsClock() as physics:
        task = build_task(config)
        actions = torch.rand(ACTION_SETS, num_envs, task.num_actions, device=task.device) * 2 - 1
        task.reset()
        step_task(task, actions, args.settle)
        assert physics.batch is not None  # it was stepped just now
        bare = bare_copy(physics.batch)
        substeps = config["task"]["sim"]["substeps"]
        rounds = [
            measure_round(physics, task, bare, actions, args.steps, substeps) for _ in range(args.rounds)
        ]
        task.close()

    def median_of(top: str, bottom: str) -> float:
        return statistics.median(seconds[top] / seconds[bottom] for seconds in rounds)

    names = ("task_step", "batch_step", "batch_step_as_called")
    seconds_of = {name: statistics.median(seconds[name] for seconds in rounds) for name in names}
    return {
        "env_steps_per_s": {name: num_envs * args.steps / seconds for name, seconds in seconds_of.items()},
        "physics_share_of_task_step": median_of("physics_of_task_step", "task_step"),
        "ratios": {f"task_step / {name}": median_of(name, "task_step") for name in names[1:]},
    }


def measure_round(
    physics: PhysicsClock, task: Any, bare: Any, actions: torch.Tensor, steps: int, substeps: int
) -> dict[str, float]:
    """Step the task, and after each step the bare batch through the same physics, twice.

    Returns:
        The seconds of `task_step`, of the physics within it (`physics_of_task_step`), of `batch_step` and of
        `batch_step_as_called`.
    """
    seconds: dict[str, float] = defaultdict(float)
    for i in range(steps):
        physics.recording = []
        in_physics, in_recording = physics.seconds, physics.recording_seconds
        spent = step_task(task, actions[i % len(actions)].unsqueeze(0), 1)
        seconds["task_step"] += spent - (physics.recording_seconds - in_recording)
        seconds["physics_of_task_step"] += physics.seconds - in_physics
        recorded, physics.recording = physics.recording, None
        replays = {
            "batch_step": (whole_steps(recorded, substeps), True),
            "batch_step_as_called": (recorded, False),
        }
        for name in sorted(replays, reverse=bool(i % 2)):  # each is the first one as often
            seconds[name] += replay(bare, *replays[name])
    return seconds


def step_task(task: Any, actions: torch.Tensor, steps: int) -> float:
    """Step a task with random actions, (sets, num_envs, num_actions). Returns the seconds that it took."""
    start = time.perf_counter()
    for i in range(steps):
        task.step(actions[i % len(actions)])
    return time.perf_counter() - start


def whole_steps(recorded: list[RecordedStep], substeps: int) -> list[RecordedStep]:
    """Join the parts in which an engine with velocity limits makes a step: a bare batch needs one call."""
    parts = substeps // recorded[0].nstep
    return [dataclasses.replace(step, nstep=substeps) for step in recorded[::parts]]


def replay(batch: Any, recorded: list[RecordedStep], plain: bool) -> float:
    """Take a batch through recorded steps.

    Args:
        batch: a batch that nobody else steps.
        recorded: the states and arguments.
        plain: step alone; False computes the stages afterwards that the task's engine asked for.

    Returns:
        The seconds that `Batch.step` took; setting the states is not counted.
    """
    seconds = 0.0
    for step in recorded:
        batch.state[:] = step.state
        stage = 0 if plain else step.stage
        start = time.perf_counter()
        batch.step(nstep=step.nstep, stage=stage)
        seconds += time.perf_counter() - start
    return seconds


def epoch_ratios(result: dict[str, Any]) -> dict[str, float]:
    """The rates of training over those of what lies below it."""
    rates = result["env_steps_per_s"]
    found = {"epoch / batch_step": result["epoch"]["frames_per_s"] / rates["batch_step"]}
    if "workers" in result:
        found["workers / batch_step"] = result["workers"]["frames_per_s"] / rates["batch_step"]
        found["workers / epoch"] = result["workers"]["frames_per_s"] / result["epoch"]["frames_per_s"]
    return found


def progress(text: str) -> None:
    """Say on stderr what is going on; stdout is for the JSON."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

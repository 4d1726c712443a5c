"""Train PyPI's rl-games and Gaitway on the same task with the same configuration, and compare their speed.

    python benchmarks/vs_rl_games.py                              Humanoid, 4,096 environments
    python benchmarks/vs_rl_games.py --task Ant --num-envs 1024 --out ant.json
    python benchmarks/vs_rl_games.py --quick                      a smoke run, whose numbers mean nothing

The sides take turns, each in a process of its own on the same cores, for a few epochs a round:

- `rl_games`: rl-games' Runner and agent, on Gaitway's task behind its vectorised-environment interface;
- `one_process`: Gaitway's agent in one process, with the same threads for physics and for torch;
- `default`: Gaitway through `train.py`, with as many workers as it takes by default.

All of them in 32-bit floats, with the same environments, horizon, minibatch (in total), mini-epochs and
networks. rl-games compiles its networks with torch.compile unless told not to; that is off here, because on a
processor it mostly adds minutes of compilation; `--compile` turns it on.

Prints one JSON object: the rates, where the time goes, the ratio of the rates in all, and the ratio of what
is not physics (seconds a frame outside `mujoco.batch`). For the workers, whose physics is not timed from
outside, it is what lies outside the environment's step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import ROOT, EpochClock, PhysicsClock, build_task, machine, rounded  # noqa: E402

FIXED = ("train.params.config.mixed_precision=False",)
"""Overrides that all sides share, besides task and num_envs."""


def main(argv: list[str] | None = None) -> None:
    """Compare the sides, or, in a process of its own, run one of them."""
    args = parse(argv)
    if args.side:
        run_side(args)
        return
    results: dict[str, list[dict[str, Any]]] = {}
    sides = ["rl_games", "one_process"] + ([] if args.no_workers else ["default"])
    for number in range(args.rounds):
        for side in sides:
            print(f"round {number + 1} of {args.rounds}: {side}", file=sys.stderr, flush=True)
            results.setdefault(side, []).append(measure_side(side, args))
    report = {
        "machine": machine(),
        "task": args.task,
        "num_envs": args.num_envs,
        "threads": args.threads,
        "rl_games_compiled": args.compile,
        **{side: middle(rounds) for side, rounds in results.items()},
    }
    text = json.dumps(rounded(report | {"ratios": ratios(report)}), indent=2)
    if args.out:
        args.out.write_text(text + "\n")
    print(text)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="Humanoid")
    parser.add_argument("--num-envs", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=4, help="epochs measured a round")
    parser.add_argument("--warmup", type=int, default=1, help="epochs before them that are not")
    parser.add_argument("--rounds", type=int, default=2, help="turns that each side takes")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="physics and torch threads"
    )
    parser.add_argument("--compile", action="store_true", help="let rl-games compile its networks")
    parser.add_argument("--no-workers", action="store_true", help="leave out the run through train.py")
    parser.add_argument(
        "--override", nargs="*", default=[], help="more of train.py's overrides, for all sides"
    )
    parser.add_argument("--out", type=Path, help="write the JSON here too")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run: Ant, 64 environments, two epochs, one round"
    )
    parser.add_argument("--side", choices=["rl_games", "one_process", "default"], help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.quick:
        args.task, args.num_envs, args.epochs, args.rounds = "Ant", 64, 2, 1
    return args


def overrides(args: argparse.Namespace) -> list[str]:
    """What all sides are composed with."""
    return [f"task={args.task}", f"num_envs={args.num_envs}", *FIXED, *args.override]


# -------------------------------------------------------------------- one side, in a process of its own


def measure_side(side: str, args: argparse.Namespace) -> dict[str, Any]:
    """Run one side in a fresh process. Returns its `EpochClock.summary`."""
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        command = [sys.executable, str(Path(__file__).resolve()), f"--side={side}", f"--result={result}"]
        command += [f"--task={args.task}", f"--num-envs={args.num_envs}", f"--epochs={args.epochs}"]
        command += [f"--warmup={args.warmup}", f"--threads={args.threads}"] + ["--compile"] * args.compile
        if args.override:
            command += ["--override", *args.override]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return json.loads(result.read_text())


def run_side(args: argparse.Namespace) -> None:
    """Train as one side does, and write the figures into `args.result`."""
    import torch

    from benchmarks.training import train_in_process, train_with_workers

    os.chdir(ROOT)  # assets are found relative to the repository
    torch.set_num_threads(args.threads)
    if args.side == "default":
        summary = train_with_workers(overrides(args), args.warmup, args.epochs)
    elif args.side == "one_process":
        summary = train_in_process(overrides(args), args.threads, args.warmup, args.epochs)
    else:
        summary = train_rl_games(args)
    args.result.write_text(json.dumps(summary))


def train_rl_games(args: argparse.Namespace) -> dict[str, Any]:
    """Train rl-games' agent on Gaitway's task. Returns its `EpochClock.summary`."""
    from rl_games.common import env_configurations, vecenv
    from rl_games.common.algo_observer import AlgoObserver
    from rl_games.torch_runner import Runner

    from benchmarks.training import compose_training, describe_batch, frames_per_epoch

    config = compose_training(overrides(args), args.threads, args.warmup + args.epochs)
    with PhysicsClock() as physics, tempfile.TemporaryDirectory() as scratch:
        env = build_task(config)
        vecenv.register("GAITWAY", lambda config_name, num_actors, **_: RlGamesVecEnv(env))
        env_configurations.register("rlgpu", {"vecenv_type": "GAITWAY", "env_creator": lambda **_: env})
        clock = type("RlGamesClock", (EpochClock, AlgoObserver), {})(physics, env)
        runner = Runner(clock)
        runner.load({"params": rl_games_params(config, scratch, args)})
        runner.run({"train": True, "play": False})
        env.close()
    return {**clock.summary(args.warmup, frames_per_epoch(config)), "batch": describe_batch(config)}


class RlGamesVecEnv:
    """A `learning.vecenv.VecEnv` behind the interface that rl-games' agents call.

    Args:
        env: the environment.
    """

    def __init__(self, env: Any) -> None:
        self.env = env

    def step(self, actions: Any) -> Any:
        """Step, with rl-games' names for what is returned."""
        return self.env.step(actions)

    def reset(self) -> Any:
        """Return the first observations."""
        return self.env.reset()

    def get_env_info(self) -> dict[str, Any]:
        """Spaces of observations and actions."""
        spaces = {"observation_space": self.env.observation_space, "action_space": self.env.action_space}
        return spaces | {"state_space": None, "agents": 1, "value_size": 1}

    def set_train_info(self, *args: Any, **kwargs: Any) -> None:
        """Nothing here depends on how far training is."""

    def get_env_state(self) -> None:
        """Leave the environment out of rl-games' checkpoints."""


def rl_games_params(config: dict[str, Any], directory: str, args: argparse.Namespace) -> dict[str, Any]:
    """The same `train.params` as rl-games 1.6.5 spells them: no nulls, 'None' for no activation."""
    params = {key: config["train"]["params"][key] for key in ("seed", "algo", "model", "network", "config")}
    continuous = params["network"]["space"]["continuous"]
    for key in ("mu_activation", "sigma_activation"):
        continuous[key] = continuous[key] or "None"
    settings = {key: value for key, value in params["config"].items() if value is not None}
    settings |= {
        "device": config["rl_device"],
        "train_dir": directory,
        "full_experiment_name": "rl_games",
        "torch_compile": args.compile,
        "learning_rate": float(settings["learning_rate"]),
    }
    return params | {"config": settings, "torch_threads": args.threads}


# -------------------------------------------------------------------- comparison


def middle(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The round with the median rate (the slower of the two middle ones), and all rates."""
    by_rate = sorted(rounds, key=lambda item: item["frames_per_s"])
    chosen = by_rate[(len(by_rate) - 1) // 2]
    rates = [item["frames_per_s"] for item in rounds]
    return chosen | {"frames_per_s_of_rounds": rates, "frames_per_s": statistics.median_low(rates)}


def ratios(report: dict[str, Any]) -> dict[str, float]:
    """How many times faster Gaitway is: in all, and in what is not physics."""
    theirs, ours = report["rl_games"], report["one_process"]
    found = {
        "one_process / rl_games": ours["frames_per_s"] / theirs["frames_per_s"],
        "one_process / rl_games, what is not physics": outside(theirs, "physics") / outside(ours, "physics"),
    }
    if "default" in report:
        workers = report["default"]
        found["default / rl_games"] = workers["frames_per_s"] / theirs["frames_per_s"]
        step = outside(theirs, "physics", "observation_and_reward")
        found["default / rl_games, outside the environment's step"] = step / outside(workers, "step")
    return found


def outside(summary: dict[str, Any], *parts: str) -> float:
    """Seconds an epoch that are spent in none of these parts."""
    return summary["seconds_per_epoch"] - sum(summary["seconds"][part] for part in parts)


if __name__ == "__main__":
    main()

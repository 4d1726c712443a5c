"""Names on the command line that stand for other files, resolved before Hydra composes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from app.train_file import KEY, TrainFile, given_file

CONFIG_DIR = Path(__file__).resolve().parent.parent / "cfg"
TRAIN_ALIASES = {"HumanoidAMPPPO": "HumanoidAMP", "HumanoidAMPPPOLowGP": "HumanoidAMPLowGP"}
"""IsaacGymEnvs' names of train files, and ours."""

DEFAULT_TRAINS = {"HumanoidAMP": "HumanoidAMP", "HumanoidAMPHands": "HumanoidAMPLowGP"}
"""The train file of tasks for which it is not `<task>PPO`."""

MOTION_VARIANT = "AMP"
"""`<task>AMP` is `<task>` with what learning from motions needs."""


@dataclass(frozen=True)
class Choices:
    """A command line whose file choices are files that exist, and what was decided on the way."""

    arguments: list[str]
    """overrides and options"""
    notes: tuple[str, ...] = ()
    """one line for each decision that the user should know of"""
    train_file: TrainFile | None = None
    """a configuration of RL Games in place of a train file"""


def default_train(task: str) -> str:
    """Return the train file that goes with a task."""
    return DEFAULT_TRAINS.get(task, f"{task}PPO")


def resolve_names(arguments: Sequence[str], config_dirs: Sequence[Path]) -> Choices:
    """Resolve names that stand for other files.

    A train file that learns from motions (its algorithm's name begins with `amp_`) takes the task's variant
    with motions, where there is one: `task=Humanoid train=HumanoidAMP` runs `task=HumanoidAMP`. Sweeps over
    `task` or `train` are left as they are.

    Args:
        arguments: what the command line says.
        config_dirs: directories with `task/` and `train/`, the first one that has a file wins.
    """
    arguments = [_without_alias(argument) for argument in arguments]
    file = given_file(arguments)
    notes = file.notes() if file else ()
    task, train = _chosen(arguments, "task"), _chosen(arguments, "train")
    variant, source = f"{task}{MOTION_VARIANT}", file.source if file else _find(config_dirs, "train", train)
    if not task or not _find(config_dirs, "task", variant) or not _needs_motions(source):
        return Choices(arguments, notes, file)
    taken = [f"task={variant}" if argument == f"task={task}" else argument for argument in arguments]
    given = f"{KEY}={source}" if file else f"train={train}"
    note = f"{given} learns from motions, so task={task} is task={variant}"
    return Choices(taken, (*notes, note), file)


def _without_alias(argument: str) -> str:
    group, _, name = argument.partition("=")
    return f"train={TRAIN_ALIASES[name]}" if group == "train" and name in TRAIN_ALIASES else argument


def _chosen(arguments: Sequence[str], group: str) -> str | None:
    """Return the last choice of a group, None without any."""
    names = [argument.split("=", 1)[1] for argument in arguments if argument.startswith(f"{group}=")]
    return names[-1] if names else None


def _find(config_dirs: Sequence[Path], group: str, name: str | None) -> Path | None:
    if name is None:
        return None
    files = (directory / group / f"{name}.yaml" for directory in config_dirs)
    return next((file for file in files if file.is_file()), None)


def _needs_motions(train_file: Path | None) -> bool:
    """Tell whether a train file's algorithm is AMP; what is wrong with the file, composing it will tell."""
    if train_file is None:
        return False
    try:
        name = yaml.safe_load(train_file.read_text())["params"]["algo"]["name"]
    except (yaml.YAMLError, OSError, KeyError, TypeError):
        return False
    return str(name).startswith("amp_")

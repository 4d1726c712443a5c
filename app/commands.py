"""Command lines for the user to copy."""

from __future__ import annotations

import shlex
from pathlib import Path

from app.train_file import override_for


def play_command(
    task: str,
    train: str,
    experiment: str,
    config_dir: Path | None = None,
    train_file: Path | None = None,
) -> str:
    """Return the command that plays a run's best policy.

    Args:
        task: chosen task.
        train: chosen train file.
        experiment: name of the run.
        config_dir: the directory of --config-dir.
        train_file: the run's copy of its `train_file`, which stands for `train`.
    """
    options = ["--config-dir", str(config_dir)] if config_dir else []
    chosen = [f"task={task}"]
    if train_file is not None:
        chosen.append(override_for(train_file))
    elif train != f"{task}PPO":
        chosen.append(f"train={train}")
    asked = ["test=True", "checkpoint=best", f"experiment={experiment}"]
    return shlex.join(["python", "train.py", *options, *chosen, *asked])

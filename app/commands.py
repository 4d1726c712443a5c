"""Command lines for the user to copy."""

from __future__ import annotations

import shlex
from pathlib import Path


def play_command(task: str, train: str, experiment: str, config_dir: Path | None = None) -> str:
    """Return the command that plays a run's best policy."""
    options = ["--config-dir", str(config_dir)] if config_dir else []
    chosen = [f"task={task}"] if train == f"{task}PPO" else [f"task={task}", f"train={train}"]
    asked = ["test=True", "checkpoint=best", f"experiment={experiment}"]
    return shlex.join(["python", "train.py", *options, *chosen, *asked])

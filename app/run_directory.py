"""runs/<experiment>: its name, what is written into it, and the checkpoints that are found in it.

The run's command line is kept as overrides.yaml beside config.yaml, so that resuming or playing a run
composes what it was trained with, and only what the new command line says changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from app.compose import override_key
from app.train_file import TrainFile
from learning.typed_config import ConfigError, suggest

RUNS = Path("runs")

# What a stored command line must not decide when its run is resumed or played: the mode, and the machine.
NOT_KEPT = frozenset(
    ["test", "checkpoint", "multi_gpu", "sigma", "games_num", "max_steps", "headless", "force_render"]
    + ["graphics_device_id", "num_threads", "capture_video", "capture_video_freq", "capture_video_len"]
    + ["sim_device", "rl_device", "physics_engine", "pipeline"]
)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file, and the run directory that it belongs to, if any."""

    path: Path
    run: Path | None

    @property
    def is_last(self) -> bool:
        """It is what a run is resumed from."""
        return self.run is not None and self.path.name == "last.pth"


@dataclass
class RunDirectory:
    """The directory of one run, made when the first file is written."""

    path: Path
    is_new: bool

    def create(
        self, config: dict[str, Any], overrides: Sequence[str], train_file: TrainFile | None = None
    ) -> None:
        """Make the directory (under another name if it was taken meanwhile) and write what it starts with."""
        try:
            if self.is_new:
                self.path = _make(self.path)
            (self.path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(_escaped(config))))
            (self.path / "overrides.yaml").write_text(yaml.safe_dump(list(overrides), allow_unicode=True))
            if train_file is not None:
                path = train_file_copy(self.path, train_file.name)
                path.parent.mkdir(exist_ok=True)
                path.write_text(train_file.text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"experiment={self.path.name}: cannot write {self.path} ({error.strerror})"
            ) from error

    def discard(self) -> None:
        """Remove a directory that was made for a run which turned out to be impossible."""
        if self.is_new:
            shutil.rmtree(self.path, ignore_errors=True)
            if RUNS.is_dir() and not any(RUNS.iterdir()):
                RUNS.rmdir()


def new_run(experiment: str | None, task: str, train: str) -> RunDirectory:
    """Name the directory of a new run; nothing is made yet.

    Raises:
        ConfigError: runs/ or the directory cannot be used, or holds a run already.
    """
    check_runs()
    if experiment is None:
        return RunDirectory(RUNS / f"{task}_{train}_{datetime.now():%Y-%m-%d_%H-%M-%S}", is_new=True)
    path = RUNS / experiment
    if path.is_dir():
        raise ConfigError(
            f"experiment={experiment}: {path} holds a run already, and runs are not overwritten; "
            f"add checkpoint=last to resume it, or choose another name"
        )
    if path.exists():
        raise ConfigError(f"experiment={experiment}: {path} is a file, not a directory; choose another name")
    return RunDirectory(path, is_new=True)


def check_runs() -> None:
    """Raise `ConfigError` if runs/ is something else than a directory."""
    if RUNS.exists() and not RUNS.is_dir():
        raise ConfigError(
            f"runs: {RUNS.resolve()} is a file, but runs are written into a directory of that name; move it"
        )


def find_checkpoint(value: str, experiment: str | None, task: str, train: str, test: bool) -> Checkpoint:
    """Find the file that `checkpoint=` means.

    Args:
        value: `best`, `last`, a run directory or a file.
        experiment: run that `best` and `last` look in; None: the newest run with the same task and train.
        task: chosen task.
        train: chosen train file.
        test: a run directory means its best checkpoint when testing, its last when training.

    Raises:
        ConfigError: there is no such run or file.
    """
    if value in ("best", "last"):
        run = _named_run(experiment) if experiment else _newest_run(value, task, train)
        return _in_run(run, value, f"checkpoint={value}")
    path = Path(value).expanduser()
    if path.is_dir():
        return _in_run(path, "best" if test else "last", f"checkpoint={value}")
    if not path.is_file():
        raise ConfigError(f"checkpoint={value}: there is no such file; {_near_path(path)}")
    run_of_file = path.resolve().parent.parent
    belongs = path.resolve().parent.name == "nn" and (run_of_file / "config.yaml").is_file()
    return Checkpoint(path.resolve(), run_of_file if belongs else None)


def train_file_copy(run: Path, name: str) -> Path:
    """Return where a run keeps the `train_file` of that name."""
    return run / "train" / f"{name}.yaml"


def stored_overrides(run: Path) -> list[str]:
    """Return the command line that a run was started with, without what held for that time and machine."""
    path = run / "overrides.yaml"
    stored = yaml.safe_load(path.read_text()) if path.is_file() else []
    if not isinstance(stored, list):
        raise ConfigError(
            f"checkpoint: {path} is not a list of overrides; remove it, or give a file as checkpoint"
        )
    return [str(item) for item in stored if override_key(str(item)) not in NOT_KEPT]


def _in_run(run: Path, which: str, asked: str) -> Checkpoint:
    path = run / "nn" / ("last.pth" if which == "last" else f"{_checkpoint_name(run)}.pth")
    if path.is_file():
        return Checkpoint(path.resolve(), run.resolve())
    others = sorted(file.name for file in (run / "nn").glob("*.pth")) if (run / "nn").is_dir() else []
    found = f"it has {', '.join(others)}" if others else "no checkpoint was saved there yet"
    early = " (the best is kept once save_best_after epochs have passed)" if which == "best" else ""
    raise ConfigError(f"{asked}: there is no {path}{early}; {found}")


def _checkpoint_name(run: Path) -> str:
    path = run / "config.yaml"
    if not path.is_file():
        raise ConfigError(
            f"checkpoint: {run} is no run directory (it has no config.yaml); give a file, or best or last"
        )
    return str(OmegaConf.select(OmegaConf.load(path), "train.params.config.name"))


def _named_run(experiment: str) -> Path:
    check_runs()
    run = RUNS / experiment
    if not run.is_dir():
        names = [path.name for path in RUNS.iterdir()] if RUNS.is_dir() else []
        raise ConfigError(f"experiment={experiment}: there is no run {run}; {suggest(experiment, names)}")
    return run


def _newest_run(value: str, task: str, train: str) -> Path:
    check_runs()
    runs = list(_runs_of(task, train))
    if not runs:
        raise ConfigError(
            f"checkpoint={value}: there is no run of task={task} train={train} in {RUNS}; "
            f"train one first, or give a file or experiment=NAME"
        )
    return max(runs, key=lambda run: (run / "config.yaml").stat().st_mtime)


def _runs_of(task: str, train: str) -> Iterator[Path]:
    for path in RUNS.glob("*/overrides.yaml"):
        stored = path.read_text().splitlines()
        if (
            f"- task={task}" in stored
            and f"- train={train}" in stored
            and path.with_name("config.yaml").is_file()
        ):
            yield path.parent


def _near_path(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no directory {path.parent} either"
    files = [item.name for item in path.parent.iterdir() if item.suffix == ".pth"]
    return suggest(path.name, files) if files else "give a .pth file, a run directory, best or last"


def _make(path: Path) -> Path:
    """Make a directory, with a number behind its name if it exists: two runs may start in the same second."""
    attempt, number = path, 1
    while True:
        try:
            attempt.mkdir(parents=True)
            return attempt
        except FileExistsError:
            number += 1
            attempt = path.with_name(f"{path.name}_{number}")


def _escaped(value: Any) -> Any:
    """Keep resolved text that looks like an interpolation from being taken for one when it is read again."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(item) for item in value]
    return value.replace("${", "\\${") if isinstance(value, str) else value

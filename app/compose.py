"""From the command line to configurations: Hydra composes, nothing is run or written here."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from app.choices import CONFIG_DIR, Choices, resolve_names
from app.errors import UnknownKeyError, translated
from app.resolvers import register_resolvers
from app.schema import is_schema_key
from app.train_file import KEY as TRAIN_FILE
from app.train_file import OPTION, TrainFile, write_option
from learning.typed_config import ConfigError

OPTIONS_WITH_VALUE = frozenset(
    ["--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--cfg", "-c", "--package", "-p"]
)
GROUPS = ("task", "train", "hardware", "overlay")


@dataclass(frozen=True)
class Job:
    """One configuration of the command line; a sweep has several."""

    config: dict[str, Any]
    """the whole configuration, resolved to plain values"""
    overrides: tuple[str, ...]
    """what the command line said, in Hydra's grammar: `num_envs=64`"""
    choices: dict[str, str | None]
    """file that was chosen in each group: {"task": "Ant", "train": "AntPPO", …}"""
    config_dirs: tuple[Path, ...]
    """directories that files were looked for in, the first one that has a file wins"""
    notes: tuple[str, ...] = ()
    """what was decided about the choices"""
    train_file: TrainFile | None = None
    """what `train_file=` named; its name is then the choice of the group `train`"""


def compose(argv: Sequence[str]) -> list[Job]:
    """Compose every job of a command line.

    Args:
        argv: what follows `train.py`: overrides, and Hydra's options such as `-m` and `--config-dir`.

    Returns:
        One job, several for a sweep (`-m`), none where Hydra only showed something (`--help`, `--cfg job`).

    Raises:
        ConfigError: anything in it that cannot be composed.
    """
    try:
        return _compose(argv)
    except UnknownKeyError as error:
        key = error.key
        if not is_schema_key(key):
            raise
    # A key that has a default but stands in no file: Hydra wants ++ before it, the user need not know.
    return compose([f"++{item}" if item.startswith(f"{key}=") else item for item in argv])


def _compose(argv: Sequence[str]) -> list[Job]:
    register_resolvers()
    pending: list[tuple[DictConfig, DictConfig]] = []

    def collect(config: DictConfig) -> None:
        pending.append((config, cast(DictConfig, HydraConfig.get())))

    with translated(argv, known_keys):
        choices = resolve_choices(argv)
        with _hydra_arguments(choices) as scratch:
            hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="config")(collect)()
            return [_job(config, hydra_config, choices, scratch) for config, hydra_config in pending]


def recompose(job: Job, overrides: Sequence[str]) -> Job:
    """Compose a job once more with other overrides, for example those that a run was started with."""
    outside = outside_dirs(job)
    options = ["--config-dir", str(outside[0])] if outside else []
    return compose([*options, *last_of_each(overrides)])[0]


def outside_dirs(job: Job) -> list[Path]:
    """Return the directories of files from outside the repository."""
    return [path for path in job.config_dirs if path != CONFIG_DIR]


def resolve_choices(argv: Sequence[str]) -> Choices:
    """Return the arguments with file choices that imply each other filled in, see `app.choices`.

    `--help` composes something to show, so it needs a task. Hydra's --experimental-rerun is refused: it
    unpickles a file.
    """
    arguments = options_first(argv)
    if any(argument.startswith("--experimental-rerun") for argument in arguments):
        raise ConfigError("--experimental-rerun: runs code from a file; use experiment=NAME checkpoint=last")
    asks_help = {"--help", "-h"} & set(arguments)
    if asks_help and not any(argument.startswith("task=") for argument in arguments):
        arguments.append("task=Cartpole")
    return resolve_names(arguments, [*_given_dirs(arguments), CONFIG_DIR])


def _given_dirs(arguments: Sequence[str]) -> list[Path]:
    """Return the directories that --config-dir names."""
    following = [*arguments[1:], ""]
    apart = [
        value for name, value in zip(arguments, following, strict=False) if name in ("--config-dir", "-cd")
    ]
    joined = [name.split("=", 1)[1] for name in arguments if name.startswith("--config-dir=")]
    return [Path(directory) for directory in (*apart, *joined)]


def options_first(argv: Sequence[str]) -> list[str]:
    """Put options before overrides; Hydra's parser does not understand `task=Ant -m seed=1,2`."""
    options: list[str] = []
    overrides: list[str] = []
    for index, argument in enumerate(argv):
        is_option = argument.startswith("-") or (index > 0 and argv[index - 1] in OPTIONS_WITH_VALUE)
        (options if is_option else overrides).append(argument)
    return [*options, *overrides]


def last_of_each(overrides: Sequence[str]) -> list[str]:
    """Drop overrides whose key is given again later; Hydra refuses a file chosen twice."""
    latest = {override_key(override): override for override in overrides}
    return [override for override in overrides if latest[override_key(override)] is override]


def override_key(override: str) -> str:
    """Return the key of an override: `num_envs` of `++num_envs=64`, `a.b` of `~a.b`."""
    return override.lstrip("+~").split("=", 1)[0].split("@", 1)[0]


def known_keys(argv: Sequence[str]) -> dict[str, Any]:
    """Return the configuration that the file choices alone lead to: what an override may name."""
    options = [
        a for i, a in enumerate(argv) if a.startswith("--config-dir") or (i and argv[i - 1] == "--config-dir")
    ]
    choices = [a.split(",")[0] for a in argv if override_key(a) in GROUPS and "=" in a]
    file = [a for a in argv if override_key(a) == TRAIN_FILE]
    return compose([*options, *choices, *file])[0].config


def _job(config: DictConfig, hydra_config: DictConfig, choices: Choices, scratch: str) -> Job:
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    files = [source.path for source in hydra_config.runtime.config_sources if source.schema == "file"]
    chosen = {group: hydra_config.runtime.choices.get(group) for group in GROUPS}
    if choices.train_file is not None:
        chosen |= {"train": choices.train_file.name, "overlay": None}
    return Job(
        config=plain,  # type: ignore[arg-type]
        overrides=tuple(item for item in hydra_config.overrides.task if item != f"train={OPTION}"),
        choices=chosen,
        config_dirs=tuple(Path(path) for path in files if path != scratch),
        notes=choices.notes,
        train_file=choices.train_file,
    )


@contextlib.contextmanager
def _hydra_arguments(choices: Choices) -> Iterator[str]:
    """Let Hydra read the arguments, raise its errors instead of printing them, and leave no directory behind.

    Yields:
        A directory that is gone afterwards; a `train_file` was put into it.
    """
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    saved = sys.argv
    with tempfile.TemporaryDirectory(prefix="gaitway_") as scratch:
        places = [f"hydra.run.dir='{scratch}'", f"hydra.sweep.dir='{scratch}'"]
        file = write_option(choices.train_file, Path(scratch)) if choices.train_file else []
        sys.argv = [saved[0], *choices.arguments, *file, *places]
        os.environ["HYDRA_FULL_ERROR"] = "1"
        try:
            yield scratch
        finally:
            sys.argv = saved
            if full_error is None:
                del os.environ["HYDRA_FULL_ERROR"]
            else:
                os.environ["HYDRA_FULL_ERROR"] = full_error

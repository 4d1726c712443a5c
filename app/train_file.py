"""`train_file=FILE.yaml`: a configuration of RL Games, as it is, in place of a file of cfg/train.

Its `params` block is put before Hydra as if it were a file of the group `train`, with what the command line
and the task decide filled in: environments, epochs, devices, names. So it is overridden, swept, checked and
kept in config.yaml as any other train file. The run keeps a copy, because the file may change or go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from learning.rl_games.params import translate
from learning.typed_config import ConfigError, suggest, unknown_key

KEY = "train_file"
OPTION = "_train_file_"
"""The file of the group `train` that Hydra finds the block in."""

FROM_THE_TASK: dict[str, str] = {
    "env_name": "the environment is the task",
    "env_config": "the environment is the task",
    "num_actors": "num_envs counts",
    "device": "rl_device counts",
    "multi_gpu": "the top-level multi_gpu counts",
    "train_dir": "runs are written into runs/",
}
"""Keys of `config` that are replaced, and by what."""

_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*")  # what Hydra takes for text without quotes


@dataclass(frozen=True)
class TrainFile:
    """A file that was read: a sweep's last job may start long after."""

    source: Path
    """where it was found"""
    text: str
    """what it holds"""
    params: dict[str, Any]
    """its `params` block, as it stands there"""

    @property
    def name(self) -> str:
        """What the run calls it: the file's name without its ending."""
        return self.source.stem

    def notes(self) -> tuple[str, ...]:
        """Say which keys have no effect, in one line; none if all have one."""
        config = self.params["config"]
        ignored = {
            f"config.{key}": why
            for key, why in FROM_THE_TASK.items()
            if key in config and not _is_interpolation(config[key])
        }
        by_reason: dict[str, list[str]] = {}
        for key, why in (ignored | translate(self.params)[1]).items():
            by_reason.setdefault(why, []).append(key)
        named = "; ".join(f"{', '.join(keys)} ({why})" for why, keys in by_reason.items())
        return (f"{KEY}={self.source}: keys without effect here: {named}",) if named else ()


def override_for(path: Path) -> str:
    """Return `train_file=<path>` in Hydra's grammar."""
    text = str(path)
    if not _PLAIN.fullmatch(text):
        text = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return f"{KEY}={text}"


def given_file(arguments: Sequence[str]) -> TrainFile | None:
    """Read the file that a command line names; None where it names none.

    Args:
        arguments: overrides and options.

    Raises:
        ConfigError: there is no such file, it cannot be read, or a train file is chosen beside it.
    """
    given = [argument for argument in arguments if argument.lstrip("+").startswith(f"{KEY}=")]
    if not given:
        return None
    override = OverridesParser.create().parse_override(given[-1])
    value = override.value()
    if value is None:
        return None
    if override.is_sweep_override():
        raise ConfigError(f"{given[-1]}: is one file, also for a sweep; sweep over its keys instead")
    train = next((argument for argument in arguments if argument.startswith("train=")), None)
    if train:
        raise ConfigError(f"{given[-1]}: takes the place of {train}; give one of the two")
    return read(Path(str(value)).expanduser())


def read(path: Path) -> TrainFile:
    """Read a file.

    Raises:
        ConfigError: there is none, or it is no text, no YAML, or nothing with a `params` block.
    """
    if not path.is_file():
        raise ConfigError(f"{KEY}={path}: {_missing(path)}")
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{KEY}={path}: cannot be read as text ({error})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{KEY}={path}: is not YAML ({_where(error)})") from error
    params = content.get("params") if isinstance(content, dict) else None
    if not isinstance(params, dict) or not isinstance(params.get("config"), dict):
        raise ConfigError(
            f"{KEY}={path}: holds no params with a config block; RL Games' files are a mapping with algo, "
            "model, network and config below params"
        )
    for key, value in content.items():
        if key != "params":
            raise ConfigError(unknown_key(f"{KEY}={path}: {key}", value, str(key), ["params"]))
    return TrainFile(path, text, params)


def write_option(file: TrainFile, directory: Path) -> list[str]:
    """Write the block where Hydra will find it.

    Args:
        file: the file.
        directory: an empty directory.

    Returns:
        The overrides by which it is chosen.
    """
    path = directory / "train" / f"{OPTION}.yaml"
    path.parent.mkdir()
    path.write_text("# @package _global_\n" + yaml.safe_dump(global_block(file), allow_unicode=True))
    return [f"train={OPTION}", f"hydra.searchpath=['file://{directory}']"]


def global_block(file: TrainFile) -> dict[str, Any]:
    """Return what the file sets: the block `train`, and the run's seed where it has one.

    What the command line decides is an interpolation, with the file's value where it says nothing.
    """
    params, _ = translate(file.params)
    seed = params.get("seed")
    params["config"] = _config({"name": file.name} | params["config"])
    block: dict[str, Any] = {"train": {"params": params | {"seed": "${seed}"}}}
    return block if seed is None or _is_interpolation(seed) else block | {"seed": seed}


def _config(config: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in FROM_THE_TASK}
    decided = {
        "env_name": "rlgpu",  # as all of cfg/train have it
        "num_actors": "${task.env.numEnvs}",
        "device": "${rl_device}",
        "multi_gpu": "${multi_gpu}",
        "max_epochs": _unless_given(config.get("max_epochs"), "max_iterations"),
        "name": _unless_given(config["name"], "experiment"),
    }
    player = config.get("player") or {}
    if isinstance(player, dict):
        own = {key: _unless_given(player.get(key), key) for key in ("games_num", "max_steps")}
        decided["player"] = player | own
    return kept | decided


def _unless_given(value: Any, key: str) -> Any:
    """Return an interpolation: the top-level `key` of the command line, or else the file's value."""
    if _is_interpolation(value):
        return value  # IsaacGymEnvs' files do the same
    if value is None:
        return f"${{{key}}}"
    if isinstance(value, str):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"${{resolve_default:{value},${{{key}}}}}"


def _is_interpolation(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _missing(path: Path) -> str:
    if path.is_dir():
        return "is a directory; name one of its files"
    if not path.parent.is_dir():
        return f"there is no such file, and no directory {path.parent} either"
    files = [item.name for item in path.parent.iterdir() if item.suffix in (".yaml", ".yml")]
    return "there is no such file; " + (
        suggest(path.name, files) if files else "give a YAML file of RL Games"
    )


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark else problem

"""Checkpoint files: written in one piece, read without running code, refused with a reason.

The layout is RL Games' (`model`, `optimizer`, `epoch`, `frame`, `last_mean_rewards`, `env_state`) with keys
of our own beside it, so files go both ways.
"""

from __future__ import annotations

import os
import pickle
import random
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from learning.rl_games.checkpoint import as_ours, norm_hint
from learning.typed_config import ConfigError

# RL Games writes its best reward as a numpy scalar. These rebuild numbers and can do nothing else.
_REBUILD_SCALAR: Any = np.float32(0).__reduce__()[0]
_NUMPY_SCALARS: list[Any] = [
    np.dtype,
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
    np.dtypes.Int32DType,
    np.dtypes.Int64DType,
    np.dtypes.BoolDType,
    (_REBUILD_SCALAR, "numpy.core.multiarray.scalar"),
    (_REBUILD_SCALAR, "numpy._core.multiarray.scalar"),
]


class CheckpointError(ConfigError):
    """A checkpoint that cannot be used. Its text names the file, the reason and what to do."""


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint so that a crash at any moment leaves the old file or the new one.

    Args:
        path: file to write, whose directory exists.
        state: nested dicts, lists and tuples of tensors, numbers, strings, booleans and None.

    Raises:
        TypeError: something else is in there, which `load_checkpoint` would refuse.
    """
    plain = to_plain(state)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        torch.save(plain, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, with `weights_only=True`: nothing in the file can run.

    Raises:
        CheckpointError: there is no such file, it is no checkpoint, or it holds more than plain data.
    """
    path = Path(path)
    state = _read(path)
    state = as_ours(state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not isinstance(state.get("model"), dict):
        raise CheckpointError(f"checkpoint={path}: holds no 'model'; give a checkpoint that training wrote")
    return state


def load_replay(path: str | Path) -> dict[str, Any]:
    """Read the replay buffers beside a `last.pth`; {} where there are none.

    Raises:
        CheckpointError: the file is no checkpoint, or holds more than plain data.
    """
    beside = replay_path(Path(path))
    if not beside.is_file():
        return {}
    state = _read(beside)
    if not isinstance(state, dict) or not isinstance(state.get("replay"), list):
        raise CheckpointError(f"{beside}: holds no 'replay'; remove the file, then replay buffers start anew")
    return {"replay": state["replay"]}


def replay_path(path: Path) -> Path:
    """Return where the replay buffers that belong to a checkpoint are kept."""
    return path.with_name(f"{path.stem}_replay.pth")


def _read(path: Path) -> Any:
    if not path.is_file():
        kind = "is a directory" if path.is_dir() else "does not exist"
        raise CheckpointError(f"checkpoint={path}: {kind}; give a .pth file")
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        zipfile.BadZipFile,
        ValueError,
        KeyError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"checkpoint={path}: is no readable checkpoint ({reason}); give another file"
        ) from error
    return state


def load_model_state(module: nn.Module, saved: Mapping[str, Tensor], source: str) -> None:
    """Load a saved `model` into a module of the same architecture.

    Args:
        module: model to load into.
        saved: state dict of the checkpoint.
        source: where it comes from, for the message.

    Raises:
        CheckpointError: keys or shapes differ; the first few are named.
    """
    differences = model_differences(module.state_dict(), saved)
    if differences:
        shown = "; ".join(differences[:3]) + (
            f"; and {len(differences) - 3} more" if len(differences) > 3 else ""
        )
        raise CheckpointError(
            f"checkpoint={source}: was trained with another task or network ({shown}); "
            f"give the task and train configuration that it was made with{norm_hint(module, saved)}"
        )
    module.load_state_dict(dict(saved))


def model_differences(wanted: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> list[str]:
    """Return one line for each key that is missing, unknown, or of another shape."""
    lines = []
    for key, tensor in wanted.items():
        if key not in saved:
            lines.append(f"{key} is missing")
        elif saved[key].shape != tensor.shape:
            lines.append(f"{key} is {tuple(saved[key].shape)}, here {tuple(tensor.shape)}")
    return lines + [f"{key} is unknown here" for key in saved if key not in wanted]


def to_plain(value: Any, path: str = "checkpoint") -> Any:
    """Return nested plain data with every tensor on the CPU.

    Raises:
        TypeError: a value that `weights_only` loading would refuse; the text names where it is.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: to_plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_plain(item, f"{path}[{index}]") for index, item in enumerate(value))
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(
        f"{path} is a {type(value).__name__}; a checkpoint holds tensors, numbers, strings and None"
    )


def get_rng_state(device: torch.device) -> dict[str, Any]:
    """Return the state of every random generator that training may draw from."""
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    version, internal, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "numpy": {
            "name": str(name),
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        },
        "python": {"version": version, "internal": torch.tensor(internal, dtype=torch.int64), "gauss": gauss},
    }


def set_rng_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Take up a state of `get_rng_state`."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    saved = state["numpy"]
    keys = saved["keys"].numpy().astype(np.uint32)
    np.random.set_state((saved["name"], keys, saved["position"], saved["has_gauss"], saved["cached"]))
    python = state["python"]
    random.setstate((python["version"], tuple(python["internal"].tolist()), python["gauss"]))


class CheckpointWriter:
    """Names and writes the checkpoints of a run; without a directory it writes nothing.

    Args:
        run_dir: run directory, or None; files go to its `nn`.
        name: stem of the file names.
        last_interval: seconds between two `last.pth` at most; None leaves its timing to the caller.
    """

    def __init__(self, run_dir: Path | None, name: str, last_interval: float | None) -> None:
        self._nn_dir = run_dir / "nn" if run_dir else None
        self._name = name
        self._last_interval = last_interval
        self._last_time = time.monotonic()
        if self._nn_dir:
            self._nn_dir.mkdir(parents=True, exist_ok=True)

    @property
    def is_active(self) -> bool:
        """Whether files are written at all."""
        return self._nn_dir is not None

    @property
    def last_is_due(self) -> bool:
        """Whether `last.pth` has become older than the interval."""
        if self._last_interval is None or not self.is_active:
            return False
        return time.monotonic() - self._last_time >= self._last_interval

    def save_best(self, state: Mapping[str, Any]) -> None:
        """Write `<name>.pth`."""
        self._save(f"{self._name}.pth", state)

    def save_last(self, state: Mapping[str, Any]) -> None:
        """Write `last.pth`."""
        self._save("last.pth", state)
        self._last_time = time.monotonic()

    def save_replay(self, state: Mapping[str, Any]) -> None:
        """Write `last_replay.pth`."""
        self._save(replay_path(Path("last.pth")).name, state)

    def save_epoch(self, state: Mapping[str, Any], epoch: int) -> None:
        """Write `<name>_ep_<epoch>.pth`."""
        self._save(f"{self._name}_ep_{epoch}.pth", state)

    def _save(self, file_name: str, state: Mapping[str, Any]) -> None:
        if self._nn_dir:
            save_checkpoint(self._nn_dir / file_name, state)

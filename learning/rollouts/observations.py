"""Observations: one tensor, or a dictionary of tensors, in and out of the experience buffer.

In the buffer, and in everything that is cut from it, an observation that is a dictionary lies in one field a
key: `obses/camera`, `obses/joints`; one that is a tensor in the field `obses` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor

from learning.rollouts.experience import ExperienceBuffer, Field
from learning.typed_config import ConfigError

Shape = tuple[int, ...]
Obs = Tensor | dict[str, Tensor]

SEPARATOR = "/"


def shape_of(space: spaces.Space) -> Shape | dict[str, Shape]:
    """Return the shape of one observation, by key where it is a dictionary.

    Raises:
        ConfigError: the space is neither a box nor a dictionary of boxes.
    """
    shapes = {name: tuple(box.shape) for name, box in _boxes(space).items()}
    return shapes if isinstance(space, spaces.Dict) else shapes[""]


def fields(prefix: str, space: spaces.Space) -> dict[str, Field]:
    """Return the experience fields that hold observations of a space; images stay bytes."""
    return {_join_names(prefix, name): _field(box) for name, box in _boxes(space).items()}


def record(buffer: ExperienceBuffer, prefix: str, step: int, obs: Obs) -> Obs:
    """Copy observations (num_envs, …) of a step into the buffer; return them as they lie there."""
    if isinstance(obs, Tensor):
        buffer.update_data(prefix, step, obs)
        return buffer[prefix][step]
    return {name: record(buffer, _join_names(prefix, name), step, value) for name, value in obs.items()}  # type: ignore[misc]


def read(buffer: ExperienceBuffer, prefix: str, rows: Any) -> Obs:
    """Return the observations of some rows of a rollout, `rows` being an index into (horizon, num_envs)."""
    return _map(lambda field: field[rows], join(prefix, buffer.tensor_dict))


def join(prefix: str, columns: Mapping[str, Tensor]) -> Obs:
    """Return the observations that lie in the columns `prefix`, or `prefix/<key>`."""
    if prefix in columns:
        return columns[prefix]
    start = prefix + SEPARATOR
    return {name.removeprefix(start): value for name, value in columns.items() if name.startswith(start)}


def split(prefix: str, obs: Obs) -> dict[str, Tensor]:
    """Return the columns of observations: the reverse of `join`."""
    if isinstance(obs, Tensor):
        return {prefix: obs}
    return {_join_names(prefix, name): value for name, value in obs.items()}


def rename(old: str, new: str, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the columns of the observations `old` under the name `new`."""
    return split(new, join(old, columns))


def pick(obs: Obs, rows: Tensor) -> Obs:
    """Return some rows of observations; `rows` are indices (n,) on their device."""
    return _map(lambda value: value.index_select(0, rows), obs)


def concatenate(first: Obs, second: Obs) -> Obs:
    """Return the rows of two batches of observations, one after the other."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat([first, second])
    assert isinstance(first, dict) and isinstance(second, dict)
    return {name: torch.cat([value, second[name]]) for name, value in first.items()}


def to_device(obs: Obs, device: torch.device) -> Obs:
    """Return observations on a device."""
    return _map(lambda value: value.to(device), obs)


def _map(function: Any, obs: Obs) -> Obs:
    return (
        function(obs) if isinstance(obs, Tensor) else {name: function(value) for name, value in obs.items()}
    )


def _boxes(space: spaces.Space) -> dict[str, spaces.Box]:
    parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {"": space}
    for name, part in parts.items():
        if not isinstance(part, spaces.Box):
            raise ConfigError(
                f"observation space {space}: {name or 'it'} must be a Box, or a Dict of Boxes; "
                "let the environment flatten it (gymnasium.wrappers.FlattenObservation)"
            )
    return parts  # type: ignore[return-value]


def _field(box: spaces.Box) -> Field:
    return Field(tuple(box.shape), torch.uint8 if box.dtype == "uint8" else torch.float32)


def _join_names(prefix: str, name: str) -> str:
    return f"{prefix}{SEPARATOR}{name}" if name else prefix

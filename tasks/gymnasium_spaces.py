"""From Gymnasium's spaces and arrays to the tensors that agents take, and back.

What an agent sees is a Box, or a Dict of Boxes: vectors are float32, images stay uint8 (height, width,
channels), whole numbers become one-hot vectors. What it answers is a flat Box, a Discrete or a MultiDiscrete
that count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import Space, spaces
from torch import Tensor

from tasks.base.config import TaskError

STATES = "states"
"""Key of a Dict observation that only a critic may see."""
OBS = "obs"
"""Key of a Dict observation that is handed on without its Dict, if it is the only one beside STATES."""


@dataclass(frozen=True)
class Leaf:
    """One part of an observation: where it lies, what an agent sees of it, and how it becomes that."""

    path: tuple[Any, ...]
    """Keys and indices that lead to it in the environment's batched observation."""
    space: spaces.Box
    """What an agent sees."""
    encode: Callable[[np.ndarray], np.ndarray]
    """(num_envs, …) of the environment to (num_envs, *space.shape)."""

    def __call__(self, observation: Any, device: torch.device) -> Tensor:
        """Return this part of a batched observation, (num_envs, *space.shape)."""
        for key in self.path:
            observation = observation[key]
        encoded = self.encode(np.asarray(observation))
        return torch.from_numpy(np.ascontiguousarray(encoded)).to(device)


class Observations:
    """Turns batched observations of an environment into what `VecEnv.step` returns.

    Args:
        space: observation space of one environment.
        device: where tensors go.

    Raises:
        TaskError: a part of the space is no Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple.
    """

    def __init__(self, space: Space, device: torch.device) -> None:
        self.device = device
        leaves = dict(_leaves(space, ()))
        self._states = leaves.pop(STATES, None)
        if not leaves:
            raise TaskError(f"id: the observation {space} has nothing for the actor to see")
        self._single = leaves[next(iter(leaves))] if set(leaves) <= {"", OBS} else None
        self._leaves = leaves
        self.state_space = self._states.space if self._states else None
        self.space: Space = (
            self._single.space
            if self._single
            else spaces.Dict([(name, leaf.space) for name, leaf in leaves.items()])
        )

    def __call__(self, observation: Any) -> dict[str, Any]:
        """Return `{"obs": …}`, and `"states"` where the environment has some.

        Args:
            observation: batched, as the environment returns it.

        Returns:
            `obs` is a tensor (num_envs, *shape), or a dict of them by name where the space is a Dict;
            `states` is (num_envs, num_states). Memory may be the environment's own.
        """
        device = self.device
        obs = (
            self._single(observation, device)
            if self._single
            else {name: leaf(observation, device) for name, leaf in self._leaves.items()}
        )
        return {OBS: obs, **({STATES: self._states(observation, device)} if self._states else {})}


def _leaves(space: Space, path: tuple[Any, ...]) -> Iterator[tuple[str, Leaf]]:
    """Yield the parts of a space by name; a part of a part is `outer/inner`."""
    if isinstance(space, spaces.Dict):
        parts: Mapping[Any, Space] = space.spaces
    elif isinstance(space, spaces.Tuple):
        parts = dict(enumerate(space.spaces))
    else:
        yield "/".join(map(str, path)), _leaf(space, path)
        return
    for key, part in parts.items():
        yield from _leaves(part, (*path, key))


def _leaf(space: Space, path: tuple[Any, ...]) -> Leaf:
    if isinstance(space, spaces.Box):
        return _box(space, path)
    if isinstance(space, spaces.Discrete):
        return _one_hot(path, np.array([space.n]), np.array([space.start]))
    if isinstance(space, spaces.MultiDiscrete):
        return _one_hot(path, space.nvec.ravel(), np.asarray(space.start).ravel())
    if isinstance(space, spaces.MultiBinary):
        return Leaf(path, spaces.Box(0.0, 1.0, space.shape), lambda value: value.astype(np.float32))
    where = "/".join(map(str, path))
    raise TaskError(
        f"id: the observation {where} is a {type(space).__name__}, which no network here can take"
    )


def _box(space: spaces.Box, path: tuple[Any, ...]) -> Leaf:
    if space.dtype == np.uint8 and len(space.shape) == 3:
        return Leaf(path, space, lambda value: value)
    if space.dtype == np.uint8 and len(space.shape) == 2:  # a grey image: networks want its one channel named
        bounds = space.low[..., None], space.high[..., None]
        return Leaf(path, spaces.Box(*bounds, dtype=np.uint8), lambda value: value[..., None])
    shape = space.shape or (1,)
    low, high = (bound.astype(np.float32).reshape(shape) for bound in (space.low, space.high))

    def encode(value: np.ndarray) -> np.ndarray:
        return value.astype(np.float32, copy=False).reshape(-1, *shape)

    return Leaf(path, spaces.Box(low, high, dtype=np.float32), encode)


def _one_hot(path: tuple[Any, ...], sizes: np.ndarray, starts: np.ndarray) -> Leaf:
    """One block of ones and zeros for each whole number, side by side."""
    rows = [np.eye(size, dtype=np.float32) for size in sizes]

    def encode(value: np.ndarray) -> np.ndarray:
        indices = value.reshape(-1, len(sizes)) - starts  # (num_envs, num_numbers)
        return np.concatenate([eye[indices[:, i]] for i, eye in enumerate(rows)], axis=1)

    return Leaf(path, spaces.Box(0.0, 1.0, (int(sizes.sum()),)), encode)


class Actions:
    """Turns an agent's actions into an environment's.

    Args:
        space: action space of one environment.

    Raises:
        TaskError: it is no Box, Discrete, MultiDiscrete or MultiBinary.
    """

    space: spaces.Box | spaces.Discrete | spaces.MultiDiscrete
    """What an agent chooses from."""

    def __init__(self, space: Space) -> None:
        self._env_space = space
        self._start: Any = 0
        if isinstance(space, spaces.Box):
            low, high = (bound.astype(np.float32).ravel() for bound in (space.low, space.high))
            self.space = spaces.Box(low, high, dtype=np.float32)
        elif isinstance(space, spaces.Discrete):
            self.space, self._start = spaces.Discrete(int(space.n)), space.start
        elif isinstance(space, spaces.MultiDiscrete):
            self.space, self._start = spaces.MultiDiscrete(space.nvec.ravel()), space.start
        elif isinstance(space, spaces.MultiBinary):
            self.space = spaces.MultiDiscrete([2] * int(np.prod(space.shape)))
        else:
            raise TaskError(f"id: takes actions of {space}, which no agent here can choose")

    @property
    def num_choices(self) -> int:
        """Width of an action mask: one column for each choice, heads side by side; 0 for a Box."""
        if isinstance(self.space, spaces.Box):
            return 0
        return int(self.space.n if isinstance(self.space, spaces.Discrete) else self.space.nvec.sum())

    def __call__(self, actions: Tensor) -> np.ndarray:
        """Return actions as the environment takes them.

        Args:
            actions: (num_envs, num_actions) for a Box, (num_envs,) for a Discrete, (num_envs, num_heads).
        """
        space = self._env_space
        array = actions.detach().cpu().numpy().reshape(-1, *(space.shape or ()))
        if isinstance(space, spaces.Box):
            # Scaling to the box may miss its bounds by a rounding, which some environments refuse.
            return np.clip(array, space.low, space.high).astype(space.dtype, copy=False)
        return (array + self._start).astype(space.dtype, copy=False)


def action_masks(infos: Mapping[str, Any], num_envs: int, num_choices: int) -> np.ndarray | None:
    """Return which actions are allowed, (num_envs, num_choices) bool, or None if the environment is silent.

    Args:
        infos: of a reset or a step; `action_mask` is (num_envs, num_choices), or heads apart: a tuple of
            (num_envs, n) arrays, or for each environment a tuple of (n,) arrays. Rows that `_action_mask`
            says are not there may do everything.
        num_envs: rows.
        num_choices: columns.

    Raises:
        TaskError: the mask has another width.
    """
    mask = infos.get("action_mask")
    if mask is None:
        return None
    there = np.asarray(infos.get("_action_mask", np.ones(num_envs, dtype=bool)))
    if isinstance(mask, (tuple, list)):
        mask = np.concatenate([np.asarray(head) for head in mask], axis=-1)
    elif mask.dtype == object:
        everything = np.ones(num_choices, dtype=bool)
        rows = [np.concatenate(row) if given else everything for row, given in zip(mask, there, strict=True)]
        mask = np.stack(rows)
    if mask.shape != (num_envs, num_choices):
        raise TaskError(
            f"id: its action_mask has shape {mask.shape}; {num_envs} environments with {num_choices} choices "
            f"need {(num_envs, num_choices)}"
        )
    return mask.astype(bool) | ~there[:, None]

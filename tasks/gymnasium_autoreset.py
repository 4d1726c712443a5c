"""One step of a vector environment, whichever way it begins new episodes.

Gymnasium knows three ways: within the step that ended the episode (`SAME_STEP`), in the next step, whose
action is then ignored (`NEXT_STEP`), and when asked (`DISABLED`). All three come out as the first: nobody
learns from a step whose action was ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tasks.base.config import TaskError
from tasks.gymnasium_state import get_state, set_state

ReadMasks = Callable[[dict[str, Any]], np.ndarray | None]


@dataclass(frozen=True)
class Transition:
    """What a step did, as arrays (num_envs, …)."""

    obs: Any
    """What to act on next: the first observation of the new episode where one ended."""
    rewards: np.ndarray
    terminated: np.ndarray
    """Ended by failure or success."""
    truncated: np.ndarray
    """Ended from outside, as by time."""
    final_obs: Any
    """What was seen at the end of the step, before any reset; `obs` itself where nothing ended."""
    action_masks: np.ndarray | None = None
    """What is allowed at `obs`, (num_envs, num_choices); None: the environment does not say."""


class SameStep:
    """An environment that begins new episodes within the step.

    Args:
        env: the vector environment.
        read_masks: returns the action masks that infos hold.
    """

    def __init__(self, env: VectorEnv, read_masks: ReadMasks) -> None:
        self.env = env
        self.read_masks = read_masks

    def reset(self, seed: int | None) -> tuple[Any, np.ndarray | None]:
        """Begin a new episode everywhere; return observations and action masks."""
        obs, infos = self.env.reset(seed=seed)
        return obs, self.read_masks(infos)

    def step(self, actions: np.ndarray) -> Transition:
        """Step every environment."""
        obs, rewards, terminated, truncated, infos = self.env.step(actions)
        masks = self.read_masks(infos)
        rows = np.flatnonzero(terminated | truncated)
        if not len(rows):
            return Transition(obs, rewards, terminated, truncated, obs, masks)
        if "final_obs" not in infos:
            raise TaskError(
                f"id: {self.env} says that it resets within the step, but gives no infos['final_obs']"
            )
        final_obs = with_rows(obs, rows, infos["final_obs"])
        return Transition(obs, rewards, terminated, truncated, final_obs, masks)


class OnRequest(SameStep):
    """An environment that begins new episodes only when asked, which is done within the step."""

    def step(self, actions: np.ndarray) -> Transition:
        """Step every environment, and begin new episodes where some ended."""
        obs, rewards, terminated, truncated, infos = self.env.step(actions)
        masks = self.read_masks(infos)
        ended = np.asarray(terminated | truncated)
        if not ended.any():
            return Transition(obs, rewards, terminated, truncated, obs, masks)
        final_obs = copied(obs)  # the environment may write new observations into the same memory
        first_obs, first_infos = self.env.reset(options={"reset_mask": ended.copy()})
        masks = _masks_of_both(masks, self.read_masks(first_infos), ended)
        return Transition(first_obs, rewards, terminated, truncated, final_obs, masks)


class OneByOne(VectorEnv):
    """Environments that begin new episodes in the next step, each a batch of its own.

    In one batch, that step's row would be no transition: its action is ignored. Apart, each environment that
    ended is stepped once more by itself, and nobody sees that step.

    Args:
        make_one: builds a batch of one.
        num_envs: how many.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, make_one: Callable[[], VectorEnv], num_envs: int) -> None:
        self.envs = [make_one() for _ in range(num_envs)]
        self.num_envs = num_envs
        self.metadata = {**self.envs[0].metadata, **type(self).metadata}
        self.single_observation_space = self.envs[0].single_observation_space
        self.single_action_space = self.envs[0].single_action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode everywhere, with consecutive seeds."""
        seeds = [None if seed is None else seed + i for i in range(self.num_envs)]
        firsts = [env.reset(seed=own, options=options) for env, own in zip(self.envs, seeds, strict=True)]
        return joined([obs for obs, _ in firsts]), _joined_masks([infos for _, infos in firsts])

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step every environment, and those that ended once more."""
        last, first, infos = [], [], []
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=bool)
        for i, env in enumerate(self.envs):
            action = actions[i : i + 1]
            obs, rewards[i : i + 1], terminated[i : i + 1], truncated[i : i + 1], info = env.step(action)
            last.append(copied(obs))  # the next step may write into the same memory
            if terminated[i] or truncated[i]:
                obs, _, _, _, info = env.step(action)
            first.append(obs)
            infos.append(info)
        final = {"final_obs": joined(last)} if (terminated | truncated).any() else {}
        return joined(first), rewards, terminated, truncated, {**final, **_joined_masks(infos)}

    def get_state(self) -> dict[str, Any]:
        """Return the state of every environment."""
        return {"envs": [get_state(env) for env in self.envs]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up a state of `get_state`."""
        for env, own in zip(self.envs, state["envs"], strict=True):
            set_state(env, own)

    def render(self) -> tuple[Any, ...]:
        """Draw every environment."""
        return tuple((env.render() or (None,))[0] for env in self.envs)

    def close_extras(self, **kwargs: Any) -> None:
        """Free every environment."""
        for env in self.envs:
            env.close(**kwargs)


def stepper_for(env: VectorEnv, read_masks: ReadMasks) -> SameStep:
    """Return what steps a vector environment that begins new episodes within the step, or when asked.

    Args:
        env: the vector environment.
        read_masks: returns the action masks (num_envs, num_choices) bool that infos hold, or None.
    """
    on_request = autoreset_mode(env) is AutoresetMode.DISABLED
    return OnRequest(env, read_masks) if on_request else SameStep(env, read_masks)


def autoreset_mode(env: VectorEnv) -> AutoresetMode:
    """Return how a vector environment begins new episodes.

    Raises:
        TaskError: it does not say; to guess would be to learn from what never happened.
    """
    mode = env.metadata.get("autoreset_mode")
    if mode is None:
        raise TaskError(
            f"id: {env} does not say how it begins new episodes; its metadata needs an 'autoreset_mode', a "
            f"gymnasium.vector.AutoresetMode"
        )
    return AutoresetMode(mode)


def joined(parts: list[Any]) -> Any:
    """Return batches of observations (or of flags) as one, in memory of its own."""
    if isinstance(parts[0], dict):
        return {key: joined([part[key] for part in parts]) for key in parts[0]}
    if isinstance(parts[0], tuple):
        return tuple(joined(list(column)) for column in zip(*parts, strict=True))
    return np.concatenate(parts)


def _joined_masks(infos: list[dict[str, Any]]) -> dict[str, Any]:
    if not all("action_mask" in info for info in infos):
        return {}
    return {"action_mask": joined([info["action_mask"] for info in infos])}


def with_rows(obs: Any, rows: np.ndarray, final: Any) -> Any:
    """Return a copy of batched observations in which the listed rows are others.

    Args:
        obs: array (num_envs, …), or a dict or tuple of them.
        rows: (k,) indices.
        final: batched like `obs`, or an object array (num_envs,) of observations of one environment.
    """
    if isinstance(final, np.ndarray) and final.dtype == object:
        return _with_items(obs, rows, [final[row] for row in rows])
    if isinstance(obs, dict):
        return {key: with_rows(part, rows, final[key]) for key, part in obs.items()}
    if isinstance(obs, tuple):
        return tuple(with_rows(part, rows, other) for part, other in zip(obs, final, strict=True))
    result = np.array(obs)
    result[rows] = np.asarray(final)[rows]
    return result


def _with_items(obs: Any, rows: np.ndarray, items: list[Any]) -> Any:
    if isinstance(obs, dict):
        return {key: _with_items(part, rows, [item[key] for item in items]) for key, part in obs.items()}
    if isinstance(obs, tuple):
        return tuple(_with_items(part, rows, [item[i] for item in items]) for i, part in enumerate(obs))
    result = np.array(obs)
    result[rows] = np.stack(items)
    return result


def copied(obs: Any) -> Any:
    """Return batched observations in memory of their own."""
    return with_rows(obs, np.array([], dtype=int), obs)


def _masks_of_both(old: np.ndarray | None, first: np.ndarray | None, ended: np.ndarray) -> np.ndarray | None:
    """Return the masks of new episodes where one began, and of the step elsewhere; silence allows all."""
    known = old if old is not None else first
    if known is None:
        return None
    everything = np.ones_like(known)
    return np.where(
        ended[:, None], everything if first is None else first, everything if old is None else old
    )

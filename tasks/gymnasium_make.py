"""Make vector environments: Gymnasium's, or EnvPool's behind the same interface."""

from __future__ import annotations

import functools
import importlib
import logging
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tasks.base.config import TaskError
from tasks.gymnasium_autoreset import OneByOne, autoreset_mode
from tasks.gymnasium_config import (
    GymnasiumEnvConfig,
    choose_vectorization,
    find_spec,
    takes_autoreset_mode,
    vector_creator,
)
from tasks.gymnasium_state import Stateful

logger = logging.getLogger(__name__)


def make_vector_env(cfg: GymnasiumEnvConfig, seed: int, films: bool = False) -> VectorEnv:
    """Build the environments that a configuration asks for.

    Args:
        cfg: what to build.
        seed: for an environment that is seeded when it is built.
        films: it has to be able to draw frames.

    Raises:
        TaskError: it cannot be built so: a package is missing, a keyword is unknown, it draws no frames.
    """
    kwargs = dict(cfg.kwargs)
    if cfg.episodeLength is not None:
        kwargs["max_episode_steps"] = cfg.episodeLength
    if films:
        kwargs["render_mode"] = "rgb_array"
    try:
        if cfg.backend == "envpool":
            env: VectorEnv = EnvPoolVectorEnv(cfg.id, cfg.numEnvs, seed, **kwargs)
        else:
            env = _make_gymnasium(cfg, kwargs)
    except (gymnasium.error.Error, TypeError) as error:
        if isinstance(error, TypeError) and "argument" not in str(error):
            raise  # a fault of its own code, whose traceback is wanted
        raise TaskError(f"id={cfg.id}: cannot be built with kwargs={kwargs}: {error}") from error
    if films and "rgb_array" not in env.metadata.get("render_modes", ()):
        env.close()
        raise TaskError(f"id={cfg.id}: draws no frames; leave capture_video out")
    return env


def _make_gymnasium(cfg: GymnasiumEnvConfig, kwargs: dict[str, Any]) -> VectorEnv:
    spec = find_spec(cfg.id)
    mode = choose_vectorization(spec, cfg.vectorization)
    if mode == "vector_entry_point":
        if takes_autoreset_mode(vector_creator(spec)):
            kwargs = {"autoreset_mode": AutoresetMode.SAME_STEP, **kwargs}
        return _make_batch(cfg, kwargs)
    # What is returned is turned into tensors at once, so Gymnasium need not copy it.
    options = {"autoreset_mode": AutoresetMode.SAME_STEP, "copy": False}
    return gymnasium.make_vec(
        cfg.id, cfg.numEnvs, vectorization_mode=mode, vector_kwargs=options, wrappers=[Stateful], **kwargs
    )


def _make_batch(cfg: GymnasiumEnvConfig, kwargs: dict[str, Any]) -> VectorEnv:
    """Use the environment's own batched implementation, whole if it resets within the step."""

    def make(num_envs: int) -> VectorEnv:
        return gymnasium.make_vec(cfg.id, num_envs, vectorization_mode="vector_entry_point", **kwargs)

    env = make(cfg.numEnvs)
    if autoreset_mode(env) is not AutoresetMode.NEXT_STEP:
        return env
    env.close()
    logger.warning(
        "%s resets in the step after an episode's end: its %d environments are stepped one by one, so that "
        "nothing is learned from that step; vectorization=sync may be faster",
        *(cfg.id, cfg.numEnvs),
    )
    return OneByOne(functools.partial(make, 1), cfg.numEnvs)


class EnvPoolVectorEnv(VectorEnv):
    """Environments of EnvPool, stepped by its C++ threads.

    EnvPool itself begins new episodes in the next step; here those that ended are asked to begin at once.

    Args:
        env_id: EnvPool's name of the environment.
        num_envs: how many.
        seed: of the first; the others' follow.
        kwargs: passed on to `envpool.make_gymnasium`.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.DISABLED}

    def __init__(self, env_id: str, num_envs: int, seed: int, **kwargs: Any) -> None:
        envpool: Any = importlib.import_module("envpool")
        self.pool = envpool.make_gymnasium(env_id, num_envs=num_envs, seed=seed, **kwargs)
        self.num_envs = num_envs
        self.single_observation_space = self.pool.observation_space
        self.single_action_space = self.pool.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._obs: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin new episodes, everywhere or where `options["reset_mask"]` is true; the seed is fixed."""
        mask = (options or {}).get("reset_mask")
        if mask is None:
            self._obs, _ = self.pool.reset()
            return self._obs, {}
        rows = np.flatnonzero(mask)
        first, _ = self.pool.reset(rows)  # of these rows alone
        self._obs = _put(self._obs, rows, first)
        return self._obs, {}

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step every environment."""
        self._obs, rewards, terminated, truncated, _ = self.pool.step(actions)
        return self._obs, rewards, np.asarray(terminated, bool), np.asarray(truncated, bool), {}

    def close_extras(self, **kwargs: Any) -> None:
        """End EnvPool's threads."""
        self.pool.close()


def _put(obs: Any, rows: np.ndarray, new: Any) -> Any:
    """Return a copy of batched observations whose listed rows are `new`, (k, …)."""
    if isinstance(obs, dict):
        return {key: _put(part, rows, new[key]) for key, part in obs.items()}
    result = np.array(obs)
    result[rows] = new
    return result

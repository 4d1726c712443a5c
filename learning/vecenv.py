"""What the learning room asks of a vectorised environment, and where environments are registered by name.

This is the only place where tasks and learning meet. An environment holds `num_envs` independent copies of a
task; every tensor that it returns lives on one device. Copies that end are reset within the same step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from gymnasium import spaces

from learning.typed_config import ConfigError, suggest

ObsDict = dict[str, Any]
"""`obs`: (num_envs, …), or a dictionary of such tensors where the space is one; `states`: what a critic alone
may see, likewise, where there is a `state_space`."""


@runtime_checkable
class VecEnv(Protocol):
    """A batch of environments that step together.

    Returned tensors may be live buffers that the next call overwrites: whoever keeps one copies it at once.
    """

    num_envs: int
    """Number of environments in this process."""

    device: torch.device
    """Where observations, rewards and actions live."""

    # Optional: `num_agents`, how many rows in succession are the players of one match, all of which are
    # environments here. They end together. `state_space` and `get_action_masks` are optional, too.

    observation_space: spaces.Space
    """Space of one environment's observation: a Box, mostly (num_obs,), or a Dict of Boxes."""

    action_space: spaces.Space
    """Space of one environment's action: a Box (num_actions,), Discrete, or MultiDiscrete."""

    def reset(self) -> ObsDict:
        """Start a new episode in every environment.

        Returns:
            `{"obs": (num_envs, num_obs) float32}`; images stay uint8.
        """
        ...

    def step(self, actions: torch.Tensor) -> tuple[ObsDict, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Advance every environment by one control step.

        Args:
            actions: (num_envs, num_actions) float32 within the action space; (num_envs,) int64 where it is
                Discrete, (num_envs, k) where it is MultiDiscrete.

        Returns:
            obs: as `reset`; rows of environments that ended already show the first observation of the new
                episode.
            rewards: (num_envs,) float32.
            dones: (num_envs,) bool, `time_outs | terminate`.
            extras: `time_outs` (num_envs,) bool, ended by time alone; `terminate` (num_envs,) bool, ended by
                failure or success; `final_obs` {"obs": (num_envs, num_obs)}, what was seen at the end of this
                step before any reset; optionally `episode`, a dict of 0-dim or (num_envs,) tensors that are
                averaged over the epoch and logged as `Episode/<key>`.
        """
        ...

    def get_env_state(self) -> dict[str, Any] | None:
        """Whole state (physics, counters, buffers, random generators) as tensors and plain values.

        None where it cannot be taken: on resume the environment begins new episodes.
        """
        ...

    def set_env_state(self, state: dict[str, Any] | None) -> None:
        """Take up a state of `get_env_state`; the next steps are then exactly those that followed it."""
        ...

    def close(self) -> None:
        """Free what the environment holds."""
        ...


def state_space(env: Any) -> spaces.Space:
    """Return the space of an environment's `states`, which a central critic sees.

    Raises:
        ConfigError: it has none.
    """
    space = getattr(env, "state_space", None)
    if space is None:
        raise ConfigError(
            f"train.params.config.central_value_config: {type(env).__name__} gives no states (it has no "
            "state_space); set it to null, or let the environment put them into obs['states']"
        )
    return space


def action_masks(env: Any, num_logits: int) -> torch.Tensor:
    """Ask an environment which actions are allowed in the next step.

    Args:
        env: a `VecEnv` with a method `get_action_masks`.
        num_logits: number of actions, over all choices.

    Returns:
        (num_envs, num_logits) bool, True where allowed; the masks of several choices side by side.

    Raises:
        ConfigError: it gives none, or masks of another width.
    """
    if not hasattr(env, "get_action_masks"):
        raise ConfigError(
            f"train.params.config.use_action_masks=True: {type(env).__name__} has no get_action_masks(); set "
            "it to False, or give the environment one"
        )
    masks = env.get_action_masks()
    if masks is None:
        raise ConfigError(
            f"train.params.config.use_action_masks=True: {type(env).__name__} says of no action whether it "
            "is allowed; set it to False, or give the environment masks"
        )
    if masks.shape[-1] != num_logits:
        raise ConfigError(
            f"get_action_masks() of {type(env).__name__} is {masks.shape[-1]} wide, its action space has "
            f"{num_logits} actions; give one column an action, those of several choices side by side"
        )
    return masks.bool()


VecEnvCreator = Callable[..., VecEnv]

_CREATORS: dict[str, VecEnvCreator] = {}


def register(env_name: str, creator: VecEnvCreator, *, override: bool = False) -> None:
    """Make an environment known under a name.

    Args:
        env_name: value of `train.params.config.env_name` that selects it.
        creator: called as `creator(num_envs=..., **env_config)`.
        override: replace an earlier registration instead of refusing.

    Raises:
        ValueError: the name is taken and `override` is False.
    """
    if env_name in _CREATORS and not override:
        raise ValueError(f"environment '{env_name}' is already registered; pass override=True to replace it")
    _CREATORS[env_name] = creator


def create(env_name: str, num_envs: int, **env_config: Any) -> VecEnv:
    """Build a registered environment.

    Args:
        env_name: name given to `register`.
        num_envs: number of environments for this process.
        env_config: passed on to the creator.

    Raises:
        ConfigError: no environment of that name is registered.
    """
    if env_name not in _CREATORS:
        raise ConfigError(
            f"train.params.config.env_name={env_name}: no environment is registered under this name; "
            f"{suggest(env_name, _CREATORS)}; register one with learning.vecenv.register(name, creator)"
        )
    return _CREATORS[env_name](num_envs=num_envs, **env_config)

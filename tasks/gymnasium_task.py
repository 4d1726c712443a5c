"""Any environment of Gymnasium as a task: CartPole, Atari, a robot of your own that is registered there."""

from __future__ import annotations

import functools
import logging
from typing import Any

import numpy as np
import torch
from gymnasium.vector import SyncVectorEnv
from torch import Tensor

from tasks.gymnasium_autoreset import stepper_for
from tasks.gymnasium_config import GymnasiumEnvConfig
from tasks.gymnasium_make import make_vector_env
from tasks.gymnasium_spaces import Actions, Observations, action_masks
from tasks.gymnasium_state import NotStorable, get_vector_state, set_vector_state

logger = logging.getLogger(__name__)

DEFAULT_FPS = 30.0
SEEDS = 2**30
"""Environments take consecutive seeds from a drawn one; EnvPool's have to fit into 31 bits."""


class GymnasiumTask:
    """A vector environment of Gymnasium in the form that agents take (`learning.vecenv.VecEnv`).

    Observations are one tensor, or a dict of tensors where the environment's space is a Dict (see
    `tasks.gymnasium_spaces`). A key `states` of such a Dict is for the critic alone and stands beside `obs`.

    Args:
        cfg: the resolved task configuration: `env`.
        rl_device: where observations and rewards go and actions come from.
        sim_device: not used: environments live on the CPU.
        graphics_device_id: not used.
        headless: not used: frames are drawn off-screen.
        virtual_screen_capture: be ready to draw frames of the first environment.
        force_render: not used.
    """

    env_config_type = GymnasiumEnvConfig

    def __init__(
        self,
        cfg: dict[str, Any],
        rl_device: str = "cpu",
        sim_device: str = "cpu",
        graphics_device_id: int = -1,
        headless: bool = True,
        virtual_screen_capture: bool = False,
        force_render: bool = False,
    ) -> None:
        self.cfg = cfg
        self.env_cfg = GymnasiumEnvConfig(**cfg["env"])
        self.device = torch.device(rl_device)
        self.num_envs = self.env_cfg.numEnvs
        # Drawn from the worker's generator: with seed + rank, a worker's second environment would be the
        # next worker's first.
        self._seed: int | None = int(torch.randint(SEEDS, ()))
        self._was_reset = self._said_anew = False
        self.env = make_vector_env(self.env_cfg, self._seed, films=virtual_screen_capture)
        self._create_spaces()
        self._create_stepper()

    def _create_spaces(self) -> None:
        self._observations = Observations(self.env.single_observation_space, self.device)
        self._actions = Actions(self.env.single_action_space)
        self.observation_space = self._observations.space
        self.state_space = self._observations.state_space
        self.action_space = self._actions.space
        self.num_agents = int(getattr(self.env.unwrapped, "num_agents", 1))

    def _create_stepper(self) -> None:
        num_choices = self._actions.num_choices
        read_masks = functools.partial(action_masks, num_envs=self.num_envs, num_choices=num_choices)
        self._stepper = stepper_for(self.env, read_masks)
        self._action_masks: Tensor | None = None

    # ---------------------------------------------------------------- what an agent calls

    def reset(self) -> dict[str, Any]:
        """Begin a new episode everywhere.

        Returns:
            `{"obs": …}`, and `"states"` (num_envs, num_states) where the environment has some.
        """
        obs, masks = self._stepper.reset(None if self._was_reset else self._seed)
        self._was_reset = True
        self._action_masks = None if masks is None else self._flags(masks)
        return self._observations(obs)

    def step(self, actions: Tensor) -> tuple[dict[str, Any], Tensor, Tensor, dict[str, Any]]:
        """Advance every environment by one control step; those that end begin anew within it.

        Args:
            actions: (num_envs, num_actions) float for a Box, (num_envs,) or (num_envs, num_heads) whole
                numbers for discrete actions.

        Returns:
            observations as `reset`, of the new episode where one ended; rewards (num_envs,); dones
            (num_envs,) bool; extras with `time_outs`, `terminate` (num_envs,) bool; `final_obs`, as
            observations, seen before any reset; `action_masks` (num_envs, num_choices) bool, what is allowed
            next, if the environment says so.
        """
        done = self._stepper.step(self._actions(actions))
        obs = self._observations(done.obs)
        terminate = self._flags(done.terminated)
        time_outs = self._flags(done.truncated & ~done.terminated)
        extras: dict[str, Any] = {
            "time_outs": time_outs,
            "terminate": terminate,
            "final_obs": obs if done.final_obs is done.obs else self._observations(done.final_obs),
        }
        self._action_masks = None if done.action_masks is None else self._flags(done.action_masks)
        if self._action_masks is not None:
            extras["action_masks"] = self._action_masks
        rewards = torch.from_numpy(np.array(done.rewards, dtype=np.float32)).to(self.device)
        return obs, rewards, terminate | time_outs, extras

    def has_action_masks(self) -> bool:
        """Tell whether the environment says which actions are allowed; known after the first reset."""
        return self._action_masks is not None

    def get_action_masks(self) -> Tensor | None:
        """Return what is allowed at the observations last returned, (num_envs, num_choices) bool, or None."""
        return self._action_masks

    def get_number_of_agents(self) -> int:
        """Return how many rows in succession are players of one match."""
        return self.num_agents

    def get_env_state(self) -> dict[str, Any] | None:
        """Return everything that the next step depends on; None where it cannot be taken."""
        try:
            state = get_vector_state(self.env)
        except NotStorable as reason:
            if not self._said_anew:
                logger.warning("%s: environments start anew on resume (%s)", self.env_cfg.id, reason)
            self._said_anew = True
            return None
        return {"env": state, "action_masks": self._action_masks}

    def set_env_state(self, state: dict[str, Any] | None) -> None:
        """Go on from what `get_env_state` returned; from None, with new episodes."""
        if not self._was_reset or state is None:
            self.reset()  # wrappers refuse to step before
        if state is None:
            return
        set_vector_state(self.env, state["env"])
        masks = state["action_masks"]
        self._action_masks = None if masks is None else masks.to(self.device)

    def close(self) -> None:
        """Free the environments."""
        self.env.close()

    # ---------------------------------------------------------------- films

    @property
    def dt(self) -> float:
        """Time that a frame is shown [s]."""
        return 1.0 / float(self.env.metadata.get("render_fps", DEFAULT_FPS))

    control_freq_inv = 1
    """frames a control step"""

    def render_frame(self) -> np.ndarray:
        """Draw the first environment, (height, width, 3) uint8."""
        if isinstance(self.env, SyncVectorEnv):
            return np.asarray(self.env.envs[0].render())
        frames = self.env.render()
        assert frames  # it was built to draw
        return np.asarray(frames[0])

    def _flags(self, values: np.ndarray) -> Tensor:
        """Return flags as a tensor of its own memory on the agent's device."""
        return torch.from_numpy(np.array(values, dtype=bool)).to(self.device)

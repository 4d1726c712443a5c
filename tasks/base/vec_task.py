"""The vectorised environment: one simulation, many environments, one step from actions to observations.

A step reads top to bottom in `VecTask.step`: actions → `pre_physics_step` → `simulate` (×
controlFrequencyInv) → `post_physics_step`, which observes, rewards, ends and, within the same step, resets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from isaacgym import gymapi
from torch import Tensor

from tasks.base.config import EnvConfig
from tasks.base.sim_params import parse_sim_params
from tasks.base.viewer import TaskViewer


class VecTask(ABC):
    """A task with `num_envs` environments whose tensors all live on the simulation's device.

    A subclass states `env_config_type`, `num_obs` and `num_actions`, and fills the hooks below the line
    "What a task fills in". It never overrides `step`.

    Args:
        cfg: the resolved task configuration: `env`, `sim`, `physics_engine`; `test`: played, not trained.
        rl_device: where observations and rewards go and actions come from.
        sim_device: where the physics runs.
        graphics_device_id: graphics card, -1 for none.
        headless: open no window.
        virtual_screen_capture: accepted for Isaac Gym's sake; frames come from off-screen rendering.
        force_render: draw even where nobody watches.
    """

    env_config_type: type[EnvConfig] = EnvConfig
    num_obs: int
    num_actions: int
    auto_reset = True
    """whether `step` resets environments that end; an evaluation plays on and looks at `reset_buf` itself"""

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
        self.env_cfg = self.env_config_type(**cfg["env"])
        self.device = torch.device(rl_device)
        self.sim_device = torch.device(sim_device)
        self.headless = headless
        self.graphics_device_id = graphics_device_id if self._needs_graphics() else -1
        self.num_envs = self.env_cfg.numEnvs
        self.max_episode_length = self.env_cfg.episodeLength
        self.control_freq_inv = self.env_cfg.controlFrequencyInv

        self.gym = gymapi.acquire_gym()
        self.sim_params = parse_sim_params(cfg["sim"], sim_device)
        self.dt = self.sim_params.dt
        self.sim = self._create_sim()
        self.create_scene()
        self.gym.prepare_sim(self.sim)
        self.acquire_tensors()
        self._create_spaces()
        self._allocate_buffers()
        self.viewer = None if headless else self._create_viewer(cfg.get("test", False))

    # ---------------------------------------------------------------- what an agent calls

    def reset(self) -> dict[str, Tensor]:
        """Start a new episode everywhere. Returns {"obs": (num_envs, num_obs)}."""
        env_ids = torch.arange(self.num_envs, device=self.sim_device)
        self._reset(env_ids)
        if self.env_cfg.randomizeStart:
            ages = torch.rand(self.num_envs, device=self.sim_device) * self.max_episode_length
            self.progress_buf[:] = ages.long()
        return self._obs_dict(self.obs_buf)

    def step(self, actions: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor, dict[str, Any]]:
        """Advance every environment by one control step; those that end are reset within it.

        Args:
            actions: (num_envs, num_actions) on `rl_device`; clamped to ±clipActions.

        Returns:
            observations {"obs": (num_envs, num_obs)}, of the new episode where one ended; rewards
            (num_envs,); dones (num_envs,) bool; extras with `time_outs`, `terminate` (num_envs,) bool,
            `final_obs` {"obs": …} seen before any reset, and `episode`, the means of each reward term and of
            `compute_figures`.
        """
        clip = self.env_cfg.clipActions
        torch.clamp(actions.to(self.sim_device), -clip, clip, out=self.actions)
        self.pre_physics_step(self.actions)
        for _ in range(self.control_freq_inv):
            self.gym.simulate(self.sim)
        self.gym.fetch_results(self.sim, True)
        self.post_physics_step()
        if self.viewer is not None:
            self.viewer.render()
        return (
            self._obs_dict(self.obs_buf),
            self.rew_buf.to(self.device),
            self.reset_buf.to(self.device),
            self._extras(),
        )

    def get_env_state(self) -> dict[str, Any]:
        """Everything that the next step depends on: the simulation's whole state and this task's buffers."""
        buffers = {name: tensor.clone() for name, tensor in self.state_buffers().items()}
        return {"sim": self.gym.get_sim_state(self.sim), "buffers": buffers}

    def set_env_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_env_state` returned.

        Raises:
            ValueError: a buffer is missing or has another shape (another task, or other sizes).
        """
        own, saved = self.state_buffers(), state["buffers"]
        for name, buffer in own.items():
            if name not in saved or saved[name].shape != buffer.shape:
                found = tuple(saved[name].shape) if name in saved else "nothing"
                raise ValueError(
                    f"environment state: buffer {name!r} is {found}, expected {tuple(buffer.shape)}"
                )
            buffer.copy_(saved[name])
        self.gym.set_sim_state(self.sim, state["sim"])
        self.divergence_counts.copy_(self.gym.get_sim_warnings(self.sim))
        self.refresh_tensors()

    def close(self) -> None:
        """Close the window and free the simulation."""
        if self.viewer is not None:
            self.viewer.close()
        if self.sim is not None:
            self.gym.destroy_sim(self.sim)
            self.sim = None

    # ---------------------------------------------------------------- what a task fills in

    @abstractmethod
    def create_scene(self) -> None:
        """Load assets, add the ground, create `num_envs` environments and their actors."""

    @abstractmethod
    def acquire_tensors(self) -> None:
        """Acquire and wrap the simulation's tensors, and keep views into them."""

    @abstractmethod
    def refresh_tensors(self) -> None:
        """Refresh every acquired tensor that observations, rewards or resets read."""

    @abstractmethod
    def pre_physics_step(self, actions: Tensor) -> None:
        """Turn actions (num_envs, num_actions) into forces or targets."""

    @abstractmethod
    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """Observe all environments, or those listed, from refreshed tensors. Returns (n, num_obs)."""

    @abstractmethod
    def compute_rewards(self) -> dict[str, Tensor]:
        """Named reward terms of the step that was just made, each (num_envs,); their sum is the reward."""

    @abstractmethod
    def compute_terminated(self) -> Tensor:
        """Which environments failed in this step, (num_envs,) bool; running out of time is not failing."""

    @abstractmethod
    def reset_idx(self, env_ids: Tensor) -> None:
        """Put the listed environments, (n,) int64, into a new initial state."""

    def refresh_after_reset(self) -> None:
        """Refresh what is observed and `reset_idx` did not write into its tensor itself; by default all."""
        self.refresh_tensors()

    def update_state(self) -> None:  # noqa: B027 (a hook that most tasks leave empty)
        """Update what the task remembers between steps; called after physics, before observing."""

    def compute_figures(self) -> dict[str, Tensor]:
        """Named figures of the step that was just made, each (num_envs,), which are told and not rewarded."""
        return {}

    def state_buffers(self) -> dict[str, Tensor]:
        """Tensors that carry over from step to step; a subclass adds its own."""
        return {"obs": self.obs_buf, "actions": self.actions, "progress": self.progress_buf}

    # ---------------------------------------------------------------- one step, in order

    def post_physics_step(self) -> None:
        """Observe, reward, end, reset: in this order, within one step."""
        self.progress_buf += 1
        self.refresh_tensors()
        self.update_state()
        self._observe()
        diverged = self._diverged()
        torch.logical_or(self.compute_terminated(), diverged, out=self.terminate_buf)
        self._reward(~diverged)
        time_up = self.progress_buf >= self.max_episode_length - 1
        torch.logical_and(time_up, ~self.terminate_buf, out=self.timeout_buf)
        torch.logical_or(time_up, self.terminate_buf, out=self.reset_buf)
        self.final_obs_buf.copy_(self.obs_buf)
        # Isaac Gym's indexed setters take a list of actors: the one place whose shape depends on data.
        if self.auto_reset and len(env_ids := self.reset_buf.nonzero().squeeze(-1)) > 0:
            self._reset(env_ids)

    def _observe(self) -> None:
        clip = self.env_cfg.clipObservations
        observations = self.compute_observations()
        if clip != float("inf"):
            observations = observations.clamp_(-clip, clip)
        self.obs_buf.copy_(observations)

    def _diverged(self) -> Tensor:
        """Environments whose physics became NaN or huge in this step, (num_envs,) bool.

        The engine has put them back to their first state, so the step's figures mean nothing there: they end.
        """
        counts = self.gym.get_sim_warnings(self.sim)
        diverged = counts != self.divergence_counts
        self.divergence_counts.copy_(counts)
        return diverged

    def _reward(self, valid: Tensor) -> None:
        terms = self.compute_rewards()
        stacked = torch.stack(list(terms.values())) * valid  # (num_terms, num_envs)
        torch.sum(stacked, dim=0, out=self.rew_buf)
        names = (f"reward/{name}" for name in terms)
        figures = {name: value.mean() for name, value in self.compute_figures().items()}
        self.episode_terms: dict[str, Tensor] = dict(zip(names, stacked.mean(dim=1), strict=True)) | figures

    def _reset(self, env_ids: Tensor) -> None:
        self.reset_idx(env_ids)
        self._begin_episodes(env_ids)

    def _begin_episodes(self, env_ids: Tensor) -> None:
        """Count from 0 and observe, in environments that were just put into their initial states."""
        self.progress_buf[env_ids] = 0
        self.actions[env_ids] = 0.0
        self.refresh_after_reset()
        clip = self.env_cfg.clipObservations
        self.obs_buf[env_ids] = self.compute_observations(env_ids).clamp_(-clip, clip)

    def _obs_dict(self, observations: Tensor) -> dict[str, Tensor]:
        return {"obs": observations.to(self.device)}

    def _extras(self) -> dict[str, Any]:
        return {
            "time_outs": self.timeout_buf.to(self.device),
            "terminate": self.terminate_buf.to(self.device),
            "final_obs": self._obs_dict(self.final_obs_buf),
            "episode": self.episode_terms,
        }

    # ---------------------------------------------------------------- construction

    def _needs_graphics(self) -> bool:
        return not self.headless or self.env_cfg.enableCameraSensors

    def _create_sim(self) -> Any:
        device_id = self.sim_device.index or 0
        return self.gym.create_sim(device_id, self.graphics_device_id, gymapi.SIM_PHYSX, self.sim_params)

    def _create_viewer(self, test: bool) -> TaskViewer:
        return TaskViewer(self.gym, self.sim, follow=self.env_cfg.cameraFollow, real_time=test)

    def _create_spaces(self) -> None:
        bound = np.ones(self.num_actions, dtype=np.float32)
        infinite = np.full(self.num_obs, np.inf, dtype=np.float32)
        self.observation_space = spaces.Box(-infinite, infinite, dtype=np.float32)
        self.action_space = spaces.Box(-bound, bound, dtype=np.float32)

    def _allocate_buffers(self) -> None:
        n, device = self.num_envs, self.sim_device
        self.obs_buf = torch.zeros(n, self.num_obs, device=device)
        self.final_obs_buf = torch.zeros_like(self.obs_buf)
        self.actions = torch.zeros(n, self.num_actions, device=device)
        self.rew_buf = torch.zeros(n, device=device)
        self.progress_buf = torch.zeros(n, dtype=torch.long, device=device)
        self.reset_buf = torch.zeros(n, dtype=torch.bool, device=device)
        self.terminate_buf = torch.zeros_like(self.reset_buf)
        self.timeout_buf = torch.zeros_like(self.reset_buf)
        self.divergence_counts = torch.zeros(n, dtype=torch.int64, device=device)

    def add_ground(self) -> None:
        """A plane at height 0, normal to the up axis, with the friction of `task.env.plane`."""
        plane = gymapi.PlaneParams()
        up_is_z = self.sim_params.up_axis == gymapi.UP_AXIS_Z
        plane.normal = gymapi.Vec3(0.0, 0.0, 1.0) if up_is_z else gymapi.Vec3(0.0, 1.0, 0.0)
        plane.static_friction = self.env_cfg.plane.staticFriction
        plane.dynamic_friction = self.env_cfg.plane.dynamicFriction
        plane.restitution = self.env_cfg.plane.restitution
        self.gym.add_ground(self.sim, plane)

    def create_envs(self) -> list[Any]:
        """Create the grid of empty environments, `num_envs` of them."""
        s = self.env_cfg.envSpacing
        lower, upper = gymapi.Vec3(-s, -s, 0.0), gymapi.Vec3(s, s, s)
        per_row = int(np.sqrt(self.num_envs))
        return [self.gym.create_env(self.sim, lower, upper, per_row) for _ in range(self.num_envs)]

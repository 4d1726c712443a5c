"""Cartpole: keep a pole upright on a cart that is pushed along its rail. 4 observations, 1 action."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import torch_rand_float
from torch import Tensor

from tasks.base.config import EnvConfig
from tasks.base.observations import ObservationBlocks
from tasks.base.vec_task import VecTask

CART_HEIGHT = 2.0  # [m]
FAILURE_REWARD = -2.0
MAX_POLE_ANGLE = math.pi / 2  # [rad]


@dataclass
class CartpoleEnvConfig(EnvConfig):
    """Keys of `task.env` for Cartpole."""

    resetDist: float = 3.0
    """the episode fails when the cart is further than this from the middle [m]"""
    maxEffort: float = 400.0
    """force on the cart at action 1 [N]"""


class Cartpole(VecTask):
    """The classic balancing task, on a rail at 2 m height."""

    env_config_type = CartpoleEnvConfig
    env_cfg: CartpoleEnvConfig
    blocks = ObservationBlocks({"cart_pos": 1, "cart_vel": 1, "pole_angle": 1, "pole_vel": 1})
    num_obs = blocks.size
    num_actions = 1

    def create_scene(self) -> None:
        """One cart and pole an environment, fixed to the world; no ground is needed."""
        options = gymapi.AssetOptions()
        options.fix_base_link = True
        asset_cfg = self.env_cfg.asset
        asset = self.gym.load_asset(self.sim, asset_cfg.assetRoot, asset_cfg.assetFileName, options)
        self.num_dof = self.gym.get_asset_dof_count(asset)
        pose = gymapi.Transform(p=gymapi.Vec3(0.0, 0.0, CART_HEIGHT))
        for i, env in enumerate(self.create_envs()):
            actor = self.gym.create_actor(env, asset, pose, "cartpole", i, 1, 0)
            self._drive(env, actor)

    def _drive(self, env: Any, actor: int) -> None:
        props = self.gym.get_actor_dof_properties(env, actor)
        props["driveMode"] = (gymapi.DOF_MODE_EFFORT, gymapi.DOF_MODE_NONE)
        props["stiffness"] = 0.0
        props["damping"] = 0.0
        self.gym.set_actor_dof_properties(env, actor, props)

    def acquire_tensors(self) -> None:
        """DOF states: cart position and velocity [m, m/s], pole angle and velocity [rad, rad/s]."""
        self.dof_state = gymtorch.wrap_tensor(self.gym.acquire_dof_state_tensor(self.sim))
        per_env = self.dof_state.view(self.num_envs, self.num_dof, 2)
        self.dof_pos, self.dof_vel = per_env[..., 0], per_env[..., 1]
        self.forces = torch.zeros(self.num_envs, self.num_dof, device=self.sim_device)

    def refresh_tensors(self) -> None:
        """Fetch the DOF states."""
        self.gym.refresh_dof_state_tensor(self.sim)

    def pre_physics_step(self, actions: Tensor) -> None:
        """Push the cart with action · maxEffort."""
        self.forces[:, 0] = actions[:, 0] * self.env_cfg.maxEffort
        self.gym.set_dof_actuation_force_tensor(self.sim, gymtorch.unwrap_tensor(self.forces))

    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """Cart and pole, position and velocity each: (n, 4)."""
        pos, vel = (
            (self.dof_pos, self.dof_vel)
            if env_ids is None
            else (self.dof_pos[env_ids], self.dof_vel[env_ids])
        )
        return self.blocks.concatenate(
            {"cart_pos": pos[:, 0], "cart_vel": vel[:, 0], "pole_angle": pos[:, 1], "pole_vel": vel[:, 1]}
        )

    def compute_terminated(self) -> Tensor:
        """The cart left its range, or the pole fell below the horizontal."""
        return (self.dof_pos[:, 0].abs() > self.env_cfg.resetDist) | (
            self.dof_pos[:, 1].abs() > MAX_POLE_ANGLE
        )

    def compute_rewards(self) -> dict[str, Tensor]:
        """1 − θ² − 0.01|ẋ| − 0.005|θ̇|, and −2 instead where the episode failed."""
        return cartpole_rewards(self.dof_pos, self.dof_vel, self.terminate_buf)

    def reset_idx(self, env_ids: Tensor) -> None:
        """Near the middle, nearly upright: positions U(±0.1), velocities U(±0.25)."""
        shape = (len(env_ids), self.num_dof)
        device = str(self.sim_device)
        self.dof_pos[env_ids] = torch_rand_float(-0.1, 0.1, shape, device=device)
        self.dof_vel[env_ids] = torch_rand_float(-0.25, 0.25, shape, device=device)
        actor_ids = env_ids.to(torch.int32)
        self.gym.set_dof_state_tensor_indexed(
            self.sim,
            gymtorch.unwrap_tensor(self.dof_state),
            gymtorch.unwrap_tensor(actor_ids),
            len(actor_ids),
        )


def cartpole_rewards(dof_pos: Tensor, dof_vel: Tensor, failed: Tensor) -> dict[str, Tensor]:
    """Reward terms of Cartpole.

    Args:
        dof_pos: (n, 2) cart position [m], pole angle [rad].
        dof_vel: (n, 2) cart velocity [m/s], pole velocity [rad/s].
        failed: (n,) bool; there, every term is 0 but `failure`.
    """
    alive = (~failed).to(dof_pos.dtype)
    return {
        "alive": alive,
        "pole_angle": -alive * dof_pos[:, 1].square(),
        "cart_vel": -0.01 * alive * dof_vel[:, 0].abs(),
        "pole_vel": -0.005 * alive * dof_vel[:, 1].abs(),
        "failure": FAILURE_REWARD * failed,
    }

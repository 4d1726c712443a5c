"""Humanoid: 16 bodies, 21 torque-driven joints, 108 observations."""

from __future__ import annotations

from typing import Any

import torch
from isaacgym import gymapi
from torch import Tensor

from tasks.base.observations import ObservationBlocks
from tasks.locomotion import TORSO_BLOCKS, Locomotion

NEAR_LIMIT = 0.98  # from here on, of the way from the middle to a limit, a joint costs


class Humanoid(Locomotion):
    """A biped that runs towards a far target; costs weigh with the strength of each motor."""

    actor_name = "humanoid"
    num_actions = 21
    blocks = ObservationBlocks(
        {**TORSO_BLOCKS, "dof_pos": 21, "dof_vel": 21, "dof_force": 21, "foot_sensors": 12, "actions": 21}
    )
    num_obs = blocks.size
    start_height = 1.34
    alive_reward = 2.0
    self_collisions = True
    has_dof_forces = True

    def asset_options(self) -> gymapi.AssetOptions:
        """Slightly damped rotation, and a bound on how fast bodies spin."""
        options = super().asset_options()
        options.angular_damping = 0.01
        options.max_angular_velocity = 100.0
        return options

    def _read_asset(self, asset: Any) -> None:
        super()._read_asset(asset)
        self.effort_ratio = self.motor_efforts / self.motor_efforts.max()  # (num_dof,)

    def observe_forces(self, rows: slice | Tensor) -> dict[str, Tensor]:
        """DOF forces and foot sensors, scaled."""
        return {
            "dof_force": self.dof_force[rows] * self.env_cfg.contactForceScale,
            **super().observe_forces(rows),
        }

    def energy(self) -> Tensor:
        """Σ |action · scaled DOF velocity| · effort ratio, (num_envs,)."""
        return (self.actions * self.dof_vel_scaled).abs_() @ self.effort_ratio

    def joints_at_limit_cost(self) -> Tensor:
        """Rises from 0 at `NEAR_LIMIT` to jointsAtLimitCost · effort ratio at the limit, (num_envs,)."""
        excess = torch.relu(self.dof_pos_scaled.abs() - NEAR_LIMIT) / (1.0 - NEAR_LIMIT)
        return self.env_cfg.jointsAtLimitCost * (excess @ self.effort_ratio)

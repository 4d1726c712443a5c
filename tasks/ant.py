"""Ant: four legs, 8 torque-driven joints, 60 observations."""

from __future__ import annotations

from torch import Tensor

from tasks.base.observations import ObservationBlocks
from tasks.locomotion import TORSO_BLOCKS, Locomotion

AT_LIMIT = 0.99  # of the way from the middle to the upper limit


class Ant(Locomotion):
    """A light quadruped that runs towards a far target."""

    actor_name = "ant"
    num_actions = 8
    blocks = ObservationBlocks({**TORSO_BLOCKS, "dof_pos": 8, "dof_vel": 8, "foot_sensors": 24, "actions": 8})
    num_obs = blocks.size
    start_height = 0.44
    alive_reward = 0.5
    self_collisions = False

    def joints_at_limit_cost(self) -> Tensor:
        """JointsAtLimitCost for each joint at its upper limit, (num_envs,)."""
        return self.env_cfg.jointsAtLimitCost * (self.dof_pos_scaled > AT_LIMIT).sum(dim=-1)

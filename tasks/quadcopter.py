"""Quadcopter: four rotors that tilt hold a light chassis at one point. 21 observations, 12 actions."""

from __future__ import annotations

import math
from typing import Any

import torch
from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import tensor_clamp, torch_rand_float
from torch import Tensor

from tasks.base.observations import ObservationBlocks
from tasks.flyer import FLIGHT_BLOCKS, Flyer

NUM_TILTS = 8  # pitch and roll of each rotor
TILT_RATE = 8 * math.pi  # of the drives' targets at action 1 [rad/s]
THRUST_RATE = 200.0  # at action 1 [N/s]
MAX_THRUST = 2.0  # of one rotor [N]
DRIVE_STIFFNESS = 1000.0  # [N m/rad]
START_TILT = 0.2  # DOF positions at the start are uniform in ± this [rad]


class Quadcopter(Flyer):
    """Flies to one metre above the middle and stays; thrusts and tilts change by the actions."""

    blocks = ObservationBlocks({**FLIGHT_BLOCKS, "dof_pos": NUM_TILTS})
    num_obs = blocks.size
    num_actions = 12
    actor_name = "quadcopter"
    rotor_names = ("rotor0", "rotor1", "rotor2", "rotor3")
    upright_weight = 1.0
    max_distance = 3.0
    min_height = 0.3

    def furnish(self, env: Any, actor: int, group: int) -> None:
        """Stiff position drives at all hinges."""
        props = self.gym.get_actor_dof_properties(env, actor)
        props["driveMode"] = gymapi.DOF_MODE_POS
        props["stiffness"] = DRIVE_STIFFNESS
        props["damping"] = 0.0
        self.gym.set_actor_dof_properties(env, actor, props)

    def acquire_tensors(self) -> None:
        """Also what the actions change: targets of the drives and thrusts."""
        super().acquire_tensors()
        self.tilt_targets = torch.zeros(self.num_envs, NUM_TILTS, device=self.sim_device)  # [rad]
        self.thrusts = torch.zeros(self.num_envs, len(self.rotors), device=self.sim_device)  # [N]

    def state_buffers(self) -> dict[str, Tensor]:
        """Also drive targets and thrusts."""
        return super().state_buffers() | {"tilt_targets": self.tilt_targets, "thrusts": self.thrusts}

    def pre_physics_step(self, actions: Tensor) -> None:
        """Move targets and thrusts at the rates that the actions ask for, within their limits."""
        tilts, thrusts = actions[:, :NUM_TILTS], actions[:, NUM_TILTS:]
        self.tilt_targets += self.dt * TILT_RATE * tilts
        self.tilt_targets[:] = tensor_clamp(self.tilt_targets, self.dof_lower, self.dof_upper)
        self.thrusts.add_(self.dt * THRUST_RATE * thrusts).clamp_(0.0, MAX_THRUST)
        self.forces[:, self.rotors, 2] = self.thrusts
        self.gym.set_dof_position_target_tensor(self.sim, gymtorch.unwrap_tensor(self.tilt_targets))
        self.push()

    def observe(self, rows: slice | Tensor) -> dict[str, Tensor]:
        """Also how far each rotor is tilted [rad]."""
        return super().observe(rows) | {"dof_pos": self.dof_pos[rows]}

    def reset_idx(self, env_ids: Tensor) -> None:
        """Anywhere in the box, rotors tilted a little and without thrust."""
        self.scatter(env_ids)
        shape = (len(env_ids), NUM_TILTS)
        tilts = torch_rand_float(-START_TILT, START_TILT, shape, device=str(self.sim_device))
        self.dof_pos[env_ids] = tilts
        self.dof_vel[env_ids] = 0.0
        self.tilt_targets[env_ids] = tilts
        self.thrusts[env_ids] = 0.0
        self.set_states(env_ids)

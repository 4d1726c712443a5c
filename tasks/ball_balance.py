"""BallBalance: a tray on three legs catches a falling ball and holds it. 24 observations, 3 actions.

Formulas after the task of IsaacGymEnvs (Makoviychuk et al. 2021, "Isaac Gym: High Performance GPU-Based
Physics Simulation For Robot Learning").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import tensor_clamp, torch_rand_float, torch_random_dir_2
from torch import Tensor

from tasks.base.config import EnvConfig
from tasks.base.observations import ObservationBlocks
from tasks.base.vec_task import VecTask

NUM_LEGS = 3
LEG_RADIUS = 0.02  # [m]
LEG_LENGTH = 0.36  # of each of its two parts [m]
LEG_OFFSET = 0.4  # of the hinges at the tray, and of the feet, from the middle [m]
TRAY_HEIGHT = LEG_LENGTH * math.sqrt(2.0) + 2 * LEG_RADIUS + 0.01  # of its middle, with all DOFs at zero [m]
FOOT_STIFFNESS, FOOT_DAMPING = 5e7, 5e3  # of what pins the feet [N/m, N s/m]
KNEE_STIFFNESS, KNEE_DAMPING = 4000.0, 100.0  # [N m/rad, N m s/rad]

BALL_RADIUS = 0.1  # [m]
BALL_DENSITY = 200.0  # [kg/m³]
BALL_TARGET = (0.0, 0.0, 0.7)  # [m]
START_DISTANCE = (0.001, 0.5)  # of the ball from the middle, uniform [m]
START_HEIGHT = (1.0, 2.0)  # uniform [m]
START_SPEED = (0.0, 5.0)  # towards the middle, uniform, for a ball that starts at the edge [m/s]
FALL_SPEED = 5.0  # [m/s]
SENSOR_SCALE = 20.0  # forces [N] and torques [N m] are observed in units of this


@dataclass
class BallBalanceEnvConfig(EnvConfig):
    """Keys of `task.env` for BallBalance."""

    actionSpeedScale: float = 20.0
    """rate of the drives' targets at action 1 [rad/s]"""


class BallBalance(VecTask):
    """Three knees move a tray whose feet are pinned to the ground."""

    env_config_type = BallBalanceEnvConfig
    env_cfg: BallBalanceEnvConfig
    blocks = ObservationBlocks(
        {"dof_pos": 3, "dof_vel": 3, "ball_pos": 3, "ball_vel": 3, "force_x": 3, "torques": 9}
    )
    num_obs = blocks.size
    num_actions = NUM_LEGS

    # ---------------------------------------------------------------- scene

    def create_scene(self) -> None:
        """The ground, and in each environment the tray on its legs and a ball."""
        self.add_ground()
        tray, ball = self._load_tray(), self._make_ball()
        tray_pose = gymapi.Transform(p=gymapi.Vec3(0.0, 0.0, TRAY_HEIGHT))
        ball_pose = gymapi.Transform(p=gymapi.Vec3(0.2, 0.0, 2.0))
        for i, env in enumerate(self.create_envs()):
            actor = self.gym.create_actor(env, tray, tray_pose, "bbot", i, 0, 0)
            self._drive(env, actor)
            self._pin_feet(env, actor)
            ball_actor = self.gym.create_actor(env, ball, ball_pose, "ball", i, 0, 0)
            blue = gymapi.Vec3(0.25, 0.45, 0.75)
            self.gym.set_rigid_body_color(env, ball_actor, 0, gymapi.MESH_VISUAL_AND_COLLISION, blue)

    def _load_tray(self) -> Any:
        cfg, gym = self.env_cfg.asset, self.gym
        asset = gym.load_asset(self.sim, cfg.assetRoot, cfg.assetFileName, gymapi.AssetOptions())
        self.num_dof = gym.get_asset_dof_count(asset)
        names = gym.get_asset_dof_names(asset)
        knees = [names.index(f"lower_leg_joint{leg}") for leg in range(NUM_LEGS)]
        self.knees = torch.tensor(knees, device=self.sim_device)
        props = gym.get_asset_dof_properties(asset)
        self.knee_lower = torch.tensor(props["lower"][knees].tolist(), device=self.sim_device)  # [rad]
        self.knee_upper = torch.tensor(props["upper"][knees].tolist(), device=self.sim_device)
        body = gym.find_asset_rigid_body_index(asset, "tray")
        for x, y in leg_places():
            gym.create_asset_force_sensor(asset, body, gymapi.Transform(p=gymapi.Vec3(x, y, 0.0)))
        return asset

    def _make_ball(self) -> Any:
        options = gymapi.AssetOptions()
        options.density = BALL_DENSITY
        return self.gym.create_sphere(self.sim, BALL_RADIUS, options)

    def _drive(self, env: Any, actor: int) -> None:
        """Position drives at the knees; the hinges at the tray are free."""
        props = self.gym.get_actor_dof_properties(env, actor)
        props["driveMode"], props["stiffness"], props["damping"] = gymapi.DOF_MODE_NONE, 0.0, 0.0
        knees = self.knees.tolist()
        props["driveMode"][knees] = gymapi.DOF_MODE_POS
        props["stiffness"][knees] = KNEE_STIFFNESS
        props["damping"][knees] = KNEE_DAMPING
        self.gym.set_actor_dof_properties(env, actor, props)

    def _pin_feet(self, env: Any, actor: int) -> None:
        for leg, (x, y) in enumerate(leg_places()):
            attractor = gymapi.AttractorProperties()
            attractor.axes = gymapi.AXIS_TRANSLATION
            attractor.stiffness, attractor.damping = FOOT_STIFFNESS, FOOT_DAMPING
            attractor.rigid_handle = self.gym.find_actor_rigid_body_handle(env, actor, f"lower_leg{leg}")
            attractor.target.p = gymapi.Vec3(x, y, LEG_RADIUS)
            attractor.offset.p = gymapi.Vec3(0.0, 0.0, LEG_LENGTH / 2)
            self.gym.create_rigid_body_attractor(env, attractor)

    # ---------------------------------------------------------------- tensors

    def acquire_tensors(self) -> None:
        """Root states of tray and ball, DOF states, the tray's force sensors."""
        gym, sim, n = self.gym, self.sim, self.num_envs
        self.all_root_states = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
        self.dof_state = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
        sensors = gymtorch.wrap_tensor(gym.acquire_force_sensor_tensor(sim))
        self.sensors = sensors.view(n, NUM_LEGS, 6)
        self.refresh_tensors()
        per_actor = self.all_root_states.view(n, 2, 13)
        self.tray_states, self.ball_states = per_actor[:, 0], per_actor[:, 1]  # views (num_envs, 13)
        per_dof = self.dof_state.view(n, self.num_dof, 2)
        self.dof_pos, self.dof_vel = per_dof[..., 0], per_dof[..., 1]  # views (num_envs, num_dof)
        self.initial_tray_states = self.tray_states.clone()
        self.targets = torch.zeros(n, self.num_dof, device=self.sim_device)  # of all drives [rad]

    def refresh_tensors(self) -> None:
        """Fetch what was acquired."""
        self.gym.refresh_actor_root_state_tensor(self.sim)
        self.gym.refresh_dof_state_tensor(self.sim)
        self.gym.refresh_force_sensor_tensor(self.sim)

    def state_buffers(self) -> dict[str, Tensor]:
        """Also the drives' targets."""
        return super().state_buffers() | {"targets": self.targets}

    # ---------------------------------------------------------------- one step

    def pre_physics_step(self, actions: Tensor) -> None:
        """Move the knees' targets at the rates that the actions ask for, within their limits."""
        moved = self.targets[:, self.knees] + self.dt * self.env_cfg.actionSpeedScale * actions
        self.targets[:, self.knees] = tensor_clamp(moved, self.knee_lower, self.knee_upper)
        self.gym.set_dof_position_target_tensor(self.sim, gymtorch.unwrap_tensor(self.targets))

    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """Knees, ball and sensors: (n, 24)."""
        rows = slice(None) if env_ids is None else env_ids
        ball, sensors = self.ball_states[rows], self.sensors[rows] / SENSOR_SCALE
        return self.blocks.concatenate(
            {
                "dof_pos": self.dof_pos[rows][:, self.knees],
                "dof_vel": self.dof_vel[rows][:, self.knees],
                "ball_pos": ball[:, 0:3],
                "ball_vel": ball[:, 7:10],
                "force_x": sensors[..., 0],
                "torques": sensors[..., 3:6].transpose(1, 2).flatten(1),  # x of all three, then y, then z
            }
        )

    def compute_terminated(self) -> Tensor:
        """The ball fell off."""
        return self.ball_states[:, 2] < 1.5 * BALL_RADIUS

    def compute_rewards(self) -> dict[str, Tensor]:
        """For a ball that lies still in the middle of the tray."""
        return {"still_ball": ball_reward(self.ball_states)}

    def reset_idx(self, env_ids: Tensor) -> None:
        """The tray stands as it was made; the ball is thrown down, inwards."""
        self.tray_states[env_ids] = self.initial_tray_states[env_ids]
        self.ball_states[env_ids] = thrown_balls(len(env_ids), str(self.sim_device))
        self.dof_pos[env_ids] = 0.0
        self.dof_vel[env_ids] = 0.0
        self.targets[env_ids] = 0.0
        tray = 2 * env_ids.to(torch.int32)
        both = torch.cat([tray, tray + 1])
        for setter, states, ids in (
            (self.gym.set_actor_root_state_tensor_indexed, self.all_root_states, both),
            (self.gym.set_dof_state_tensor_indexed, self.dof_state, tray),
        ):
            setter(self.sim, gymtorch.unwrap_tensor(states), gymtorch.unwrap_tensor(ids), len(ids))


def leg_places() -> list[tuple[float, float]]:
    """Where the legs hang and stand, x and y [m]: 120 degrees apart, the first along x."""
    angles = [2 * math.pi * leg / NUM_LEGS for leg in range(NUM_LEGS)]
    return [(LEG_OFFSET * math.cos(angle), LEG_OFFSET * math.sin(angle)) for angle in angles]


def ball_reward(ball_states: Tensor) -> Tensor:
    """1 / (1 + distance to `BALL_TARGET`) · 1 / (1 + speed), (n,), from root states (n, 13)."""
    target = torch.tensor(BALL_TARGET, device=ball_states.device)
    distance = (ball_states[:, 0:3] - target).norm(dim=-1)
    speed = ball_states[:, 7:10].norm(dim=-1)
    return 1.0 / ((1.0 + distance) * (1.0 + speed))


def thrown_balls(n: int, device: str) -> Tensor:
    """Root states (n, 13) of balls above the tray that fall, faster inwards from further out."""
    nearest, farthest = START_DISTANCE
    distance = torch_rand_float(nearest, farthest, (n, 1), device=device)
    direction = torch_random_dir_2((n, 1), device=device)
    share = (distance - nearest) / (farthest - nearest)
    inwards = share * torch_rand_float(*START_SPEED, (n, 1), device=device)
    states = torch.zeros(n, 13, device=device)
    states[:, 0:2] = distance * direction
    states[:, 2:3] = torch_rand_float(*START_HEIGHT, (n, 1), device=device)
    states[:, 6] = 1.0
    states[:, 7:9] = -inwards * direction
    states[:, 9] = -FALL_SPEED
    return states

"""Anymal: a quadruped that walks as it is told, on flat ground; 48 observations, 12 actions, 50 Hz.

A command is a velocity forward, one to the left, and a rate of turning; it is drawn for each episode.
Formulas after the Anymal task of IsaacGymEnvs (Makoviychuk et al. 2021, "Isaac Gym: High Performance
GPU-Based Physics Simulation For Robot Learning").

Quaternions are xyzw. Suffix `_w` is the world frame, `_b` the base's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import quat_rotate_inverse, torch_rand_float
from torch import Tensor

from tasks.anymal_config import AnymalEnvConfig, LearnConfig
from tasks.base.config import TaskError
from tasks.base.observations import ObservationBlocks
from tasks.base.vec_task import VecTask

TOUCH_FORCE = 1.0  # on base or thigh, beyond which the robot has fallen [N]
TRACKING_WIDTH = 0.25  # squared error at which a tracking reward is 1/e of its best [(m/s)², (rad/s)²]
NUM_DOF = 12


class BaseObservation(NamedTuple):
    """What the base feels, each (n, 3) in its own frame."""

    lin_vel_b: Tensor
    ang_vel_b: Tensor
    gravity_b: Tensor


class Anymal(VecTask):
    """Four legs of three joints each, driven towards targets around a default pose."""

    env_config_type = AnymalEnvConfig
    env_cfg: AnymalEnvConfig
    blocks = ObservationBlocks(
        {
            "lin_vel_b": 3,
            "ang_vel_b": 3,
            "gravity_b": 3,
            "commands": 3,
            "dof_pos": NUM_DOF,
            "dof_vel": NUM_DOF,
            "actions": NUM_DOF,
        }
    )
    num_obs = blocks.size
    num_actions = NUM_DOF

    # ---------------------------------------------------------------- scene

    def create_scene(self) -> None:
        """The ground and one robot an environment, its joints driven to positions."""
        self.add_ground()
        cfg = self.env_cfg.asset
        asset = self.gym.load_asset(self.sim, cfg.assetRoot, cfg.assetFileName, self.asset_options())
        drives = self._read_asset(asset)
        pose = gymapi.Transform(p=gymapi.Vec3(*self.env_cfg.baseInitState.pos))
        for i, env in enumerate(self.create_envs()):
            actor = self.gym.create_actor(
                env, asset, pose, "anymal", i, 1, 0
            )  # 1: legs pass through each other
            self.gym.set_actor_dof_properties(env, actor, drives)
            self.gym.enable_actor_dof_force_sensors(env, actor)

    def asset_options(self) -> gymapi.AssetOptions:
        """Links that are fixed to each other become one body; nothing but the file's masses counts."""
        options = gymapi.AssetOptions()
        options.collapse_fixed_joints = True
        options.replace_cylinder_with_capsule = True
        options.angular_damping = 0.0
        options.density = 0.001
        options.thickness = 0.01
        return options

    def _read_asset(self, asset: Any) -> Any:
        """Bodies that must not touch the ground, default angles; returns the DOF properties of the drives."""
        gym, cfg = self.gym, self.env_cfg
        self.body_names = gym.get_asset_rigid_body_names(asset)
        fallen = [i for i, name in enumerate(self.body_names) if name == "base" or "THIGH" in name]
        self.fall_bodies = torch.tensor(fallen, device=self.sim_device)
        self.dof_names = gym.get_asset_dof_names(asset)
        if set(self.dof_names) != set(cfg.defaultJointAngles):
            odd = sorted(set(self.dof_names) ^ set(cfg.defaultJointAngles))
            raise TaskError(
                f"task.env.defaultJointAngles: {', '.join(odd)}: must name every joint of "
                f"{cfg.asset.assetFileName} and no other"
            )
        angles = [cfg.defaultJointAngles[name] for name in self.dof_names]
        self.default_dof_pos = torch.tensor(angles, device=self.sim_device)  # (num_dof,) [rad]
        props = gym.get_asset_dof_properties(asset)
        props["driveMode"].fill(gymapi.DOF_MODE_POS)
        props["stiffness"].fill(cfg.control.stiffness)
        props["damping"].fill(cfg.control.damping)
        return props

    # ---------------------------------------------------------------- tensors

    def acquire_tensors(self) -> None:
        """Root and DOF states, contact forces on bodies, torques of the drives."""
        gym, sim, n, device = self.gym, self.sim, self.num_envs, self.sim_device
        self.root_states = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))  # (num_envs, 13)
        self.dof_state = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
        per_env = self.dof_state.view(n, NUM_DOF, 2)
        self.dof_pos, self.dof_vel = per_env[..., 0], per_env[..., 1]  # views (num_envs, num_dof)
        forces = gymtorch.wrap_tensor(gym.acquire_net_contact_force_tensor(sim))
        self.contact_forces = forces.view(n, len(self.body_names), 3)  # world axes [N]
        self.torques = gymtorch.wrap_tensor(gym.acquire_dof_force_tensor(sim)).view(n, NUM_DOF)
        self.refresh_tensors()
        start = self.env_cfg.baseInitState
        root_state = [*start.pos, *start.rot, *start.vLinear, *start.vAngular]
        self.initial_root_state = torch.tensor(root_state, device=device)  # (13,)
        self.targets = torch.zeros(n, NUM_DOF, device=device)  # [rad]
        self.commands = torch.zeros(n, 3, device=device)  # [m/s], [m/s], [rad/s] in the base's frame

    def refresh_tensors(self) -> None:
        """Fetch what was acquired."""
        self.gym.refresh_actor_root_state_tensor(self.sim)
        self.gym.refresh_dof_state_tensor(self.sim)
        self.gym.refresh_net_contact_force_tensor(self.sim)
        self.gym.refresh_dof_force_tensor(self.sim)

    def refresh_after_reset(self) -> None:
        """Nothing: forces are not observed, and states are what `reset_idx` wrote."""

    def state_buffers(self) -> dict[str, Tensor]:
        """Also the commands."""
        return super().state_buffers() | {"commands": self.commands}

    # ---------------------------------------------------------------- one step

    def pre_physics_step(self, actions: Tensor) -> None:
        """Targets = default angles + actionScale · action."""
        torch.add(self.default_dof_pos, actions, alpha=self.env_cfg.control.actionScale, out=self.targets)
        self.gym.set_dof_position_target_tensor(self.sim, gymtorch.unwrap_tensor(self.targets))

    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """Base, command, joints and the last actions: (n, 48)."""
        rows = slice(None) if env_ids is None else env_ids
        base = observe_base(self.root_states[rows])
        if env_ids is None:  # kept for the rewards of this step
            self.base = base
        dof_offset = self.dof_pos[rows] - self.default_dof_pos
        return self.blocks.concatenate(
            {
                **scale_observations(
                    base, self.commands[rows], dof_offset, self.dof_vel[rows], self.env_cfg.learn
                ),
                "actions": self.actions[rows],
            }
        )

    def compute_terminated(self) -> Tensor:
        """The base or a thigh, whose end is the knee, was touched."""
        return touched(self.contact_forces[:, self.fall_bodies])

    def compute_rewards(self) -> dict[str, Tensor]:
        """For following the command, less what the torques cost."""
        return command_rewards(self.commands, self.base, self.torques, self.env_cfg.learn, self.dt)

    def compute_figures(self) -> dict[str, Tensor]:
        """How far the base's velocity is from the command: horizontal [m/s], turning [rad/s]."""
        lin_vel_error, yaw_rate_error = command_errors(self.commands, self.base)
        return {"tracking/lin_vel_error": lin_vel_error, "tracking/yaw_rate_error": yaw_rate_error}

    def reset_idx(self, env_ids: Tensor) -> None:
        """At the start state, with new commands: DOF positions default · U(0.5, 1.5), velocities U(±0.1)."""
        n, device = len(env_ids), str(self.sim_device)
        shape = (n, NUM_DOF)
        self.dof_pos[env_ids] = self.default_dof_pos * torch_rand_float(0.5, 1.5, shape, device=device)
        self.dof_vel[env_ids] = torch_rand_float(-0.1, 0.1, shape, device=device)
        self.root_states[env_ids] = self.initial_root_state
        ranges = self.env_cfg.randomCommandVelocityRanges
        for column, (low, high) in enumerate((ranges.linear_x, ranges.linear_y, ranges.yaw)):
            self.commands[env_ids, column] = torch_rand_float(low, high, (n, 1), device=device).squeeze(-1)
        actor_ids = env_ids.to(torch.int32)
        ids = gymtorch.unwrap_tensor(actor_ids)
        self.gym.set_actor_root_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.root_states), ids, n
        )
        self.gym.set_dof_state_tensor_indexed(self.sim, gymtorch.unwrap_tensor(self.dof_state), ids, n)


def observe_base(root_states: Tensor) -> BaseObservation:
    """Velocities and gravity as the base feels them.

    Args:
        root_states: (n, 13): position [m], unit quaternion xyzw, linear [m/s] and angular [rad/s] velocity,
            world frame.
    """
    down_w = torch.zeros_like(root_states[:, 0:3])
    down_w[:, 2] = -1.0
    vectors_w = torch.stack((root_states[:, 7:10], root_states[:, 10:13], down_w), dim=1)
    return BaseObservation(*quat_rotate_inverse(root_states[:, None, 3:7], vectors_w).unbind(dim=1))


def scale_observations(
    base: BaseObservation, commands: Tensor, dof_offset: Tensor, dof_vel: Tensor, learn: LearnConfig
) -> dict[str, Tensor]:
    """What is observed but the actions; commands are scaled as the velocities that they ask for.

    Args:
        base: of n environments.
        commands: (n, 3) [m/s], [m/s], [rad/s].
        dof_offset: (n, num_dof) positions less default angles [rad].
        dof_vel: (n, num_dof) [rad/s].
        learn: scales.
    """
    lin, ang = learn.linearVelocityScale, learn.angularVelocityScale
    return {
        "lin_vel_b": base.lin_vel_b * lin,
        "ang_vel_b": base.ang_vel_b * ang,
        "gravity_b": base.gravity_b,
        "commands": torch.cat((commands[:, 0:2] * lin, commands[:, 2:3] * ang), dim=-1),
        "dof_pos": dof_offset * learn.dofPositionScale,
        "dof_vel": dof_vel * learn.dofVelocityScale,
    }


def command_errors(commands: Tensor, base: BaseObservation) -> tuple[Tensor, Tensor]:
    """How far the base is from its command: |c_xy − v_xy| (n,) [m/s] and |c_yaw − ω_z| (n,) [rad/s]."""
    lin_vel_error = (commands[:, 0:2] - base.lin_vel_b[:, 0:2]).norm(dim=-1)
    return lin_vel_error, (commands[:, 2] - base.ang_vel_b[:, 2]).abs()


def command_rewards(
    commands: Tensor, base: BaseObservation, torques: Tensor, learn: LearnConfig, dt: float
) -> dict[str, Tensor]:
    """Reward terms, each (n,): exp(−error² / 0.25) of both errors and Σ torque², each times its scale and dt.

    The sum is never negative: torques cost no more than the command earns.

    Args:
        commands: (n, 3) [m/s], [m/s], [rad/s].
        base: of n environments.
        torques: (n, num_dof) [N m].
        learn: scales [1/s].
        dt: length of the control step [s].
    """
    lin_vel_error, yaw_rate_error = command_errors(commands, base)
    lin_vel = torch.exp(-lin_vel_error.square() / TRACKING_WIDTH) * (learn.linearVelocityXYRewardScale * dt)
    yaw_rate = torch.exp(-yaw_rate_error.square() / TRACKING_WIDTH) * (learn.angularVelocityZRewardScale * dt)
    torque = torques.square().sum(dim=-1) * (learn.torqueRewardScale * dt)
    return {"lin_vel": lin_vel, "yaw_rate": yaw_rate, "torque": torch.maximum(torque, -(lin_vel + yaw_rate))}


def touched(forces: Tensor) -> Tensor:
    """Where contact forces (n, k, 3) [N] on any of k bodies are more than `TOUCH_FORCE`, (n,) bool."""
    return (forces.norm(dim=-1) > TOUCH_FORCE).any(dim=-1)

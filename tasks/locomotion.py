"""What Ant and Humanoid share: a torque-driven creature rewarded for running towards a far point.

Quaternions are xyzw. Suffix `_w` is the world frame, `_b` the torso's own. Formulas after the locomotion
tasks of IsaacGymEnvs (Makoviychuk et al. 2021, "Isaac Gym: High Performance GPU-Based Physics Simulation For
Robot Learning").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import quat_rotate_inverse, torch_rand_float
from torch import Tensor

from tasks.base.config import EnvConfig
from tasks.base.observations import ObservationBlocks, columns_apart
from tasks.base.vec_task import VecTask

TARGET = (1000.0, 0.0)  # where to run to, x and y [m]
TORSO_BLOCKS = {
    "height": 1,
    "lin_vel_b": 3,
    "ang_vel_b": 3,
    "yaw": 1,
    "roll": 1,
    "angle_to_target": 1,
    "up_proj": 1,
    "heading_proj": 1,
}


@dataclass
class LocomotionEnvConfig(EnvConfig):
    """Keys of `task.env` that Ant and Humanoid share; the values are in their YAML files."""

    powerScale: float = 1.0
    """factor on every motor's effort"""
    headingWeight: float = 0.5
    """reward for facing the target"""
    upWeight: float = 0.1
    """reward for an upright torso"""
    actionsCost: float = 0.005
    """cost of the sum of squared actions"""
    energyCost: float = 0.05
    """cost of the sum of |action · scaled DOF velocity|"""
    dofVelocityScale: float = 0.2
    """scale of DOF velocities in observations and in the energy cost"""
    angularVelocityScale: float = 1.0
    """scale of the torso's angular velocity in observations"""
    contactForceScale: float = 0.1
    """scale of force sensors and DOF forces in observations"""
    jointsAtLimitCost: float = 0.1
    """cost of a joint at its limit"""
    deathCost: float = -2.0
    """the reward, instead of all else, of the step in which the creature falls"""
    terminationHeight: float = 0.31
    """the episode fails when the torso is lower than this [m]"""


class TorsoObservation(NamedTuple):
    """What the torso's state says; tensors of (n,) or (n, 3)."""

    lin_vel_b: Tensor
    ang_vel_b: Tensor
    roll: Tensor
    yaw: Tensor
    angle_to_target: Tensor
    up_proj: Tensor
    heading_proj: Tensor


class Locomotion(VecTask):
    """Runs towards `TARGET`; a subclass names its creature and adds its own observations and costs."""

    env_config_type = LocomotionEnvConfig
    env_cfg: LocomotionEnvConfig
    blocks: ObservationBlocks
    actor_name: str
    start_height: float  # of the torso [m]
    alive_reward: float
    self_collisions: bool
    has_dof_forces = False

    # ---------------------------------------------------------------- scene

    def asset_options(self) -> gymapi.AssetOptions:
        """How the model file is read; motors come from the file, so no drive mode is set."""
        options = gymapi.AssetOptions()
        options.default_dof_drive_mode = gymapi.DOF_MODE_NONE
        options.angular_damping = 0.0
        return options

    def create_scene(self) -> None:
        """The ground and one creature an environment, with a force sensor in each foot."""
        self.add_ground()
        cfg = self.env_cfg.asset
        asset = self.gym.load_asset(self.sim, cfg.assetRoot, cfg.assetFileName, self.asset_options())
        self._read_asset(asset)
        pose = gymapi.Transform(p=gymapi.Vec3(0.0, 0.0, self.start_height))
        collision_filter = 0 if self.self_collisions else 1
        for i, env in enumerate(self.create_envs()):
            actor = self.gym.create_actor(env, asset, pose, self.actor_name, i, collision_filter, 0)
            if self.has_dof_forces:
                self.gym.enable_actor_dof_force_sensors(env, actor)

    def _read_asset(self, asset: Any) -> None:
        """Counts, limits, motor efforts and feet, all from the model."""
        gym, device = self.gym, self.sim_device
        self.num_dof = gym.get_asset_dof_count(asset)
        props = gym.get_asset_dof_properties(asset)
        limits = torch.tensor([props["lower"].tolist(), props["upper"].tolist()], device=device)
        self.dof_lower, self.dof_upper = (
            limits.min(dim=0).values,
            limits.max(dim=0).values,
        )  # (num_dof,) [rad]
        self.motor_efforts = self._motor_efforts(asset)
        body_names = gym.get_asset_rigid_body_names(asset)
        self.feet = [name for name in body_names if "foot" in name]
        for name in self.feet:
            body = gym.find_asset_rigid_body_index(asset, name)
            gym.create_asset_force_sensor(asset, body, gymapi.Transform())

    def _motor_efforts(self, asset: Any) -> Tensor:
        """Torque of each DOF at action 1, (num_dof,) [N m]; actuators stand in another order than DOFs."""
        efforts = torch.zeros(self.num_dof, device=self.sim_device)
        dof_names = self.gym.get_asset_dof_names(asset)
        for i, actuator in enumerate(self.gym.get_asset_actuator_properties(asset)):
            efforts[dof_names.index(self.gym.get_asset_actuator_joint_name(asset, i))] = actuator.motor_effort
        return efforts

    # ---------------------------------------------------------------- tensors

    def acquire_tensors(self) -> None:
        """Root and DOF states, foot sensors, and DOF forces where the creature observes them."""
        gym, sim, n = self.gym, self.sim, self.num_envs
        self.root_states = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))  # (num_envs, 13)
        self.dof_state = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
        self.foot_sensors = gymtorch.wrap_tensor(gym.acquire_force_sensor_tensor(sim)).view(
            n, 6 * len(self.feet)
        )
        if self.has_dof_forces:
            self.dof_force = gymtorch.wrap_tensor(gym.acquire_dof_force_tensor(sim)).view(n, self.num_dof)
        self.refresh_tensors()
        per_env = self.dof_state.view(n, self.num_dof, 2)
        self.dof_pos, self.dof_vel = per_env[..., 0], per_env[..., 1]  # views (num_envs, num_dof)
        self.initial_root_states = self.root_states.clone()
        self.initial_root_states[:, 7:13] = 0.0
        self.initial_dof_pos = torch.zeros_like(self.dof_lower).clamp(self.dof_lower, self.dof_upper)
        self.forces = torch.zeros(n, self.num_dof, device=self.sim_device)
        self.progress = torch.zeros(n, device=self.sim_device)
        self.prev_root_pos = columns_apart(self.root_states[:, 0:2])
        self.target = torch.tensor(TARGET, device=self.sim_device)

    def refresh_tensors(self) -> None:
        """Fetch what was acquired."""
        self.gym.refresh_actor_root_state_tensor(self.sim)
        self.gym.refresh_dof_state_tensor(self.sim)
        self.refresh_after_reset()

    def refresh_after_reset(self) -> None:
        """Fetch the forces; states are what `reset_idx` wrote."""
        self.gym.refresh_force_sensor_tensor(self.sim)
        if self.has_dof_forces:
            self.gym.refresh_dof_force_tensor(self.sim)

    def state_buffers(self) -> dict[str, Tensor]:
        """Also where the torso was, for the next step's progress."""
        return super().state_buffers() | {"prev_root_pos": self.prev_root_pos}

    # ---------------------------------------------------------------- one step

    def pre_physics_step(self, actions: Tensor) -> None:
        """Torque = action · motor effort · powerScale."""
        torch.mul(actions, self.motor_efforts * self.env_cfg.powerScale, out=self.forces)
        self.gym.set_dof_actuation_force_tensor(self.sim, gymtorch.unwrap_tensor(self.forces))

    def update_state(self) -> None:
        """How far towards the target this step led."""
        root_pos = columns_apart(self.root_states[:, 0:2])
        self.progress = progress_towards(self.target, self.prev_root_pos, root_pos, self.dt)
        self.prev_root_pos = root_pos

    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """Torso, joints, the creature's own sensors, and the last actions: (n, num_obs)."""
        rows = slice(None) if env_ids is None else env_ids
        cfg, root = self.env_cfg, self.root_states[rows]
        torso = observe_torso(root, self.target)
        dof_pos_scaled = scale_to_limits(self.dof_pos[rows], self.dof_lower, self.dof_upper)
        dof_vel_scaled = self.dof_vel[rows] * cfg.dofVelocityScale
        if env_ids is None:  # kept for the rewards of this step
            self.dof_pos_scaled, self.dof_vel_scaled, self.torso = dof_pos_scaled, dof_vel_scaled, torso
        return self.blocks.concatenate(
            {
                "height": root[:, 2],
                "lin_vel_b": torso.lin_vel_b,
                "ang_vel_b": torso.ang_vel_b * cfg.angularVelocityScale,
                "yaw": torso.yaw,
                "roll": torso.roll,
                "angle_to_target": torso.angle_to_target,
                "up_proj": torso.up_proj,
                "heading_proj": torso.heading_proj,
                "dof_pos": dof_pos_scaled,
                "dof_vel": dof_vel_scaled,
                **self.observe_forces(rows),
                "actions": self.actions[rows],
            }
        )

    def observe_forces(self, rows: slice | Tensor) -> dict[str, Tensor]:
        """The creature's force observations."""
        return {"foot_sensors": self.foot_sensors[rows] * self.env_cfg.contactForceScale}

    def compute_terminated(self) -> Tensor:
        """The torso fell below terminationHeight."""
        return self.root_states[:, 2] < self.env_cfg.terminationHeight

    def compute_rewards(self) -> dict[str, Tensor]:
        """Progress, staying alive and posture, less the costs; deathCost instead of all where it fell."""
        cfg = self.env_cfg
        alive = (~self.terminate_buf).to(self.progress.dtype)
        terms = {
            "progress": self.progress,
            "alive": torch.full_like(self.progress, self.alive_reward),
            "up": cfg.upWeight * (self.torso.up_proj > 0.93),
            "heading": heading_reward(self.torso.heading_proj, cfg.headingWeight),
            "actions_cost": -cfg.actionsCost * self.actions.square().sum(dim=-1),
            "energy_cost": -cfg.energyCost * self.energy(),
            "joints_at_limit_cost": -self.joints_at_limit_cost(),
        }
        return {name: term * alive for name, term in terms.items()} | {"death": cfg.deathCost * (1.0 - alive)}

    def energy(self) -> Tensor:
        """Σ |action · scaled DOF velocity|, (num_envs,)."""
        return (self.actions * self.dof_vel_scaled).abs_().sum(dim=-1)

    def joints_at_limit_cost(self) -> Tensor:
        """What joints at their limits cost, (num_envs,), positive."""
        raise NotImplementedError

    def reset_idx(self, env_ids: Tensor) -> None:
        """At the start pose with noise: DOF positions U(±0.2) within limits, velocities U(±0.1)."""
        shape, device = (len(env_ids), self.num_dof), str(self.sim_device)
        positions = self.initial_dof_pos + torch_rand_float(-0.2, 0.2, shape, device=device)
        self.dof_pos[env_ids] = positions.clamp(self.dof_lower, self.dof_upper)
        self.dof_vel[env_ids] = torch_rand_float(-0.1, 0.1, shape, device=device)
        self.root_states[env_ids] = self.initial_root_states[env_ids]
        self.prev_root_pos[env_ids] = self.initial_root_states[env_ids, 0:2]
        actor_ids = env_ids.to(torch.int32)
        ids = gymtorch.unwrap_tensor(actor_ids)
        self.gym.set_actor_root_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.root_states), ids, len(actor_ids)
        )
        self.gym.set_dof_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.dof_state), ids, len(actor_ids)
        )


def progress_towards(target: Tensor, prev_pos: Tensor, pos: Tensor, dt: float) -> Tensor:
    """Speed of approach to `target`, (n,) [m/s]: (|target − prev_pos| − |target − pos|) / dt.

    Written as a difference of squares: subtracting two distances near 1000 m in float32 would leave an error
    of several mm/s, growing with 1/dt.

    Args:
        target: (2,) or (n, 2) [m].
        prev_pos: (n, 2) horizontal position before the step [m].
        pos: (n, 2) after it [m].
        dt: length of the step [s].
    """
    prev_d, d = target - prev_pos, target - pos
    distances = torch.hypot(*prev_d.unbind(-1)) + torch.hypot(*d.unbind(-1))
    return ((pos - prev_pos) * (prev_d + d)).sum(dim=-1) / distances / dt


def observe_torso(root_states: Tensor, target: Tensor) -> TorsoObservation:
    """Orientation and velocities of the torso.

    Unlike the original's Ant, angles are wrapped to (−π, π] for both creatures: an angle in [0, 2π) would
    jump just where the creature is to run, at yaw 0.

    Args:
        root_states: (n, 13): position [m], unit quaternion xyzw, linear [m/s] and angular [rad/s] velocity,
            world frame.
        target: (2,) the point to run to [m].
    """
    root_states = columns_apart(root_states)
    quat, height = root_states[:, 3:7], root_states[:, 2]
    x, y, z, w = quat.unbind(dim=-1)
    to_x, to_y = (target - root_states[:, 0:2]).unbind(dim=-1)
    heading_x, heading_y = 1 - 2 * (y * y + z * z), 2 * (x * y + w * z)
    up_proj = 1 - 2 * (x * x + y * y)
    velocities_w = root_states[:, 7:13].unflatten(-1, (2, 3))
    lin_vel_b, ang_vel_b = quat_rotate_inverse(quat.unsqueeze(-2), velocities_w).unbind(dim=-2)
    return TorsoObservation(
        lin_vel_b=lin_vel_b,
        ang_vel_b=ang_vel_b,
        roll=torch.atan2(2 * (w * x + y * z), up_proj),
        yaw=torch.atan2(heading_y, heading_x),
        # From the heading to (to_x, −height): the original takes the height where one would expect the
        # sideways distance, so this is nearly −yaw.
        angle_to_target=torch.atan2(
            -height * heading_x - to_x * heading_y, to_x * heading_x - height * heading_y
        ),
        up_proj=up_proj,
        heading_proj=(heading_x * to_x + heading_y * to_y) / torch.hypot(to_x, to_y),
    )


def scale_to_limits(dof_pos: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """DOF positions with −1 at the lower and 1 at the upper limit."""
    return (2.0 * dof_pos - (upper + lower)) / (upper - lower)


def heading_reward(heading_proj: Tensor, weight: float) -> Tensor:
    """`weight` where the cosine of the heading error is above 0.8, falling linearly with it below."""
    return weight * (heading_proj / 0.8).clamp(max=1.0)

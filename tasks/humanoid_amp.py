"""HumanoidAMP: a humanoid that learns to move like motion clips; 105 observations, 28 actions, 30 Hz.

The task shows the discriminator what the character did (`extras["amp_obs"]`) and what the clips do
(`fetch_amp_obs_demo`), as `numAMPObsSteps` frames of the same features, newest first. Episodes start at
states of the clips. After Peng et al. 2021, "AMP: Adversarial Motion Priors for Stylized Physics-Based
Character Control", with IsaacGymEnvs' names.

Positions in m, angles in rad, quaternions xyzw; suffix `_w` is the world frame.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from isaacgym import gymapi, gymtorch
from torch import Tensor

from tasks.amp.character import Character, forward_kinematics, local_rotations_from_dof_pos
from tasks.amp.env_config import HumanoidAMPEnvConfig
from tasks.amp.evaluation import MotionEvaluation
from tasks.amp.goals import goal_class
from tasks.amp.ground import ShapePoints, lowest_heights
from tasks.amp.motion_history import MotionHistory
from tasks.amp.motion_lib import load_motion_lib
from tasks.amp.observations import MotionFeatures
from tasks.amp.starts import DEFAULT_HEIGHT, EpisodeStarts, Start
from tasks.base.vec_task import VecTask

HINGE_RANGE_SCALE = 0.7  # of a hinge's range, what action 1 adds to its middle
TOUCH_FORCE = 0.1  # on a body, from here on it counts as touched [N]


class HumanoidAMP(VecTask):
    """15 bodies, 28 DOFs: eight spherical joints and four hinges, driven to positions or by torques."""

    env_config_type = HumanoidAMPEnvConfig
    env_cfg: HumanoidAMPEnvConfig
    num_obs = 105  # a goal adds its own
    num_actions = 28

    # ---------------------------------------------------------------- scene

    def create_scene(self) -> None:
        """The ground and one humanoid an environment; the clips, the features, the goal."""
        cfg, device = self.env_cfg, self.sim_device
        self.control_dt = self.dt * self.control_freq_inv
        path = Path(cfg.asset.assetRoot) / cfg.asset.assetFileName
        self.character = Character.from_mjcf(path, device)
        self.key_bodies = self._bodies("keyBodies", cfg.keyBodies)
        self.motion_lib = load_motion_lib(cfg.motion_file, self.character, device)
        goal = goal_class(cfg.goal)
        # Clips face one way, so a world heading would tell the discriminator every character that turns.
        local_root = cfg.localRootObs if cfg.localRootObs is not None else goal is not None
        self.features = MotionFeatures(self.character.joints, len(self.key_bodies), local_root, device)
        self.goal = goal(cfg, self.num_envs, device) if goal else None
        self.num_obs = self.features.size + (self.goal.num_obs if self.goal else 0)
        self.add_ground()
        self._create_actors()
        self._set_fall_rule(path)
        self.starts = EpisodeStarts(
            self.motion_lib,
            self.character,
            self.features,
            self.key_bodies,
            self.dof_names,
            num_frames=cfg.numAMPObsSteps,
            frame_dt=self.control_dt,
            state_init=cfg.stateInit,
            hybrid_prob=cfg.hybridInitProb,
        )

    def _create_actors(self) -> None:
        cfg = self.env_cfg.asset
        asset = self.gym.load_asset(self.sim, cfg.assetRoot, cfg.assetFileName, self.asset_options())
        drives = self._read_asset(asset)
        pose = gymapi.Transform(p=gymapi.Vec3(0.0, 0.0, DEFAULT_HEIGHT))
        for i, env in enumerate(self.create_envs()):
            actor = self.gym.create_actor(env, asset, pose, "humanoid", i, 0, 0)  # 0: bodies collide
            if self.env_cfg.pdControl:
                self.gym.set_actor_dof_properties(env, actor, drives)

    def asset_options(self) -> gymapi.AssetOptions:
        """Three hinges at one point are a spherical joint; motors and gains come from the file."""
        options = gymapi.AssetOptions()
        options.angular_damping = 0.01
        options.max_angular_velocity = 100.0
        options.default_dof_drive_mode = gymapi.DOF_MODE_NONE
        options.hinges_as_spherical = True
        return options

    def _read_asset(self, asset: Any) -> Any:
        """Counts, efforts and the meaning of actions; returns the DOF properties of position drives."""
        gym, cfg, device = self.gym, self.env_cfg, self.sim_device
        self.num_dof = gym.get_asset_dof_count(asset)
        self.dof_names = gym.get_asset_dof_names(asset)
        efforts = torch.zeros(self.num_dof, device=device)
        for i, actuator in enumerate(gym.get_asset_actuator_properties(asset)):
            efforts[self.dof_names.index(gym.get_asset_actuator_joint_name(asset, i))] = actuator.motor_effort
        self.torque_scale = efforts * cfg.powerScale  # (num_dof,) [N m]
        props = gym.get_asset_dof_properties(asset)
        limits = torch.tensor([props["lower"].tolist(), props["upper"].tolist()], device=device)
        self.same_exp_map = torch.zeros(self.num_dof, self.num_dof, device=device)
        for joint in self.character.joints:
            if joint.axis is None:
                self.same_exp_map[joint.dof, joint.dof] = 1.0
        spherical = self.same_exp_map.diagonal().bool()
        self.pd_offset, self.pd_scale = pd_action(limits[0], limits[1], spherical)
        if cfg.pdOffset == "motion":
            self.pd_offset = self.motion_lib.mean_dof_pos()
        if cfg.pdScale is not None:
            self.pd_scale = torch.full_like(self.pd_scale, cfg.pdScale)
        props["driveMode"].fill(gymapi.DOF_MODE_POS)
        return props

    def _bodies(self, key: str, names: list[str]) -> Tensor:
        """Indices (k,) of bodies that the key `task.env.<key>` names."""
        known = self.character.body_names
        for name in names:
            if name not in known:
                raise ValueError(f"task.env.{key}={names}: {name!r} is no body; known are {', '.join(known)}")
        return torch.tensor([known.index(name) for name in names], dtype=torch.long, device=self.sim_device)

    def _set_fall_rule(self, asset_path: Path) -> None:
        may_touch = self._bodies("contactBodies", self.env_cfg.contactBodies)
        must_not = torch.ones(self.character.num_bodies, dtype=torch.bool, device=self.sim_device)
        must_not[may_touch] = False
        self.fall_bodies = must_not.nonzero().squeeze(-1)
        self.shape_points = ShapePoints.from_mjcf(asset_path, self.character)

    # ---------------------------------------------------------------- tensors

    def acquire_tensors(self) -> None:
        """Root and DOF states; contact forces only where the fall rule asks for them."""
        gym, sim, n, device = self.gym, self.sim, self.num_envs, self.sim_device
        self.root_states = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))  # (num_envs, 13)
        self.dof_state = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
        per_env = self.dof_state.view(n, self.num_dof, 2)
        self.dof_pos, self.dof_vel = per_env[..., 0], per_env[..., 1]  # views (num_envs, num_dof)
        self.contact_forces = None
        if self.env_cfg.fallRule == "contact_force":
            forces = gymtorch.wrap_tensor(gym.acquire_net_contact_force_tensor(sim))
            self.contact_forces = forces.view(n, self.character.num_bodies, 3)
        self.refresh_tensors()
        self._allocate(n, self.env_cfg.numAMPObsSteps, self.features.size, device)

    def _allocate(self, n: int, steps: int, size: int, device: torch.device) -> None:
        bodies = self.character.num_bodies
        self.targets = torch.zeros(n, self.num_dof, device=device)  # [rad], or torques [N m]
        self.body_pos = torch.zeros(n, bodies, 3, device=device)  # world [m], after the last step
        self.body_rot = torch.zeros(n, bodies, 4, device=device)
        self.frame = torch.zeros(n, size, device=device)  # the features of now
        self.history = MotionHistory(n, steps, size, device)
        self.prev_root_pos = self.root_states[:, 0:3].clone()
        self.goal_terms: dict[str, Tensor] = {}
        self.given_up = torch.zeros(n, dtype=torch.bool, device=device)
        self.alive = torch.ones(n, device=device)

    def _create_spaces(self) -> None:
        super()._create_spaces()
        infinite = np.full(self.env_cfg.numAMPObsSteps * self.features.size, np.inf, dtype=np.float32)
        self.amp_observation_space = spaces.Box(-infinite, infinite, dtype=np.float32)

    def refresh_tensors(self) -> None:
        """Fetch what was acquired; body poses come from forward kinematics."""
        self.gym.refresh_actor_root_state_tensor(self.sim)
        self.gym.refresh_dof_state_tensor(self.sim)
        if self.contact_forces is not None:
            self.gym.refresh_net_contact_force_tensor(self.sim)

    def refresh_after_reset(self) -> None:
        """Nothing: forces are not observed, and states are what `_start` wrote."""

    def state_buffers(self) -> dict[str, Tensor]:
        """Also the motion so far, and the goal."""
        own = {
            "amp_history": self.history.so_far(),
            "prev_root_pos": self.prev_root_pos,
            "given_up": self.given_up,
        }
        return super().state_buffers() | own | (self.goal.state_buffers() if self.goal else {})

    # ---------------------------------------------------------------- one step

    def pre_physics_step(self, actions: Tensor) -> None:
        """Targets = offset + scale · action, or torques = action · motor effort · powerScale."""
        if self.env_cfg.pdControl:
            torch.addcmul(self.pd_offset, self.pd_scale, actions, out=self.targets)
            bound_exp_maps_(self.targets, self.same_exp_map)
            self.gym.set_dof_position_target_tensor(self.sim, gymtorch.unwrap_tensor(self.targets))
        else:
            torch.mul(actions, self.torque_scale, out=self.targets)
            self.gym.set_dof_actuation_force_tensor(self.sim, gymtorch.unwrap_tensor(self.targets))

    def update_state(self) -> None:
        """Describe the new frame, put it first in the motion so far, and score the goal."""
        self.body_pos, self.body_rot, self.frame = self._describe(slice(None))
        self.history.push(self.frame)
        if self.goal is not None:
            root_vel_w = (self.root_states[:, 0:3] - self.prev_root_pos) / self.control_dt
            self.prev_root_pos.copy_(self.root_states[:, 0:3])
            self.goal_terms = self.goal.rewards(self.root_states, root_vel_w)
            self.goal.update(self.root_states)

    def _describe(self, rows: slice | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Bodies' positions and rotations, and the features, of the listed environments as they are now."""
        root, dof_pos = self.root_states[rows], self.dof_pos[rows]
        local_rot = local_rotations_from_dof_pos(self.character, dof_pos, root[:, 3:7])
        body_pos, body_rot = forward_kinematics(self.character, root[:, 0:3], local_rot)
        frame = self.features.compute(root, dof_pos, self.dof_vel[rows], body_pos[:, self.key_bodies])
        return body_pos, body_rot, frame

    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """The features of the frame, and what the goal adds."""
        rows = slice(None) if env_ids is None else env_ids
        if self.goal is None:
            return self.frame[rows]
        goal_obs = self.goal.observe(self.root_states[rows], self.goal.targets[rows])
        return torch.cat((self.frame[rows], goal_obs), dim=-1)

    def compute_rewards(self) -> dict[str, Tensor]:
        """The goal's terms; 1 where there is no goal."""
        return self.goal_terms if self.goal is not None else {"alive": self.alive}

    def compute_terminated(self) -> Tensor:
        """Given up, or fallen by the fall rule; the first state of an episode is the clip's and no fall."""
        if not self.env_cfg.enableEarlyTermination:
            return self.given_up.clone()
        return self.given_up | (self._fallen() & (self.progress_buf > 1))

    def _fallen(self) -> Tensor:
        if self.contact_forces is not None:
            forces, pos = self.contact_forces[:, self.fall_bodies], self.body_pos[:, self.fall_bodies]
            return fallen_by_contact(forces, pos[..., 2], self.env_cfg.terminationHeight)
        heights = lowest_heights(self.shape_points, self.body_pos, self.body_rot)
        return (heights[:, self.fall_bodies] <= self.env_cfg.groundTolerance).any(dim=-1)

    def _extras(self) -> dict[str, Any]:
        return super()._extras() | {"amp_obs": self.history.frames.flatten(1).to(self.device)}

    # ---------------------------------------------------------------- episodes

    def reset_idx(self, env_ids: Tensor) -> None:
        """Start at a state of the clips or in the default pose, as stateInit says."""
        self._start(env_ids, self.starts.sample(len(env_ids)))

    def reset_to(self, motion_ids: Tensor, times: Tensor) -> dict[str, Tensor]:
        """Start all environments at given times of given clips, without noise; for evaluation.

        Args:
            motion_ids: (num_envs,) int64.
            times: (num_envs,) [s].

        Returns:
            observations, as from `reset`.
        """
        env_ids = torch.arange(self.num_envs, device=self.sim_device)
        start = self.starts.of_clips(motion_ids.to(self.sim_device), times.to(self.sim_device))
        self._start(env_ids, start)
        self._begin_episodes(env_ids)
        return self._obs_dict(self.obs_buf)

    def _start(self, env_ids: Tensor, start: Start) -> None:
        """Put the environments into these states, raised where a shape would be under the ground."""
        self.root_states[env_ids] = start.root_states
        self.dof_pos[env_ids], self.dof_vel[env_ids] = start.dof_pos, start.dof_vel
        self._show_raised(env_ids)
        self.history.begin(env_ids, start.frames)
        self.prev_root_pos[env_ids] = start.root_states[:, 0:3]
        self.given_up[env_ids] = False
        if self.goal is not None:
            self.goal.reset(env_ids, start.root_states)
        actor_ids = env_ids.to(torch.int32)
        ids, n = gymtorch.unwrap_tensor(actor_ids), len(actor_ids)
        roots, dofs = gymtorch.unwrap_tensor(self.root_states), gymtorch.unwrap_tensor(self.dof_state)
        self.gym.set_actor_root_state_tensor_indexed(self.sim, roots, ids, n)
        self.gym.set_dof_state_tensor_indexed(self.sim, dofs, ids, n)

    def _show_raised(self, env_ids: Tensor) -> None:
        """Describe characters, lifted until no shape is under the ground: contact would throw them out."""
        body_pos, body_rot, frame = self._describe(env_ids)
        lowest = lowest_heights(self.shape_points, body_pos, body_rot).amin(dim=-1, keepdim=True)
        depth = (-lowest).clamp(min=0.0)  # (n, 1) [m]
        self.root_states[env_ids, 2:3] += depth
        body_pos[..., 2] += depth
        frame[:, self.features.blocks["root_height"]] += depth
        self.body_pos[env_ids], self.body_rot[env_ids], self.frame[env_ids] = body_pos, body_rot, frame

    # ---------------------------------------------------------------- what learning asks for

    def fetch_amp_obs_demo(self, num_samples: int) -> Tensor:
        """What the clips do: frames at random times of random clips, (num_samples, numAMPObsSteps · 105).

        Clips are drawn by weight, times uniformly; frames are a control step apart, the newest first.
        """
        return self.starts.anywhere(num_samples).frames.flatten(1).to(self.device)

    def give_up(self, mask: Tensor) -> None:
        """End the episodes of the environments in `mask`, (num_envs,) bool, as failed with the next step."""
        self.given_up |= mask.to(self.sim_device)

    def create_evaluation(self, rank: int, world_size: int) -> MotionEvaluation:
        """Another instance of this task, set up to score how well a policy imitates the clips."""
        cfg = self.env_cfg
        return MotionEvaluation(self._make_twin, cfg.evalEpisodes, rank, world_size, cfg.evalSeconds)

    def _make_twin(self, num_envs: int) -> HumanoidAMP:
        """The same task with its own simulation; episodes do not end by time before evalSeconds is over."""
        cfg = copy.deepcopy(self.cfg)
        steps = math.ceil(self.env_cfg.evalSeconds / self.control_dt)
        cfg["env"] |= {"numEnvs": num_envs, "episodeLength": steps + 2, "randomizeStart": False}
        return type(self)(cfg, str(self.device), str(self.sim_device), graphics_device_id=-1, headless=True)


def pd_action(lower: Tensor, upper: Tensor, spherical: Tensor) -> tuple[Tensor, Tensor]:
    """Offset and scale (num_dof,) of targets from joint ranges [rad], as IsaacGymEnvs has them.

    Spherical joints: 0 and π, whatever their range. Hinges: the middle, and `HINGE_RANGE_SCALE` of the range,
    so that a target can lie outside and hold the joint at its limit with force.
    """
    offset = torch.where(spherical, 0.0, 0.5 * (lower + upper))
    return offset, torch.where(spherical, math.pi, HINGE_RANGE_SCALE * (upper - lower))


def bound_exp_maps_(targets: Tensor, same_exp_map: Tensor) -> Tensor:
    """Shorten exponential maps to π, in place.

    Beyond π one is a turn the other way, but the drive would pull on in this one.

    Args:
        targets: (n, num_dof) [rad].
        same_exp_map: (num_dof, num_dof) 1 where two DOFs are of one spherical joint, else 0.
    """
    lengths = (targets.square() @ same_exp_map).sqrt_()  # that of its joint at each DOF, 0 at hinges
    return targets.mul_((math.pi / lengths).clamp_(max=1.0))


def fallen_by_contact(forces: Tensor, heights: Tensor, limit: float) -> Tensor:
    """IsaacGymEnvs' rule, (n,) bool: a body is touched, and a body (not need be the same) is low.

    The original compares signed components with `TOUCH_FORCE`, so it overlooks pushes along negative axes;
    here the norm counts.

    Args:
        forces: (n, k, 3) net contact forces on the bodies that may not touch the ground [N].
        heights: (n, k) of their origins [m].
        limit: what counts as low [m].
    """
    touched = (forces.norm(dim=-1) > TOUCH_FORCE).any(dim=-1)
    return touched & (heights < limit).any(dim=-1)

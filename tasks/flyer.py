"""What Quadcopter and Ingenuity share: a craft rewarded for hovering upright and still at a point.

Quaternions are xyzw. Formulas after the tasks of IsaacGymEnvs (Makoviychuk et al. 2021, "Isaac Gym: High
Performance GPU-Based Physics Simulation For Robot Learning").
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from isaacgym import gymapi, gymtorch
from isaacgym.torch_utils import get_basis_vector, torch_rand_float
from torch import Tensor

from tasks.base.observations import ObservationBlocks
from tasks.base.vec_task import VecTask

START_HEIGHT = 1.0  # [m]
START_OFFSET_XY = (-1.5, 1.5)  # of the start from the middle, uniform [m]
START_OFFSET_Z = (-0.2, 1.5)  # of the start from START_HEIGHT, uniform [m]
FLIGHT_BLOCKS = {"to_target": 3, "rotation": 4, "lin_vel": 3, "ang_vel": 3}


class Flyer(VecTask):
    """Hovers at `targets`; a subclass names its craft, pushes it about and says how far it may go."""

    blocks = ObservationBlocks(FLIGHT_BLOCKS)
    actor_name: str
    rotor_names: tuple[str, ...]
    upright_weight: float
    """reward for being upright, at the target"""
    max_distance: float
    """the episode fails when the craft is further than this from its target [m]"""
    min_height: float
    """the episode fails when the craft is lower than this [m]"""

    # ---------------------------------------------------------------- scene

    def create_scene(self) -> None:
        """The ground and one craft an environment, which does not touch itself."""
        self.add_ground()
        cfg, options = self.env_cfg.asset, gymapi.AssetOptions()
        options.angular_damping = 0.0
        options.max_angular_velocity = 4 * math.pi
        asset = self.gym.load_asset(self.sim, cfg.assetRoot, cfg.assetFileName, options)
        props = self.gym.get_asset_dof_properties(asset)
        self.num_dof = self.gym.get_asset_dof_count(asset)
        self.dof_lower = torch.tensor(props["lower"].tolist(), device=self.sim_device)  # (num_dof,) [rad]
        self.dof_upper = torch.tensor(props["upper"].tolist(), device=self.sim_device)
        rotors = [self.gym.find_asset_rigid_body_index(asset, name) for name in self.rotor_names]
        self.rotors = torch.tensor(rotors, device=self.sim_device)  # (rotors,) bodies of the environment
        pose = gymapi.Transform(p=gymapi.Vec3(0.0, 0.0, START_HEIGHT))
        for i, env in enumerate(self.create_envs()):
            actor = self.gym.create_actor(env, asset, pose, self.actor_name, i, 1, 0)
            self.furnish(env, actor, i)
            self.num_bodies = self.gym.get_env_rigid_body_count(env)
            self.num_actors = self.gym.get_actor_count(env)

    def furnish(self, env: Any, actor: int, group: int) -> None:
        """Set the craft's drives, and add what else belongs into its environment."""

    # ---------------------------------------------------------------- tensors

    def acquire_tensors(self) -> None:
        """Root and DOF states, and the forces [N] that act on all bodies, in their own axes."""
        gym, sim, n, device = self.gym, self.sim, self.num_envs, self.sim_device
        self.all_root_states = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
        self.dof_state = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
        self.refresh_tensors()
        self.root_states = self.all_root_states.view(n, self.num_actors, 13)[:, 0]  # the craft's, a view
        per_env = self.dof_state.view(n, self.num_dof, 2)
        self.dof_pos, self.dof_vel = per_env[..., 0], per_env[..., 1]  # views (num_envs, num_dof)
        self.initial_root_states = self.root_states.clone()
        self.forces = torch.zeros(n, self.num_bodies, 3, device=device)
        self.targets = torch.tensor([0.0, 0.0, START_HEIGHT], device=device).repeat(n, 1)  # [m]

    def refresh_tensors(self) -> None:
        """Fetch root and DOF states."""
        self.gym.refresh_actor_root_state_tensor(self.sim)
        self.gym.refresh_dof_state_tensor(self.sim)

    def push(self) -> None:
        """Apply `forces` at the centres of mass, during the next simulation step."""
        forces = gymtorch.unwrap_tensor(self.forces)
        self.gym.apply_rigid_body_force_tensors(self.sim, forces, None, gymapi.LOCAL_SPACE)

    # ---------------------------------------------------------------- one step

    def compute_observations(self, env_ids: Tensor | None = None) -> Tensor:
        """Where the target is, how the craft lies and moves, and what else a subclass sees."""
        return self.blocks.concatenate(self.observe(slice(None) if env_ids is None else env_ids))

    def observe(self, rows: slice | Tensor) -> dict[str, Tensor]:
        """The blocks of the observation in these environments; a subclass adds its own."""
        return observe_flight(self.root_states[rows], self.targets[rows])

    def compute_terminated(self) -> Tensor:
        """The craft is lost, or about to hit the ground."""
        pos = self.root_states[:, 0:3]
        return ((self.targets - pos).norm(dim=-1) > self.max_distance) | (pos[:, 2] < self.min_height)

    def compute_rewards(self) -> dict[str, Tensor]:
        """Near the target, and there upright and without turning about the vertical."""
        return flight_rewards(self.root_states, self.targets, self.upright_weight)

    # ---------------------------------------------------------------- reset

    def scatter(self, env_ids: Tensor) -> None:
        """Write new starts into `root_states`: upright, at rest, in a box about the middle."""
        n, device = len(env_ids), str(self.sim_device)
        states = self.initial_root_states[env_ids]
        states[:, 0:2] += torch_rand_float(*START_OFFSET_XY, (n, 2), device=device)
        states[:, 2:3] += torch_rand_float(*START_OFFSET_Z, (n, 1), device=device)
        self.root_states[env_ids] = states

    def set_states(self, env_ids: Tensor) -> None:
        """Hand the states of all actors of the listed environments to the simulation."""
        self.set_roots(env_ids, range(self.num_actors))
        ids = env_ids.to(torch.int32) * self.num_actors
        self.gym.set_dof_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.dof_state), gymtorch.unwrap_tensor(ids), len(ids)
        )

    def set_roots(self, env_ids: Tensor, actors: Iterable[int]) -> None:
        """Hand the root states of some actors of the listed environments to the simulation."""
        first = env_ids.to(torch.int32) * self.num_actors
        ids = torch.cat([first + actor for actor in actors])
        self.gym.set_actor_root_state_tensor_indexed(
            self.sim, gymtorch.unwrap_tensor(self.all_root_states), gymtorch.unwrap_tensor(ids), len(ids)
        )


def observe_flight(root_states: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Blocks of `FLIGHT_BLOCKS` from root states (n, 13) and targets (n, 3) [m], in world axes."""
    return {
        "to_target": (targets - root_states[:, 0:3]) / 3,
        "rotation": root_states[:, 3:7],
        "lin_vel": root_states[:, 7:10] / 2,
        "ang_vel": root_states[:, 10:13] / math.pi,
    }


def flight_rewards(root_states: Tensor, targets: Tensor, upright_weight: float) -> dict[str, Tensor]:
    """Reward terms of a craft that is to hover, each (n,).

    With D the distance to the target, up_z the vertical part of the craft's own z axis and w_z the rate of
    turn about the vertical: near = 1 / (1 + D²), near · upright_weight / (1 + (1 − up_z)²), and
    near / (1 + w_z²).

    Args:
        root_states: (n, 13).
        targets: (n, 3) [m].
        upright_weight: the second term's, at the target.
    """
    near = 1.0 / (1.0 + (targets - root_states[:, 0:3]).square().sum(dim=-1))
    z_axis = torch.zeros_like(targets)
    z_axis[:, 2] = 1.0
    tilt = 1.0 - get_basis_vector(root_states[:, 3:7], z_axis)[:, 2]
    spin = root_states[:, 12]
    return {
        "near": near,
        "upright": near * upright_weight / (1.0 + tilt.square()),
        "no_spin": near / (1.0 + spin.square()),
    }

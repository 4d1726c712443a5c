"""Ingenuity: two coaxial rotors fly from target to target on Mars. 13 observations, 6 actions."""

from __future__ import annotations

from typing import Any

import torch
from isaacgym import gymapi
from isaacgym.torch_utils import torch_rand_float
from torch import Tensor

from tasks.flyer import Flyer

MAX_THRUST = 2000.0  # per second of a step: a rotor's force is the step's length times this, at action 1
MAX_LATERAL = 0.2  # of a rotor's force, along its x and y axes
SPINS = (-50.0, 50.0)  # what the blades that are seen turn at [rad/s]
TARGET_XY = (-5.0, 5.0)  # uniform [m]
TARGET_Z = (1.0, 2.0)  # uniform [m]
TARGET_STEPS = 500  # control steps from one target to the next
MARKER = 1  # the marker's number among an environment's actors; the craft is 0
MARKER_RADIUS = 0.1  # [m]
MARKER_ABOVE = 0.4  # the marker hangs above the target by this [m]


class Ingenuity(Flyer):
    """Flies to a target that moves elsewhere every 500 steps."""

    num_obs = Flyer.blocks.size
    num_actions = 6
    actor_name = "ingenuity"
    rotor_names = ("rotor_physics_0", "rotor_physics_1")
    upright_weight = 5.0
    max_distance = 8.0
    min_height = 0.5

    def create_scene(self) -> None:
        """The craft, and a ball that shows its target."""
        options = gymapi.AssetOptions()
        options.fix_base_link = True
        self.marker = self.gym.create_sphere(self.sim, MARKER_RADIUS, options)
        super().create_scene()

    def furnish(self, env: Any, actor: int, group: int) -> None:
        """Hang up the marker, which touches nothing."""
        pose = gymapi.Transform(p=gymapi.Vec3(0.0, 0.0, 1.0 + MARKER_ABOVE))
        marker = self.gym.create_actor(env, self.marker, pose, "marker", group, 1, 0)
        red = gymapi.Vec3(0.85, 0.2, 0.15)
        self.gym.set_rigid_body_color(env, marker, 0, gymapi.MESH_VISUAL_AND_COLLISION, red)

    def acquire_tensors(self) -> None:
        """Also the markers' root states, a view."""
        super().acquire_tensors()
        self.marker_states = self.all_root_states.view(self.num_envs, self.num_actors, 13)[:, MARKER]
        self.spins = torch.tensor(SPINS, device=self.sim_device)

    def state_buffers(self) -> dict[str, Tensor]:
        """Also the targets."""
        return super().state_buffers() | {"targets": self.targets}

    def pre_physics_step(self, actions: Tensor) -> None:
        """Push both rotors."""
        self.forces[:, self.rotors] = rotor_forces(actions.view(-1, len(self.rotors), 3), self.dt)
        self.push()

    def update_state(self) -> None:
        """New targets, where it is time for one."""
        due = (self.progress_buf % TARGET_STEPS == 0).nonzero().squeeze(-1)
        if len(due) > 0:
            self.draw_targets(due)
            self.set_roots(due, [MARKER])

    def draw_targets(self, env_ids: Tensor) -> None:
        """Draw targets, and write the markers' places into `marker_states`."""
        n, device = len(env_ids), str(self.sim_device)
        xy = torch_rand_float(*TARGET_XY, (n, 2), device=device)
        z = torch_rand_float(*TARGET_Z, (n, 1), device=device)
        self.targets[env_ids] = torch.cat([xy, z], dim=-1)
        self.marker_states[env_ids, 0:3] = torch.cat([xy, z + MARKER_ABOVE], dim=-1)

    def reset_idx(self, env_ids: Tensor) -> None:
        """Anywhere in the box, with a new target and turning blades."""
        self.scatter(env_ids)
        self.draw_targets(env_ids)
        self.dof_pos[env_ids] = 0.0
        self.dof_vel[env_ids] = self.spins
        self.set_states(env_ids)


def rotor_forces(actions: Tensor, dt: float) -> Tensor:
    """Forces on the rotors in their own axes, (n, rotors, 3) [N].

    Args:
        actions: (n, rotors, 3): the share of the vertical force that acts along x and along y, and the
            vertical force itself as a share of the largest.
        dt: simulation step [s].
    """
    vertical = dt * (MAX_THRUST * actions[..., 2:3]).clamp(-MAX_THRUST, MAX_THRUST)
    return torch.cat([vertical * actions[..., 0:2].clamp(-MAX_LATERAL, MAX_LATERAL), vertical], dim=-1)

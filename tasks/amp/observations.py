"""The motion features of AMP's humanoid: 105 numbers of one frame, for the policy and the discriminator.

Positions in m, angles in rad, quaternions xyzw. Suffix `_w` is the world frame, `_h` the heading frame: its
origin is the root's, its z-axis the world's, its x-axis the horizontal part of the root's own x-axis.

After Peng et al. 2021, "AMP: Adversarial Motion Priors for Stylized Physics-Based Character Control", section
7, in the order of IsaacGymEnvs' HumanoidAMP, so that networks trained there see the same columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tasks.amp.rotations import TINY
from tasks.base.observations import ObservationBlocks, columns_apart

TANGENT_NORMAL = 6  # numbers of a rotation: its x-axis and its z-axis, which are continuous in the rotation


class MotionFeatures:
    """Computes the features of a character; built once, for its joints.

    Args:
        joints: the joints of a `tasks.amp.character.Character`, in body order: a slice `dof` of three DOFs
            (spherical, exponential map), of one (hinge) or of none (fixed).
        num_key_bodies: bodies whose positions are features.
        local_root: leave the heading out of the root's orientation (`localRootObs`).
        device: where the states are.
    """

    def __init__(
        self, joints: Any, num_key_bodies: int, local_root: bool = False, device: str | torch.device = "cpu"
    ) -> None:
        widths = [joint.dof.stop - joint.dof.start for joint in joints]
        for joint, width in zip(joints, widths, strict=True):
            if width not in (0, 1, 3):
                raise ValueError(f"joint of body {joint.body} has {width} DOFs: must be 0, 1 or 3")
        first = [joint.dof.start for joint in joints]
        spherical = [start for start, width in zip(first, widths, strict=True) if width == 3]
        hinges = [start for start, width in zip(first, widths, strict=True) if width == 1]
        self.local_root = local_root
        # Components side by side, [x…, y…, z…, hinges…]: vector instructions want them so.
        planes = [s + axis for axis in range(3) for s in spherical] + hinges
        self._num_spherical = len(spherical)
        self._planes = torch.tensor(planes, dtype=torch.long, device=device)
        self._order = torch.tensor(list(_joint_order(widths)), dtype=torch.long, device=device)
        self.blocks = ObservationBlocks(
            {
                "root_height": 1,
                "root_rotation": TANGENT_NORMAL,
                "root_lin_vel_h": 3,
                "root_ang_vel_h": 3,
                "joint_rotations": TANGENT_NORMAL * len(spherical) + len(hinges),
                "dof_vel": sum(widths),
                "key_body_pos_h": 3 * num_key_bodies,
            }
        )

    @property
    def size(self) -> int:
        """Numbers of one frame."""
        return self.blocks.size

    def compute(
        self, root_states: Tensor, dof_pos: Tensor, dof_vel: Tensor, key_body_pos_w: Tensor
    ) -> Tensor:
        """Describe one frame of each character, (n, size).

        Args:
            root_states: (n, 13): position, quaternion, linear and angular velocity of the root, world axes.
            dof_pos: (n, D): exponential maps of the spherical joints, angles of the hinges.
            dof_vel: (n, D): angular velocities of the joints in the child's axes [rad/s].
            key_body_pos_w: (n, K, 3).
        """
        root_states = columns_apart(root_states)
        root_pos, velocities = root_states[:, 0:3], root_states[:, 7:13].unflatten(-1, (2, 3))
        rotation = tangent_normal(root_states[:, 3:7])  # (n, 2, 3)
        heading = heading_direction(rotation[:, 0])
        velocities_h = to_heading_frame(velocities, heading)
        key_body_pos_h = to_heading_frame(key_body_pos_w - root_pos.unsqueeze(1), heading)
        if self.local_root:
            rotation = to_heading_frame(rotation, heading)
        return self.blocks.concatenate(
            {
                "root_height": root_pos[:, 2],
                "root_rotation": rotation.flatten(1),
                "root_lin_vel_h": velocities_h[:, 0],
                "root_ang_vel_h": velocities_h[:, 1],
                "joint_rotations": self._joint_rotations(dof_pos),
                "dof_vel": dof_vel,
                "key_body_pos_h": key_body_pos_h.flatten(1),
            }
        )

    def _joint_rotations(self, dof_pos: Tensor) -> Tensor:
        """Six numbers a spherical joint and one a hinge, in body order, (n, 52)."""
        planes, n = dof_pos.T.index_select(0, self._planes), self._num_spherical
        exp_maps, hinges = planes[: 3 * n], planes[3 * n :]
        columns = exp_map_tangent_normal(*exp_maps.unflatten(0, (3, n)).unbind(0))
        return torch.cat((*columns, hinges), dim=0).index_select(0, self._order).T


def _joint_order(widths: list[int]) -> Iterator[int]:
    """Columns of [first numbers of spherical joints…, second ones…, hinges…] that bring body order."""
    spherical, hinge = 0, TANGENT_NORMAL * widths.count(3)
    for width in widths:
        if width == 3:
            yield from range(spherical, TANGENT_NORMAL * widths.count(3), widths.count(3))
            spherical += 1
        elif width == 1:
            yield hinge
            hinge += 1


class Heading(NamedTuple):
    """Cosine and sine of heading angles, each (n,)."""

    cos: Tensor
    sin: Tensor


def heading_direction(x_axis_w: Tensor) -> Heading:
    """The horizontal direction of the root's x-axis (n, 3); that of the world's where it stands upright."""
    angle = torch.atan2(x_axis_w[..., 1], x_axis_w[..., 0])
    return Heading(angle.cos(), angle.sin())


def root_heading(root_rot: Tensor) -> Heading:
    """The heading of roots with the orientation `root_rot` (n, 4)."""
    angle = heading_angle(root_rot)
    return Heading(angle.cos(), angle.sin())


def heading_angle(root_rot: Tensor) -> Tensor:
    """The angle about z [rad], (n,), from world x to the heading of roots with the orientation `root_rot`."""
    x, y, z, w = root_rot.unbind(-1)
    return torch.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))


def to_heading_frame(vectors_w: Tensor, heading: Heading) -> Tensor:
    """Turn vectors (n, k, 2 or 3) from world axes by minus the heading, about z."""
    cos, sin = heading.cos.unsqueeze(1), heading.sin.unsqueeze(1)
    x, y = vectors_w[..., 0], vectors_w[..., 1]
    turned = (cos * x + sin * y, cos * y - sin * x)
    return torch.stack((*turned, *vectors_w[..., 2:].unbind(-1)), dim=-1)


def tangent_normal(quat: Tensor) -> Tensor:
    """Rotate the axes x and z by unit quaternions (..., 4): (..., 2, 3)."""
    x, y, z, w = quat.unbind(-1)
    columns = (
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y + w * z),
        2.0 * (x * z - w * y),
        2.0 * (x * z + w * y),
        2.0 * (y * z - w * x),
        1.0 - 2.0 * (x * x + y * y),
    )
    return torch.stack(columns, dim=-1).unflatten(-1, (2, 3))


def exp_map_tangent_normal(x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, ...]:
    """Rotate the axes x and z by exponential maps v = (x, y, z) [rad]: the six components, each like x.

    With θ = |v| (Rodrigues): R = I + (sin θ / θ) [v] + ((1 − cos θ) / θ²) [v]².
    """
    angle = (x * x).addcmul_(y, y).addcmul_(z, z).clamp_(min=TINY * TINY).sqrt_()
    half = torch.sin(0.5 * angle) / angle
    a = 2.0 * half * torch.cos(0.5 * angle)  # sin θ = 2 sin(θ/2) cos(θ/2)
    b = 2.0 * half * half  # 1 − cos θ = 2 sin²(θ/2)
    bx, by, bz = b * x, b * y, b * z
    ax, ay, az = a * x, a * y, a * z
    xx, yy, zz, xz = bx * x, by * y, bz * z, bx * z
    return 1.0 - (yy + zz), bx * y + az, xz - ay, xz + ay, by * z - ax, 1.0 - (xx + yy)

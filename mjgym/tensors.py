"""The border between MuJoCo's conventions and Isaac Gym's: pure functions on batches of states.

Isaac Gym's 13 numbers of a body are position [m], quaternion xyzw, linear velocity [m/s] and angular velocity
[rad/s]. The linear velocity is that of the body frame's origin; both velocities are in world axes. MuJoCo has
quaternions wxyz, free joints with their angular velocity in the body's own axes, and ``cvel`` with the linear
velocity at the centre of mass of the kinematic tree.

Functions that write take a float32 ``out`` and convert on the way.
"""

from __future__ import annotations

import torch

POSITION = slice(0, 3)
ROTATION = slice(3, 7)
LINEAR_VELOCITY = slice(7, 10)
ANGULAR_VELOCITY = slice(10, 13)


def rotate(quat_wxyz: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """Rotate vectors (..., 3) by unit quaternions (..., 4) wxyz: v + 2 w (u x v) + 2 u x (u x v)."""
    axis = quat_wxyz[..., 1:]
    twice = 2.0 * torch.linalg.cross(axis, vector)
    return vector + quat_wxyz[..., :1] * twice + torch.linalg.cross(axis, twice)


def rotate_inverse(quat_wxyz: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """Rotate vectors (..., 3) by the inverses of unit quaternions (..., 4) wxyz."""
    axis = quat_wxyz[..., 1:]
    twice = 2.0 * torch.linalg.cross(axis, vector)
    return vector - quat_wxyz[..., :1] * twice + torch.linalg.cross(axis, twice)


def write_rotation(quat_wxyz: torch.Tensor, out: torch.Tensor) -> None:
    """Write quaternions (..., 4) wxyz as xyzw."""
    out[..., 0:3].copy_(quat_wxyz[..., 1:4])
    out[..., 3].copy_(quat_wxyz[..., 0])


def to_wxyz(quat_xyzw: torch.Tensor) -> torch.Tensor:
    """Return quaternions (..., 4) xyzw as unit quaternions wxyz."""
    turned = torch.cat([quat_xyzw[..., 3:4], quat_xyzw[..., 0:3]], dim=-1)
    return torch.nn.functional.normalize(turned, dim=-1)


def write_free_root(qpos: torch.Tensor, qvel: torch.Tensor, out: torch.Tensor) -> None:
    """Write root states from a free joint.

    Args:
        qpos: position and quaternion wxyz of the joint, (N, 7).
        qvel: linear velocity in world axes, angular velocity in body axes, (N, 6).
        out: root states, (N, 13) float32.
    """
    out[:, POSITION].copy_(qpos[:, 0:3])
    write_rotation(qpos[:, 3:7], out[:, ROTATION])
    out[:, LINEAR_VELOCITY].copy_(qvel[:, 0:3])
    # Turned in the 32 bits that the result has: in 64 it takes longer.
    quat, spin = qpos[:, 3:7].to(out.dtype), qvel[:, 3:6].to(out.dtype)
    out[:, ANGULAR_VELOCITY].copy_(rotate(quat, spin))


def free_joint_state(root: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a free joint's (qpos (N, 7), qvel (N, 6)) from root states (N, 13); the inverse of the above."""
    quat = to_wxyz(root[:, ROTATION])
    qpos = torch.cat([root[:, POSITION], quat], dim=-1)
    spin = rotate_inverse(quat, root[:, ANGULAR_VELOCITY])
    return qpos, torch.cat([root[:, LINEAR_VELOCITY], spin], dim=-1)


def write_body_states(
    xpos: torch.Tensor, xquat: torch.Tensor, cvel: torch.Tensor, com: torch.Tensor, out: torch.Tensor
) -> None:
    """Write rigid-body states.

    Args:
        xpos: origins of the body frames, (N, B, 3).
        xquat: orientations wxyz, (N, B, 4).
        cvel: angular, then linear velocity at ``com``, world axes, (N, B, 6).
        com: the point that ``cvel`` refers to, (N, B, 3) or (N, 1, 3).
        out: body states, (N, B, 13) float32.
    """
    spin = cvel[..., 0:3]
    out[..., POSITION].copy_(xpos)
    write_rotation(xquat, out[..., ROTATION])
    out[..., LINEAR_VELOCITY].copy_(cvel[..., 3:6] + torch.linalg.cross(spin, xpos - com))
    out[..., ANGULAR_VELOCITY].copy_(spin)


def write_sensor_wrenches(
    wrench: torch.Tensor, com: torch.Tensor, origin: torch.Tensor, axes: torch.Tensor, out: torch.Tensor
) -> None:
    """Move wrenches from ``com`` to the sensors' origins and into their axes.

    Args:
        wrench: torque about ``com`` [N m], then force [N], in world axes, (N, S, 6).
        com: where the torque is taken, (N, S, 3) or (N, 1, 3) [m].
        origin: the sensors' origins in world axes, (N, S, 3) [m].
        axes: rotation matrices from sensor to world axes, (N, S, 3, 3).
        out: force, then torque about the origin, in the sensors' axes, (N, S, 6) float32.
    """
    # The lever is a small difference of large numbers; all else has 32 bits to spare, at half the time.
    lever, axes, wrench = (com - origin).to(out.dtype), axes.to(out.dtype), wrench.to(out.dtype)
    force = wrench[..., 3:6]
    torque = wrench[..., 0:3] + torch.linalg.cross(lever, force)
    # One row times a matrix takes the row into the sensor's axes.
    rows = torch.stack((force, torque), dim=-2).flatten(0, 1)
    torch.bmm(rows, axes.flatten(0, 1), out=out.view(-1, 2, 3))

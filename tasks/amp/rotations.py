"""Rotations as exponential maps and quaternions, what `isaacgym.torch_utils` does not have.

Quaternions are (x, y, z, w) along the last dimension, of unit length; an exponential map is the rotation's axis
times its angle [rad]. All leading dimensions are batch dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-9


def exp_map_to_quat(exp_map: Tensor) -> Tensor:
    """Return the quaternions (…, 4) of exponential maps (…, 3)."""
    half = 0.5 * torch.linalg.vector_norm(exp_map, dim=-1, keepdim=True)
    # sinc is sin(πx)/(πx): sin(half)/half, right at 0 too
    return torch.cat((0.5 * torch.sinc(half / torch.pi) * exp_map, torch.cos(half)), dim=-1)


def quat_to_exp_map(quat: Tensor) -> Tensor:
    """Return the exponential maps (…, 3) of quaternions (…, 4), of angle π at most."""
    vector, w = quat[..., :3], quat[..., 3:]
    sine = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    # q and -q are one rotation: the angle is taken from |w|, and the axis turns with the sign of w
    angle = 2.0 * torch.atan2(sine, w.abs())
    scale = torch.where(sine > TINY, angle / sine.clamp(min=TINY), 2.0)
    return torch.copysign(scale, w) * vector


def slerp(start: Tensor, end: Tensor, blend: Tensor) -> Tensor:
    """Interpolate between quaternions (…, 4) on the shorter arc.

    Args:
        start: (…, 4) at blend 0.
        end: (…, 4) at blend 1.
        blend: (…, 1).

    Returns:
        (…, 4) of unit length. Shoemake 1985, "Animating Rotation with Quaternion Curves".
    """
    cosine = (start * end).sum(dim=-1, keepdim=True)
    angle = torch.acos(cosine.abs().clamp(max=1.0))
    sine = torch.sin(angle)
    near = sine < 1e-4  # sin(k·angle)/sin(angle) is k there
    safe = sine.clamp(min=1e-4)
    from_start = torch.where(near, 1.0 - blend, torch.sin((1.0 - blend) * angle) / safe)
    from_end = torch.where(near, blend, torch.sin(blend * angle) / safe)
    mixed = from_start * start + torch.copysign(from_end, cosine) * end
    return mixed / torch.linalg.vector_norm(mixed, dim=-1, keepdim=True)


def yaw_quat(yaw: Tensor) -> Tensor:
    """Return the quaternions (…, 4) of turns about the z-axis by angles (…,) [rad]."""
    zero = torch.zeros_like(yaw)
    return torch.stack((zero, zero, torch.sin(0.5 * yaw), torch.cos(0.5 * yaw)), dim=-1)


def yaw_of(quat: Tensor) -> Tensor:
    """Return the heading (…,) of quaternions (…, 4): the direction of the horizontal part of their x-axis."""
    x, y, z, w = quat.unbind(-1)
    return torch.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))

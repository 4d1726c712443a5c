"""Rotations as exponential maps and quaternions.

Clips are read and converted where no physics is installed, so this needs nothing of `isaacgym.torch_utils`.
Quaternions are (x, y, z, w) along the last dimension, of unit length; an exponential map is the rotation's
axis times its angle [rad]. All leading dimensions are batch dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-9


def exp_map_to_quat(exp_map: Tensor, dim: int = -1) -> Tensor:
    """Return the quaternions (…, 4) of exponential maps (…, 3); components lie along `dim` in both."""
    x, y, z = exp_map.unbind(dim)
    angle = (x * x).addcmul_(y, y).addcmul_(z, z).clamp_(min=TINY * TINY).sqrt_()
    half = 0.5 * angle
    scale = torch.sin(half) / angle
    return torch.stack((scale * x, scale * y, scale * z, torch.cos(half)), dim=dim)


def quat_to_exp_map(quat: Tensor) -> Tensor:
    """Return the exponential maps (…, 3) of quaternions (…, 4), of angle π at most."""
    vector, w = quat[..., :3], quat[..., 3:]
    sine = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    # q and -q are one rotation: the angle is taken from |w|, and the axis turns with the sign of w
    angle = 2.0 * torch.atan2(sine, w.abs())
    scale = torch.where(sine > TINY, angle / sine.clamp(min=TINY), 2.0)
    return torch.copysign(scale, w) * vector


def quat_mul(a: Tensor, b: Tensor, dim: int = -1) -> Tensor:
    """Return the products (…, 4) of quaternions that broadcast, components along `dim`: b, then a."""
    ax, ay, az, aw = a.unbind(dim)
    bx, by, bz, bw = b.unbind(dim)
    x = (aw * bx).addcmul_(ax, bw).addcmul_(ay, bz).addcmul_(az, by, value=-1.0)
    y = (aw * by).addcmul_(ay, bw).addcmul_(az, bx).addcmul_(ax, bz, value=-1.0)
    z = (aw * bz).addcmul_(az, bw).addcmul_(ax, by).addcmul_(ay, bx, value=-1.0)
    w = (aw * bw).addcmul_(ax, bx, value=-1.0).addcmul_(ay, by, value=-1.0).addcmul_(az, bz, value=-1.0)
    return torch.stack((x, y, z, w), dim=dim)


def quat_conjugate(quat: Tensor) -> Tensor:
    """Return the inverse rotations (…, 4)."""
    return torch.cat((-quat[..., :3], quat[..., 3:]), dim=-1)


def quat_apply(quat: Tensor, vectors: Tensor, dim: int = -1) -> Tensor:
    """Rotate vectors (…, 3) by quaternions (…, 4), components along `dim`; other dimensions broadcast."""
    x, y, z, w = quat.unbind(dim)
    vx, vy, vz = vectors.unbind(dim)
    # v + 2 (w t + u × t) with t = u × v, u the quaternion's vector part
    tx = (y * vz).addcmul_(z, vy, value=-1.0)
    ty = (z * vx).addcmul_(x, vz, value=-1.0)
    tz = (x * vy).addcmul_(y, vx, value=-1.0)
    rotated = (
        torch.addcmul(vx, w, tx, value=2.0).addcmul_(y, tz, value=2.0).addcmul_(z, ty, value=-2.0),
        torch.addcmul(vy, w, ty, value=2.0).addcmul_(z, tx, value=2.0).addcmul_(x, tz, value=-2.0),
        torch.addcmul(vz, w, tz, value=2.0).addcmul_(x, ty, value=2.0).addcmul_(y, tx, value=-2.0),
    )
    return torch.stack(rotated, dim=dim)


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


def turn_between(start: Tensor, end: Tensor) -> Tensor:
    """Return the turn (…,) about the z-axis that brings rotations nearest to others [rad, ±π].

    The twist of `end · start⁻¹` about z: defined even where the x-axis points up or down.

    Args:
        start: (…, 4).
        end: (…, 4).
    """
    _, _, z, w = quat_mul(end, quat_conjugate(start)).unbind(-1)
    return 2.0 * torch.atan(z / torch.where(w.abs() > TINY, w, TINY))

"""The 25 functions of `isaacgym.torch_utils`: quaternions, poses, scaling and random numbers on tensors.

Quaternions are (x, y, z, w) along the last dimension, and all leading dimensions are batch dimensions, which
broadcast. Unless a function says otherwise, quaternions given to it have unit length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mjgym.api_names import used_names
from mjgym.devices import torch_device
from mjgym.errors import module_getattr


def to_torch(
    x: Any,
    dtype: torch.dtype = torch.float,
    device: str | torch.device = "cuda:0",
    requires_grad: bool = False,
) -> Tensor:
    """Copy numbers, lists or arrays into a new tensor.

    `device` defaults to Isaac Gym's, the first GPU; where there is no CUDA it is the CPU.
    """
    device = torch_device(device)
    if isinstance(x, Tensor):
        return x.detach().to(device=device, dtype=dtype, copy=True).requires_grad_(requires_grad)
    return torch.tensor(x, dtype=dtype, device=device, requires_grad=requires_grad)


def normalize(x: Tensor, eps: float = 1e-9) -> Tensor:
    """Scale vectors of the last dimension to unit length; lengths below `eps` count as `eps`."""
    return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp(min=eps)


def quat_unit(a: Tensor) -> Tensor:
    """Scale quaternions to unit length."""
    return normalize(a)


def quat_conjugate(a: Tensor) -> Tensor:
    """Return the conjugate, which is a unit quaternion's inverse."""
    return torch.cat((-a[..., :3], a[..., 3:]), dim=-1)


def quat_mul(a: Tensor, b: Tensor) -> Tensor:
    """Multiply quaternions: the product rotates by b first, then by a."""
    ax, ay, az, aw = a.unbind(-1)
    bx, by, bz, bw = b.unbind(-1)
    return torch.stack(
        (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ),
        dim=-1,
    )


def _rotate(x: Tensor, y: Tensor, z: Tensor, w: Tensor, v: Tensor) -> Tensor:
    # Component by component: torch's cross product does not broadcast over missing dimensions.
    vx, vy, vz = v.unbind(-1)
    tx = (y * vz).addcmul_(z, vy, value=-1.0)
    ty = (z * vx).addcmul_(x, vz, value=-1.0)
    tz = (x * vy).addcmul_(y, vx, value=-1.0)
    rotated = (
        torch.addcmul(vx, w, tx, value=2.0).addcmul_(y, tz, value=2.0).addcmul_(z, ty, value=-2.0),
        torch.addcmul(vy, w, ty, value=2.0).addcmul_(z, tx, value=2.0).addcmul_(x, tz, value=-2.0),
        torch.addcmul(vz, w, tz, value=2.0).addcmul_(x, ty, value=2.0).addcmul_(y, tx, value=-2.0),
    )
    return torch.stack(rotated, dim=-1)


def quat_apply(a: Tensor, b: Tensor) -> Tensor:
    """Rotate vectors b (..., 3) by quaternions a (..., 4).

    With u the vector part and w the scalar part, v' = v + w t + u x t where t = 2 u x v.

    If a and b differ in their number of dimensions and there are as many quaternions as vectors, they pair in
    the order in which they lie instead of broadcasting: quaternions (N * P, 4) turn vectors (N, P, 3).
    """
    if a.ndim != b.ndim and a.shape[:-1].numel() == b.shape[:-1].numel():
        # Isaac Gym flattens both, and tasks on terrain hand over flattened quaternions.
        a = a.reshape(*b.shape[:-1], 4)
    x, y, z, w = a.unbind(-1)
    return _rotate(x, y, z, w, b)


def quat_rotate(q: Tensor, v: Tensor) -> Tensor:
    """Rotate vectors v (..., 3) by quaternions q (..., 4): body axes to world axes."""
    return quat_apply(q, v)


def quat_rotate_inverse(q: Tensor, v: Tensor) -> Tensor:
    """Rotate vectors v (..., 3) by the inverses of q (..., 4): world axes to body axes."""
    x, y, z, w = q.unbind(-1)
    return _rotate(x, y, z, -w, v)


def quat_from_angle_axis(angle: Tensor, axis: Tensor) -> Tensor:
    """Build rotations by `angle` (...) [rad] around `axis` (..., 3), of any length but zero."""
    half = 0.5 * angle.unsqueeze(-1)
    xyz = normalize(axis) * half.sin()
    return quat_unit(torch.cat((xyz, half.cos().expand_as(xyz[..., :1])), dim=-1))


def quat_from_euler_xyz(roll: Tensor, pitch: Tensor, yaw: Tensor) -> Tensor:
    """Build R_z(yaw) R_y(pitch) R_x(roll) from angles (...) [rad] around the fixed axes x, y, z in turn."""
    cr, sr = (0.5 * roll).cos(), (0.5 * roll).sin()
    cp, sp = (0.5 * pitch).cos(), (0.5 * pitch).sin()
    cy, sy = (0.5 * yaw).cos(), (0.5 * yaw).sin()
    return torch.stack(
        (
            cy * cp * sr - sy * sp * cr,
            cy * sp * cr + sy * cp * sr,
            sy * cp * cr - cy * sp * sr,
            cy * cp * cr + sy * sp * sr,
        ),
        dim=-1,
    )


def get_euler_xyz(q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the (roll, pitch, yaw) that `quat_from_euler_xyz` takes, each (...) in [0, 2 pi) rad.

    Pitch comes from an arcsine, so of the two triples for a rotation the one with |pitch| <= pi/2 is meant,
    before a negative angle is wrapped. At the poles roll and yaw are not unique.
    """
    x, y, z, w = q.unbind(-1)
    roll = torch.atan2(2.0 * (w * x + y * z), w * w - x * x - y * y + z * z)
    pitch = torch.asin((2.0 * (w * y - z * x)).clamp(-1.0, 1.0))
    yaw = torch.atan2(2.0 * (w * z + x * y), w * w + x * x - y * y - z * z)
    return _wrap_to_turn(roll), _wrap_to_turn(pitch), _wrap_to_turn(yaw)


def _wrap_to_turn(angle: Tensor) -> Tensor:
    """Map angles to [0, 2 pi); the remainder of a tiny negative float rounds up to 2 pi itself."""
    wrapped = angle.remainder(2.0 * math.pi)
    return torch.where(wrapped < 2.0 * math.pi, wrapped, torch.zeros_like(wrapped))


def normalize_angle(x: Tensor) -> Tensor:
    """Map angles [rad] to [-pi, pi]."""
    return torch.atan2(x.sin(), x.cos())


def tf_inverse(q: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Invert poses given as rotation q (..., 4) and translation t (..., 3)."""
    q_inv = quat_conjugate(q)
    return q_inv, -quat_apply(q_inv, t)


def tf_apply(q: Tensor, t: Tensor, v: Tensor) -> Tensor:
    """Rotate points v (..., 3) by q and move them by t."""
    return quat_apply(q, v) + t


def tf_vector(q: Tensor, v: Tensor) -> Tensor:
    """Rotate directions v (..., 3) by q; a pose's translation does not act on them."""
    return quat_apply(q, v)


def tf_combine(q1: Tensor, t1: Tensor, q2: Tensor, t2: Tensor) -> tuple[Tensor, Tensor]:
    """Compose poses: the result applies (q2, t2) first, then (q1, t1)."""
    return quat_mul(q1, q2), quat_apply(q1, t2) + t1


def get_basis_vector(q: Tensor, v: Tensor) -> Tensor:
    """Rotate a body axis v (..., 3) into world axes."""
    return quat_rotate(q, v)


def get_axis_params(
    value: float, axis_idx: int, x_value: float = 0.0, dtype: Any = float, n_dims: int = 3
) -> list[float]:
    """List `n_dims` numbers: `value` at `axis_idx`, `x_value` at 0, zeros elsewhere; `value` wins at 0."""
    if not 0 <= axis_idx < n_dims:
        raise ValueError(f"axis_idx = {axis_idx}: must lie in [0, n_dims = {n_dims})")
    params = np.zeros(n_dims, dtype=dtype)
    params[0] = x_value
    params[axis_idx] = value
    return params.tolist()


def copysign(a: float | Tensor, b: Tensor) -> Tensor:
    """Give the magnitude `a` the signs of b."""
    magnitude = torch.as_tensor(a, dtype=b.dtype, device=b.device)
    return torch.copysign(magnitude, b)


def torch_rand_float(lower: float, upper: float, shape: Sequence[int], device: str | torch.device) -> Tensor:
    """Draw numbers uniformly from [lower, upper)."""
    return (upper - lower) * torch.rand(*shape, device=device) + lower


def torch_random_dir_2(shape: Sequence[int], device: str | torch.device) -> Tensor:
    """Draw unit vectors of the plane, shape (*shape, 2); a trailing 1 of `shape` becomes the 2."""
    angle = torch_rand_float(-math.pi, math.pi, shape, device)
    parts = (angle.cos(), angle.sin())
    return torch.cat(parts, dim=-1) if shape and shape[-1] == 1 else torch.stack(parts, dim=-1)


def tensor_clamp(t: Tensor, min_t: Tensor, max_t: Tensor) -> Tensor:
    """Clamp elements between two tensors that broadcast with t."""
    return torch.max(torch.min(t, max_t), min_t)


def scale(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Map [-1, 1] to [lower, upper]."""
    return 0.5 * (x + 1.0) * (upper - lower) + lower


def unscale(x: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Map [lower, upper] to [-1, 1]."""
    return (2.0 * x - upper - lower) / (upper - lower)


def unscale_np(x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Map [lower, upper] to [-1, 1], for numpy arrays."""
    return (2.0 * x - upper - lower) / (upper - lower)


__all__ = [
    "copysign",
    "get_axis_params",
    "get_basis_vector",
    "get_euler_xyz",
    "normalize",
    "normalize_angle",
    "quat_apply",
    "quat_conjugate",
    "quat_from_angle_axis",
    "quat_from_euler_xyz",
    "quat_mul",
    "quat_rotate",
    "quat_rotate_inverse",
    "quat_unit",
    "scale",
    "tensor_clamp",
    "tf_apply",
    "tf_combine",
    "tf_inverse",
    "tf_vector",
    "to_torch",
    "torch_rand_float",
    "torch_random_dir_2",
    "unscale",
    "unscale_np",
]

__getattr__ = module_getattr("torch_utils", __all__, used_names("torch_utils"))

"""Vectors, quaternions and poses: `Vec3`, `Quat`, `Transform` and what is built of them.

Quaternions are (x, y, z, w) and act on column vectors; `a * b` first applies b, then a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mjgym.structs.base import Struct

VEC3_DTYPE = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")])
QUAT_DTYPE = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("w", "<f4")])
TRANSFORM_DTYPE = np.dtype([("p", VEC3_DTYPE), ("r", QUAT_DTYPE)])
VELOCITY_DTYPE = np.dtype([("linear", VEC3_DTYPE), ("angular", VEC3_DTYPE)])


@dataclass(slots=True)
class Vec3(Struct):
    """A vector of three floats."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0

    dtype: ClassVar[np.dtype] = VEC3_DTYPE

    def __add__(self, other: Vec3) -> Vec3:
        """Return the sum."""
        return Vec3(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other: Vec3) -> Vec3:
        """Return the difference."""
        return Vec3(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor: float) -> Vec3:
        """Return the vector scaled by a number."""
        return Vec3(self.x * factor, self.y * factor, self.z * factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Vec3:
        """Return the vector divided by a number."""
        return Vec3(self.x / divisor, self.y / divisor, self.z / divisor)

    def __neg__(self) -> Vec3:
        """Return the opposite vector."""
        return Vec3(-self.x, -self.y, -self.z)

    def dot(self, other: Vec3) -> float:
        """Return the scalar product."""
        return self.x * other.x + self.y * other.y + self.z * other.z

    def cross(self, other: Vec3) -> Vec3:
        """Return the vector product."""
        return Vec3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )

    def length_sq(self) -> float:
        """Return the squared length."""
        return self.dot(self)

    def length(self) -> float:
        """Return the length."""
        return math.sqrt(self.length_sq())

    def normalize(self) -> Vec3:
        """Return the unit vector of the same direction; the zero vector stays zero."""
        length = self.length()
        return self / length if length > 0.0 else Vec3()

    def as_tuple(self) -> tuple[float, float, float]:
        """Return (x, y, z). An extension of mjgym."""
        return (self.x, self.y, self.z)

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """View contiguous float32 memory as an array of vectors, without a copy."""
        return np.frombuffer(buffer, dtype=VEC3_DTYPE)


@dataclass(slots=True)
class Quat(Struct):
    """A rotation as a quaternion (x, y, z, w); the identity by default."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    w: float = 1.0

    dtype: ClassVar[np.dtype] = QUAT_DTYPE

    @staticmethod
    def from_axis_angle(axis: Vec3, angle: float) -> Quat:
        """Build the rotation by `angle` [rad] around `axis`, which need not have unit length."""
        unit = axis.normalize() * math.sin(0.5 * angle)
        return Quat(unit.x, unit.y, unit.z, math.cos(0.5 * angle))

    @staticmethod
    def from_euler_zyx(x: float, y: float, z: float) -> Quat:
        """Build R_z(z) R_y(y) R_x(x): angles [rad] around the fixed axes x, then y, then z."""
        about_x = Quat.from_axis_angle(Vec3(1.0, 0.0, 0.0), x)
        about_y = Quat.from_axis_angle(Vec3(0.0, 1.0, 0.0), y)
        return Quat.from_axis_angle(Vec3(0.0, 0.0, 1.0), z) * about_y * about_x

    def to_euler_zyx(self) -> tuple[float, float, float]:
        """Return the angles (x, y, z) [rad] that `from_euler_zyx` takes; y lies in [-pi/2, pi/2]."""
        q = self.normalize()
        sin_y = max(-1.0, min(1.0, 2.0 * (q.w * q.y - q.z * q.x)))
        angle_x = math.atan2(2.0 * (q.w * q.x + q.y * q.z), 1.0 - 2.0 * (q.x * q.x + q.y * q.y))
        angle_z = math.atan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z))
        return angle_x, math.asin(sin_y), angle_z

    def __mul__(self, other: Quat) -> Quat:
        """Compose: the result rotates by `other` first, then by this."""
        a, b = self, other
        return Quat(
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
            a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
        )

    def inverse(self) -> Quat:
        """Return the inverse rotation."""
        norm_sq = self.x * self.x + self.y * self.y + self.z * self.z + self.w * self.w
        if norm_sq == 0.0:
            raise ValueError("Quat(0, 0, 0, 0) is no rotation and has no inverse")
        return Quat(-self.x / norm_sq, -self.y / norm_sq, -self.z / norm_sq, self.w / norm_sq)

    def normalize(self) -> Quat:
        """Return the quaternion at unit length."""
        norm = math.sqrt(self.x * self.x + self.y * self.y + self.z * self.z + self.w * self.w)
        if norm == 0.0:
            raise ValueError("Quat(0, 0, 0, 0) cannot be normalised")
        return Quat(self.x / norm, self.y / norm, self.z / norm, self.w / norm)

    def rotate(self, vector: Vec3) -> Vec3:
        """Rotate a vector by this unit quaternion."""
        axis = Vec3(self.x, self.y, self.z)
        twice = axis.cross(vector) * 2.0
        return vector + twice * self.w + axis.cross(twice)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return (x, y, z, w). An extension of mjgym."""
        return (self.x, self.y, self.z, self.w)

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """View contiguous float32 memory as an array of quaternions, without a copy."""
        return np.frombuffer(buffer, dtype=QUAT_DTYPE)


@dataclass(slots=True)
class Transform(Struct):
    """A pose: rotate by `r`, then move by `p` [m]. Both may be edited in place (`pose.p.z = 1.0`)."""

    p: Vec3 = field(default_factory=Vec3)
    r: Quat = field(default_factory=Quat)

    dtype: ClassVar[np.dtype] = TRANSFORM_DTYPE

    def __mul__(self, other: Transform) -> Transform:
        """Compose: the result maps x to self(other(x))."""
        return Transform(self.transform_point(other.p), self.r * other.r)

    def inverse(self) -> Transform:
        """Return the pose that undoes this one."""
        rotation = self.r.inverse()
        return Transform(-rotation.rotate(self.p), rotation)

    def transform_vector(self, vector: Vec3) -> Vec3:
        """Rotate a direction, without moving it."""
        return self.r.rotate(vector)

    def transform_point(self, point: Vec3) -> Vec3:
        """Rotate and move a point."""
        return self.r.rotate(point) + self.p

    def transform_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Rotate directions, an array of `Vec3.dtype` of any shape, without moving them."""
        return _as_records(_rotate_rows(self.r, _as_rows(vectors)), vectors.shape)

    def transform_points(self, points: np.ndarray) -> np.ndarray:
        """Rotate and move points, an array of `Vec3.dtype` of any shape."""
        rows = _rotate_rows(self.r, _as_rows(points)) + np.array(self.p.as_tuple())
        return _as_records(rows, points.shape)

    @staticmethod
    def from_buffer(buffer: Any) -> np.ndarray:
        """View contiguous float32 memory as an array of poses, without a copy."""
        return np.frombuffer(buffer, dtype=TRANSFORM_DTYPE)


@dataclass(slots=True)
class Velocity(Struct):
    """Linear [m/s] and angular [rad/s] velocity."""

    linear: Vec3 = field(default_factory=Vec3)
    angular: Vec3 = field(default_factory=Vec3)

    dtype: ClassVar[np.dtype] = VELOCITY_DTYPE


@dataclass(slots=True)
class SpatialForce(Struct):
    """A force [N] and a torque [N m]."""

    force: Vec3 = field(default_factory=Vec3)
    torque: Vec3 = field(default_factory=Vec3)


@dataclass(slots=True)
class Mat33(Struct):
    """A 3 x 3 matrix as three rows; zero by default."""

    x: Vec3 = field(default_factory=Vec3)
    y: Vec3 = field(default_factory=Vec3)
    z: Vec3 = field(default_factory=Vec3)


def _as_rows(records: np.ndarray) -> np.ndarray:
    """Turn an array of `VEC3_DTYPE` into floats of shape (n, 3)."""
    flat = np.asarray(records, dtype=VEC3_DTYPE).reshape(-1)
    return np.stack([flat["x"], flat["y"], flat["z"]], axis=-1).astype(np.float64)


def _as_records(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Turn floats of shape (n, 3) into an array of `VEC3_DTYPE`."""
    return np.ascontiguousarray(rows, dtype=np.float32).view(VEC3_DTYPE).reshape(shape)


def _rotate_rows(rotation: Quat, rows: np.ndarray) -> np.ndarray:
    axis = np.array([rotation.x, rotation.y, rotation.z])
    twice = 2.0 * np.cross(axis, rows)
    return rows + rotation.w * twice + np.cross(axis, twice)

"""Masses and inertias of rigid bodies made of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np


@dataclass(frozen=True)
class Frame:
    """A pose: position (3,) [m] and rotation matrix (3, 3)."""

    position: np.ndarray
    rotation: np.ndarray

    @staticmethod
    def identity() -> Frame:
        """Return the frame itself."""
        return Frame(np.zeros(3), np.eye(3))

    @staticmethod
    def from_rpy(xyz: Sequence[float], rpy: Sequence[float]) -> Frame:
        """Return the pose of URDF's ``<origin>``: R = Rz(yaw) Ry(pitch) Rx(roll), angles in rad."""
        (sr, sp, sy), (cr, cp, cy) = np.sin(rpy), np.cos(rpy)
        rotation = np.array(
            [
                [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
                [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
                [-sp, cp * sr, cp * cr],
            ]
        )
        return Frame(np.asarray(xyz, dtype=float), rotation)

    def __mul__(self, other: Frame) -> Frame:
        """Compose: ``other`` is given in this frame."""
        return Frame(self.position + self.rotation @ other.position, self.rotation @ other.rotation)

    @property
    def quat(self) -> np.ndarray:
        """The rotation as a quaternion wxyz."""
        quat = np.zeros(4)
        mujoco.mju_mat2Quat(quat, self.rotation.reshape(9))
        return quat


@dataclass(frozen=True)
class Inertial:
    """A mass [kg], its centre (3,) [m], and the inertia (3, 3) about the centre [kg m^2], in one frame."""

    mass: float
    center: np.ndarray
    inertia: np.ndarray

    def moved(self, frame: Frame) -> Inertial:
        """Return the same body seen from the frame in which ``frame`` is given."""
        turned = frame.rotation @ self.inertia @ frame.rotation.T
        return Inertial(self.mass, frame.position + frame.rotation @ self.center, turned)


def combine(parts: Sequence[Inertial]) -> Inertial:
    """Return the inertial of parts that are rigidly joined (parallel-axis theorem)."""
    mass = sum(part.mass for part in parts)
    if mass <= 0.0:
        return Inertial(0.0, np.zeros(3), np.zeros((3, 3)))
    center = np.sum([part.mass * part.center for part in parts], axis=0) / mass
    inertia = np.zeros((3, 3))
    for part in parts:
        arm = part.center - center
        inertia += part.inertia + part.mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    return Inertial(mass, center, inertia)


def from_body(model: mujoco.MjModel, body: int) -> Inertial:
    """Return the inertial of a compiled body in the body's frame."""
    flat = np.zeros(9)
    mujoco.mju_quat2Mat(flat, model.body_iquat[body])
    axes = flat.reshape(3, 3)
    inertia = axes @ np.diag(model.body_inertia[body]) @ axes.T
    return Inertial(float(model.body_mass[body]), model.body_ipos[body].copy(), inertia)

"""What questions about single things are answered with: frames, ranges, contacts, timers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mjgym.partly import partly
from mjgym.structs.base import Struct
from mjgym.structs.geometry import VEC3_DTYPE, Vec3

DOF_FRAME_DTYPE = np.dtype([("origin", VEC3_DTYPE), ("axis", VEC3_DTYPE)])

RIGID_CONTACT_DTYPE = np.dtype(
    [
        ("env0", "<i4"),  # environment of body0, -1 for the ground
        ("env1", "<i4"),
        ("body0", "<i4"),  # among the bodies of the environment, -1 for the ground
        ("body1", "<i4"),
        ("localPos0", VEC3_DTYPE),  # m, in the axes of body0
        ("localPos1", VEC3_DTYPE),
        ("minDist", "<f4"),  # m
        ("initialOverlap", "<f4"),  # m, negative across a gap
        ("normal", VEC3_DTYPE),  # from body0 to body1, world axes
        ("offset0", VEC3_DTYPE),  # m
        ("offset1", VEC3_DTYPE),
        ("lambda", "<f4"),  # normal force [N]
        ("lambdaFriction", [("x", "<f4"), ("y", "<f4")]),  # friction force along two tangents [N]
        ("friction", "<f4"),
        ("torsionFriction", "<f4"),
        ("rollingFriction", "<f4"),
    ]
)


@dataclass(slots=True)
class DofFrame(Struct):
    """Where a DOF acts: a point [m] on its axis, and the axis' direction, in the environment."""

    origin: Vec3 = field(default_factory=Vec3)
    axis: Vec3 = field(default_factory=Vec3)

    dtype: ClassVar[np.dtype] = DOF_FRAME_DTYPE


@dataclass(slots=True)
class IndexRange(Struct):
    """A run of indices: `start`, and how many there are."""

    start: int = 0
    count: int = 0


@partly("its `dtype`, of which contacts are rows; `minDist` and the offsets are zero")
class RigidContact:
    """Two bodies that touch; see `RIGID_CONTACT_DTYPE` for the fields."""

    dtype: ClassVar[np.dtype] = RIGID_CONTACT_DTYPE


@partly("`physics_sim` alone is measured, as long as the call takes; `total_time` is the same")
@dataclass(slots=True)
class PerformanceTimers(Struct):
    """Seconds spent since they were last asked for, by activity."""

    frame_idling: float = 0.0
    graphics_image_retrieval: float = 0.0
    graphics_sensor_rendering: float = 0.0
    graphics_viewer_rendering: float = 0.0
    physics_data_movement: float = 0.0
    physics_sim: float = 0.0
    total_time: float = 0.0

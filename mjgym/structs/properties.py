"""Properties of bodies, shapes, DOFs, actuators, tendons, sensors and attractors.

DOF properties are a numpy structured array with one row a DOF, of `DOF_PROPERTIES_DTYPE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mjgym.partly import partly
from mjgym.structs.base import Struct
from mjgym.structs.enums import TendonType
from mjgym.structs.geometry import TRANSFORM_DTYPE, VELOCITY_DTYPE, Mat33, Transform, Vec3, Velocity

DOF_PROPERTIES_DTYPE = np.dtype(
    [
        ("hasLimits", "?"),
        ("lower", "<f4"),  # rad or m
        ("upper", "<f4"),  # rad or m
        ("driveMode", "<i4"),  # DOF_MODE_*
        ("velocity", "<f4"),  # limit [rad/s or m/s]
        ("effort", "<f4"),  # limit [N m or N]
        ("stiffness", "<f4"),  # drive gain [N m/rad or N/m]
        ("damping", "<f4"),  # drive gain [N m s/rad or N s/m]
        ("friction", "<f4"),
        ("armature", "<f4"),  # kg m^2 or kg
    ]
)
DOF_STATE_DTYPE = np.dtype([("pos", "<f4"), ("vel", "<f4")])
RIGID_BODY_STATE_DTYPE = np.dtype([("pose", TRANSFORM_DTYPE), ("vel", VELOCITY_DTYPE)])


@dataclass(slots=True)
class DofState(Struct):
    """Position [rad or m] and velocity [rad/s or m/s] of a DOF."""

    pos: float = 0.0
    vel: float = 0.0

    dtype: ClassVar[np.dtype] = DOF_STATE_DTYPE


@dataclass(slots=True)
class RigidBodyState(Struct):
    """Pose and velocity of a body."""

    pose: Transform = field(default_factory=Transform)
    vel: Velocity = field(default_factory=Velocity)

    dtype: ClassVar[np.dtype] = RIGID_BODY_STATE_DTYPE


@partly("of `flags` `RIGID_BODY_DISABLE_GRAVITY` has an effect; `invMass` and `invInertia` have none")
@dataclass(slots=True)
class RigidBodyProperties(Struct):
    """Mass [kg], centre of mass [m, body frame], inertia about it [kg m^2], and their inverses."""

    com: Vec3 = field(default_factory=Vec3)
    flags: int = 0
    inertia: Mat33 = field(default_factory=Mat33)
    invInertia: Mat33 = field(default_factory=Mat33)
    invMass: float = 0.0
    mass: float = 0.0


@partly(
    "`friction` and `restitution` have an effect, `torsion_friction` and `rolling_friction` where the file's "
    "condim is above 3; `filter` is the actor's"
)
@dataclass(slots=True)
class RigidShapeProperties(Struct):
    """Surface of a collision shape. Two shapes touch only where `filterA & filterB` is 0."""

    compliance: float = 0.0
    contact_offset: float = 0.02
    filter: int = 0
    friction: float = 1.0
    rest_offset: float = 0.0
    restitution: float = 0.0
    rolling_friction: float = 0.0
    thickness: float = 0.02
    torsion_friction: float = 0.0


@dataclass(slots=True)
class ActuatorProperties(Struct):
    """An actuator of an MJCF file; `motor_effort` is what tasks multiply actions by [N m or N]."""

    control_limited: bool = False
    force_limited: bool = False
    kp: float = 0.0
    kv: float = 0.0
    lower_control_limit: float = 0.0
    lower_force_limit: float = 0.0
    motor_effort: float = 0.0
    upper_control_limit: float = 0.0
    upper_force_limit: float = 0.0


@dataclass(slots=True)
class TendonProperties(Struct):
    """A tendon's spring, damper and limits; `limit_stiffness` is that of a spring beyond the limits."""

    damping: float = 0.0
    fixed_lower_limit: float = 0.0
    fixed_spring_rest_length: float = 0.0
    fixed_upper_limit: float = 0.0
    is_fixed_limited: bool = False
    limit_stiffness: float = 0.0
    num_attachments: int = 0
    num_joints: int = 0
    stiffness: float = 0.0
    type: TendonType = TendonType.TENDON_FIXED


@partly("`enable_forward_dynamics_forces` is ignored; `enable_constraint_solver_forces` must be True")
@dataclass(slots=True)
class ForceSensorProperties(Struct):
    """Which forces a sensor adds up, and whether it reports them in world axes or its own."""

    enable_constraint_solver_forces: bool = True
    enable_forward_dynamics_forces: bool = True
    use_world_frame: bool = False


@dataclass(slots=True)
class AttractorProperties(Struct):
    """A spring that pulls a body towards a pose along the chosen axes (`AXIS_*` flags)."""

    axes: int = 63
    damping: float = 0.0
    offset: Transform = field(default_factory=Transform)
    rigid_handle: int = -1
    stiffness: float = 0.0
    target: Transform = field(default_factory=Transform)

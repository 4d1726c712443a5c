"""An asset: one actor's bodies, joints and shapes, ready to be placed in environments.

Bodies, DOFs and shapes are in the order of the compiled model, which is depth first. Body 0 is the root: the
world of the file is no body, as in Isaac Gym.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Final

import mujoco
import numpy as np

from mjgym.spherical import find_spherical_dofs
from mjgym.structs.assets import AssetOptions
from mjgym.structs.constants import RIGID_BODY_DISABLE_GRAVITY, RIGID_BODY_NONE
from mjgym.structs.enums import DofDriveMode, DofType
from mjgym.structs.geometry import Mat33, Transform, Vec3
from mjgym.structs.properties import (
    DOF_PROPERTIES_DTYPE,
    ActuatorProperties,
    ForceSensorProperties,
    RigidBodyProperties,
    RigidShapeProperties,
)
from mjgym.tendons import read_tendons

UNLIMITED: Final = float(np.finfo(np.float32).max)
"""What DOF properties hold where nothing limits a velocity or an effort."""

WORLD_LINK: Final = "#world"
"""Name within MuJoCo's model of a link called "world", which is MuJoCo's own name for what stands still."""

DOF_JOINTS: Final = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))


@dataclass(frozen=True)
class Drive:
    """What a file says of one DOF's drive, where MuJoCo's model has no place for it."""

    mode: DofDriveMode | None = None
    stiffness: float | None = None  # N m/rad or N/m; None: that of the joint
    damping: float | None = None  # N m s/rad or N s/m; None: that of the joint
    effort: float = UNLIMITED  # N m or N
    velocity: float = UNLIMITED  # rad/s or m/s


@dataclass(frozen=True)
class Actuator:
    """An actuator of an MJCF file, in the order of the file."""

    name: str
    joint: str
    properties: ActuatorProperties


@dataclass(frozen=True)
class ForceSensor:
    """A force sensor fixed to a body: pose in the body's frame (xyz, xyzw) and what it adds up."""

    body: int
    position: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    properties: ForceSensorProperties


@dataclass
class Asset:
    """One actor's model.

    Attributes:
        name: name of the file's model.
        spec: its editable form, with exactly one child of the world (the root) and no actuators or sensors.
        model: the same, compiled alone; every figure that getters return comes from it.
        options: what it was loaded with.
        fixed_base: whether the root stands still in the environment.
        drives: drive by DOF name, for DOFs of which the file says something.
        actuators: actuators in the order of the file.
        joint_names: every joint by name, fixed joints that were not collapsed included, the root's free
            joint not.
        force_sensors: in the order of their creation; grows until the first actor is created.
    """

    name: str
    spec: mujoco.MjSpec
    model: mujoco.MjModel
    options: AssetOptions
    fixed_base: bool
    drives: dict[str, Drive] = field(default_factory=dict)
    actuators: list[Actuator] = field(default_factory=list)
    joint_names: list[str] = field(default_factory=list)
    force_sensors: list[ForceSensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        model = self.model
        names = [model.body(i).name for i in range(1, model.nbody)]
        self.body_names = ["world" if name == WORLD_LINK else name for name in names]
        self.dof_joints = [j for j in range(model.njnt) if model.jnt_type[j] in DOF_JOINTS]
        self.dof_names = [model.joint(j).name for j in self.dof_joints]
        self.spherical_dofs = (
            find_spherical_dofs(model, self.dof_joints) if self.options.hinges_as_spherical else []
        )
        self.shape_geoms = [
            g for g in range(model.ngeom) if model.geom_contype[g] or model.geom_conaffinity[g]
        ]
        self.dof_properties = self._read_dof_properties()
        self.tendons = read_tendons(model, self.options.tendon_limit_stiffness)
        self.shape_properties = [self._read_shape_properties(geom) for geom in self.shape_geoms]

    @property
    def num_bodies(self) -> int:
        """Number of bodies."""
        return len(self.body_names)

    @property
    def num_dofs(self) -> int:
        """Number of DOFs."""
        return len(self.dof_names)

    @property
    def root_has_joints(self) -> bool:
        """Whether the root itself turns or slides on joints of its own."""
        return any(self.model.jnt_bodyid[j] == 1 for j in self.dof_joints)

    def dof_type(self, index: int) -> DofType:
        """Tell whether a DOF turns or slides."""
        slides = self.model.jnt_type[self.dof_joints[index]] == mujoco.mjtJoint.mjJNT_SLIDE
        return DofType.DOF_TRANSLATION if slides else DofType.DOF_ROTATION

    def body_shape_indices(self) -> list[tuple[int, int]]:
        """Return (first shape, number of shapes) of each body."""
        bodies = [int(self.model.geom_bodyid[g]) - 1 for g in self.shape_geoms]
        return [(bodies.index(b) if b in bodies else 0, bodies.count(b)) for b in range(self.num_bodies)]

    def body_properties(self, scale: float = 1.0) -> list[RigidBodyProperties]:
        """Return mass, centre of mass and inertia of each body, at a scale of the whole."""
        return [self._read_body_properties(body, scale) for body in range(1, self.model.nbody)]

    def body_color(self, body: int) -> tuple[float, float, float]:
        """Return red, green and blue of a body's first shape; those of MuJoCo's grey if it has none."""
        if not self.model.body_geomnum[body + 1]:
            return (0.5, 0.5, 0.5)
        geom = self.model.body_geomadr[body + 1]
        material, rgba = self.model.geom_matid[geom], self.model.geom_rgba[geom]
        if material >= 0:
            rgba = self.model.mat_rgba[material]
        return (float(rgba[0]), float(rgba[1]), float(rgba[2]))

    def _read_dof_properties(self) -> np.ndarray:
        model = self.model
        rows = np.zeros(self.num_dofs, dtype=DOF_PROPERTIES_DTYPE)
        for row, joint, name in zip(rows, self.dof_joints, self.dof_names, strict=True):
            drive = self.drives.get(name, Drive())
            dof = model.jnt_dofadr[joint]
            row["hasLimits"] = bool(model.jnt_limited[joint])
            row["lower"], row["upper"] = (
                model.jnt_range[joint] if row["hasLimits"] else (-UNLIMITED, UNLIMITED)
            )
            row["driveMode"] = self.options.default_dof_drive_mode if drive.mode is None else drive.mode
            row["velocity"], row["effort"] = drive.velocity, drive.effort
            row["stiffness"] = model.jnt_stiffness[joint] if drive.stiffness is None else drive.stiffness
            row["damping"] = model.dof_damping[dof] if drive.damping is None else drive.damping
            row["friction"], row["armature"] = model.dof_frictionloss[dof], model.dof_armature[dof]
        return rows

    def _read_shape_properties(self, geom: int) -> RigidShapeProperties:
        slide, spin, roll = (float(value) for value in self.model.geom_friction[geom])
        return RigidShapeProperties(
            friction=slide, torsion_friction=spin, rolling_friction=roll, thickness=self.options.thickness
        )

    def _read_body_properties(self, body: int, scale: float) -> RigidBodyProperties:
        mass = float(self.model.body_mass[body]) * scale**3
        inertia = _inertia_matrix(self.model.body_inertia[body], self.model.body_iquat[body]) * scale**5
        regular = bool(np.all(self.model.body_inertia[body] > 0))
        return RigidBodyProperties(
            flags=RIGID_BODY_DISABLE_GRAVITY if self.model.body_gravcomp[body] == 1.0 else RIGID_BODY_NONE,
            mass=mass,
            invMass=1.0 / mass if mass > 0 else 0.0,
            com=Vec3(*self.model.body_ipos[body] * scale),
            inertia=_as_mat33(inertia),
            invInertia=_as_mat33(np.linalg.inv(inertia)) if regular else Mat33(),
        )

    def set_shape_properties(self, props: list[RigidShapeProperties]) -> None:
        """Replace the properties of the collision shapes."""
        self.shape_properties = props
        for geom, prop in zip(self.shape_geoms, props, strict=True):
            friction = (prop.friction, prop.torsion_friction, prop.rolling_friction)
            self.model.geom_friction[geom] = friction
            self.spec.geoms[geom].friction = friction

    def add_force_sensor(self, body: int, pose: Transform, properties: ForceSensorProperties | None) -> int:
        """Fix a force sensor to a body and return its index."""
        chosen = copy.copy(properties) if properties is not None else ForceSensorProperties()
        self.force_sensors.append(ForceSensor(body, pose.p.as_tuple(), pose.r.as_tuple(), chosen))
        return len(self.force_sensors) - 1


def _inertia_matrix(principal: np.ndarray, quat: np.ndarray) -> np.ndarray:
    """Return the (3, 3) inertia in body axes from principal moments and their frame (wxyz)."""
    flat = np.zeros(9)
    mujoco.mju_quat2Mat(flat, quat)
    axes = flat.reshape(3, 3)
    return axes @ np.diag(principal) @ axes.T


def _as_mat33(matrix: np.ndarray) -> Mat33:
    return Mat33(*(Vec3(*row) for row in matrix))

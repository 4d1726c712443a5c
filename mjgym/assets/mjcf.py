"""MJCF files as Isaac Gym reads them.

The world's geoms (floors) are dropped, and so are materials that are named and not defined, sensors,
keyframes and cameras. Actuators leave the model and become drive modes and actuator properties: every DOF
is driven through Isaac Gym's own drives. Joint stiffness and damping are the gains of these drives.
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

from mjgym.assets.asset import UNLIMITED, Actuator, Asset, Drive
from mjgym.assets.finish import finish_asset
from mjgym.assets.xml_files import AssetError, read_xml
from mjgym.structs.assets import AssetOptions
from mjgym.structs.enums import DofDriveMode
from mjgym.structs.properties import ActuatorProperties

MUJOCO_DENSITY = 1000.0


def load_mjcf(path: Path, options: AssetOptions) -> Asset:
    """Load an actor from an MJCF file.

    A root without a free joint floats all the same, unless ``options.fix_base_link`` is set or the root turns
    or slides on joints of its own; then it stands where the actor is placed.

    Args:
        path: the file; meshes and included files are found from its folder.
        options: Isaac Gym's asset options.

    Raises:
        FileNotFoundError: if there is no such file.
        AssetError: naming file and element, if MuJoCo cannot read it or Isaac Gym would not take it for an
            actor.
    """
    read_xml(path)
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise AssetError(f"{path}: {error}") from None
    root = _single_root(spec, path)
    _drop_what_isaac_ignores(spec)
    _apply_density(spec, options)
    actuators, drives = _take_actuators(spec, path)
    return finish_asset(spec, root, path, options, drives, actuators)


def _single_root(spec: mujoco.MjSpec, path: Path) -> mujoco.MjsBody:
    roots = list(spec.worldbody.bodies)
    if len(roots) != 1:
        names = ", ".join(repr(body.name) for body in roots) or "none"
        raise AssetError(
            f"{path}: <worldbody> must hold exactly one body, the actor's root; it holds {names}"
        )
    return roots[0]


def _drop_what_isaac_ignores(spec: mujoco.MjSpec) -> None:
    """Delete what belongs to a scene and not to an actor, and references to materials that do not exist."""
    # The lists are read one after the other: an element that two of them hold must not be deleted twice.
    for owner, kinds in (
        (spec.worldbody, ("geoms", "sites")),
        (spec, ("cameras", "lights", "sensors", "keys")),
    ):
        for kind in kinds:
            for element in list(getattr(owner, kind)):
                spec.delete(element)
    defined = {material.name for material in spec.materials}
    for element in (*spec.geoms, *spec.sites):
        if element.material and element.material not in defined:
            element.material = ""


def _apply_density(spec: mujoco.MjSpec, options: AssetOptions) -> None:
    """Give ``options.density`` to geoms whose file does not set one (MuJoCo then reports its default)."""
    for geom in spec.geoms:
        if geom.density == MUJOCO_DENSITY:
            geom.density = options.density


def _take_actuators(spec: mujoco.MjSpec, path: Path) -> tuple[list[Actuator], dict[str, Drive]]:
    """Remove the actuators from the spec and return them and the drives they stand for."""
    actuators: list[Actuator] = []
    drives: dict[str, Drive] = {}
    joints = {joint.name for joint in spec.joints}
    for element in list(spec.actuators):
        if element.trntype not in (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT):
            raise AssetError(
                f"{path}: actuator {element.name!r} must drive a joint; other transmissions are unknown"
            )
        if element.target not in joints:
            raise AssetError(
                f"{path}: actuator {element.name!r} drives joint {element.target!r}, which is not there"
            )
        actuators.append(Actuator(element.name, element.target, _actuator_properties(element)))
        drives[element.target] = _drive(element)
        spec.delete(element)
    return actuators, drives


def _actuator_properties(element: mujoco.MjsActuator) -> ActuatorProperties:
    limited, forced = (_is_limited(element.ctrllimited, element.ctrlrange),
                       _is_limited(element.forcelimited, element.forcerange))  # fmt: skip
    return ActuatorProperties(
        control_limited=limited, lower_control_limit=element.ctrlrange[0],
        upper_control_limit=element.ctrlrange[1], force_limited=forced,
        lower_force_limit=element.forcerange[0], upper_force_limit=element.forcerange[1], kp=max(0.0,
        -element.biasprm[1]), kv=max(0.0, -element.biasprm[2]), motor_effort=element.gear[0],
    )  # fmt: skip


def _drive(element: mujoco.MjsActuator) -> Drive:
    """Read an actuator as a drive: position and velocity servos by their gains, all else as a motor."""
    kp, kd = -element.biasprm[1], -element.biasprm[2]
    affine = element.biastype == mujoco.mjtBias.mjBIAS_AFFINE
    limited = _is_limited(element.forcelimited, element.forcerange)
    effort = float(np.abs(element.forcerange).max()) if limited else UNLIMITED
    if affine and kp > 0:
        return Drive(DofDriveMode.DOF_MODE_POS, kp, kd if kd > 0 else None, effort)
    if affine and kd > 0:
        return Drive(DofDriveMode.DOF_MODE_VEL, 0.0, kd, effort)
    return Drive(DofDriveMode.DOF_MODE_EFFORT, effort=effort)


def _is_limited(flag: int, limits: np.ndarray) -> bool:
    if flag == mujoco.mjtLimited.mjLIMITED_AUTO:
        return bool(limits[0] < limits[1])
    return flag == mujoco.mjtLimited.mjLIMITED_TRUE

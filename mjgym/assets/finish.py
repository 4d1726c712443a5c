"""The last steps of loading, which all kinds of files share: base, gravity, names, and compiling."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import mujoco

from mjgym.assets.asset import Actuator, Asset, Drive
from mjgym.assets.xml_files import AssetError
from mjgym.structs.assets import AssetOptions

_JOINT_KINDS = {
    mujoco.mjtJoint.mjJNT_BALL: "ball joints are not built yet; write three hinges",
    mujoco.mjtJoint.mjJNT_FREE: "only the root may have a free joint",
}

_REFERRING = ("equalities", "excludes", "pairs", "tendons")
"""Elements of a spec that name bodies, joints or geoms."""


def finish_asset(
    spec: mujoco.MjSpec,
    root: mujoco.MjsBody,
    path: Path,
    options: AssetOptions,
    drives: dict[str, Drive] | None = None,
    actuators: list[Actuator] | None = None,
    joint_names: list[str] | None = None,
) -> Asset:
    """Apply the options that do not depend on the file format, compile, and return the asset.

    Three hinges declared in x, y, z order at one point stay three hinges here, so that users see their names
    and properties; if they are to be one spherical joint, `mjgym.spherical` joins them in the compiled scene.

    Raises:
        AssetError: if MuJoCo cannot compile it, or a joint is of a kind that DOFs cannot express.
    """
    fixed_base = _settle_base(spec, root, options)
    _check_joints(spec, root, path)
    _name_bodies(spec)
    _apply_armature(spec, options)
    if options.disable_gravity:
        for body in root.find_all("body") + [root]:
            body.gravcomp = 1.0
    copied = spec.copy()
    # A copy lacks what names elements that do not exist, without a word; the original says which.
    complete = all(len(getattr(copied, kind)) == len(getattr(spec, kind)) for kind in _REFERRING)
    try:
        model = (copied if complete else spec).compile()
    except ValueError as error:
        raise AssetError(f"{path}: {error}") from None
    names = joint_names if joint_names is not None else [j.name for j in _dof_joints(spec)]
    return Asset(
        name=spec.modelname, spec=spec, model=model, options=copy.deepcopy(options), fixed_base=fixed_base,
        drives=drives or {}, actuators=actuators or [], joint_names=names,
    )  # fmt: skip


def _dof_joints(spec: mujoco.MjSpec) -> list[mujoco.MjsJoint]:
    return [joint for joint in spec.joints if joint.type != mujoco.mjtJoint.mjJNT_FREE]


def _settle_base(spec: mujoco.MjSpec, root: mujoco.MjsBody, options: AssetOptions) -> bool:
    """Give the root a free joint or take it away; return whether the base stands still."""
    free = [joint for joint in root.joints if joint.type == mujoco.mjtJoint.mjJNT_FREE]
    hinged = len(root.joints) > len(free)
    if options.fix_base_link or hinged:
        for joint in free:
            spec.delete(joint)
        return True
    if not free:
        root.add_freejoint()
    return False


def _check_joints(spec: mujoco.MjSpec, root: mujoco.MjsBody, path: Path) -> None:
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_FREE and joint.parent.name == root.name:
            continue
        if joint.type in _JOINT_KINDS:
            raise AssetError(
                f"{path}: joint {joint.name!r} of body {joint.parent.name!r}: {_JOINT_KINDS[joint.type]}"
            )


def _name_bodies(spec: mujoco.MjSpec) -> None:
    """Name what the file left nameless, since everything is looked up by name."""
    nameless = (("body", spec.bodies[1:]), ("joint", _dof_joints(spec)), ("tendon", spec.tendons))
    for kind, elements in nameless:
        taken = {element.name for element in elements}
        for index, element in enumerate(elements):
            free = (f"{kind}_{index}{'_' * more}" for more in itertools.count())
            element.name = element.name or next(name for name in free if name not in taken)


def _apply_armature(spec: mujoco.MjSpec, options: AssetOptions) -> None:
    """Add ``options.armature`` [kg m^2] to joints whose file sets none."""
    for joint in _dof_joints(spec):
        joint.armature = joint.armature or options.armature

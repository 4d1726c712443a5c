"""Writing DOF, body and shape properties into MuJoCo's model fields.

Every function here returns entries (field, index, values): where in which model field the values belong. The
values of one environment go into the model itself, those of many into the engine's per-environment fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
import torch

from mjgym.assets.asset import UNLIMITED, Asset
from mjgym.engines.interface import Engine
from mjgym.spherical import NUM_AXES
from mjgym.structs.constants import RIGID_BODY_DISABLE_GRAVITY
from mjgym.structs.enums import DofDriveMode
from mjgym.structs.geometry import Mat33
from mjgym.structs.properties import RigidBodyProperties, RigidShapeProperties

if TYPE_CHECKING:
    from mjgym.compile import ActorLayout

Entry = tuple[str, Any, np.ndarray]

_MASS_FIELDS = ("body_ipos", "body_inertia", "body_iquat")
BODY_FIELDS = (*_MASS_FIELDS, "body_gravcomp")
"""Model fields that :func:`body_entries` reads: where a body's mass is, and its share in gravity."""


def dof_entries(model: mujoco.MjModel, layout: ActorLayout, props: np.ndarray) -> list[Entry]:
    """Return the model entries of DOF properties (..., DOFs).

    In the modes POS and VEL the DOF's own actuator acts as force = ctrl - kp q - kd v, where
    ctrl = kp target + kd target velocity. In EFFORT and NONE stiffness and damping are a passive spring to 0
    and a damper, and ctrl is the effort. MuJoCo's implicitfast integrator takes damping at the end of a step,
    stiffness at its start. PhysX takes both at the end, where the spring sees q + dt v: so dt kp is added to
    the damping. The discrete integrator needs no such help.
    """
    dofs = np.arange(layout.dofs.start, layout.dofs.stop)
    adr = layout.qvel + np.arange(layout.num_dofs)
    ball = np.isin(adr - layout.qvel, [first + axis for first, _ in layout.balls for axis in range(NUM_AXES)])
    scalar = np.flatnonzero(~ball)
    joints = np.array(layout.joints, dtype=int)[scalar]
    driven, spring = _drive_masks(props["driveMode"])
    driven |= ball  # what MuJoCo has only for hinges, a ball joint's actuators do: springs, effort limits
    stiffness = props["stiffness"].astype(np.float64)
    held = stiffness * spring
    late = model.opt.integrator != mujoco.mjtIntegrator.mjINT_DISCRETE
    damping = props["damping"] + held * model.opt.timestep * late
    limits = np.stack([props["lower"], props["upper"]], axis=-1).astype(np.float64)
    effort = props["effort"].astype(np.float64)
    bounds = np.stack([-effort, effort], axis=-1)
    bounded = effort < UNLIMITED
    entries = [
        ("jnt_limited", (joints,), props["hasLimits"][..., scalar]),
        ("jnt_range", (joints,), np.where(props["hasLimits"][..., None], limits, 0.0)[..., scalar, :]),
        ("jnt_stiffness", (joints,), np.where(driven, 0.0, stiffness)[..., scalar]),
        ("jnt_actfrclimited", (joints,), bounded[..., scalar]),
        ("jnt_actfrcrange", (joints,), bounds[..., scalar, :]),
        ("dof_damping", (adr,), np.where(driven, 0.0, damping)),
        ("dof_frictionloss", (adr,), props["friction"].astype(np.float64)),
        ("dof_armature", (adr,), props["armature"].astype(np.float64)),
        ("actuator_biasprm", (dofs, 1), np.where(driven, -held, 0.0)),
        ("actuator_biasprm", (dofs, 2), np.where(driven, -damping, 0.0)),
    ]
    if layout.balls:
        of_balls = dofs[ball]
        entries += [
            ("jnt_stiffness", (np.array(layout.joints)[ball],), np.zeros_like(stiffness[..., ball])),
            ("actuator_forcelimited", (of_balls,), bounded[..., ball]),
            ("actuator_forcerange", (of_balls,), bounds[..., ball, :]),
        ]
    return entries


def _drive_masks(modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (has a drive of its own, feels its stiffness) for drive modes (..., DOFs)."""
    driven = (modes == DofDriveMode.DOF_MODE_POS) | (modes == DofDriveMode.DOF_MODE_VEL)
    return driven, modes != DofDriveMode.DOF_MODE_VEL


def drive_gains(props: np.ndarray) -> dict[str, np.ndarray]:
    """Return what decides the forces on DOFs, each (..., DOFs) float32.

    ``effort``, ``stiffness`` and ``damping`` are the factors of efforts, of position and of velocity
    targets, 0 where the DOF's mode does not answer to them; ``limit`` bounds their sum; ``spring`` and
    ``damper`` act where there is no drive.
    """
    driven, spring = _drive_masks(props["driveMode"])
    return {
        "effort": (props["driveMode"] == DofDriveMode.DOF_MODE_EFFORT).astype(np.float32),
        "stiffness": props["stiffness"] * (driven & spring),
        "damping": props["damping"] * driven,
        "limit": props["effort"].astype(np.float32),
        "spring": props["stiffness"] * ~driven,
        "damper": props["damping"] * ~driven,
    }


def check_dof_properties(props: Any, asset: Asset) -> np.ndarray:
    """Return DOF properties after checking their form and values.

    Raises:
        TypeError: if they are no array of ``DofProperties.dtype``.
        ValueError: if their number is wrong, a gain is negative or NaN, a mode unknown, or limits are
            reversed.
    """
    if not isinstance(props, np.ndarray) or props.dtype != asset.dof_properties.dtype:
        raise TypeError(
            "DOF properties must be the structured array that get_*_dof_properties returns, "
            f"not {type(props).__name__}"
        )
    if props.shape != (asset.num_dofs,):
        raise ValueError(
            f"DOF properties have shape {props.shape}; asset {asset.name!r} has {asset.num_dofs} DOFs"
        )
    for field in ("stiffness", "damping", "friction", "armature", "effort", "velocity"):
        _check_dofs(props[field] >= 0, asset, field, props, "must be 0 or more")
    _check_dofs(
        np.isin(props["driveMode"], list(DofDriveMode)), asset, "driveMode", props, "is no DOF_MODE_*"
    )
    _check_dofs(
        ~props["hasLimits"] | (props["lower"] <= props["upper"]), asset, "lower", props, "exceeds upper"
    )
    return props


def _check_dofs(good: np.ndarray, asset: Asset, field: str, props: np.ndarray, rule: str) -> None:
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        raise ValueError(
            f"DOF {asset.dof_names[bad]!r} of {asset.name!r}: {field} = {props[field][bad]} {rule}"
        )


def body_entries(
    layout: ActorLayout,
    props: Sequence[RigidBodyProperties],
    asset: Asset,
    recompute_inertia: bool,
    current: Mapping[str, np.ndarray],
    scale: float | None,
) -> list[Entry]:
    """Return the model entries of body properties: mass, centre of mass, inertia about it, and weight.

    Args:
        layout: the actor's place in the model.
        props: one for each body.
        asset: the actor's asset.
        recompute_inertia: scale the asset's inertia with the mass instead of reading it from ``props``.
        current: ``BODY_FIELDS`` as they are in the environment's model, (all bodies, ...).
        scale: the actor's scale, at which the asset's own values are written first; None if it never had one.

    Centre and inertia of bodies are written only if they are not the asset's, here or in the model: MuJoCo
    takes short cuts for bodies whose inertial frame is the body's own, and masses alone leave these valid.

    Raises:
        ValueError: if their number is wrong or a mass is negative.
    """
    masses = _check_masses(props, asset)
    bodies, size = np.array(layout.bodies), scale or 1.0
    old = asset.body_properties(size)
    touched = np.zeros(len(bodies), dtype=bool)
    for field in _MASS_FIELDS if scale is None else ("body_iquat",):
        theirs = getattr(asset.model, field)[1:]
        touched |= ~np.isclose(current[field][bodies], theirs, rtol=1e-6, atol=0.0).all(axis=1)
    free = [
        i
        for i, prop in enumerate(props)
        if touched[i] or prop.com != old[i].com or prop.inertia != old[i].inertia
    ]
    entries: list[Entry] = [("body_mass", (bodies,), masses)]
    entries += _weight_entries(bodies, props, old, asset, current["body_gravcomp"][bodies])
    if free:
        principal = [_principal(props[i].inertia) for i in free]
        entries += [
            ("body_ipos", (bodies[free],), np.array([props[i].com.as_tuple() for i in free])),
            ("body_inertia", (bodies[free],), np.array([moments for moments, _ in principal])),
            ("body_iquat", (bodies[free],), np.array([quat for _, quat in principal])),
            ("body_sameframe", (bodies[free],), np.zeros(len(free))),
            ("body_simple", (bodies[free],), np.zeros(len(free))),
        ]
    if recompute_inertia:
        base = asset.model.body_mass[1:] * size**3
        ratio = np.where(base > 0, masses / np.where(base > 0, base, 1.0), 1.0)
        entries.append(("body_inertia", (bodies,), asset.model.body_inertia[1:] * size**5 * ratio[:, None]))
        entries.append(("body_iquat", (bodies,), asset.model.body_iquat[1:]))
    return entries


def _check_masses(props: Sequence[RigidBodyProperties], asset: Asset) -> np.ndarray:
    """Return the masses (bodies,) [kg] after checking their number and signs."""
    _check_count("body", len(props), asset.num_bodies, asset)
    masses = np.array([prop.mass for prop in props])
    if not (masses >= 0).all():
        raise ValueError(
            f"body {asset.body_names[int(np.argmin(masses))]!r}: mass = {masses.min()} must be 0 or more"
        )
    return masses


def _weight_entries(
    bodies: np.ndarray,
    props: Sequence[RigidBodyProperties],
    old: Sequence[RigidBodyProperties],
    asset: Asset,
    current: np.ndarray,
) -> list[Entry]:
    """Return the entry of how much gravity each body resists, where flags change it."""
    resists = np.array(
        [
            asset.model.body_gravcomp[1 + i]
            if prop.flags == old[i].flags
            else bool(prop.flags & RIGID_BODY_DISABLE_GRAVITY)
            for i, prop in enumerate(props)
        ]
    )
    return [("body_gravcomp", (bodies,), resists)] if (resists != current).any() else []


def _check_count(kind: str, given: int, needed: int, asset: Asset) -> None:
    if given != needed:
        raise ValueError(f"{given} {kind} properties were given; asset {asset.name!r} has {needed}")


def _principal(inertia: Mat33) -> tuple[np.ndarray, np.ndarray]:
    """Return principal moments (3,) and their frame's quaternion wxyz (4,)."""
    moments, axes = np.linalg.eigh(np.array([row.as_tuple() for row in (inertia.x, inertia.y, inertia.z)]))
    if np.linalg.det(axes) < 0:
        axes[:, 0] = -axes[:, 0]
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, axes.reshape(9))
    return moments, quat


def shape_entries(layout: ActorLayout, props: Sequence[RigidShapeProperties], asset: Asset) -> list[Entry]:
    """Return the model entries of shape properties: sliding, torsional and rolling friction.

    MuJoCo has no compliance or offsets of this kind; they are kept and have no effect. For restitution see
    :mod:`mjgym.restitution`.

    Raises:
        ValueError: if their number is wrong or a friction is negative.
    """
    _check_count("shape", len(props), len(layout.geoms), asset)
    friction = np.array([[prop.friction, prop.torsion_friction, prop.rolling_friction] for prop in props])
    if friction.size and not (friction >= 0).all():
        raise ValueError(f"shape friction = {friction.min()} must be 0 or more")
    return [("geom_friction", (np.array(layout.geoms, dtype=int),), friction.reshape(-1, 3))]


def write_to_model(model: mujoco.MjModel, entries: Iterable[Entry]) -> None:
    """Write one environment's entries into a model."""
    for field, index, values in entries:
        getattr(model, field)[index] = values


def write_to_many(engine: Engine, env_ids: torch.Tensor | None, entries: Iterable[Entry]) -> None:
    """Write entries whose values have a leading axis of environments (None: all), where these differ."""
    for field, index, values in entries:
        if (values != values[0]).any():
            rows = engine.model_field(field)
            chosen = rows if env_ids is None else rows[env_ids]
            chosen[(slice(None), *index)] = torch.as_tensor(values, dtype=rows.dtype, device=rows.device)
            if env_ids is not None:
                rows[env_ids] = chosen


def write_to_env(engine: Engine, env: int, entries: Iterable[Entry]) -> None:
    """Write entries into the per-environment fields of one environment."""
    for field, index, values in entries:
        row = engine.model_field(field)[env]
        row[index] = torch.as_tensor(values, dtype=row.dtype, device=row.device)

"""Actors of another size: what a uniform scale makes of their bodies, shapes, joints and sensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import mujoco
import numpy as np

from mjgym.assets.asset import Asset
from mjgym.scene import Actor

if TYPE_CHECKING:
    from mjgym.compile import ActorLayout
    from mjgym.properties import Entry


def check_scale(asset: Asset, scale: float, call: str) -> float:
    """Return a scale after checking that an asset can have it.

    Raises:
        ValueError: if it is not positive and finite.
        NotImplementedError: if a mesh touches, or a tendon runs through points of bodies.
    """
    if not (math.isfinite(scale) and scale > 0.0):
        raise ValueError(f"{call}: scale = {scale} must be positive and finite")
    touching = asset.model.geom_type[asset.shape_geoms]
    if scale != 1.0 and np.any(touching == mujoco.mjtGeom.mjGEOM_MESH):
        raise NotImplementedError(
            f"{call}: asset {asset.name!r} has a collision mesh, and a compiled mesh cannot be scaled; "
            "scale the file's mesh"
        )
    if scale != 1.0 and any(tendon.properties.num_attachments for tendon in asset.tendons):
        raise NotImplementedError(f"{call}: asset {asset.name!r} has a spatial tendon; it cannot be scaled")
    return float(scale)


def rescale(actor: Actor, scale: float) -> None:
    """Give an actor another scale; masses go with its third, inertias with its fifth power."""
    ratio = scale / (actor.scale or 1.0)
    if actor.body_properties is not None:
        for prop in actor.body_properties[0]:
            prop.mass, prop.com = prop.mass * ratio**3, prop.com * ratio
            prop.inertia.x, prop.inertia.y, prop.inertia.z = (
                row * ratio**5 for row in (prop.inertia.x, prop.inertia.y, prop.inertia.z)
            )
    actor.scale = scale


def geometry_entries(layout: ActorLayout, asset: Asset, scale: float) -> list[Entry]:
    """Return the model entries of an asset at a scale, all but the place of its root."""
    model = asset.model
    bodies, geoms = np.array(layout.bodies), np.array(layout.all_geoms, dtype=int)
    meshes = model.geom_type == mujoco.mjtGeom.mjGEOM_MESH  # drawn at the size they have
    sensors = np.array([sensor.position for sensor in asset.force_sensors]).reshape(-1, 3)
    return [
        ("body_pos", (bodies[1:],), model.body_pos[2:] * scale),
        ("body_ipos", (bodies,), model.body_ipos[1:] * scale),
        ("body_mass", (bodies,), model.body_mass[1:] * scale**3),
        ("body_inertia", (bodies,), model.body_inertia[1:] * scale**5),
        ("body_iquat", (bodies,), model.body_iquat[1:]),
        ("geom_pos", (geoms,), model.geom_pos * scale),
        ("geom_size", (geoms,), model.geom_size * np.where(meshes, 1.0, scale)[:, None]),
        ("jnt_pos", (np.array(layout.joints, dtype=int),), model.jnt_pos[asset.dof_joints] * scale),
        ("site_pos", (np.array(layout.sensor_sites, dtype=int),), sensors * scale),
    ]

"""The ground: planes, height fields and meshes as MuJoCo geoms, and where each environment finds them.

Planes lie where they are in every environment's own coordinates. Height fields and meshes lie in the world,
so an environment finds them shifted by its origin; the geoms hang on one mocap body, which is shifted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import mujoco
import numpy as np
import torch

from mjgym.engines.interface import Engine
from mjgym.scene import Env, quat_between_z_and
from mjgym.structs.geometry import Quat, Transform, Vec3
from mjgym.structs.params import PlaneParams

GROUND_BIT: Final = 1
"""The collision bit of all that is ground."""

_TERRAIN_BODY: Final = "#terrain"
_BASE_DEPTH: Final = 1.0
"""How far a height field is solid below its lowest point [m]: what has sunk in is pushed out upwards."""
_FLATTEST: Final = 1e-3
"""Least range of a height field [m]: MuJoCo takes none of zero, and a flat field does not use it."""
_QUARTER_TURN: Final = Quat.from_axis_angle(Vec3(0.0, 0.0, 1.0), math.pi / 2)


@dataclass(frozen=True, eq=False)
class HeightField:
    """Heights above a rectangle.

    Attributes:
        heights: [m], shape (rows, cols) of at least two each; [i, j] is at (i * spacing[0], j * spacing[1]).
        spacing: metres from row to row along x, and from column to column along y.
        pose: of the corner [0, 0] in the world.
        friction: coefficient of sliding friction.
        near_to_far: whether cells are split from [i, j] to [i + 1, j + 1], or along the other diagonal.
    """

    heights: np.ndarray
    spacing: tuple[float, float]
    pose: Transform
    friction: float
    near_to_far: bool = True


@dataclass(frozen=True, eq=False)
class ConvexMeshes:
    """Convex bodies that stand still, each the hull of its vertices (n, 3) [m] in the frame of ``pose``."""

    parts: tuple[np.ndarray, ...]
    pose: Transform
    friction: float


Ground = PlaneParams | HeightField | ConvexMeshes


def add_grounds(spec: mujoco.MjSpec, grounds: list[Ground]) -> None:
    """Add all ground to a scene, in one chequered material."""
    if not grounds:
        return
    add_ground_material(spec)
    terrain = None
    for index, ground in enumerate(grounds):
        name = ground_name(index)
        if isinstance(ground, PlaneParams):
            _add_plane(spec.worldbody, name, ground)
            continue
        terrain = terrain or spec.worldbody.add_body(name=_TERRAIN_BODY, mocap=True)
        if isinstance(ground, HeightField):
            _add_height_field(spec, terrain, name, ground)
        else:
            _add_meshes(spec, terrain, name, ground)


def add_ground_material(spec: mujoco.MjSpec) -> None:
    """Add the chequered material of all ground, which is called "ground"."""
    spec.add_texture(
        name="ground", type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        width=256, height=256, rgb1=(0.72, 0.74, 0.76), rgb2=(0.62, 0.64, 0.67),
    )  # fmt: skip
    material = spec.add_material(name="ground", texrepeat=(0.5, 0.5), texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "ground"


def ground_name(index: int) -> str:
    """Return the name of the geom, or the first part of its parts' names, of the ground that was added so."""
    return f"ground{index or ''}"


def place_terrain(engine: Engine, envs: list[Env]) -> None:
    """Let every environment find height fields and meshes where they are in the world."""
    body = mujoco.mj_name2id(engine.model, mujoco.mjtObj.mjOBJ_BODY, _TERRAIN_BODY)
    origins = torch.tensor([env.origin for env in envs], dtype=engine.dtype, device=engine.device)
    if body >= 0 and bool(origins.any()):
        engine.state("mocap_pos")[:, engine.model.body_mocapid[body]] = -origins
        # Where MuJoCo puts it back to in an environment that has diverged.
        engine.model_field("body_pos")[:, body] = -origins


def _surface(friction: float) -> dict[str, Any]:
    return {
        "material": "ground", "contype": GROUND_BIT, "conaffinity": GROUND_BIT, "condim": 3,
        "friction": (friction, 0.005, 0.0001),
    }  # fmt: skip


def _add_plane(world: mujoco.MjsBody, name: str, plane: PlaneParams) -> None:
    normal = plane.normal.as_tuple()
    quat = quat_between_z_and(normal)
    length = math.sqrt(sum(part * part for part in normal))
    scale = -plane.distance / length
    world.add_geom(
        name=name, type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0, 0, 1), quat=quat,
        pos=tuple(scale * part / length for part in normal), **_surface(plane.dynamic_friction),
    )  # fmt: skip


def _add_height_field(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, field: HeightField) -> None:
    """Add a height field. MuJoCo's rows lie along the geom's y, and cells are split from near to far."""
    low, high = float(field.heights.min()), float(field.heights.max())
    sides = [(count - 1) * step for count, step in zip(field.heights.shape, field.spacing, strict=True)]
    middle = Transform(Vec3(sides[0] / 2, sides[1] / 2, low))
    rows, (x, y) = field.heights.T, (sides[0], sides[1])
    if not field.near_to_far:
        # A quarter turn brings the diagonals across: the geom's x is our y, and its y is our x backwards.
        middle.r, rows, (x, y) = _QUARTER_TURN, field.heights[::-1], (sides[1], sides[0])
    spec.add_hfield(
        name=name, nrow=rows.shape[0], ncol=rows.shape[1], userdata=np.ravel(rows),
        size=(x / 2, y / 2, max(high - low, _FLATTEST), _BASE_DEPTH),
    )  # fmt: skip
    body.add_geom(
        name=name, type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname=name,
        **_pose(field.pose * middle), **_surface(field.friction),
    )  # fmt: skip


def _add_meshes(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, meshes: ConvexMeshes) -> None:
    for index, vertices in enumerate(meshes.parts):
        part = f"{name}/{index}"
        spec.add_mesh(name=part, uservert=np.ravel(vertices))
        body.add_geom(
            name=part, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=part,
            **_pose(meshes.pose), **_surface(meshes.friction),
        )  # fmt: skip


def _pose(pose: Transform) -> dict[str, Any]:
    x, y, z, w = pose.r.as_tuple()
    return {"pos": pose.p.as_tuple(), "quat": (w, x, y, z)}

"""Calls that add ground other than planes: height fields and triangle meshes."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from mjgym.convex import convex_parts
from mjgym.ground import ConvexMeshes, Ground, HeightField
from mjgym.gym.checks import building
from mjgym.mesh_grid import find_grid
from mjgym.partly import partly
from mjgym.scene import Sim
from mjgym.structs import HeightFieldParams, Transform, TriangleMeshParams, Vec3


class GroundCalls:
    """Terrain: ground that lies in the world, whatever the origins of environments."""

    @partly("its other properties: see `gymapi.HeightFieldParams`")
    def add_heightfield(self, sim: Sim, samples: Any, params: HeightFieldParams) -> None:
        """Add ground of heights over a grid.

        Args:
            sim: the simulation.
            samples: units of height, ``nbColumns * nbRows`` numbers with the columns along x: sample
                ``[column * nbRows + row]`` is at x = column * column_scale, y = row * row_scale. An array of
                two axes has its first along x, whichever of the two its length is.
            params: scales [m], pose of the first sample in the world, and friction.

        Raises:
            ValueError: if numbers and sizes do not match, or a value is out of range.
        """
        building(sim, "add_heightfield").add_ground(_height_field(samples, params), params.restitution)

    @partly("its other properties: see `gymapi.TriangleMeshParams`")
    def add_triangle_mesh(self, sim: Sim, vertices: Any, triangles: Any, params: TriangleMeshParams) -> None:
        """Add ground of triangles: a height field if the mesh is a grid, else convex bodies.

        Args:
            sim: the simulation.
            vertices: x, y and z [m], ``nb_vertices`` times 3 numbers, flat or not.
            triangles: vertex numbers, ``nb_triangles`` times 3, flat or not.
            params: sizes, pose in the world, and friction.

        Raises:
            ValueError: if numbers and sizes do not match, or a value is out of range.
            ImportError: if the mesh must be cut into convex parts and coacd is not installed.
        """
        ground = _triangle_mesh(vertices, triangles, params)
        building(sim, "add_triangle_mesh").add_ground(ground, params.restitution)


def _height_field(samples: Any, params: HeightFieldParams) -> HeightField:
    call = "add_heightfield"
    shape, scales = (params.nbColumns, params.nbRows), (params.column_scale, params.row_scale)
    if min(shape) < 2:
        raise ValueError(f"{call}: nbColumns = {shape[0]} and nbRows = {shape[1]} must be at least 2")
    for name in ("column_scale", "row_scale", "vertical_scale"):
        value = getattr(params, name)
        if not 0 < value < math.inf:
            raise ValueError(f"{call}: {name} = {value} must be positive")
    given = np.asarray(samples)
    if given.ndim == 2 and given.shape == shape[::-1]:
        shape, scales = shape[::-1], scales[::-1]
    if given.ndim == 2 and given.shape != shape or given.size != shape[0] * shape[1]:
        raise ValueError(
            f"{call}: samples of shape {given.shape}; nbColumns = {shape[0]} and nbRows = {shape[1]} ask for "
            f"{shape[0] * shape[1]}"
        )
    heights = _finite(call, "samples", given).reshape(shape) * params.vertical_scale
    return HeightField(heights, scales, copy.deepcopy(params.transform), _friction(call, params))


def _triangle_mesh(vertices: Any, triangles: Any, params: TriangleMeshParams) -> Ground:
    call = "add_triangle_mesh"
    points = _rows_of_three(call, "vertices", _finite(call, "vertices", vertices), params.nb_vertices)
    faces = _rows_of_three(call, "triangles", np.asarray(triangles), params.nb_triangles)
    if faces.min() < 0 or faces.max() >= len(points):
        wrong = faces.min() if faces.min() < 0 else faces.max()
        raise ValueError(f"{call}: a triangle has vertex {wrong}; vertices count from 0 to {len(points) - 1}")
    pose, friction = copy.deepcopy(params.transform), _friction(call, params)
    grid = find_grid(points, faces)
    if grid is None:
        return ConvexMeshes(convex_parts(points, faces, call), pose, friction)
    corner = pose * Transform(Vec3(*grid.start, 0.0))
    return HeightField(grid.heights, grid.spacing, corner, friction, grid.near_to_far)


def _finite(call: str, name: str, values: Any) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{call}: {name} must be finite; {np.count_nonzero(~np.isfinite(numbers))} are not")
    return numbers


def _rows_of_three(call: str, name: str, values: np.ndarray, count: int) -> np.ndarray:
    if count < 1 or values.size != 3 * count:
        raise ValueError(
            f"{call}: {name} of shape {values.shape}; params.nb_{name} = {count} must be positive and asks "
            f"for {3 * count} numbers"
        )
    return values.reshape(count, 3)


def _friction(call: str, params: HeightFieldParams | TriangleMeshParams) -> float:
    if not 0 <= params.dynamic_friction < math.inf:
        raise ValueError(f"{call}: dynamic_friction = {params.dynamic_friction} must not be negative")
    return float(params.dynamic_friction)

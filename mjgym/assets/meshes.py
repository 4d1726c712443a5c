"""Meshes of asset files: which ones MuJoCo reads by itself, and which are turned into triangles first.

MuJoCo reads .obj, .stl and .msh, and collides the convex hull of a mesh. Files of other kinds, and meshes
that shall be cut into convex parts, are read with trimesh, from their bytes alone: no other file is opened.
"""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import Any, Final

import mujoco
import numpy as np

from mjgym.assets.xml_files import AssetError, read_xml
from mjgym.convex import convex_parts

MESH_FORMATS: Final = (".obj", ".stl", ".msh", ".dae", ".glb", ".ply", ".off")
_MUJOCO_FORMATS: Final = (".obj", ".stl", ".msh")


def add_mesh(
    spec: mujoco.MjSpec, file: Path, scale: tuple[float, ...], decompose: bool, where: str
) -> list[str]:
    """Add a mesh to a spec, once, and return the names of its parts: one, or several convex ones.

    Args:
        spec: where to add it.
        file: the mesh file, of one of ``MESH_FORMATS``.
        scale: factors along x, y and z.
        decompose: cut it into convex parts, for collisions.
        where: file and element that name it, for errors.

    Raises:
        AssetError: if the file cannot be read.
        ImportError: if it takes trimesh or coacd, and that is not installed.
    """
    name = f"{file}@{scale}"
    parts = [mesh.name for mesh in spec.meshes if mesh.name.startswith(f"{name}#")]
    if decompose and parts:
        return parts
    if not decompose and spec.mesh(name) is not None:
        return [name]
    if not decompose and file.suffix.lower() in _MUJOCO_FORMATS:
        spec.add_mesh(name=name, file=str(file.resolve()), scale=scale)
        return [name]
    vertices, triangles = read_triangles(file, where)
    vertices = vertices * np.array(scale)
    if not decompose:
        spec.add_mesh(name=name, uservert=np.ravel(vertices), userface=np.ravel(triangles))
        return [name]
    for index, part in enumerate(convex_parts(vertices, triangles, where)):
        spec.add_mesh(name=f"{name}#{index}", uservert=np.ravel(part))
        parts.append(f"{name}#{index}")
    return parts


def read_triangles(file: Path, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a mesh file's vertices (n, 3) and triangles (m, 3), all its objects as one.

    Raises:
        AssetError: if it holds no triangles, or trimesh cannot read it.
        ImportError: if trimesh is not installed, or pycollada for .dae files.
    """
    trimesh = _require("trimesh", "trimesh", file, where)
    kind = file.suffix.lower().removeprefix(".")
    if kind == "dae":
        read_xml(file)  # refuses entities
        _require("collada", "pycollada", file, where)
    try:
        mesh = trimesh.load(io.BytesIO(file.read_bytes()), file_type=kind, force="mesh")
        vertices, triangles = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces)
    except Exception as error:  # trimesh raises whatever its readers stumble over
        raise AssetError(f"{where}: mesh {file} cannot be read: {error}") from None
    if len(triangles) == 0 or not np.isfinite(vertices).all():
        raise AssetError(f"{where}: mesh {file} must hold triangles whose coordinates are finite")
    return vertices, triangles.astype(np.int32)


def _require(module: str, package: str, file: Path, where: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(
            f"{where}: mesh {file} is read with {package}, which is not installed; "
            "pip install -e '.[meshes]', or save the mesh as .obj or .stl"
        ) from None

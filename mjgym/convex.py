"""Cutting meshes into convex parts, which is what MuJoCo collides."""

from __future__ import annotations

import importlib
from typing import Any, Final

import numpy as np

_TOLERANCE: Final = 1e-4
"""How far a vertex may be outside of a face, as a share of the mesh's size: float32 rounds coordinates."""
_CHUNK: Final = 4_000_000
"""Distances of vertices from faces that are computed at once."""


def convex_parts(vertices: np.ndarray, triangles: np.ndarray, call: str) -> tuple[np.ndarray, ...]:
    """Cut a mesh into convex parts: itself if it is closed and convex, else what coacd makes of it.

    Args:
        vertices: [m], shape (n, 3).
        triangles: vertex numbers, shape (m, 3).
        call: who asks, for the error.

    Returns:
        The vertices of each part, of shape (k, 3); a part is their hull.

    Raises:
        ImportError: if coacd is needed and not installed.
    """
    # Meshes often have a vertex for each face that meets there; to tell what is closed they must be one.
    vertices, numbers = np.unique(vertices.astype(np.float64), axis=0, return_inverse=True)
    triangles = numbers.reshape(-1)[triangles.astype(np.int64)]
    if _is_closed(triangles) and _is_convex(vertices, triangles):
        return (vertices[np.unique(triangles)],)
    coacd = _import_coacd(call)
    parts = coacd.run_coacd(coacd.Mesh(vertices, triangles))
    return tuple(np.asarray(part[0], dtype=np.float64) for part in parts)


def _is_closed(triangles: np.ndarray) -> bool:
    """Whether every edge belongs to exactly two triangles (m, 3)."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    return bool((np.unique(edges, axis=0, return_counts=True)[1] == 2).all())


def _is_convex(vertices: np.ndarray, triangles: np.ndarray) -> bool:
    """Whether all vertices are on one side of every face, and not all in one plane."""
    size = float(np.ptp(vertices, axis=0).max())
    thick = False
    rows = max(1, _CHUNK // len(vertices))
    for first in range(0, len(triangles), rows):
        a, b, c = np.moveaxis(vertices[triangles[first : first + rows]], 1, 0)
        normals = np.cross(b - a, c - a)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
        off = normals @ vertices.T - (normals * a).sum(axis=1, keepdims=True)
        highest, lowest = off.max(axis=1), off.min(axis=1)
        if (np.minimum(highest, -lowest) > _TOLERANCE * size).any():
            return False
        thick = thick or bool((np.maximum(highest, -lowest) > _TOLERANCE * size).any())
    return thick


def _import_coacd(call: str) -> Any:
    try:
        coacd = importlib.import_module("coacd")
    except ImportError:
        raise ImportError(
            f"{call}: the mesh is neither a grid of heights nor closed and convex, so it must be cut into "
            "convex parts, and coacd, which does so, is not installed; pip install -e '.[meshes]'"
        ) from None
    coacd.set_log_level("error")
    return coacd

"""Lines for debug drawing: wireframes of axes, boxes and spheres, and how lines get into a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from mjgym.partly import partly
from mjgym.structs import Transform, Vec3

if TYPE_CHECKING:
    from collections.abc import Sequence

_IN_THE_WINDOW = "drawn in the window alone, not by `write_viewer_image_to_file`"
_WIDTH = 2.0  # pixels

RED = (1.0, 0.0, 0.0)
GREEN = (0.0, 1.0, 0.0)
BLUE = (0.0, 0.0, 1.0)


def _records(rows: Any) -> np.ndarray:
    """Turn floats of shape (..., 3) into an array of `Vec3.dtype` of shape (...)."""
    packed = np.ascontiguousarray(rows, dtype=np.float32)
    return packed.view(Vec3.dtype)[..., 0]


class LineGeometry:
    """Coloured lines in a frame of their own.

    Args:
        ends: the lines' two end points [m], shape (num_lines, 2, 3).
        colors: red, green and blue in [0, 1], shape (num_lines, 3) or (3,) for all.
        pose: where the lines lie in their frame; the identity if None.
    """

    def __init__(self, ends: Any, colors: Any, pose: Transform | None = None) -> None:
        verts = _records(ends)
        self._verts = verts if pose is None else pose.transform_points(verts)
        self._colors = _records(np.broadcast_to(np.asarray(colors), (len(verts), 3)))

    def num_lines(self) -> int:
        """Return the number of lines."""
        return len(self._verts)

    def vertices(self) -> np.ndarray:
        """Return the end points, an array of `Vec3.dtype` of shape (num_lines, 2)."""
        return self._verts

    def colors(self) -> np.ndarray:
        """Return the colours, an array of `Vec3.dtype` of shape (num_lines,)."""
        return self._colors

    def instance_verts(self, pose: Transform) -> np.ndarray:
        """Return the end points moved by a pose, an array of `Vec3.dtype` of shape (num_lines, 2)."""
        return pose.transform_points(self._verts)


class AxesGeometry(LineGeometry):
    """Three axes of length `scale` [m]: x red, y green, z blue."""

    def __init__(self, scale: float = 1.0, pose: Transform | None = None) -> None:
        ends = np.stack((np.zeros((3, 3)), scale * np.eye(3)), axis=1)
        super().__init__(ends, (RED, GREEN, BLUE), pose)


class WireframeBoxGeometry(LineGeometry):
    """The twelve edges of a box around the origin, of the given side lengths [m]."""

    def __init__(
        self,
        xdim: float = 1.0,
        ydim: float = 1.0,
        zdim: float = 1.0,
        pose: Transform | None = None,
        color: Sequence[float] | None = None,
    ) -> None:
        corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
        pairs = [(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit]
        super().__init__(
            (corners * (xdim, ydim, zdim))[np.array(pairs)], RED if color is None else color, pose
        )


class WireframeSphereGeometry(LineGeometry):
    """Parallels (in `color`) and meridians (in `color2`) of a sphere around the origin, poles on z."""

    def __init__(
        self,
        radius: float = 1.0,
        num_lats: int = 8,
        num_lons: int = 8,
        pose: Transform | None = None,
        color: Sequence[float] | None = None,
        color2: Sequence[float] | None = None,
    ) -> None:
        lat = np.linspace(0.0, math.pi, num_lats + 1)[:, None]
        lon = np.linspace(0.0, 2.0 * math.pi, num_lons + 1)[None, :]
        circle = (np.sin(lat) * np.cos(lon), np.sin(lat) * np.sin(lon), np.cos(lat) + 0.0 * lon)
        grid = radius * np.stack(circle, axis=-1)  # (num_lats + 1, num_lons + 1, 3)
        parallels = np.stack((grid[1:, :-1], grid[1:, 1:]), axis=-2).reshape(-1, 2, 3)
        meridians = np.stack((grid[:-1, :-1], grid[1:, :-1]), axis=-2).reshape(-1, 2, 3)
        first = tuple(RED if color is None else color)
        colors = [first] * len(parallels) + [tuple(first if color2 is None else color2)] * len(meridians)
        super().__init__(np.concatenate((parallels, meridians)), colors, pose)


@partly(_IN_THE_WINDOW)
def draw_lines(geom: LineGeometry, gym: Any, viewer: Any, env: Any, pose: Transform) -> None:
    """Add a geometry's lines at a pose to what the viewer draws, in the environment's frame."""
    gym.add_lines(viewer, env, geom.num_lines(), geom.instance_verts(pose), geom.colors())


@partly(_IN_THE_WINDOW)
def draw_line(p1: Vec3, p2: Vec3, color: Vec3, gym: Any, viewer: Any, env: Any) -> None:
    """Add one line to what the viewer draws, in the environment's frame."""
    ends = _records([[p1.as_tuple(), p2.as_tuple()]])
    gym.add_lines(viewer, env, 1, ends, _records([color.as_tuple()]))


def as_lines(num_lines: int, vertices: Any, colors: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return lines' end points (num_lines, 2, 3) [m] and colours (num_lines, 3), as `add_lines` takes them.

    Args:
        num_lines: how many there are.
        vertices: six numbers a line, in any shape, or records of `Vec3.dtype`, two a line.
        colors: three numbers a line, or one record; or one colour for all lines.

    Raises:
        ValueError: if their numbers do not fit.
    """
    ends, rgb = _numbers(vertices), _numbers(colors)
    if ends.size != 6 * num_lines or rgb.size not in (3, 3 * num_lines):
        raise ValueError(
            f"add_lines: {num_lines} lines need {6 * num_lines} numbers as end points, not {ends.size}, "
            f"and {3 * num_lines} as their colours, not {rgb.size}"
        )
    return ends.reshape(-1, 2, 3), np.broadcast_to(rgb.reshape(-1, 3), (num_lines, 3))


def _numbers(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype == Vec3.dtype:
        array = np.ascontiguousarray(array).view(np.float32)
    return array.astype(np.float64).reshape(-1)


def lay_lines(scene: mujoco.MjvScene, ends: np.ndarray, colors: np.ndarray) -> None:
    """Add lines (n, 2, 3), global [m], to a scene, as far as it has room."""
    geoms, line = scene.geoms, mujoco.mjtGeom.mjGEOM_LINE
    zero, eye, rgba = np.zeros(3), np.eye(3).reshape(-1), np.ones(4, dtype=np.float32)
    for (start, end), color in zip(ends, colors, strict=True):
        if scene.ngeom >= scene.maxgeom:
            return
        rgba[:3] = color
        mujoco.mjv_initGeom(geoms[scene.ngeom], line, zero, zero, eye, rgba)
        mujoco.mjv_connector(geoms[scene.ngeom], line, _WIDTH, start, end)
        scene.ngeom += 1

"""Drawing environments of one model from a camera: colours, distances, and what each pixel shows.

MuJoCo's renderer draws them off-screen into one buffer, which grows to the largest picture.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import mujoco
import numpy as np

from mjgym.cameras import FARTHEST, NEAREST, view_axes
from mjgym.rendering import add_sky, create_gl_context, dressed, follow_with_lights
from mjgym.structs.geometry import Transform
from mjgym.structs.params import CameraProperties

# Parts of the far plane's distance: the ground ends in the sky's colour.
_FOG_START, _FOG_END, _SKY_DISTANCE = 0.97, 0.985, 0.99
_GLOSS: Final = 0.3
_NOTHING: Final = -1


@dataclass(frozen=True)
class Light:
    """A light from far away: red, green and blue of its light and of its ambient light, and where it is."""

    intensity: tuple[float, float, float]
    ambient: tuple[float, float, float]
    direction: tuple[float, float, float]


class Painter:
    """Draws pictures of one model.

    Call :meth:`look`, then :meth:`add` for each environment, :meth:`light`, and then ask for pictures.

    Args:
        model: the model, whose meshes, textures and height fields are loaded; it is copied.
        samples: points of a pixel whose colours are averaged, so that edges are smooth.
        shadow_size: width of the shadow's picture [pixel]; 0 for no shadows.
        max_geoms: most shapes a picture can show.

    Raises:
        RenderingUnavailableError: if no OpenGL back-end starts.
    """

    def __init__(self, model: mujoco.MjModel, samples: int, shadow_size: int, max_geoms: int) -> None:
        self._size = (64, 64)
        ready = dressed(model, *self._size, samples, shadow_size)
        self._gl = create_gl_context(*self._size)
        self._context = mujoco.MjrContext(ready, mujoco.mjtFontScale.mjFONTSCALE_100)
        # Also where nobody calls close: memory must be freed in its own context, else another one loses its.
        self._free = weakref.finalize(self, _free, self._gl, self._context)
        self._free.atexit = False  # the back-end has ended by then, and all memory with it
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        # Distances are precise far away, too, where the depth buffer holds 0 at the far plane.
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._dressed = ready
        self._scene = mujoco.MjvScene(ready, max_geoms)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadow_size > 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_FOG] = True
        self._nothing_held = mujoco.MjvPerturb()
        self._rect = mujoco.MjrRect(0, 0, *self._size)
        self._near, self._far = 0.0, 0.0

    def look(self, props: CameraProperties, pose: Transform) -> None:
        """Begin a picture without anything in it, seen from a pose."""
        self._gl.make_current()
        if props.width > self._size[0] or props.height > self._size[1]:
            self._size = (max(props.width, self._size[0]), max(props.height, self._size[1]))
            mujoco.mjr_resizeOffscreen(*self._size, self._context)
        self._rect = mujoco.MjrRect(0, 0, props.width, props.height)
        self._near, self._far = max(props.near_plane, NEAREST), min(props.far_plane, FARTHEST)
        self._context.fogStart, self._context.fogEnd = _FOG_START * self._far, _FOG_END * self._far
        axes = view_axes(pose)
        half_width = self._near * np.tan(0.5 * np.radians(props.horizontal_fov))
        top = half_width * props.height / props.width
        for eye in self._scene.camera:
            eye.pos, eye.up, eye.forward = pose.p.as_tuple(), axes[:, 1], -axes[:, 2]
            eye.frustum_center, eye.frustum_width = 0.0, half_width
            eye.frustum_bottom, eye.frustum_top = -top, top
            eye.frustum_near, eye.frustum_far = self._near, self._far
            eye.orthographic = 0
        self._scene.ngeom = 0

    def add(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        options: mujoco.MjvOption,
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
        still: bool = True,
    ) -> None:
        """Add an environment's shapes, moved to its origin; without ``still`` not those of the world body."""
        first = self._scene.ngeom
        kinds = mujoco.mjtCatBit.mjCAT_ALL if still else mujoco.mjtCatBit.mjCAT_DYNAMIC
        mujoco.mjv_addGeoms(model, data, options, self._nothing_held, kinds, self._scene)
        if any(origin):
            for geom in self._scene.geoms[first : self._scene.ngeom]:
                geom.pos += origin

    def light(self, data: mujoco.MjData, lights: Mapping[int, Light]) -> None:
        """Light the picture: a light at the camera and the sun, unless light 0 is given, and the others."""
        mujoco.mjv_makeLights(self._dressed, data, self._scene)
        if 0 in lights:
            self._scene.nlight = 0
        for given in lights.values():
            light = self._scene.lights[self._scene.nlight]
            light.type, light.headlight, light.castshadow = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, 0, 1
            light.dir = -np.array(given.direction) / np.linalg.norm(given.direction)
            light.ambient, light.diffuse = given.ambient, given.intensity
            light.specular = _GLOSS * np.array(given.intensity)
            light.attenuation, light.cutoff, light.exponent = (1.0, 0.0, 0.0), 180.0, 0.0
            self._scene.nlight += 1
        follow_with_lights(self._scene, np.array(self._scene.camera[0].pos, dtype=np.float64))

    def depth_and_geoms(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distance along the view [m] and the geom's id, each (height, width), top row first.

        Where nothing is, the distance is infinite and the id -1; -1 is also the id of what is no geom.
        """
        flags = self._scene.flags
        before = np.array(flags)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = True
        mujoco.mjr_render(self._rect, self._scene, self._context)
        flags[:] = before
        shape = (self._rect.height, self._rect.width)
        code, depth = np.empty((*shape, 3), dtype=np.uint8), np.empty(shape, dtype=np.float32)
        mujoco.mjr_readPixels(code, depth, self._rect, self._context)
        near, far = self._near, self._far
        # The depth buffer holds z = near (far - d) / (d (far - near)) at the distance d.
        distance = near * far / (depth.astype(np.float64) * (far - near) + near)
        distance[depth == 0.0] = np.inf
        numbers = code.astype(np.int64) @ (1, 256, 65536)
        return distance[::-1].astype(np.float32), self._geom_ids()[numbers][::-1]

    def _geom_ids(self) -> np.ndarray:
        """Return the geom's id for each colour code: 0 is the background, then come the scene's shapes."""
        shapes = self._scene.geoms[: self._scene.ngeom]
        ids = np.full(len(shapes) + 1, _NOTHING)
        for shape in shapes:
            if shape.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                ids[shape.segid + 1] = shape.objid
        return ids

    def color(self) -> np.ndarray:
        """Return red, green and blue, uint8 (height, width, 3), the top row first; call this last."""
        add_sky(self._scene, np.array(self._scene.camera[0].pos, dtype=np.float64), _SKY_DISTANCE * self._far)
        mujoco.mjr_render(self._rect, self._scene, self._context)
        pixels = np.empty((self._rect.height, self._rect.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._rect, self._context)
        return pixels[::-1]

    def close(self) -> None:
        """Free the graphics memory; nothing can be drawn any more."""
        self._free()


def _free(gl: Any, context: mujoco.MjrContext) -> None:
    gl.make_current()
    context.free()
    gl.free()

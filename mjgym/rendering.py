"""Off-screen pictures of one environment, drawn by MuJoCo's own renderer.

The OpenGL back-end is chosen when a renderer is made, no matter when mujoco was imported: `MUJOCO_GL` if it
is set, else the window system if there is a display, else EGL, else OSMesa.
"""

from __future__ import annotations

import copy
import ctypes.util
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import mujoco
import numpy as np

from mjgym.terrain_view import TerrainView

SKY: Final = (0.83, 0.90, 0.97)
"""Red, green and blue of the horizon, into which the ground fades."""

_BACKENDS: Final = ("egl", "osmesa", "glfw")
_MULTISAMPLES: Final = 8
_LIGHT_DISTANCE: Final = 4.0
_SIGHT: Final = (
    25.0  # m, where the ground has faded; shadows reach as far, for beyond them the ground is speckled
)
_FIX: Final = (
    "set MUJOCO_GL to egl or osmesa and install its library (Debian: apt-get install libegl1, or libosmesa6)"
)


class RenderingUnavailableError(RuntimeError):
    """No OpenGL back-end could be started on this machine."""


def choose_gl_backend(
    environ: Mapping[str, str] = os.environ,
    find_library: Callable[[str], str | None] = ctypes.util.find_library,
) -> str:
    """Name the OpenGL back-end to draw with: "egl", "osmesa" or "glfw".

    Args:
        environ: environment variables; `MUJOCO_GL` decides if it names a back-end.
        find_library: finds a shared library by its short name.

    Raises:
        RenderingUnavailableError: if MUJOCO_GL is wrong or turns rendering off, or no library is installed.
    """
    named = environ.get("MUJOCO_GL", "").lower().strip()
    if named in _BACKENDS:
        return named
    if named:
        raise RenderingUnavailableError(f"MUJOCO_GL={named!r} leaves no off-screen rendering; {_FIX}")
    if sys.platform != "linux" or environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        return "glfw"
    for backend, library in (("egl", "EGL"), ("osmesa", "OSMesa")):
        if find_library(library):
            return backend
    raise RenderingUnavailableError(f"no display, and neither libEGL nor libOSMesa was found; {_FIX}")


@dataclass(frozen=True)
class TrackingCamera:
    """A camera that looks at a body, or at a fixed point, from a direction that stays.

    Attributes:
        body: id of the body whose subtree's centre of mass is looked at; None to look at `target`.
        target: point looked at [m] where `body` is None.
        distance: from the point looked at [m].
        azimuth: compass direction of the view [degree]; at 0 the camera looks along x, at 90 along y.
        elevation: pitch of the view [degree], negative looking down.
    """

    body: int | None = None
    target: tuple[float, float, float] = (0.0, 0.0, 0.5)
    distance: float = 4.0
    azimuth: float = 130.0
    elevation: float = -18.0

    def look_at(self, data: mujoco.MjData) -> mujoco.MjvCamera:
        """Return MuJoCo's camera for a state."""
        camera = mujoco.MjvCamera()
        camera.type = mujoco.mjtCamera.mjCAMERA_FREE
        camera.lookat[:] = self.target if self.body is None else data.subtree_com[self.body]
        camera.distance, camera.azimuth, camera.elevation = self.distance, self.azimuth, self.elevation
        return camera


class OffscreenRenderer:
    """Draws states of one model. Also a context manager; `close()` frees the graphics memory.

    Args:
        model: the model; it is copied, and the copy's lights and picture quality are set.
        width: picture width [pixel].
        height: picture height [pixel].
        max_geoms: most shapes a picture can show.

    Raises:
        ValueError: if a size is not positive.
        RenderingUnavailableError: if no OpenGL back-end starts.
    """

    def __init__(
        self, model: mujoco.MjModel, width: int = 640, height: int = 480, max_geoms: int = 10_000
    ) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"picture of {width} x {height} pixels: both must be at least 1")
        self.width, self.height = width, height
        self._model = dressed(model, width, height)
        self._terrain = TerrainView(self._model, _SIGHT)
        self._gl = create_gl_context(width, height)
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(self._model, max_geoms)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_FOG] = True
        self._options = mujoco.MjvOption()

    def render(self, data: mujoco.MjData, camera: TrackingCamera | None = None) -> np.ndarray:
        """Draw a state, for which `mj_forward` or a step has run.

        Returns:
            Red, green and blue, uint8 of shape (height, width, 3), the top row first.
        """
        if self._gl is None:
            raise RuntimeError("this renderer is closed; make a new one")
        self._gl.make_current()
        view = (camera or TrackingCamera()).look_at(data)
        mujoco.mjv_updateScene(
            self._model, data, self._options, None, view, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        self._terrain.follow(self._scene, view.lookat, self._context)
        follow_with_lights(self._scene, view.lookat)
        add_sky(self._scene, view.lookat, radius=0.9 * self._model.vis.map.zfar * self._model.stat.extent)
        rect = mujoco.MjrRect(0, 0, self.width, self.height)
        mujoco.mjr_render(rect, self._scene, self._context)
        pixels = np.empty((self.height, self.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, rect, self._context)
        return np.ascontiguousarray(pixels[::-1])

    def close(self) -> None:
        """Free the graphics memory; closing twice does no harm."""
        if self._gl is not None:
            self._gl.make_current()
            self._context.free()
            self._gl.free()
            self._gl = None

    def __enter__(self) -> OffscreenRenderer:
        """Return the renderer itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close."""
        self.close()


def render_frame(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    width: int = 640,
    height: int = 480,
    camera: TrackingCamera | None = None,
) -> np.ndarray:
    """Draw one picture; for many of one model keep an `OffscreenRenderer`.

    Returns:
        Red, green and blue, uint8 of shape (height, width, 3), the top row first.
    """
    with OffscreenRenderer(model, width, height) as renderer:
        return renderer.render(data, camera)


def create_gl_context(width: int, height: int) -> Any:
    """Start the OpenGL back-end and return its context, the current one.

    Raises:
        RenderingUnavailableError: if there is none, or it does not start.
    """
    backend = choose_gl_backend()
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
    except Exception as error:  # each back-end fails in its own way: ImportError, RuntimeError, GLError…
        raise RenderingUnavailableError(
            f"OpenGL back-end {backend!r} does not start ({error}); {_FIX}"
        ) from error
    return context


def dressed(
    model: mujoco.MjModel, width: int, height: int, samples: int = _MULTISAMPLES, shadow_size: int = 4096
) -> mujoco.MjModel:
    """Copy a model and :func:`dress` the copy."""
    model = copy.copy(model)
    dress(model, width, height, samples, shadow_size)
    return model


def dress(model: mujoco.MjModel, width: int, height: int, samples: int, shadow_size: int) -> None:
    """Set what only pictures need: buffer size, smooth edges, light, a fading horizon."""
    model.vis.global_.offwidth, model.vis.global_.offheight = width, height
    model.vis.quality.offsamples = samples
    model.vis.quality.shadowsize = shadow_size
    model.vis.headlight.ambient[:] = 0.35
    model.vis.headlight.diffuse[:] = 0.35
    model.vis.headlight.specular[:] = 0.05
    # Lengths of `vis.map` are multiples of the model's extent; a creature must not decide how far one sees.
    model.stat.extent = 1.0
    model.vis.map.znear, model.vis.map.zfar = 0.01, 4.0 * _SIGHT
    model.vis.map.fogstart, model.vis.map.fogend = 0.3 * _SIGHT, _SIGHT
    model.vis.map.shadowclip = _SIGHT
    model.vis.rgba.fog[:] = (*SKY, 1.0)


def follow_with_lights(scene: mujoco.MjvScene, center: np.ndarray) -> None:
    """Move directional lights along with what is looked at: shadows are drawn only near a light."""
    for light in scene.lights[: scene.nlight]:
        if light.type == mujoco.mjtLightType.mjLIGHT_DIRECTIONAL and not light.headlight:
            light.pos[:] = center - _LIGHT_DISTANCE * light.dir


def move_lights(model: mujoco.MjModel, data: mujoco.MjData, center: np.ndarray) -> None:
    """Do the same in a state, of which somebody else makes a scene."""
    directional = model.light_type == mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
    data.light_xpos[directional] = center - _LIGHT_DISTANCE * data.light_xdir[directional]


def add_sky(scene: mujoco.MjvScene, center: np.ndarray, radius: float) -> None:
    """Put a glowing sphere around everything: without a sky texture the background would be black."""
    if scene.ngeom >= scene.maxgeom:
        return
    geom = scene.geoms[scene.ngeom]
    mujoco.mjv_initGeom(
        geom,
        mujoco.mjtGeom.mjGEOM_SPHERE,
        np.full(3, -radius),  # turned inside out, so that its inner side is the one drawn
        center,
        np.eye(3).reshape(-1),
        np.array((*SKY, 1.0), dtype=np.float32),
    )
    geom.category = mujoco.mjtCatBit.mjCAT_DECOR  # decoration casts no shadow
    geom.emission = 1.0
    scene.ngeom += 1

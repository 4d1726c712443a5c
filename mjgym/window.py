"""The viewer's window: MuJoCo's own, which draws in a thread of its own what it is given now and then.

One environment, the first, is the model and data that the window shows. The shapes of all others, lines and
the sky are laid beside it, as decoration.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import mujoco
import numpy as np

from mjgym.cameras import Camera, look_at
from mjgym.lines import lay_lines
from mjgym.rendering import add_sky, dress, move_lights
from mjgym.scene import Sim
from mjgym.structs.geometry import Transform, Vec3
from mjgym.structs.params import ActionEvent, CameraProperties

MOST_SHAPES: Final = 2_000
"""Shapes of the environments beside the first one: more would take longer than a picture may."""
MOST_LINES: Final = 5_000

_SHORTEST: Final = 1.0 / 30.0  # s from one picture to the next: a screen shows hardly more
_SHARE: Final = 0.25  # of the time, at most: the rest is the simulation's
_SIGHT: Final = 200.0  # m
_SHADOWS, _SAMPLES = 2048, 4
_UP: Final = Vec3(0.0, 0.0, 1.0)
_LATE: Final = 0.2  # s that a simulation may lag behind the clock before it stops to catch up
_SECONDS_TO_END: Final = 5.0


class Window:
    """What `create_viewer` returns where there is a display. It opens with the first picture.

    Args:
        sim: the simulation that it shows.
        camera: its field of view.
        position: where the camera is at first, global [m].
        target: where it looks at first.
    """

    def __init__(self, sim: Sim, camera: Camera, position: Vec3, target: Vec3) -> None:
        self.camera = camera
        self._sim = weakref.ref(sim)
        self._handle: Any = None
        self._threads: list[threading.Thread] = []
        self._ended = False
        self._actions: dict[int, list[str]] = {}
        self._pressed: deque[int] = deque(maxlen=1_000)
        self._held: list[str] = []
        self._lines: list[tuple[np.ndarray, np.ndarray]] = []
        self._num_lines = 0
        self._due = 0.0
        self._start: tuple[float, float] | None = None
        self._seen, self._aimed = np.zeros(6), False
        self.aim(position, target)

    @property
    def sim(self) -> Sim | None:
        """The simulation that it shows, while that is there."""
        return self._sim()

    @property
    def closed(self) -> bool:
        """Whether somebody closed it; what has not opened yet is not closed."""
        return self._ended or (self._handle is not None and not self._handle.is_running())

    @property
    def shown(self) -> bool:
        """Whether it is open."""
        return self._handle is not None and not self.closed

    # ---- the camera

    def aim(self, position: Vec3, target: Vec3) -> None:
        """Look from one point at another, both global [m]; the mouse then turns about the target.

        An open window turns with its next picture: what a camera follows would seem to shake otherwise.

        Raises:
            ValueError: if the two are the same point.
        """
        self.camera.place(look_at(position, target, _UP))
        self._view = _view(position, target)
        if self.shown:
            self._seen, self._aimed = self._read(), True

    def pose(self) -> Transform:
        """Return the camera's pose, global, as scripts and the mouse have left it."""
        target, (distance, azimuth, elevation) = np.split(self._current(), (3,))
        level = np.cos(elevation)
        forward = np.array((level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)))
        self.camera.place(look_at(Vec3(*(target - distance * forward).tolist()), Vec3(*target.tolist()), _UP))
        return self.camera.pose

    def _current(self) -> np.ndarray:
        """Return what was aimed at last, and how the mouse has moved the camera since (6,)."""
        return self._view + (self._read() - self._seen) if self.shown else self._view

    def _read(self) -> np.ndarray:
        with self._handle.lock():
            cam = self._handle.cam
            return np.array((*cam.lookat, cam.distance, *np.radians((cam.azimuth, cam.elevation))))

    def _turn(self, view: np.ndarray) -> None:
        """Hand a view to the open window."""
        cam = self._handle.cam
        cam.type, cam.fixedcamid, cam.trackbodyid = mujoco.mjtCamera.mjCAMERA_FREE, -1, -1
        cam.lookat[:], cam.distance, (cam.azimuth, cam.elevation) = view[:3], view[3], np.degrees(view[4:])
        self._view = self._seen = view
        self._aimed = False

    # ---- keys

    def subscribe(self, key: int, action: str) -> None:
        """Report an action whenever a key is pressed."""
        self._actions.setdefault(int(key), []).append(action)

    def events(self) -> list[ActionEvent]:
        """Return what was pressed since the last call, and then, with value 0, what was pressed before that.

        MuJoCo does not tell when a key is let go, so every press is a short one.
        """
        events = [ActionEvent(action, 0.0) for action in self._held]
        pressed = [self._pressed.popleft() for _ in range(len(self._pressed))]
        self._held = [action for key in pressed for action in self._actions.get(key, [])]
        return events + [ActionEvent(action, 1.0) for action in self._held]

    # ---- lines

    def add_lines(self, ends: np.ndarray, colors: np.ndarray) -> bool:
        """Add lines (n, 2, 3), global [m], of colours (n, 3); return whether all of them found a place."""
        room = MOST_LINES - self._num_lines
        self._lines.append((ends[:room], colors[:room]))
        self._num_lines += min(len(ends), room)
        return len(ends) <= room

    def clear_lines(self) -> None:
        """Remove all lines."""
        self._lines.clear()
        self._num_lines = 0

    # ---- pictures

    def is_due(self) -> bool:
        """Whether it is time for another picture: faster ones would cost time, and nobody would see them."""
        return not self.closed and time.perf_counter() >= self._due

    @contextlib.contextmanager
    def picture(
        self, model: mujoco.MjModel, data: mujoco.MjData, options: mujoco.MjvOption
    ) -> Iterator[Callable[[tuple[float, float, float]], None]]:
        """Make a picture; it opens the window if it is the first one.

        The block is given a function that adds the shapes of the environment that model and data hold now,
        at its origin. In the end they must hold the first one.
        """
        if self._handle is None:
            self._open(model, data, options)
        began = time.perf_counter()
        view, eye = self._current(), np.array(self.pose().p.as_tuple())
        scene, chosen = self._handle.user_scn, self._handle.opt  # what is drawn is chosen with keys, too
        with self._handle.lock():
            scene.ngeom = 0
            yield lambda origin: _add_shapes(model, data, chosen, scene, origin)
            for ends, colors in self._lines:
                lay_lines(scene, ends, colors)
            add_sky(scene, eye, 0.9 * _SIGHT)
            move_lights(model, data, view[:3])
            if self._aimed:
                self._turn(self._current())
        self._handle.sync()
        now = time.perf_counter()
        self._due = max(began + _SHORTEST, now + (now - began) * (1.0 / _SHARE - 1.0))

    def _open(self, model: mujoco.MjModel, data: mujoco.MjData, options: mujoco.MjvOption) -> None:
        _dress(model, self.camera.props)
        before = set(threading.enumerate())
        self._handle = _launch(model, data, self._pressed.append)
        self._threads = [thread for thread in threading.enumerate() if thread not in before]
        # Left open to the end of the process, its thread would draw on while Python takes itself down.
        atexit.register(self.close)
        with self._handle.lock():
            self._handle.opt.geomgroup[:] = options.geomgroup
            self._handle.user_scn.flags[mujoco.mjtRndFlag.mjRND_FOG] = True
            self._turn(self._view)

    def close(self) -> None:
        """Close it for good; twice does no harm."""
        atexit.unregister(self.close)
        self._ended = True
        if self._handle is not None:
            self._handle.close()
            for thread in self._threads:
                thread.join(_SECONDS_TO_END)
            self._handle, self._threads = None, []

    # ---- time

    def wait_for(self, simulated: float) -> None:
        """Sleep until the clock on the wall has moved as far as simulated time [s].

        A simulation that is slower than the clock, or was held up, does not hurry afterwards.
        """
        now = time.perf_counter()
        start = self._start
        ahead = simulated - start[1] - (now - start[0]) if start is not None else 0.0
        if start is None or ahead < -_LATE or simulated < start[1]:
            self._start = now, simulated
        elif ahead > 0.0:
            time.sleep(ahead)


def has_display() -> bool:
    """Whether a window can be opened: MuJoCo ends the process where one cannot, so it is tried before."""
    if sys.platform == "darwin":  # windows belong to the main thread there, which `mjpython` keeps for them
        viewer = sys.modules.get("mujoco.viewer")
        return getattr(viewer, "_MJPYTHON", None) is not None
    if sys.platform != "linux":
        return True
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    import glfw

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong with the display
        if not glfw.init():
            return False
        glfw.window_hint(glfw.VISIBLE, False)
        window = glfw.create_window(8, 8, "", None, None)
        glfw.default_window_hints()
        if window:
            glfw.destroy_window(window)
        return bool(window)


def _launch(model: mujoco.MjModel, data: mujoco.MjData, on_key: Callable[[int], None]) -> Any:
    """Open MuJoCo's viewer and return its handle; `on_key` is called in its thread with GLFW's key codes."""
    from mujoco.viewer import launch_passive  # without GLFW's library this module cannot be imported

    return launch_passive(model, data, key_callback=on_key, show_left_ui=False, show_right_ui=False)


def _dress(model: mujoco.MjModel, props: CameraProperties) -> None:
    """Set what only the window needs: light, a fading horizon, the field of view."""
    dress(model, 640, 480, _SAMPLES, _SHADOWS)
    model.vis.map.zfar = _SIGHT
    model.vis.map.fogstart, model.vis.map.fogend = 0.3 * _SIGHT, 0.85 * _SIGHT
    half = np.tan(0.5 * np.radians(props.horizontal_fov)) * props.height / props.width
    model.vis.global_.fovy = np.degrees(2.0 * np.arctan(half))


def _add_shapes(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    options: mujoco.MjvOption,
    scene: mujoco.MjvScene,
    origin: tuple[float, float, float],
) -> None:
    """Add what can move to a scene, moved to an origin [m]."""
    for positions in (data.geom_xpos, data.site_xpos, data.wrap_xpos.reshape(-1, 3)):
        positions += origin
    moving = mujoco.mjtCatBit.mjCAT_DYNAMIC
    mujoco.mjv_addGeoms(model, data, options, mujoco.MjvPerturb(), moving, scene)


def _view(position: Vec3, target: Vec3) -> np.ndarray:
    """Return MuJoCo's camera (6,): the point looked at, distance [m], azimuth, elevation [rad]."""
    x, y, z = (target - position).as_tuple()
    distance = np.sqrt(x * x + y * y + z * z)
    return np.array((*target.as_tuple(), distance, np.arctan2(y, x), np.arcsin(z / distance)))

"""Calls for the viewer. mjgym opens no window: they do nothing, as in a headless Isaac Gym.

What the window would show can be drawn off-screen, of the simulation that ``create_viewer`` was last given.
"""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import Any, Final

from mjgym.cameras import Camera, check_camera_properties, look_at
from mjgym.graphics import graphics_of
from mjgym.gym.camera_calls import up_direction
from mjgym.gym.checks import running
from mjgym.pace import wait_for_frame
from mjgym.partly import partly
from mjgym.png import png_path, write_png
from mjgym.scene import Env, Sim
from mjgym.structs import CameraProperties, Transform, Vec3

_log = logging.getLogger(__name__)

_NO_WINDOW: Final = "does nothing: there is no window"
_FIRST_POSITION: Final = Vec3(4.0, 4.0, 3.0)
_FIRST_TARGET: Final = Vec3(0.0, 0.0, 1.0)


class ViewerCalls:
    """Windows, keys and lines."""

    _watched: weakref.ref[Sim] | None = None

    @partly("opens no window and returns None, as where there is no display")
    def create_viewer(self, sim: Sim, props: CameraProperties | None = None) -> None:
        """Return None, which scripts take for "no display"; ``write_viewer_image_to_file`` draws off-screen.

        Raises:
            ValueError: if no picture can be drawn with the properties.
        """
        _log.warning("create_viewer: mjgym opens no window; write_viewer_image_to_file draws off-screen")
        viewer = Camera(check_camera_properties(props or CameraProperties()))
        viewer.place(look_at(_FIRST_POSITION, _FIRST_TARGET, up_direction(sim)))
        sim.viewer, self._watched = viewer, weakref.ref(sim)

    @partly(_NO_WINDOW)
    def destroy_viewer(self, viewer: Any) -> None:
        """Do nothing."""

    @partly("moves the camera of `write_viewer_image_to_file`; nothing without `create_viewer`")
    def viewer_camera_look_at(self, viewer: Any, env: Env | None, pos: Vec3, target: Vec3) -> None:
        """Put the viewer's camera at a point [m] and have it look at another.

        Args:
            viewer: None.
            env: the environment in whose axes the points are; None if they are global.
            pos: where the camera is.
            target: where it looks.

        Raises:
            ValueError: if the two are the same point.
        """
        sim, camera = self._viewed(env)
        if sim is not None and camera is not None:
            origin = _origin(env)
            camera.place(look_at(pos + origin, target + origin, up_direction(sim)))

    @partly("of the camera of `write_viewer_image_to_file`; the identity without `create_viewer`")
    def get_viewer_camera_transform(self, viewer: Any, env: Env | None) -> Transform:
        """Return the pose of the viewer's camera, in an environment's axes or else global."""
        _, camera = self._viewed(env)
        if camera is None:
            return Transform()
        return Transform(camera.pose.p - _origin(env), Transform().r * camera.pose.r)

    @partly("PNG alone; of the environments nearest to the camera, without lines")
    def write_viewer_image_to_file(self, viewer: Any, filename: str | Path) -> None:
        """Draw what the viewer would show and write it to a PNG file.

        Args:
            viewer: None, as ``create_viewer`` returned it: the last simulation it was given is drawn.
            filename: the file, whose name ends in .png.

        Raises:
            RuntimeError: if ``create_viewer`` was not called, or not for a simulation that is still there.
            ValueError: if the file's name does not end in .png.
            RenderingUnavailableError: if there is no OpenGL back-end.
        """
        sim, camera = self._viewed(None)
        if sim is None or camera is None:
            raise RuntimeError("write_viewer_image_to_file: call create_viewer(sim, props) first")
        path = png_path(filename)
        graphics = graphics_of(sim, running(sim, "write_viewer_image_to_file"))
        write_png(path, graphics.render_viewer(camera))

    def _viewed(self, env: Env | None) -> tuple[Sim | None, Camera | None]:
        """Return the simulation of an environment, or else the last one watched, and its viewer's camera."""
        sim = env.sim if env is not None else self._watched() if self._watched is not None else None
        return sim, sim.viewer if sim is not None else None

    @partly(_NO_WINDOW)
    def subscribe_viewer_keyboard_event(self, viewer: Any, key: int, action: str) -> bool:
        """Do nothing."""
        return True

    @partly(_NO_WINDOW)
    def subscribe_viewer_mouse_event(self, viewer: Any, mouse: int, action: str) -> bool:
        """Do nothing."""
        return True

    @partly("returns no events: there is no window")
    def query_viewer_action_events(self, viewer: Any) -> list:
        """Return no events."""
        return []

    @partly("returns False: there is no window")
    def query_viewer_has_closed(self, viewer: Any) -> bool:
        """Return False: what was never opened is not closed."""
        return False

    @partly(_NO_WINDOW)
    def poll_viewer_events(self, viewer: Any) -> None:
        """Do nothing."""

    @partly(_NO_WINDOW)
    def draw_viewer(self, viewer: Any, sim: Sim, render_collision: bool = False) -> None:
        """Do nothing."""

    @partly(_NO_WINDOW)
    def step_graphics(self, sim: Sim) -> None:
        """Do nothing."""

    @partly("waits only where `--fps` was asked for: there is no window")
    def sync_frame_time(self, sim: Sim) -> None:
        """Wait for the next frame, if ``install`` or the runner was given a frame rate."""
        wait_for_frame()

    @partly(_NO_WINDOW)
    def add_lines(self, viewer: Any, env: Env | None, num_lines: int, vertices: Any, colors: Any) -> bool:
        """Do nothing."""
        return True

    @partly(_NO_WINDOW)
    def clear_lines(self, viewer: Any) -> None:
        """Do nothing."""


def _origin(env: Env | None) -> Vec3:
    return Vec3(*env.origin) if env is not None else Vec3()

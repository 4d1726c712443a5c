"""Calls for the viewer: a window of MuJoCo's where there is a display, else nothing, as scripts expect it.

What it would show can be drawn off-screen, too, of the simulation that ``create_viewer`` was last given.
"""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import Any, Final

import numpy as np

from mjgym.cameras import Camera, check_camera_properties, look_at
from mjgym.graphics import graphics_of
from mjgym.gym.camera_calls import up_direction
from mjgym.gym.checks import running
from mjgym.lines import as_lines
from mjgym.pace import wait_for_frame
from mjgym.partly import partly
from mjgym.png import png_path, write_png
from mjgym.scene import Env, Sim
from mjgym.structs import ActionEvent, CameraProperties, Transform, Vec3
from mjgym.window import MOST_LINES, Window, has_display

_log = logging.getLogger(__name__)

_FIRST_POSITION: Final = Vec3(4.0, 4.0, 3.0)
_FIRST_TARGET: Final = Vec3(0.0, 0.0, 1.0)


class ViewerCalls:
    """Windows, keys and lines. Without a window, where the viewer is None, they do nothing."""

    _watched: weakref.ref[Sim] | None = None

    @partly("a window of MuJoCo's, in which z is up and whose size MuJoCo chooses; None without a display")
    def create_viewer(self, sim: Sim, props: CameraProperties | None = None) -> Window | None:
        """Return a window, which opens when it is first drawn, or None, which scripts take for "no display".

        Also without one ``write_viewer_image_to_file`` draws. A window that the simulation has is closed.

        Raises:
            ValueError: if no picture can be drawn with the properties.
        """
        camera = Camera(check_camera_properties(props or CameraProperties()))
        camera.place(look_at(_FIRST_POSITION, _FIRST_TARGET, up_direction(sim)))
        if sim.window is not None:
            sim.window.close()
        sim.viewer, sim.window, self._watched = camera, None, weakref.ref(sim)
        if has_display():
            sim.window = Window(sim, camera, _FIRST_POSITION, _FIRST_TARGET)
        else:
            _log.warning("create_viewer: there is no display, so no window opens")
        return sim.window

    def destroy_viewer(self, viewer: Window | None) -> None:
        """Close the window."""
        if isinstance(viewer, Window):
            viewer.close()

    @partly("in the window z is up; without one, for `write_viewer_image_to_file`")
    def viewer_camera_look_at(self, viewer: Window | None, env: Env | None, pos: Vec3, target: Vec3) -> None:
        """Put the viewer's camera at a point [m] and have it look at another.

        Args:
            viewer: the window, or None.
            env: the environment in whose axes the points are; None if they are global.
            pos: where the camera is.
            target: where it looks.

        Raises:
            ValueError: if the two are the same point.
        """
        origin = _origin(env)
        if isinstance(viewer, Window):
            viewer.aim(pos + origin, target + origin)
            return
        sim, camera = self._viewed(viewer, env)
        if sim is not None and camera is not None:
            camera.place(look_at(pos + origin, target + origin, up_direction(sim)))

    @partly("without a window, of the camera of `write_viewer_image_to_file`")
    def get_viewer_camera_transform(self, viewer: Window | None, env: Env | None) -> Transform:
        """Return the pose of the viewer's camera, in an environment's axes or else global.

        It is the identity where ``create_viewer`` was not called.
        """
        _, camera = self._viewed(viewer, env)
        if camera is None:
            return Transform()
        return Transform(camera.pose.p - _origin(env), Transform().r * camera.pose.r)

    @partly("PNG alone; of the environments nearest to the camera, without lines")
    def write_viewer_image_to_file(self, viewer: Window | None, filename: str | Path) -> None:
        """Draw what the viewer shows, or would show, and write it to a PNG file.

        Args:
            viewer: the window, or None: the last simulation that ``create_viewer`` was given is drawn.
            filename: the file, whose name ends in .png.

        Raises:
            RuntimeError: if ``create_viewer`` was not called, or not for a simulation that is still there.
            ValueError: if the file's name does not end in .png.
            RenderingUnavailableError: if there is no OpenGL back-end.
        """
        sim, camera = self._viewed(viewer, None)
        if sim is None or camera is None:
            raise RuntimeError("write_viewer_image_to_file: call create_viewer(sim, props) first")
        path = png_path(filename)
        graphics = graphics_of(sim, running(sim, "write_viewer_image_to_file"))
        write_png(path, graphics.render_viewer(camera))

    def _viewed(self, viewer: Any, env: Env | None) -> tuple[Sim | None, Camera | None]:
        """Return the simulation of a window, of an environment, or the last one watched, and its camera."""
        if isinstance(viewer, Window):
            viewer.pose()  # its camera may have been moved with the mouse
            return viewer.sim, viewer.camera
        sim = env.sim if env is not None else self._watched() if self._watched is not None else None
        return sim, sim.viewer if sim is not None else None

    @partly("a key counts as let go with the query after the one that reported it: MuJoCo reports presses")
    def subscribe_viewer_keyboard_event(self, viewer: Window | None, key: int, action: str) -> bool:
        """Report an action whenever a key (`gymapi.KEY_*`) is pressed. MuJoCo's own keys act as well."""
        if isinstance(viewer, Window):
            viewer.subscribe(key, action)
        return True

    @partly("accepted, but never reported: MuJoCo's viewer keeps the mouse to itself, to move the camera")
    def subscribe_viewer_mouse_event(self, viewer: Window | None, mouse: int, action: str) -> bool:
        """Do nothing."""
        return True

    @partly("of keys alone: 1 when pressed, and 0 at the next query")
    def query_viewer_action_events(self, viewer: Window | None) -> list[ActionEvent]:
        """Return what happened since the last query; nothing without a window."""
        return viewer.events() if isinstance(viewer, Window) else []

    def query_viewer_has_closed(self, viewer: Window | None) -> bool:
        """Return whether the window was closed; what was never opened is not."""
        return isinstance(viewer, Window) and viewer.closed

    def poll_viewer_events(self, viewer: Window | None) -> None:
        """Do nothing: the window listens to keys and mouse all the time."""

    @partly(
        "at most 30 pictures a second, of the environments nearest to the camera, in MuJoCo's usual light; "
        "`render_collision` is ignored (key 3 shows collision shapes)"
    )
    def draw_viewer(self, viewer: Window | None, sim: Sim, render_collision: bool = False) -> None:
        """Show the state of this moment in the window, if it is time for another picture."""
        if isinstance(viewer, Window) and sim.running is not None and viewer.is_due():
            graphics_of(sim, sim.running).show(viewer)

    @partly("does nothing: pictures show the state of the moment when they are drawn")
    def step_graphics(self, sim: Sim) -> None:
        """Do nothing."""

    def sync_frame_time(self, sim: Sim) -> None:
        """Wait until the clock on the wall has come as far as simulated time, where a window is open.

        If ``install`` or the runner was given a frame rate, wait for the next frame instead.
        """
        if not wait_for_frame() and sim.window is not None and sim.window.shown and sim.running is not None:
            sim.window.wait_for(sim.running.frame_count * sim.params.dt)

    @partly(f"at most {MOST_LINES} lines, and none in `write_viewer_image_to_file`")
    def add_lines(
        self, viewer: Window | None, env: Env | None, num_lines: int, vertices: Any, colors: Any
    ) -> bool:
        """Draw lines until ``clear_lines``.

        Args:
            viewer: the window; without one nothing happens.
            env: the environment in whose axes the end points are; None if they are global.
            num_lines: how many.
            vertices: two end points a line [m], six numbers or two records of ``Vec3.dtype``.
            colors: red, green and blue, for each line or for all.

        Returns:
            Whether all lines found a place.

        Raises:
            ValueError: if there are more or fewer numbers than lines need.
        """
        if not isinstance(viewer, Window):
            return True
        ends, rgb = as_lines(num_lines, vertices, colors)
        return viewer.add_lines(ends + np.array(_origin(env).as_tuple()), rgb)

    def clear_lines(self, viewer: Window | None) -> None:
        """Remove all lines."""
        if isinstance(viewer, Window):
            viewer.clear_lines()


def _origin(env: Env | None) -> Vec3:
    return Vec3(*env.origin) if env is not None else Vec3()

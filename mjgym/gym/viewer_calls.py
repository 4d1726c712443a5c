"""Calls for windows and cameras. mjgym opens no window yet: they do nothing, as in a headless Isaac Gym."""

from __future__ import annotations

import logging
from typing import Any, Final

from mjgym.pace import wait_for_frame
from mjgym.partly import partly
from mjgym.scene import Env, Sim
from mjgym.structs import CameraProperties, Transform, Vec3

_log = logging.getLogger(__name__)

_NO_WINDOW: Final = "does nothing: there is no window"


class ViewerCalls:
    """Windows, keys, cameras and lines."""

    @partly("opens no window and returns None, as where there is no display")
    def create_viewer(self, sim: Sim, props: CameraProperties | None = None) -> None:
        """Return None, which scripts take for "no display"; ``mjgym.rendering`` draws off-screen."""
        _log.warning("create_viewer: mjgym opens no window; use mjgym.rendering to make images")

    @partly(_NO_WINDOW)
    def destroy_viewer(self, viewer: Any) -> None:
        """Do nothing."""

    @partly(_NO_WINDOW)
    def viewer_camera_look_at(self, viewer: Any, env: Env | None, pos: Vec3, target: Vec3) -> None:
        """Do nothing."""

    @partly("returns the identity: there is no window")
    def get_viewer_camera_transform(self, viewer: Any, env: Env | None) -> Transform:
        """Return the identity."""
        return Transform()

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

    @partly("does nothing: there are no camera sensors")
    def render_all_camera_sensors(self, sim: Sim) -> None:
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

    @partly(_NO_WINDOW)
    def set_light_parameters(
        self, sim: Sim, index: int, intensity: Vec3, ambient: Vec3, direction: Vec3
    ) -> None:
        """Do nothing."""

"""Watching a task in the viewer's window: keys, camera, and how closing it ends the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

from isaacgym import gymapi, gymtorch

QUIT, TOGGLE, FOLLOW = "QUIT", "toggle_viewer_sync", "follow"


class TaskViewer:
    """A window on a simulation; where there is no display, everything goes on without it.

    ESC, or closing the window, ends the run as Ctrl-C does. V stops and resumes drawing, so that a training
    runs at full speed in between. Enter lets the camera follow the first environment's robot, or stand still;
    the mouse turns it either way.

    Args:
        gym: Isaac Gym.
        sim: the prepared simulation.
        follow: whether the camera follows from the start.
        real_time: whether the simulation waits for the clock on the wall while it is drawn.
    """

    def __init__(self, gym: Any, sim: Any, follow: bool, real_time: bool) -> None:
        self._gym, self._sim, self._real_time = gym, sim, real_time
        self._draws, self._follows = True, follow
        self._viewer = gym.create_viewer(sim, gymapi.CameraProperties())
        if self._viewer is None:
            return
        for key, action in (
            (gymapi.KEY_ESCAPE, QUIT),
            (gymapi.KEY_V, TOGGLE),
            (gymapi.KEY_ENTER, FOLLOW),
        ):
            gym.subscribe_viewer_keyboard_event(self._viewer, key, action)
        self._root = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))[0, 0:3]
        self._up_is_y = gym.get_sim_params(sim).up_axis == gymapi.UP_AXIS_Y
        self._height = float(self._root[1 if self._up_is_y else 2])  # that of a moving robot bobs
        # The first environment is near, the others stand behind it in both directions of the ground.
        self._target = self._root_place()
        back = gymapi.Vec3(-3.0, 1.5, -3.0) if self._up_is_y else gymapi.Vec3(-3.0, -3.0, 1.5)
        gym.viewer_camera_look_at(self._viewer, None, self._target + back, self._target)

    def render(self) -> None:
        """Show the state after a step, and obey the keys."""
        if self._viewer is None:
            return
        wants_to_quit = self._gym.query_viewer_has_closed(self._viewer)
        events = self._gym.query_viewer_action_events(self._viewer)
        for action in [event.action for event in events if event.value > 0]:
            if action == QUIT:
                wants_to_quit = True
            elif action == TOGGLE:
                self._draws = not self._draws
            elif action == FOLLOW:
                self._follows = not self._follows
        if wants_to_quit:
            self.close()
            interrupt()
        elif self._draws:
            self._draw()
        else:
            self._gym.poll_viewer_events(self._viewer)

    def _draw(self) -> None:
        if self._follows:
            eye = self._gym.get_viewer_camera_transform(self._viewer, None).p
            moved, self._target = self._target, self._root_place()
            self._gym.viewer_camera_look_at(self._viewer, None, eye - moved + self._target, self._target)
        self._gym.step_graphics(self._sim)
        self._gym.draw_viewer(self._viewer, self._sim, True)
        if self._real_time:
            self._gym.sync_frame_time(self._sim)

    def _root_place(self) -> Any:
        """Return where the first robot's root is, at its first height."""
        x, y, z = self._root.tolist()
        return gymapi.Vec3(x, self._height, z) if self._up_is_y else gymapi.Vec3(x, y, self._height)

    def close(self) -> None:
        """Close the window; steps go on without it."""
        if self._viewer is not None:
            self._gym.destroy_viewer(self._viewer)
            self._viewer = None


def interrupt() -> None:
    """Do what Ctrl-C does: it reaches the process that the user started, which tells its workers."""
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        signal.raise_signal(signal.SIGINT)
    else:
        os.kill(parent.pid, signal.SIGINT)

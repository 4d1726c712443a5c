"""Videos of the first environment while a run trains or plays (`capture_video=True`)."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

from learning.typed_config import ConfigError
from learning.vecenv import ObsDict, VecEnv

CAMERA_DISTANCE = 4.0  # [m]
ROOT_BODY = 1  # MuJoCo's id of the first actor's root; 0 is the world


def free_path(path: Path) -> Path:
    """Return `path`, or with `_2`, `_3`, … before its suffix the first that is not there yet."""
    numbered = (path.with_stem(f"{path.stem}_{number}") for number in itertools.count(2))
    return next(candidate for candidate in itertools.chain([path], numbered) if not candidate.exists())


class RecordVideo:
    """A vectorised environment that also films its first environment.

    Frames go to the encoder one by one, so a long video takes no more memory than a short one.

    Args:
        env: a task of this repository; it has `dt`, `control_freq_inv`, and `render_frame` or else `gym` and
            `sim`.
        directory: where `step_<N>.mp4` files go, beside those that are there already; made when the first
            video starts.
        every: control steps between the starts of two videos.
        length: control steps a video.
    """

    def __init__(self, env: Any, directory: Path, every: int, length: int) -> None:
        self.env = env
        self.directory = directory
        self.every, self.length = every, length
        self.num_steps = 0
        self._writer: Any = None
        self._renderer: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def step(self, actions: Any) -> tuple[ObsDict, Any, Any, dict[str, Any]]:
        """Step the environment and, within a video, add a frame."""
        result = self.env.step(actions)
        phase = self.num_steps % self.every
        if phase == 0:
            self._start()
        if phase < self.length:
            self._writer.append_data(self._frame())
        if phase == self.length - 1 or phase == self.every - 1:
            self._finish()
        self.num_steps += 1
        return result

    def close(self) -> None:
        """End the video and free the environment."""
        self._finish()
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        self.env.close()

    def _start(self) -> None:
        import imageio.v2 as imageio

        self._finish()
        self.directory.mkdir(parents=True, exist_ok=True)
        path = free_path(self.directory / f"step_{self.num_steps}.mp4")
        frames_a_second = 1.0 / (self.env.dt * self.env.control_freq_inv)
        self._writer = imageio.get_writer(path, fps=frames_a_second, macro_block_size=None)

    def _frame(self) -> Any:
        if hasattr(self.env, "render_frame"):  # an environment that draws itself
            return self.env.render_frame()
        from mjgym.rendering import OffscreenRenderer, TrackingCamera

        model, data = self.env.gym.get_env_model_data(self.env.sim, 0)
        if self._renderer is None:
            self._renderer = OffscreenRenderer(model, width=640, height=480)
        return self._renderer.render(data, TrackingCamera(body=ROOT_BODY, distance=CAMERA_DISTANCE))

    def _finish(self) -> None:
        if self._writer is not None:
            with contextlib.closing(self._writer):
                self._writer = None


def check_video() -> None:
    """Make sure, before anything is built, that a video could be drawn and written.

    Raises:
        ConfigError: the encoder is not installed, or no OpenGL back-end can be found.
    """
    from mjgym.rendering import RenderingUnavailableError, choose_gl_backend

    try:
        import imageio.v2  # noqa: F401
        import imageio_ffmpeg  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"capture_video=True: {error.name} is missing; pip install -e '.[video]'"
        ) from error
    try:
        choose_gl_backend()
    except RenderingUnavailableError as error:
        raise ConfigError(f"capture_video=True: {error}") from error


def recorded(env: VecEnv, directory: Path, every: int, length: int) -> VecEnv:
    """Return `env` with a camera on its first environment."""
    return RecordVideo(env, directory, every, length)

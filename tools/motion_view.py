"""Pictures of clips: frames side by side in a PNG, or a video, drawn off-screen with our character."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from mjgym.rendering import OffscreenRenderer, TrackingCamera
from tasks.amp.character import Character
from tasks.amp.motion import Motion, MotionError
from tools.character_model import load_model, motion_qpos

VIDEO_FPS = 30.0
CAMERA_DISTANCE = 3.0  # [m]
CAMERA_HEIGHT = 0.85  # of the point looked at [m]
ELEVATION = -10.0  # [degree]
PICTURE = (256, 384)  # width and height of one picture of a strip [pixel]
VIDEO = (640, 480)  # both a multiple of 16, which encoders like
SIDE_VIEW = 90.0  # azimuth from which a clip that goes along x is seen from its right [degree]


def write_strip(motion: Motion, character: Character, path: Path, num_frames: int, azimuth: float) -> None:
    """Draw `num_frames` poses, evenly spaced over the clip, side by side into a PNG."""
    import imageio.v2 as imageio

    times = np.linspace(0.0, motion.duration, num_frames)
    pictures = list(_pictures(motion, character, times, azimuth, *PICTURE))
    imageio.imwrite(path, np.concatenate(pictures, axis=1))


def write_video(motion: Motion, character: Character, path: Path, repeats: int, azimuth: float) -> None:
    """Draw the clip, `repeats` times over, into an mp4 at its own pace."""
    import imageio.v2 as imageio

    count = max(1, round(motion.duration * repeats * VIDEO_FPS))
    times = np.arange(count) / VIDEO_FPS
    writer: Any = imageio.get_writer(path, fps=VIDEO_FPS, macro_block_size=None)
    with contextlib.closing(writer):
        for picture in _pictures(motion, character, times, azimuth, *VIDEO):
            writer.append_data(picture)


def write(
    motion: Motion, character: Character, path: Path, num_frames: int, repeats: int, azimuth: float
) -> None:
    """Write a strip (.png) or a video (.mp4), whichever the suffix says.

    Raises:
        MotionError: another suffix.
        RenderingUnavailableError: no OpenGL back-end starts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        write_strip(motion, character, path, num_frames, azimuth)
    elif path.suffix == ".mp4":
        write_video(motion, character, path, repeats, azimuth)
    else:
        raise MotionError(f"-o {path}: must end in .mp4 for a video or in .png for a strip of frames")


def _pictures(
    motion: Motion, character: Character, times: np.ndarray, azimuth: float, width: int, height: int
) -> Iterator[np.ndarray]:
    """Yield a picture for each time [s], the camera going with the root over the ground."""
    model = load_model(with_ground=True)
    data = mujoco.MjData(model)
    cycles, frames = _frames_at(motion, times)
    qpos = motion_qpos(character, motion)
    advance = motion.root_pos[-1, :2] - motion.root_pos[0, :2]
    with OffscreenRenderer(model, width, height) as renderer:
        for cycle, frame in zip(cycles, frames, strict=True):
            data.qpos[:] = qpos[frame]
            data.qpos[:2] += cycle * advance if motion.loop == "wrap" else 0.0
            mujoco.mj_forward(model, data)
            x, y = data.qpos[:2]
            camera = TrackingCamera(
                target=(x, y, CAMERA_HEIGHT), distance=CAMERA_DISTANCE, azimuth=azimuth, elevation=ELEVATION
            )
            yield renderer.render(data, camera)


def _frames_at(motion: Motion, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cycle and the nearest frame of each time [s]; a clip begins anew after its end."""
    cycles = np.floor(times / motion.duration - 1e-6).astype(int).clip(min=0)
    frames = np.rint((times - cycles * motion.duration) * motion.fps).astype(int)
    return cycles, frames.clip(max=motion.num_frames - 1)

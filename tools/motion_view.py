"""Pictures of clips: frames side by side in a PNG, or a video, drawn off-screen with our character."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import torch

from mjgym.rendering import OffscreenRenderer, TrackingCamera
from tasks.amp.character import Character
from tasks.amp.motion import Motion, MotionError
from tasks.amp.motion_lib import MotionLib
from tools.character_model import load_model, qpos_of

VIDEO_FPS = 30.0
CAMERA_DISTANCE = 3.0  # [m]
CAMERA_HEIGHT = 0.85  # of the point looked at [m]
ELEVATION = -10.0  # [degree]
PICTURE = (256, 384)  # width and height of one picture of a strip [pixel]
VIDEO = (640, 480)  # both a multiple of 16, which encoders like


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
    with OffscreenRenderer(model, width, height) as renderer:
        for qpos in qpos_at(motion, character, times):
            data.qpos[:] = qpos
            mujoco.mj_forward(model, data)
            x, y = data.qpos[:2]
            camera = TrackingCamera(
                target=(x, y, CAMERA_HEIGHT), distance=CAMERA_DISTANCE, azimuth=azimuth, elevation=ELEVATION
            )
            yield renderer.render(data, camera)


def qpos_at(motion: Motion, character: Character, times: np.ndarray) -> np.ndarray:
    """Poses at times (n,) [s] as qpos (n, nq), as training sees them; a clip that clamps begins anew."""
    if motion.loop == "clamp":
        times = np.where(times > motion.duration, np.remainder(times, motion.duration), times)
    moments = torch.as_tensor(times, dtype=torch.float32)
    state = MotionLib([motion], [1.0], character).state(torch.zeros(len(times), dtype=torch.long), moments)
    return qpos_of(character, state.root_pos.numpy(), state.local_rot.numpy())

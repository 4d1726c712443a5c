"""DeepMimic's `.txt` clips (Peng et al. 2018): JSON with 44 numbers a frame, y up.

Columns: duration [s], root position 3, then rotations where `COLUMNS` says: quaternions wxyz for the root
(world) and spherical joints (relative to the parent), one angle for knees and elbows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tasks.amp.character import Character
from tasks.amp.motion import Motion, MotionError
from tools.motion_edit import resample

COLUMNS = {
    "pelvis": 4, "torso": 8, "head": 12, "right_thigh": 16, "right_shin": 20, "right_foot": 21,
    "right_upper_arm": 25, "right_lower_arm": 29, "left_thigh": 30, "left_shin": 34, "left_foot": 35,
    "left_upper_arm": 39, "left_lower_arm": 43,
}  # fmt: skip
HINGES = ("right_shin", "right_lower_arm", "left_shin", "left_lower_arm")
NUM_COLUMNS = 44
DURATION, ROOT_POS = 0, slice(1, 4)
SOURCE = "DeepMimic (Peng et al. 2018), MIT licence; as distributed with Bullet (zlib licence)"


def read(path: Path, character: Character) -> Motion:
    """Read a clip for the humanoid whose bodies `COLUMNS` names; its other bodies stay at rest.

    Frames that do not last equally long are sampled anew, at the rate of most of them.

    Raises:
        MotionError: the file is no DeepMimic humanoid.
    """
    try:
        return _read(path, character)
    except MotionError as error:
        raise MotionError(f"{path}: {error}") from None


def _read(path: Path, character: Character) -> Motion:
    frames, loop = _parse(path)
    unknown = sorted(set(COLUMNS) - set(character.body_names))
    if unknown:
        raise MotionError(f"{character.name} has no body {unknown[0]}, which DeepMimic's humanoid has")
    root_pos = _z_up(frames[:, ROOT_POS])
    local_rot = np.zeros((len(frames), character.num_bodies, 4))
    local_rot[..., 3] = 1.0
    for name, column in COLUMNS.items():
        local_rot[:, character.body_index(name)] = _rotation(frames, name, column)
    root_pos, local_rot, fps = _evenly_timed(frames[:, DURATION], root_pos, local_rot)
    return Motion(
        path.stem.removeprefix("humanoid3d_"), fps, loop, character.body_names, root_pos, local_rot, SOURCE
    )


def _parse(path: Path) -> tuple[np.ndarray, Any]:
    try:
        content = json.loads(path.read_text())
        frames = np.array(content["Frames"], dtype=np.float64)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise MotionError(f"is no DeepMimic clip: {error}") from None
    if frames.ndim != 2 or frames.shape[1] != NUM_COLUMNS or len(frames) < 2:
        raise MotionError(
            f"frames have shape {frames.shape}; a DeepMimic humanoid has two or more, "
            f"of {NUM_COLUMNS} numbers each"
        )
    return frames, "wrap" if content.get("Loop") == "wrap" else "clamp"


def _z_up(vectors: np.ndarray) -> np.ndarray:
    """Turn vectors (…, 3) from y up to z up: x stays forward, z (right) becomes -y."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def _rotation(frames: np.ndarray, name: str, column: int) -> np.ndarray:
    """One body's rotations (T, 4) xyzw."""
    if name in HINGES:  # about DeepMimic's z-axis, which is our -y
        half = -0.5 * frames[:, column]
        zero = np.zeros_like(half)
        return np.stack([zero, np.sin(half), zero, np.cos(half)], axis=-1)
    quat = frames[:, column : column + 4]
    length = np.linalg.norm(quat, axis=-1, keepdims=True)  # several clips hold others than of unit length
    quat = quat / np.maximum(length, 1e-9)
    return np.concatenate([_z_up(quat[:, 1:]), quat[:, :1]], axis=-1)


def _evenly_timed(
    durations: np.ndarray, root_pos: np.ndarray, local_rot: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Sample frames at one rate; the last duration does not count, it is often 0."""
    steps = durations[:-1]
    if not (steps > 0).all():
        raise MotionError(f"a frame before the last lasts {steps.min()} s; durations must be positive")
    fps = round(float(1.0 / np.median(steps)), 2)
    if np.allclose(steps, steps[0], rtol=1e-2):
        return root_pos, local_rot, fps
    return *resample(np.concatenate([[0.0], np.cumsum(steps)]), root_pos, local_rot, fps), fps

"""What is done to clips on the way into our format: sampling at another rate, lifting out of the ground."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from tasks.amp.character import Character, forward_kinematics
from tasks.amp.ground import ShapePoints, lowest_heights
from tasks.amp.motion import Motion
from tasks.amp.rotations import slerp

LIFT_TIME = 0.1  # a lift begins this long before it is needed, and ends as long after [s]


def resample(
    times: np.ndarray, root_pos: np.ndarray, local_rot: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate frames at another, even rate: positions linearly, rotations on the shorter arc.

    Args:
        times: (T,) rising times of the frames [s].
        root_pos: (T, 3).
        local_rot: (T, B, 4).
        fps: frames a second of the result, which begins with the first frame.
    """
    wanted = np.arange(times[0], times[-1] + 0.5 / fps, 1.0 / fps).clip(max=times[-1])
    before = np.searchsorted(times, wanted, side="right").clip(1, len(times) - 1) - 1
    blend = (wanted - times[before]) / (times[before + 1] - times[before])
    start, end = torch.from_numpy(local_rot[before]), torch.from_numpy(local_rot[before + 1])
    rotations = slerp(start, end, torch.from_numpy(blend).view(-1, 1, 1))
    positions = root_pos[before] + blend[:, None] * (root_pos[before + 1] - root_pos[before])
    return positions, rotations.numpy()


def lowest_points(motion: Motion, character: Character, shapes: ShapePoints) -> np.ndarray:
    """Return the height of the lowest point of the character in each frame, (T,) [m]."""
    root_pos, local_rot = torch.from_numpy(motion.root_pos), torch.from_numpy(motion.local_rot)
    return lowest_heights(shapes, *forward_kinematics(character, root_pos, local_rot)).amin(dim=-1).numpy()


def lift_above_ground(motion: Motion, character: Character, shapes: ShapePoints) -> Motion:
    """Raise the root where a shape is under the ground, smoothly and no more than that takes.

    The lift of a frame is the mean, over `LIFT_TIME` to both sides, of the largest lift needed within
    `LIFT_TIME`: never less than the frame itself needs. Clips that wrap are treated as the ring they are.
    """
    needed = np.maximum(0.0, -lowest_points(motion, character, shapes))
    reach = min(round(LIFT_TIME * motion.fps), (motion.num_frames - 1) // 2)
    ring = needed[:-1] if motion.loop == "wrap" else needed
    mode = "wrap" if motion.loop == "wrap" else "edge"
    largest = _windows(ring, reach, mode).max(axis=-1)
    lift = _windows(largest, reach, mode).mean(axis=-1)
    if motion.loop == "wrap":
        lift = np.append(lift, lift[0])
    root_pos = motion.root_pos + np.stack([0 * lift, 0 * lift, lift], axis=-1)
    return dataclasses.replace(motion, root_pos=root_pos)


def _windows(values: np.ndarray, reach: int, mode: str) -> np.ndarray:
    """Every value with `reach` neighbours on both sides: (T, 2·reach + 1)."""
    padded = np.pad(values, reach, mode=mode)  # type: ignore[call-overload]
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)

"""What is done to clips on the way into our format: sampling at another rate, lifting out of the ground."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from tasks.amp.character import Character, forward_kinematics
from tasks.amp.ground import ShapePoints, lowest_heights
from tasks.amp.motion import Motion
from tasks.amp.rotations import slerp

LIFT_SPEED = 1.0  # how fast a lift may grow before it is needed, and shrink afterwards [m/s]


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
    """Raise the root where a shape is under the ground, by no more than that takes.

    The lift is the least that is enough in every frame and changes by `LIFT_SPEED` at most, so that a frame
    deep under the ground does not leave those around it in the air. Clips that wrap are treated as the ring
    they are.
    """
    needed = np.maximum(0.0, -lowest_points(motion, character, shapes))
    ring = needed[:-1] if motion.loop == "wrap" else needed
    frames = np.arange(len(ring))
    apart = np.abs(frames[:, None] - frames)
    if motion.loop == "wrap":
        apart = np.minimum(apart, len(ring) - apart)
    lift = (ring - LIFT_SPEED / motion.fps * apart).max(axis=-1)
    if motion.loop == "wrap":
        lift = np.append(lift, lift[0])
    return dataclasses.replace(motion, root_pos=motion.root_pos + lift[:, None] * np.array([0.0, 0.0, 1.0]))

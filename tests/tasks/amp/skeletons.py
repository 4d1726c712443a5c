"""A small character whose poses can be worked out by hand."""

import math

import numpy as np
import torch

from tasks.amp.character import Character, Joint
from tasks.amp.motion import Motion

ARM_BODIES = ("base", "upper", "lower", "hand")


def arm() -> Character:
    """A spherical shoulder 1 m above the base, an elbow about y 1 m further along x, a fixed hand."""
    return Character(
        name="arm",
        body_names=ARM_BODIES,
        parents=(-1, 0, 1, 2),
        offsets=torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.0]]),
        joints=(
            Joint(1, slice(0, 3), None),
            Joint(2, slice(3, 4), (0.0, 1.0, 0.0)),
            Joint(3, slice(4, 4), None),
        ),
    )


def about(axis: str, angle: float) -> list[float]:
    """Quaternion xyzw of a turn about x, y or z [rad]."""
    vector = [math.sin(angle / 2) if name == axis else 0.0 for name in "xyz"]
    return [*vector, math.cos(angle / 2)]


def arm_motion(
    elbow: list[float],
    root_pos: list[list[float]] | None = None,
    yaw: list[float] | None = None,
    shoulder: list[list[float]] | None = None,
    fps: float = 10.0,
    loop: str = "clamp",
    name: str = "arm",
) -> Motion:
    """A clip of the arm: the elbow's angles, the root's path and heading, the shoulder's quaternions."""
    frames = len(elbow)
    rot = np.tile([0.0, 0.0, 0.0, 1.0], (frames, 4, 1))
    rot[:, 0] = [about("z", angle) for angle in yaw or [0.0] * frames]
    if shoulder is not None:
        rot[:, 1] = shoulder
    rot[:, 2] = [about("y", angle) for angle in elbow]
    return Motion(name, fps, loop, ARM_BODIES, np.array(root_pos or [[0.0] * 3] * frames), rot, "made up")

"""What can be said of a clip in a line: length, speeds, heights, how well it repeats."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from rich.table import Table

from tasks.amp.character import Character
from tasks.amp.ground import ShapePoints
from tasks.amp.motion import Motion, seam_angle
from tools.motion_edit import lowest_points


class Facts(NamedTuple):
    """Measures of a clip."""

    speed: float
    """of the root over the ground [m/s]: from end to end for a clip that wraps, along its path for others"""
    root_height: tuple[float, float]
    """least and most [m]"""
    joint_speed: float
    """of the fastest joint between two frames [rad/s]"""
    lowest: float
    """height of the lowest point of any shape in any frame [m]; negative is under the ground"""
    seam: float | None
    """largest angle of a joint between last and first frame [rad]; None for a clip that does not wrap"""


def measure(motion: Motion, character: Character, shapes: ShapePoints) -> Facts:
    """Measure a clip of the character whose shapes are given."""
    planar = motion.root_pos[:, :2].astype(np.float64)
    if motion.loop == "wrap":
        distance = np.linalg.norm(planar[-1] - planar[0])
    else:
        distance = np.linalg.norm(np.diff(planar, axis=0), axis=-1).sum()
    return Facts(
        speed=float(distance) / motion.duration,
        root_height=(float(motion.root_pos[:, 2].min()), float(motion.root_pos[:, 2].max())),
        joint_speed=_largest_joint_speed(motion),
        lowest=float(lowest_points(motion, character, shapes).min()),
        seam=seam_angle(motion) if motion.loop == "wrap" else None,
    )


def _largest_joint_speed(motion: Motion) -> float:
    joints = motion.local_rot[:, 1:].astype(np.float64)
    # The chord between unit quaternions is 2 sin(angle/4): exact for small angles too, unlike an arc cosine.
    chord = np.linalg.norm(joints[1:] - joints[:-1], axis=-1)
    return float(4.0 * np.arcsin(np.minimum(1.0, 0.5 * chord)).max()) * motion.fps


def table(motions: list[Motion], facts: list[Facts]) -> Table:
    """Lay out a line for each clip."""
    result = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    result.add_column("clip", overflow="fold")
    for column in (
        "frames", "fps", "length\n[s]", "loop", "speed\n[m/s]", "height\n[m]", "joints\n[rad/s]",
        "lowest\n[m]", "seam\n[°]",
    ):  # fmt: skip
        result.add_column(column, justify="right", no_wrap=True)
    for motion, fact in zip(motions, facts, strict=True):
        result.add_row(
            motion.name,
            str(motion.num_frames),
            f"{motion.fps:.4g}",
            f"{motion.duration:.2f}",
            motion.loop,
            f"{fact.speed:.2f}",
            f"{fact.root_height[0]:.2f}–{fact.root_height[1]:.2f}",
            f"{fact.joint_speed:.1f}",
            f"{fact.lowest:+z.3f}",
            "–" if fact.seam is None else f"{math.degrees(fact.seam):.1f}",
        )
    return result

"""What a BVH file holds: joints, their offsets, and where each is in every frame, in the file's own axes.

bvhio reads the hierarchy; the table of numbers, which may be long, is turned into poses all frames at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bvhio
import numpy as np
from scipy.spatial.transform import Rotation

from tasks.amp.motion import MotionError
from tools.motion_readers.pickles import MAX_BYTES

AXES = "XYZ"
HEADER_LINES = 2  # "Frames:" and "Frame Time:"


@dataclass(frozen=True)
class Skeleton:
    """J joints, each after its parent; positions in the file's unit of length."""

    names: list[str]
    parents: list[int]
    """-1 for the root"""
    offsets: np.ndarray
    """(J, 3) from the parent at rest"""
    channels: list[list[str]]
    """such as Xposition and Zrotation, in the order of their columns"""


@dataclass(frozen=True)
class Poses:
    """A skeleton in T frames, in the world of the file."""

    positions: np.ndarray
    """(T, J, 3)"""
    rotations: list[Rotation]
    """for each joint (T); at rest they are none"""
    fps: float


def read_bvh(path: Path) -> tuple[Skeleton, Poses]:
    """Read a BVH file.

    Raises:
        MotionError: it cannot be read as that.
    """
    rows, fps = _read_rows(path)
    try:
        root = bvhio.readAsBvh(str(path), loadKeyFrames=False).Root
        skeleton = _skeleton(root)
    except Exception as error:  # bvhio checks little: an unusual file ends in an error of any kind
        reason = error.args[0] if isinstance(error, SyntaxError) and error.args else error
        raise MotionError(f"{path}: its hierarchy is no BVH hierarchy ({reason})") from None
    width = sum(len(channels) for channels in skeleton.channels)
    if rows.shape[1] != width:
        raise MotionError(f"{path}: frames have {rows.shape[1]} numbers, its joints {width} channels")
    try:
        return skeleton, _poses(skeleton, rows, fps)
    except ValueError as error:
        raise MotionError(f"{path}: its channels cannot be read ({error})") from None


def world_positions(
    skeleton: Skeleton, local: np.ndarray, rotations: list[Rotation]
) -> tuple[np.ndarray, list[Rotation]]:
    """Return positions (T, J, 3) and rotations (T) of joints from those relative to their parents."""
    positions = local.copy()
    world = rotations[:1]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        positions[:, joint] = positions[:, parent] + world[parent].apply(local[:, joint])
        world.append(world[parent] * rotations[joint])
    return positions, world


def _read_rows(path: Path) -> tuple[np.ndarray, float]:
    """The frames' numbers (T, columns), and frames a second.

    bvhio would wait forever for the end of a file that stops early, so the numbers of lines are checked here.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionError(f"{path}: {path.stat().st_size} bytes; a motion has at most {MAX_BYTES}")
        lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        start = lines.index("MOTION") + 1
        num_frames, seconds = int(lines[start].split()[-1]), float(lines[start + 1].split()[-1])
        rows = [line.split() for line in lines[start + HEADER_LINES :]]
        if not 2 <= num_frames <= len(rows):
            raise ValueError(f"{num_frames} frames announced, {len(rows)} there; at least 2 are needed")
        table = np.array(rows[:num_frames], dtype=np.float64)
        if not (np.isfinite(table).all() and seconds > 0):
            raise ValueError("NaN, infinite numbers, or a frame time that is not positive")
    except OSError as error:
        raise MotionError(f"{path}: cannot be read ({error.strerror})") from None
    except MotionError:
        raise
    except (ValueError, IndexError) as error:
        raise MotionError(f"{path}: is no whole BVH file ({error})") from None
    return table, round(1.0 / seconds, 2)


def _skeleton(root: bvhio.BvhJoint) -> Skeleton:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []

    def add(joint: bvhio.BvhJoint, parent: int) -> None:
        index = len(names)
        names.append(joint.Name)
        parents.append(parent)
        offsets.append([float(part) for part in joint.Offset])
        channels.append(list(joint.Channels))
        for child in joint.Children:
            add(child, index)

    add(root, -1)
    return Skeleton(names, parents, np.array(offsets), channels)


def _poses(skeleton: Skeleton, rows: np.ndarray, fps: float) -> Poses:
    local = np.tile(skeleton.offsets, (len(rows), 1, 1))
    rotations = []
    column = 0
    for joint, channels in enumerate(skeleton.channels):
        order = ""
        angles: list[np.ndarray] = []
        for channel in channels:
            axis, kind = channel[:1].upper(), channel[1:].lower()
            if axis not in AXES or kind not in ("position", "rotation"):
                raise ValueError(f"{channel!r} of joint {skeleton.names[joint]!r} is none of BVH's channels")
            if kind == "position":
                local[:, joint, AXES.index(axis)] = rows[:, column]
            else:
                order, angles = order + axis, [*angles, rows[:, column]]
            column += 1
        rotations.append(_euler(order, angles, len(rows)))
    positions, world = world_positions(skeleton, local, rotations)
    return Poses(positions, world, fps)


def _euler(order: str, angles: list[np.ndarray], num_frames: int) -> Rotation:
    """Rotations (T) about a joint's own axes, one after the other [degree]."""
    if not order:
        return Rotation.from_quat(np.tile([0.0, 0.0, 0.0, 1.0], (num_frames, 1)))
    return Rotation.from_euler(order, np.stack(angles, axis=-1), degrees=True)

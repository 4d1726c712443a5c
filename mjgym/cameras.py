"""Cameras: where they look, what they project to which pixel, and the memory of their pictures.

A camera looks along the x axis of its pose, with z up in the picture. Nothing here draws, see
:mod:`mjgym.graphics`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Final

import mujoco
import numpy as np
import torch

from mjgym.structs.enums import CameraFollowMode, ImageType
from mjgym.structs.geometry import Quat, Transform, Vec3
from mjgym.structs.params import CameraProperties

FARTHEST: Final = 1000.0
"""Most that a camera sees [m]: the ground is drawn as far, and would be coarse if it reached much farther."""

NEAREST: Final = 0.01
"""Nearest that a camera sees [m]: the depth buffer's steps grow as the near plane comes nearer."""

_AXES: Final = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Columns: the picture's right, up and back, in the axes of the camera's pose."""


@dataclass
class Camera:
    """A camera and its last pictures.

    Attributes:
        props: size, field of view and clipping planes.
        pose: pose in the environment, or relative to the body that it follows.
        body: number of the body among the environment's, or -1 if it stands still.
        follow: what of the body's pose it follows.
        images: its pictures, from the first time that they are asked for.
        drawn: whether they have been drawn.
    """

    props: CameraProperties
    pose: Transform = field(default_factory=Transform)
    body: int = -1
    follow: CameraFollowMode = CameraFollowMode.FOLLOW_TRANSFORM
    images: CameraImages | None = None
    drawn: bool = False

    def place(self, pose: Transform, body: int = -1, follow: int = CameraFollowMode.FOLLOW_TRANSFORM) -> None:
        """Let it stand at a pose in the environment, or at a pose relative to a body that it follows."""
        self.pose = Transform(copy.copy(pose.p), pose.r.normalize())
        self.body, self.follow = body, CameraFollowMode(follow)

    def pose_at(self, position: np.ndarray, quat_wxyz: np.ndarray) -> Transform:
        """Return its pose in the environment where its body has this position (3,) and rotation (4,)."""
        w, x, y, z = (float(part) for part in quat_wxyz)
        carrier = Transform(Vec3(*(float(part) for part in position)), Quat(x, y, z, w))
        if self.follow == CameraFollowMode.FOLLOW_TRANSFORM:
            return carrier * self.pose
        return Transform(carrier.p + self.pose.p, self.pose.r)


class CameraImages:
    """Memory of a camera's pictures, the top row first; written in place from one drawing to the next.

    Attributes:
        host: colour (height, width, 4) uint8; depth (height, width) float32 [m], negative along the view,
            -inf where nothing is; segmentation (height, width) int32. On the CPU.
        shown: the same where the simulation's tensors lie; on the CPU these are one.
    """

    def __init__(self, width: int, height: int, device: str) -> None:
        self.host = {
            ImageType.IMAGE_COLOR: torch.zeros(height, width, 4, dtype=torch.uint8),
            ImageType.IMAGE_DEPTH: torch.full((height, width), -torch.inf),
            ImageType.IMAGE_SEGMENTATION: torch.zeros(height, width, dtype=torch.int32),
        }
        self.shown = {kind: image.to(device) for kind, image in self.host.items()}

    def write(self, color: np.ndarray, depth: np.ndarray, segmentation: np.ndarray) -> None:
        """Replace the pictures by colour (height, width, 3), distance [m] and ids, each (height, width)."""
        own = {
            kind: image.numpy() for kind, image in self.host.items()
        }  # numpy knows the flipped arrays, torch not
        own[ImageType.IMAGE_COLOR][..., :3], own[ImageType.IMAGE_COLOR][..., 3] = color, 255
        own[ImageType.IMAGE_DEPTH][:], own[ImageType.IMAGE_SEGMENTATION][:] = -depth, segmentation
        for kind, image in self.host.items():
            if self.shown[kind] is not image:
                self.shown[kind].copy_(image)


def check_camera_properties(props: CameraProperties) -> CameraProperties:
    """Return a copy of a camera's properties.

    Raises:
        ValueError: if no picture can be drawn with them.
    """
    if props.width < 1 or props.height < 1:
        raise ValueError(f"CameraProperties: {props.width} x {props.height} pixels: both must be at least 1")
    if not 0.0 < props.horizontal_fov < 180.0:
        raise ValueError(
            f"CameraProperties.horizontal_fov = {props.horizontal_fov}: must be between 0 and 180 degrees"
        )
    if not (0.0 < props.near_plane < min(props.far_plane, FARTHEST) and props.far_plane > NEAREST):
        raise ValueError(
            f"CameraProperties: near_plane = {props.near_plane}, far_plane = {props.far_plane}: the near one "
            f"must be above 0, the far one farther, and they must leave some of {NEAREST:g} to {FARTHEST:g} m"
        )
    return copy.copy(props)


def look_at(position: Vec3, target: Vec3, up: Vec3) -> Transform:
    """Return the pose of a camera at a position that looks at a target, with ``up`` up in the picture.

    Raises:
        ValueError: if position and target are the same point.
    """
    forward = (target - position).normalize()
    if forward.length_sq() == 0.0:
        raise ValueError(f"a camera at {position.as_tuple()} cannot look at the point where it is itself")
    left = up.cross(forward)
    if left.length_sq() < 1e-12:  # straight up or down: any direction may be up in the picture
        left = (Vec3(1.0, 0.0, 0.0) if abs(forward.x) < 0.9 else Vec3(0.0, 1.0, 0.0)).cross(forward)
    left = left.normalize()
    columns = np.array([axis.as_tuple() for axis in (forward, left, forward.cross(left))]).T
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, columns.reshape(9))
    w, x, y, z = (float(part) for part in quat)
    return Transform(copy.copy(position), Quat(x, y, z, w))


def view_axes(pose: Transform) -> np.ndarray:
    """Return the picture's right, up and back as columns (3, 3)."""
    q = pose.r
    flat = np.zeros(9)
    mujoco.mju_quat2Mat(flat, np.array((q.w, q.x, q.y, q.z)))
    return np.asarray(flat.reshape(3, 3) @ _AXES)


def view_matrix(pose: Transform) -> np.ndarray:
    """Return (4, 4) float32 that takes a row [x, y, z, 1] to the camera's axes: right, up, back."""
    axes = view_axes(pose)
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[3, :3] = -np.array(pose.p.as_tuple()) @ axes
    return matrix.astype(np.float32)


def projection_matrix(props: CameraProperties) -> np.ndarray:
    """Return (4, 4) float32 that takes a row in the camera's axes to x, y in [-1, 1], times the distance.

    The last column divides: w is the distance along the view. Depth is 1 at the near plane and 0 at the far
    one.
    """
    near, far = props.near_plane, props.far_plane
    scale = 1.0 / np.tan(0.5 * np.radians(props.horizontal_fov))
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = scale, scale * props.width / props.height
    matrix[2, 2:] = near / (far - near), -1.0
    matrix[3, 2] = near * far / (far - near)
    return matrix.astype(np.float32)

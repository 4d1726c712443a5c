"""One motion clip, and the file format that clips are kept in: `.npz` without pickled objects.

A file holds `version`, `name`, `fps`, `loop` ("wrap" or "clamp"), `body_names` (B,), `root_pos` (T, 3) [m], `local_rot`
(T, B, 4) xyzw and `source`. z is up; `local_rot[:, 0]` is the root's world rotation, the others are relative to the
parent. The last frame of a clip that wraps is its first pose again, displaced: see `close_loop`.
"""

from __future__ import annotations

import dataclasses
import math
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from tasks.amp.rotations import quat_to_exp_map, slerp, yaw_of, yaw_quat

FORMAT_VERSION = 1
FIELDS = ("version", "name", "fps", "loop", "body_names", "root_pos", "local_rot", "source")
LOOPS = ("wrap", "clamp")
CLOSED_SEAM = 0.5  # of a typical step: a seam smaller than this is the loop's closing frame already


class MotionError(ValueError):
    """A motion that cannot be used; the message names the file, the value and the rule."""


@dataclass(frozen=True)
class Motion:
    """A clip of T frames of a character with B bodies, numpy float32.

    Neighbouring quaternions are made to lie in one hemisphere, all to unit length.
    """

    name: str
    fps: float
    loop: Literal["wrap", "clamp"]
    body_names: tuple[str, ...]
    root_pos: np.ndarray
    """(T, 3) [m]"""
    local_rot: np.ndarray
    """(T, B, 4) xyzw, relative to the parent; the root's is its world rotation"""
    source: str = ""
    """where it is from: credit and licence"""

    def __post_init__(self) -> None:
        """Check shapes and values, and tidy the quaternions."""
        root_pos = np.asarray(self.root_pos, dtype=np.float32)
        local_rot = np.asarray(self.local_rot, dtype=np.float64)
        shape = (len(root_pos), len(self.body_names), 4)
        _require(self.loop in LOOPS, f"loop={self.loop!r}: must be one of {', '.join(LOOPS)}")
        _require(math.isfinite(self.fps) and self.fps > 0, f"fps={self.fps}: must be positive")
        _require(len(root_pos) >= 2, f"{len(root_pos)} frames: a motion has at least two")
        _require(root_pos.shape == (shape[0], 3), f"root_pos has shape {root_pos.shape}: must be (frames, 3)")
        _require(local_rot.shape == shape, f"local_rot has shape {local_rot.shape}: must be {shape}")
        _require(bool(np.isfinite(root_pos).all()), "root_pos holds NaN or infinite numbers")
        _require(bool(np.isfinite(local_rot).all()), "local_rot holds NaN or infinite numbers")
        length = np.linalg.norm(local_rot, axis=-1, keepdims=True)
        _require(bool((length > 1e-3).all()), "local_rot holds a quaternion of length 0")
        object.__setattr__(self, "root_pos", root_pos)
        object.__setattr__(self, "local_rot", _one_hemisphere(local_rot / length).astype(np.float32))

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.root_pos)

    @property
    def duration(self) -> float:
        """Time from the first frame to the last [s]."""
        return (self.num_frames - 1) / self.fps


def save_motion(motion: Motion, path: str | Path) -> None:
    """Write a motion; the file appears whole or not at all."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    values: dict[str, Any] = {field.name: getattr(motion, field.name) for field in dataclasses.fields(motion)}
    values |= {"version": FORMAT_VERSION, "body_names": np.array(motion.body_names)}
    with temporary.open("wb") as file:
        np.savez_compressed(file, **values)
    os.replace(temporary, path)


def load_motion(path: str | Path) -> Motion:
    """Read a motion that `save_motion` wrote; no code in the file is run.

    Raises:
        MotionError: it cannot be read, is of another version, or breaks a rule of `Motion`.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in FIELDS if name not in file.files]
            _require(
                not missing, f"holds no {', '.join(missing)}; convert it: python -m tools.motion convert"
            )
            values = {name: file[name] for name in FIELDS}
        version = int(values.pop("version"))
        _require(version == FORMAT_VERSION, f"version {version}: this program reads version {FORMAT_VERSION}")
        return Motion(
            name=str(values["name"]),
            fps=float(values["fps"]),
            loop=str(values["loop"]),  # type: ignore[arg-type]
            body_names=tuple(str(name) for name in values["body_names"]),
            root_pos=values["root_pos"],
            local_rot=values["local_rot"],
            source=str(values["source"]),
        )
    except MotionError as error:
        raise MotionError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise MotionError(f"{path}: there is no such file") from None
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise MotionError(f"{path}: is no motion file of Gaitway ({error})") from None


def close_loop(motion: Motion, closing_time: float | None = None, turning: bool = False) -> Motion:
    """Let a clip end in its first pose again, so that it repeats without a jump.

    Mocap loops end one step before they begin anew. The steps that are missing continue the root's planar path at
    the mean of its first and last velocity. A last frame that is the first pose already only becomes exactly so.

    Args:
        motion: a clip; its `loop` becomes "wrap".
        closing_time: time for the missing steps [s]; None: one frame, or as many as joints need that move no faster
            than anywhere in the clip.
        turning: the heading gained over the clip is meant, and grows from cycle to cycle; otherwise every cycle
            begins with the same heading (a step's sway would else turn a straight walk into a circle).
    """
    rotations = torch.from_numpy(motion.local_rot)
    closing_rot = _turned(rotations[0], _heading_gained(rotations)) if turning else rotations[0]
    steps = _closing_steps(rotations, closing_rot)
    if closing_time is not None:
        steps = max(1, round(closing_time * motion.fps))
    path = motion.root_pos.astype(np.float64)
    kept = motion.num_frames if steps else motion.num_frames - 1
    velocity = 0.5 * (path[1] - path[0] + path[-1] - path[-2])
    closing_pos = path[-1] + steps * velocity
    closing_pos[2] = path[0, 2]
    blends = np.arange(1, steps + 1)[:, None] / steps if steps else np.ones((1, 1))
    new_pos = path[-1] + blends * (closing_pos - path[-1])
    new_rot = slerp(
        rotations[-1].expand(len(blends), -1, -1),
        closing_rot.expand(len(blends), -1, -1),
        torch.from_numpy(blends).float().unsqueeze(-1),
    )
    return dataclasses.replace(
        motion,
        loop="wrap",
        root_pos=np.concatenate([path[:kept], new_pos]),
        local_rot=np.concatenate([motion.local_rot[:kept], new_rot.numpy()]),
    )


def seam_angle(motion: Motion) -> float:
    """Return the largest angle of a joint between a clip's last frame and its first [rad], heading left out."""
    rotations = torch.from_numpy(motion.local_rot)
    return float(_angles(rotations[-1], _turned(rotations[0], _heading_gained(rotations))).max())


def _heading_gained(rotations: torch.Tensor) -> torch.Tensor:
    """Heading gained from the first frame to the last, 0-dim, in ±π [rad]."""
    yaw = yaw_of(rotations[[0, -1], 0])
    return torch.remainder(yaw[1] - yaw[0] + math.pi, 2.0 * math.pi) - math.pi


def _turned(pose: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """A pose (B, 4) whose root is turned about the vertical."""
    from isaacgym.torch_utils import quat_mul

    return torch.cat((quat_mul(yaw_quat(turn), pose[0]).unsqueeze(0), pose[1:]))


def _angles(start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Angles (…) between rotations (…, 4) [rad]."""
    cosine = (start * end).sum(dim=-1).abs().clamp(max=1.0)
    return 2.0 * torch.acos(cosine)


def _closing_steps(rotations: torch.Tensor, closing: torch.Tensor) -> int:
    """Frames that the way from the last pose to the closing one takes; 0 if they are the same already."""
    speeds = _angles(rotations[1:], rotations[:-1]).amax(dim=-1)  # fastest joint, rad a frame
    seam = float(_angles(rotations[-1], closing).max())
    if seam < CLOSED_SEAM * float(speeds.median()):
        return 0
    return max(1, math.ceil(seam / float(speeds.max())))


def _one_hemisphere(quats: np.ndarray) -> np.ndarray:
    """Flip quaternions (T, B, 4) where the frame before lies in the other hemisphere."""
    flips = np.where((quats[1:] * quats[:-1]).sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    signs = np.concatenate([np.ones_like(flips[:1]), np.cumprod(flips, axis=0)])
    return quats * signs


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise MotionError(message)

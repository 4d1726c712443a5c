"""One motion clip, and the file format that clips are kept in: `.npz` without pickled objects.

A file holds `version`, `name`, `fps`, `loop` ("wrap" or "clamp"), `body_names` (B,), `root_pos` (T, 3) [m],
`local_rot` (T, B, 4) xyzw and `source`. z is up; `local_rot[:, 0]` is the root's world rotation, the others
are relative to the parent. The last frame of a clip that wraps is its first pose again, displaced: see
`close_loop`.
"""

from __future__ import annotations

import dataclasses
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from tasks.amp.rotations import (
    quat_apply,
    quat_conjugate,
    quat_mul,
    quat_to_exp_map,
    slerp,
    turn_between,
    yaw_quat,
)

FORMAT_VERSION = 1
FIELDS = ("version", "name", "fps", "loop", "body_names", "root_pos", "local_rot", "source")
LOOPS = ("wrap", "clamp")
FAST_STEP = 0.9  # quantile of the frames' steps that counts as a fast step
CLOSED_SEAM = 0.5  # of a fast step: a last frame this near to the first pose is the closing frame already
SAME_POSE = 1e-6  # joints nearer than this count as equal [rad]
MIN_TURN = math.radians(15.0)  # less heading than this gained over a cycle is sway, not turning


class MotionError(ValueError):
    """A motion that cannot be used; the message names the file, the value and the rule."""


@dataclass(frozen=True, eq=False)
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
    except Exception as error:  # numpy and zipfile raise a dozen kinds over a damaged file
        raise MotionError(f"{path}: is no motion file of Gaitway ({error})") from None


def close_loop(motion: Motion, closing_time: float | None = None, turning: bool | None = None) -> Motion:
    """Let a clip end in its first pose again, so that it repeats without a jump.

    Recorded loops end one step before they begin anew. On the way to the closing frame the root's velocity
    goes evenly from its last to its first, turned with the heading; joints go straight to the first pose, in
    one frame, or in as many as keep them no faster than the clip's fastest joint. A last frame that is the
    first pose already, but for position and heading, only becomes exactly so.

    Args:
        motion: a clip; its `loop` becomes "wrap".
        closing_time: time from the last frame to the closing one [s], instead of that rule.
        turning: whether the heading gained over the cycle grows from cycle to cycle; otherwise every cycle
            has the heading of the first. None: if it is `MIN_TURN` or more (a step's sway would else turn a
            straight walk into a circle).
    """
    path, rot = torch.from_numpy(motion.root_pos).double(), torch.from_numpy(motion.local_rot).double()
    steps, turn = _closing(rot, turning, None if closing_time is None else round(closing_time * motion.fps))
    way = torch.linspace(0.0, 1.0, steps + 1)[1:].double() if steps else torch.ones(1).double()
    new_pos = _path_on(path, turn, steps, way.unsqueeze(-1))
    first_pose = _turned(rot[0], turn)
    new_rot = slerp(
        rot[-1:].expand(len(way), -1, -1), first_pose.expand(len(way), -1, -1), way.view(-1, 1, 1)
    )
    kept = motion.num_frames if steps else motion.num_frames - 1
    return dataclasses.replace(
        motion,
        loop="wrap",
        root_pos=torch.cat((path[:kept], new_pos)).numpy(),
        local_rot=torch.cat((rot[:kept], new_rot)).numpy(),
    )


def seam_angle(motion: Motion) -> float:
    """Return the largest angle of a joint between a clip's last and first pose [rad], heading left out."""
    rot = torch.from_numpy(motion.local_rot).double()
    return float(_angles(rot[-1], _turned(rot[0], turn_between(rot[0, 0], rot[-1, 0]))).max())


def _closing(rot: torch.Tensor, turning: bool | None, steps: int | None) -> tuple[int, torch.Tensor]:
    """Frames to the closing one, 0 if the last is it already, and the heading gained by then (0-dim) [rad].

    Args:
        rot: (T, B, 4) of the clip.
        turning: see `close_loop`.
        steps: the frames, if they are given.
    """
    root = rot[:, 0]
    gained = turn_between(root[0], root[-1])
    sway = 0.5 * (turn_between(root[0], root[1]) + turn_between(root[-2], root[-1]))
    if turning is None:
        turning = abs(float(gained + sway)) >= MIN_TURN
    if not turning:
        gained, sway = torch.zeros_like(gained), torch.zeros_like(sway)
    if steps is None:
        steps = _frames_to_close(rot, gained)
    return steps, gained + steps * sway


def _frames_to_close(rot: torch.Tensor, gained: torch.Tensor) -> int:
    """As many as keep joints no faster than the clip's fastest; 0 if the last frame is the first pose."""
    speeds = _angles(rot[1:], rot[:-1]).amax(dim=-1).clamp(min=SAME_POSE)  # of the fastest joint, rad a frame
    seam = float(_angles(rot[-1], _turned(rot[0], gained)).max())
    if seam <= CLOSED_SEAM * float(speeds.quantile(FAST_STEP)):
        return 0
    return math.ceil(seam / float(speeds.max()))


def _path_on(path: torch.Tensor, turn: torch.Tensor, steps: int, way: torch.Tensor) -> torch.Tensor:
    """The root's way (k, 3) from a path's last frame to the closing one, whose height is the first frame's.

    Args:
        path: (T, 3) [m].
        turn: heading gained by the closing frame (0-dim) [rad].
        steps: frames until then.
        way: (k, 1) share of them that has passed.
    """
    step, first_step = path[-1] - path[-2], quat_apply(yaw_quat(turn), path[1] - path[0])
    path_on = path[-1] + steps * way * (step + 0.5 * way * (first_step - step))
    path_on[:, 2:] += way * (path[0, 2] - path_on[-1, 2])
    return path_on


def _turned(pose: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """A pose (B, 4) whose root is turned about the vertical."""
    return torch.cat((quat_mul(yaw_quat(turn), pose[0]).unsqueeze(0), pose[1:]))


def _angles(start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Angles (…) between rotations (…, 4) [rad]."""
    return torch.linalg.vector_norm(quat_to_exp_map(quat_mul(quat_conjugate(start), end)), dim=-1)


def _one_hemisphere(quats: np.ndarray) -> np.ndarray:
    """Flip quaternions (T, B, 4) where the frame before lies in the other hemisphere."""
    flips = np.where((quats[1:] * quats[:-1]).sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    signs = np.concatenate([np.ones_like(flips[:1]), np.cumprod(flips, axis=0)])
    return quats * signs


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise MotionError(message)

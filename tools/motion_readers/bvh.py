"""BVH files of LAFAN1, CMU, Mixamo and others whose joints have names like theirs: y up, any unit of length.

The recorded body need not have our proportions: inverse kinematics brings its poses onto our character.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from tasks.amp.character import Character
from tasks.amp.motion import Motion, MotionError
from tools.motion_readers.bvh_file import Poses, Skeleton, read_bvh, world_positions
from tools.retarget import LANDMARKS, SIDES, Recording, leg_length, our_leg_length, retarget

TRUNK_NAMES = {
    "hips": ("hips", "hip", "pelvis", "root"),
    "chest": ("upperchest", "spine3", "spine2", "spine1", "chest4", "chest3", "chest2", "chest", "spine"),
    "head": ("head",),
}
LIMB_NAMES = {
    "shoulder": ("arm", "uparm", "upperarm", "shoulder"),
    "elbow": ("forearm", "lowarm", "lowerarm", "elbow"),
    "wrist": ("hand", "wrist"),
    "hip": ("upleg", "upperleg", "thigh", "hip"),
    "knee": ("leg", "lowleg", "lowerleg", "shin", "calf", "knee"),
    "ankle": ("foot", "ankle"),
    "toe": ("toebase", "toe", "toes", "ball"),
}
"""What joints are called. The first that a file has is taken: beside an arm, a shoulder is a collar bone."""
OPTIONAL = ("right_toe", "left_toe")
JOINT_NAMES = TRUNK_NAMES | {
    f"{side}_{role}": tuple(side + name for name in names)
    for role, names in LIMB_NAMES.items()
    for side in SIDES
}
TURNING_JOINT = {
    "pelvis": "hips", "torso": "chest", "head": "head",
    "right_foot": "right_ankle", "left_foot": "left_ankle",
}  # fmt: skip
Z_UP = Rotation.from_euler("x", 90, degrees=True)
UNITS = {"m": 1.0, "cm": 0.01, "inch": 0.0254, "mm": 0.001, "CMU's 1/0.45 inch": 0.0254 / 0.45}
UPRIGHT_LEGS, UPRIGHT_HEAD = 0.8, 0.5
"""A rest pose stands if its feet are this far below its hips, and its head above, in lengths of its legs."""
FLAT_SHARE = 10.0
"""percentage of frames, those with the lowest ankle, in which a foot is taken to be flat on the ground"""

_log = logging.getLogger(__name__)


def read(
    path: Path, character: Character, scale: float | None = None, joint_map: Path | None = None
) -> Motion:
    """Read a clip and bring it onto the character.

    Args:
        path: the file.
        character: our humanoid.
        scale: our metres for a unit of the file's length; None: what makes its legs as long as ours.
        joint_map: a YAML file that gives the file's joint for names of `JOINT_NAMES`; others are looked for.

    Raises:
        MotionError: the file is no BVH file, or a joint that is needed was not found.
    """
    if scale is not None and not scale > 0:
        raise MotionError(f"--scale {scale}: must be positive")
    skeleton, poses = read_bvh(path)
    joints = find_joints(skeleton.names, _read_map(joint_map), path)
    positions = {role: Z_UP.apply(poses.positions[:, joint]) for role, joint in joints.items()}
    landmarks = {name: positions[name] for name in LANDMARKS}
    _report_unit(leg_length(landmarks), our_leg_length(character), scale, path)
    recording = Recording(landmarks, _rotations(skeleton, poses, joints, positions))
    root_pos, local_rot = retarget(recording, character, scale)
    return Motion(path.stem, poses.fps, "clamp", character.body_names, root_pos, local_rot, "BVH file")


def find_joints(names: list[str], given: dict[str, str], path: Path) -> dict[str, int]:
    """Return the index of the joint of each name of `JOINT_NAMES`; toes may be missing.

    Args:
        names: of the file's joints.
        given: joints that the user named.
        path: the file, for messages.

    Raises:
        MotionError: one is missing; the message lists the joints that there are, and what to do.
    """
    plain = [_plain(name) for name in names]
    found = {}
    for role, known in JOINT_NAMES.items():
        wanted = [_plain(given[role])] if role in given else known
        match = next((name for name in wanted if name in plain), None)
        if match is not None:
            found[role] = plain.index(match)
        elif role in given or role not in OPTIONAL:
            sought = f"{given[role]!r}" if role in given else "it"
            raise MotionError(
                f"{path}: no joint for {role}: {sought} is not among {', '.join(names)}. Name it with --map "
                f"FILE.yaml, a line '{role}: JOINT'; the names are {', '.join(JOINT_NAMES)}"
            )
    return found


def _plain(name: str) -> str:
    """A joint's name without what differs between programs: a prefix, case, separators."""
    return re.sub(r"^mixamorig\d*|[^a-z0-9]", "", name.rpartition(":")[2].lower())


def _read_map(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        given = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MotionError(f"--map {path}: cannot be read ({error})") from None
    if not isinstance(given, dict) or not all(isinstance(joint, str) for joint in given.values()):
        raise MotionError(f"--map {path}: must hold lines 'NAME: JOINT'")
    if unknown := sorted(set(map(str, given)) - JOINT_NAMES.keys()):
        raise MotionError(f"--map {path}: knows no {unknown[0]!r}; the names are {', '.join(JOINT_NAMES)}")
    return given


def _report_unit(length: float, ours: float, scale: float | None, path: Path) -> None:
    """Say what the unit of length is taken to be."""
    if not length > 0:
        raise MotionError(f"{path}: its legs have no length")
    if scale is not None:
        _log.info(
            "%s: %g m a unit, as given; its legs are %.2f m then, ours %.2f m",
            path,
            scale,
            length * scale,
            ours,
        )
        return
    unit = min(UNITS, key=lambda name: abs(np.log(UNITS[name] * length / ours)))
    _log.info(
        "%s: its unit is taken for %s (legs of %.2f m); all lengths are scaled by %.3f to make its legs ours",
        path, unit, length * UNITS[unit], ours / (length * UNITS[unit]),
    )  # fmt: skip


def _rotations(
    skeleton: Skeleton, poses: Poses, joints: dict[str, int], positions: dict[str, np.ndarray]
) -> dict[str, Rotation]:
    """World rotations (T) of bodies with our axes, from those of joints, whose axes may be any.

    The turn from one to the other is constant. A rest pose that stands shows it, else the mean over the clip.
    """
    upright = _rest_heading(skeleton, joints)
    result = {}
    for body, role in TURNING_JOINT.items():
        joint = Z_UP * poses.rotations[joints[role]]
        if upright is not None:
            result[body] = joint * Z_UP.inv() * upright
            continue
        frames, seen = _seen_rotations(body, positions)
        result[body] = joint * (joint[frames].inv() * seen).mean()
    return result


def _rest_heading(skeleton: Skeleton, joints: dict[str, int]) -> Rotation | None:
    """The turn about the vertical of the body at rest, or None if it does not stand upright there."""
    still = [Rotation.from_quat([[0.0, 0.0, 0.0, 1.0]])] * len(skeleton.names)
    rest, _ = world_positions(skeleton, skeleton.offsets[None].copy(), still)
    at = {role: Z_UP.apply(rest[0, joint]) for role, joint in joints.items()}
    legs = leg_length({name: at[name][None] for name in LANDMARKS})
    reach = [at[f"{side}_hip"][2] - at[f"{side}_ankle"][2] for side in SIDES]
    if min(reach) < UPRIGHT_LEGS * legs or at["head"][2] - at["hips"][2] < UPRIGHT_HEAD * legs:
        return None
    return _frame(y=at["left_hip"] - at["right_hip"], z=np.array([0.0, 0.0, 1.0]))


def _seen_rotations(body: str, at: dict[str, np.ndarray]) -> tuple[np.ndarray, Rotation]:
    """Frames in which joint positions show how a body is turned, and its rotations in these."""
    frames = np.arange(len(at["hips"]))
    if body == "pelvis":
        return frames, _frame(y=at["left_hip"] - at["right_hip"], z=at["chest"] - at["hips"])
    if not body.endswith("foot"):  # the head is taken to look where the chest points, in the mean
        shoulders = 0.5 * (at["left_shoulder"] + at["right_shoulder"])
        return frames, _frame(y=at["left_shoulder"] - at["right_shoulder"], z=shoulders - at["hips"])
    side = body.removesuffix("_foot")
    height = at[f"{side}_ankle"][:, 2]
    frames = np.flatnonzero(height <= np.percentile(height, FLAT_SHARE))
    up = np.tile([0.0, 0.0, 1.0], (len(frames), 1))
    if f"{side}_toe" not in at:
        return frames, _frame(y=(at["left_hip"] - at["right_hip"])[frames], z=up)
    return frames, _frame(y=np.cross(up, (at[f"{side}_toe"] - at[f"{side}_ankle"])[frames]), z=up)


def _frame(y: np.ndarray, z: np.ndarray) -> Rotation:
    """Rotations whose z-axis is along z (…, 3) and whose y-axis is as near to y (…, 3) as can be."""
    z = z / np.linalg.norm(z, axis=-1, keepdims=True).clip(min=1e-9)
    y = y - (y * z).sum(axis=-1, keepdims=True) * z
    y = y / np.linalg.norm(y, axis=-1, keepdims=True).clip(min=1e-9)
    return Rotation.from_matrix(np.stack([np.cross(y, z), y, z], axis=-1))

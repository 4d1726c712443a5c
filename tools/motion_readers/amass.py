"""AMASS' `.npz` files (Mahmood et al. 2019): `poses` (T, 156) of SMPL-H, `trans` (T, 3), `mocap_framerate`.

z is up. A pose is an axis times an angle for each joint: the pelvis, 21 of the body, then hands, which
do not count here; the first 66 columns are the same in SMPL and SMPL-X. The body model itself, under a
licence of its own, is not needed: only joint rotations and the pelvis' path matter, and a skeleton of
the same tree with our character's limbs shows where they lead. Who was recorded (`betas`) does not
count either.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.amp.character import Character
from tasks.amp.motion import Motion, MotionError
from tools.motion_readers.pickles import MAX_BYTES
from tools.retarget import SIDES, Recording, retarget

PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_toe", "right_toe", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
TURNING_JOINT = {
    "pelvis": "pelvis", "torso": "spine3", "head": "head",
    "right_foot": "right_ankle", "left_foot": "left_ankle",
}  # fmt: skip
TRUNK = {
    "spine1": (0.0, 0.11, 0.0), "spine2": (0.0, 0.13, 0.0), "spine3": (0.0, 0.05, 0.0),
    "neck": (0.0, 0.22, 0.0), "head": (0.0, 0.10, 0.03), "collar": (0.07, 0.13, 0.0),
    "shoulder": (0.11, 0.03, 0.0), "toe": (0.0, -0.05, 0.13),
}  # fmt: skip
"""Offsets from the parent in SMPL's axes (x to the left, y up, z forward) of a body with arms spread [m]."""
SMPL_FROM_OURS = Rotation.from_matrix([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
RATES = ("mocap_framerate", "mocap_frame_rate")
SOURCE = "AMASS (Mahmood et al. 2019), non-commercial; see the licence of the data set"


def read(path: Path, character: Character) -> Motion:
    """Read a clip and bring it onto the character by inverse kinematics.

    Raises:
        MotionError: the file is no AMASS clip.
    """
    poses, trans, fps = _load(path)
    rotvecs = poses[:, : 3 * len(JOINTS)].reshape(len(poses), len(JOINTS), 3)
    positions, rotations = _forward(rotvecs, trans, _rest(character))
    recording = Recording(
        positions={
            f"{side}_{joint}": positions[:, JOINTS.index(f"{side}_{joint}")]
            for side in SIDES
            for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        },
        rotations={
            body: rotations[JOINTS.index(joint)] * SMPL_FROM_OURS for body, joint in TURNING_JOINT.items()
        },
    )
    root_pos, local_rot = retarget(recording, character, scale=1.0)
    try:
        return Motion(
            path.stem.removesuffix("_poses"), fps, "clamp", character.body_names, root_pos, local_rot, SOURCE
        )
    except MotionError as error:
        raise MotionError(f"{path}: {error}") from None


def _load(path: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """Poses (T, ≥ 66), pelvis path (T, 3) and frames a second."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise MotionError(f"{path}: unpacks to {size} bytes; a motion has at most {MAX_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            rate = next((name for name in RATES if name in file.files), RATES[0])
            poses, trans, fps = file["poses"], file["trans"], float(file[rate])
        poses, trans = poses.astype(np.float64), trans.astype(np.float64)
    except MotionError:
        raise
    except Exception as error:  # numpy and zipfile raise a dozen kinds over a damaged file
        raise MotionError(
            f"{path}: is no AMASS clip, which has poses, trans and {RATES[0]} ({error})"
        ) from None
    if poses.ndim != 2 or poses.shape[1] < 3 * len(JOINTS) or trans.shape != (len(poses), 3):
        raise MotionError(
            f"{path}: poses have shape {poses.shape} and trans {trans.shape}; must be (frames, 156) "
            f"and (frames, 3)"
        )
    if not (np.isfinite(poses).all() and np.isfinite(trans).all()):
        raise MotionError(f"{path}: poses or trans hold NaN or infinite numbers")
    return poses, trans, fps


def _rest(character: Character) -> np.ndarray:
    """Offsets (22, 3) of the joints from their parents in SMPL's axes [m], with our character's limbs."""

    def bone(name: str) -> float:
        return float(character.offsets[character.body_index(name)].norm())

    hip = float(character.offsets[character.body_index("left_thigh")][1].abs())
    offsets = TRUNK | {
        "pelvis": (0.0, 0.0, 0.0),
        "hip": (hip, 0.0, 0.0),
        "knee": (0.0, -bone("left_shin"), 0.0),
        "ankle": (0.0, -bone("left_foot"), 0.0),
        "elbow": (bone("left_lower_arm"), 0.0, 0.0),
        "wrist": (bone("left_hand"), 0.0, 0.0),
    }
    mirror = np.array([-1.0, 1.0, 1.0])
    return np.array(
        [
            np.array(offsets[joint.removeprefix("left_").removeprefix("right_")])
            * (mirror if joint.startswith("right_") else 1.0)
            for joint in JOINTS
        ]
    )


def _forward(rotvecs: np.ndarray, trans: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, list[Rotation]]:
    """World positions (T, 22, 3) and, for each joint, rotations (T)."""
    positions = np.zeros_like(rotvecs)
    positions[:, 0] = trans
    rotations = [Rotation.from_rotvec(rotvecs[:, 0])]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        positions[:, joint] = positions[:, parent] + rotations[parent].apply(rest[joint])
        rotations.append(rotations[parent] * Rotation.from_rotvec(rotvecs[:, joint]))
    return positions, rotations

"""Brings the pose of another body onto our character by inverse kinematics (mink, on MuJoCo).

A reader hands over where the joints of a recorded body are, and how its trunk, head and feet are turned.
Targets are made of these with our bones' lengths; every frame starts from the frame before.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import mink
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from tasks.amp.character import Character, forward_kinematics
from tools.character_model import load_model, poses_of, qpos_of

SIDES = ("right", "left")
LANDMARKS = tuple(
    f"{side}_{joint}" for side in SIDES for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
TURNED_BODIES = ("pelvis", "torso", "head", "right_foot", "left_foot")
ANKLE_HEIGHT = 0.05
"""of our character on flat feet [m]"""
FLOOR_PERCENTILE = 2.0
"""of the lower ankle's height over a clip: there a foot is taken to be flat on the ground"""

POSITION_COSTS = {"pelvis": 1.0, "foot": 1.0, "shin": 0.2, "lower_arm": 0.3, "hand": 0.5}
ROTATION_COSTS = {"pelvis": 0.5, "torso": 0.5, "head": 0.2, "foot": 0.2, "upper_arm": 0.03, "thigh": 0.03}
POSTURE_COST = 1e-3
DAMPING = 1e-4
MAX_ITERATIONS = 30
FIRST_ITERATIONS = 200
ENOUGH = 1e-4  # a step smaller than this, in rad and m, ends a frame
STRAIGHT = 0.2  # sine of the bend at which a limb's bend and its rest pose count alike for its twist

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recording:
    """What is known of a recorded body in T frames; z is up.

    Args:
        positions: for each name of `LANDMARKS` the joint's position (T, 3), in any unit of length.
        rotations: for each name of `TURNED_BODIES` the world rotation (T) of a body whose axes are those of
            ours: x forward, y left, z up when the body stands upright, its feet flat on the ground.
    """

    positions: dict[str, np.ndarray]
    rotations: dict[str, Rotation]


def leg_length(positions: dict[str, np.ndarray]) -> float:
    """Mean length of the legs from hip to ankle, along the knee."""
    bones = [
        (f"{side}_{a}", f"{side}_{b}") for side in SIDES for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    lengths = [np.linalg.norm(positions[b] - positions[a], axis=-1).mean() for a, b in bones]
    return float(sum(lengths)) / len(SIDES)


def our_leg_length(character: Character) -> float:
    """Length of our legs from hip to ankle [m]."""
    return _bone(character, "right_shin") + _bone(character, "right_foot")


def retarget(
    recording: Recording, character: Character, scale: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return root positions (T, 3) [m] and local rotations (T, B, 4) xyzw of our character in these poses.

    Args:
        recording: what to follow.
        character: our humanoid.
        scale: our metres for a unit of the recording's length; if None, what makes its legs as long as ours.
    """
    scale = scale or our_leg_length(character) / leg_length(recording.positions)
    targets = _targets(recording, character, scale)
    qpos = _solve(character, *targets)
    _report(character, qpos, targets[0])
    root_pos, local_rot = poses_of(character, qpos)
    return root_pos, local_rot * np.where(local_rot[:1, :, 3:] < 0, -1.0, 1.0)  # q and -q are one rotation


def _targets(
    recording: Recording, character: Character, scale: float
) -> tuple[dict[str, np.ndarray], dict[str, Rotation]]:
    """Positions (T, 3) and rotations (T) in the world that our bodies are to take."""
    points = {name: scale * position for name, position in recording.positions.items()}
    ankles = np.minimum(points["right_ankle"][:, 2], points["left_ankle"][:, 2])
    lift = np.array([0.0, 0.0, ANKLE_HEIGHT - np.percentile(ankles, FLOOR_PERCENTILE)])
    rotations = dict(recording.rotations)
    pelvis = 0.5 * (points["right_hip"] + points["left_hip"]) + lift
    positions = {"pelvis": pelvis}
    torso = pelvis + rotations["pelvis"].apply(_offset(character, "torso"))
    for side in SIDES:
        upper, lower = (
            _direction(points, side, "shoulder", "elbow"),
            _direction(points, side, "elbow", "wrist"),
        )
        shoulder = torso + rotations["torso"].apply(_offset(character, f"{side}_upper_arm"))
        elbow = shoulder + _bone(character, f"{side}_lower_arm") * upper
        positions[f"{side}_lower_arm"] = elbow
        positions[f"{side}_hand"] = elbow + _bone(character, f"{side}_hand") * lower
        rotations[f"{side}_upper_arm"] = limb_rotation(rotations["torso"], upper, lower, side, is_arm=True)
        upper, lower = _direction(points, side, "hip", "knee"), _direction(points, side, "knee", "ankle")
        hip = pelvis + rotations["pelvis"].apply(_offset(character, f"{side}_thigh"))
        positions[f"{side}_shin"] = hip + _bone(character, f"{side}_shin") * upper
        positions[f"{side}_foot"] = points[f"{side}_ankle"] + lift
        rotations[f"{side}_thigh"] = limb_rotation(rotations["pelvis"], upper, lower, side, is_arm=False)
    return positions, rotations


def limb_rotation(trunk: Rotation, upper: np.ndarray, lower: np.ndarray, side: str, is_arm: bool) -> Rotation:
    """World rotations (T) of an upper arm or thigh from the directions (T, 3) of its bone and the next.

    Its z-axis runs against the bone. Its y-axis is the hinge's, which a bend shows; the straighter the limb,
    the more it is that of the shortest turn from a resting direction: sideways for an arm, which hardly ever
    points to the other side, and down for a leg. It stays within a right angle of that one, as in a real
    joint: a knee bent forward, which recordings may have, does not turn the thigh round.
    """
    sign = -1.0 if side == "right" else 1.0
    rest_bone = np.array([0.0, sign, 0.0] if is_arm else [0.0, 0.0, -1.0])
    rest_hinge = np.array([0.0, 0.0, sign] if is_arm else [0.0, 1.0, 0.0])
    swing = _shortest_turn(trunk.apply(rest_bone), upper)
    resting = (swing * trunk).apply(rest_hinge)
    bend = np.cross(upper, lower) * (-1.0 if is_arm else 1.0)  # knees bend about +y, elbows about -y
    along = (bend * resting).sum(axis=-1, keepdims=True)
    hinge = bend + (STRAIGHT - np.minimum(along, 0.0)) * resting
    hinge -= (hinge * upper).sum(axis=-1, keepdims=True) * upper
    hinge /= np.linalg.norm(hinge, axis=-1, keepdims=True).clip(min=1e-9)
    return Rotation.from_matrix(np.stack([np.cross(hinge, -upper), hinge, -upper], axis=-1))


def _shortest_turn(start: np.ndarray, end: np.ndarray) -> Rotation:
    """Rotations (T) that turn unit vectors (T, 3) into others, about an axis at right angles to both."""
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (start * end).sum(axis=-1, keepdims=True))
    return Rotation.from_rotvec(axis / sine.clip(min=1e-9) * angle)


def _solve(
    character: Character, positions: dict[str, np.ndarray], rotations: dict[str, Rotation]
) -> np.ndarray:
    """Follow the targets frame by frame; return qpos (T, nq)."""
    model = load_model()
    configuration = mink.Configuration(model)
    posture = mink.PostureTask(model, cost=POSTURE_COST)
    posture.set_target(configuration.q)
    tasks = _frame_tasks(positions, rotations)
    limits = [mink.ConfigurationLimit(model)]
    configuration.update(_first_guess(character, positions, rotations))
    result = []
    for frame in range(len(positions["pelvis"])):
        for task in tasks:
            name = str(task.frame_name)
            task.set_target(_pose(positions.get(name), rotations.get(name), frame))
        for _ in range(MAX_ITERATIONS if frame else FIRST_ITERATIONS):
            step = mink.solve_ik(
                configuration, [*tasks, posture], 1.0, solver="daqp", damping=DAMPING, limits=limits
            )
            configuration.integrate_inplace(step, 1.0)
            if np.abs(step).max() < ENOUGH:
                break
        result.append(configuration.q.copy())
    return np.array(result)


def _frame_tasks(positions: dict[str, np.ndarray], rotations: dict[str, Rotation]) -> list[mink.FrameTask]:
    def cost(costs: dict[str, float], name: str, known: object) -> float:
        return costs.get(name.removeprefix("right_").removeprefix("left_"), 0.0) if known is not None else 0.0

    return [
        mink.FrameTask(
            name,
            "body",
            position_cost=cost(POSITION_COSTS, name, positions.get(name)),
            orientation_cost=cost(ROTATION_COSTS, name, rotations.get(name)),
        )
        for name in sorted(positions.keys() | rotations.keys())
    ]


def _first_guess(
    character: Character, positions: dict[str, np.ndarray], rotations: dict[str, Rotation]
) -> np.ndarray:
    """The first frame's qpos (nq,), of the rotations that are known; limbs below stay straight."""
    world = [Rotation.identity()] * character.num_bodies
    local_rot = np.zeros((1, character.num_bodies, 4))
    for body, (name, parent) in enumerate(zip(character.body_names, character.parents, strict=True)):
        above = world[parent] if parent >= 0 else Rotation.identity()
        is_hinge = parent >= 0 and character.joints[body - 1].axis is not None
        world[body] = rotations[name][0] if name in rotations and not is_hinge else above
        local_rot[0, body] = (above.inv() * world[body]).as_quat()
    return qpos_of(character, positions["pelvis"][:1], local_rot)[0]


def _pose(position: np.ndarray | None, rotation: Rotation | None, frame: int) -> mink.SE3:
    quat = rotation[frame].as_quat() if rotation is not None else np.array([0.0, 0.0, 0.0, 1.0])
    place = position[frame] if position is not None else np.zeros(3)
    return mink.SE3.from_rotation_and_translation(mink.SO3(np.roll(quat, 1)), place)


def _report(character: Character, qpos: np.ndarray, targets: dict[str, np.ndarray]) -> None:
    """Say how near hands and feet came to their targets."""
    root_pos, local_rot = poses_of(character, qpos)
    body_pos, _ = forward_kinematics(
        character, torch.from_numpy(root_pos).float(), torch.from_numpy(local_rot).float()
    )
    names = [f"{side}_{end}" for side in SIDES for end in ("hand", "foot")]
    misses = [
        np.linalg.norm(body_pos[:, character.body_index(name)].numpy() - targets[name], axis=-1)
        for name in names
    ]
    _log.info(
        "retargeted %d frames: hands and feet are %.3f m from their targets in the mean, %.3f m at most",
        len(qpos), np.mean(misses), np.max(misses),
    )  # fmt: skip


def _direction(points: dict[str, np.ndarray], side: str, start: str, end: str) -> np.ndarray:
    bone = points[f"{side}_{end}"] - points[f"{side}_{start}"]
    return bone / np.linalg.norm(bone, axis=-1, keepdims=True).clip(min=1e-9)


def _offset(character: Character, name: str) -> np.ndarray:
    return character.offsets[character.body_index(name)].double().numpy()


def _bone(character: Character, name: str) -> float:
    return float(np.linalg.norm(_offset(character, name)))

"""The character as a MuJoCo model with ball joints, and its poses as MuJoCo's `qpos` and back."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

from mjgym.ground import add_ground_material
from tasks.amp.character import HUMANOID_MJCF, SPHERICAL_DOFS, Character

ROOT_QPOS = 7  # a free joint's position and quaternion


def load_model(path: Path = HUMANOID_MJCF, with_ground: bool = False) -> mujoco.MjModel:
    """Compile a character with a ball joint for each three hinges, without motors.

    Args:
        path: an MJCF file that `Character.from_mjcf` reads.
        with_ground: add a chequered floor and a light, for pictures.
    """
    spec = mujoco.MjSpec.from_file(str(path))
    for actuator in list(spec.actuators):
        spec.delete(actuator)
    for body in spec.bodies:
        hinges = [joint for joint in body.joints if joint.type == mujoco.mjtJoint.mjJNT_HINGE]
        if len(hinges) == SPHERICAL_DOFS:
            for hinge in hinges[1:]:
                spec.delete(hinge)
            hinges[0].type = mujoco.mjtJoint.mjJNT_BALL
            hinges[0].limited = mujoco.mjtLimited.mjLIMITED_FALSE
    if with_ground:
        _add_ground(spec)
    return spec.compile()


def qpos_of(character: Character, root_pos: np.ndarray, local_rot: np.ndarray) -> np.ndarray:
    """Return poses (T, 3) and (T, B, 4) xyzw as qpos (T, nq); a hinge takes the part about its axis."""
    columns = [root_pos, _wxyz(local_rot[:, 0])]
    for joint in character.joints:
        rotation = local_rot[:, joint.body]
        if joint.axis is not None:
            sine = rotation[:, :3] @ np.array(joint.axis)
            columns.append(np.remainder(2.0 * np.arctan2(sine, rotation[:, 3]) + np.pi, 2 * np.pi) - np.pi)
        elif joint.dof.stop > joint.dof.start:
            columns.append(_wxyz(rotation))
    return np.concatenate([column.reshape(len(root_pos), -1) for column in columns], axis=1, dtype=np.float64)


def poses_of(character: Character, qpos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return root positions (T, 3) and local rotations (T, B, 4) xyzw of qpos (T, nq)."""
    local_rot = np.zeros((len(qpos), character.num_bodies, 4))
    local_rot[..., 3] = 1.0
    local_rot[:, 0] = _xyzw(qpos[:, 3:ROOT_QPOS])
    start = ROOT_QPOS
    for joint in character.joints:
        if joint.axis is not None:
            half = 0.5 * qpos[:, start, None]
            local_rot[:, joint.body] = np.concatenate(
                [np.sin(half) * np.array(joint.axis), np.cos(half)], axis=1
            )
            start += 1
        elif joint.dof.stop > joint.dof.start:
            local_rot[:, joint.body] = _xyzw(qpos[:, start : start + 4])
            start += 4
    return qpos[:, :3].copy(), local_rot


def _wxyz(quat: np.ndarray) -> np.ndarray:
    return np.roll(quat, 1, axis=-1)


def _xyzw(quat: np.ndarray) -> np.ndarray:
    return np.roll(quat, -1, axis=-1)


def _add_ground(spec: mujoco.MjSpec) -> None:
    spec.worldbody.add_light(pos=(0, 0, 6), dir=(0.3, 0.2, -1), type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    add_ground_material(spec)
    spec.worldbody.add_geom(
        name="ground",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(0, 0, 1),
        material="ground",
        rgba=(1, 1, 1, 1),
    )

"""poselib's SkeletonMotion `.npy` files, the clips of IsaacGymEnvs and ASE: z up, quaternions xyzw.

A pickled dictionary with `rotation` (T, nodes, 4), `root_translation` (T, 3), `skeleton_tree` (`node_names`,
`parent_indices`), `is_local` and `fps`; each array lies under `arr`. Whether the clip repeats is not said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mjgym.torch_utils import quat_conjugate, quat_mul
from tasks.amp.character import Character
from tasks.amp.motion import Motion, MotionError
from tools.motion_readers.pickles import read_pickled_npy


def read(path: Path, character: Character) -> Motion:
    """Read a clip whose skeleton has a node of each of the character's bodies, by name; others do not count.

    Raises:
        MotionError: it is no SkeletonMotion, or of another skeleton, or its pickle asks for more than data.
    """
    content = read_pickled_npy(path)
    try:
        tree = content["skeleton_tree"]
        names = list(tree["node_names"])
        parents = [int(parent) for parent in _array(tree["parent_indices"])]
        rotations = _array(content["rotation"]).astype(np.float64)
        root_pos = _array(content["root_translation"])
        fps, is_local = float(content["fps"]), bool(content["is_local"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MotionError(f"{path}: is no SkeletonMotion of poselib (at {error})") from None
    if not all(isinstance(name, str) for name in names):
        raise MotionError(f"{path}: node_names must be text")
    if rotations.ndim != 3 or rotations.shape[1:] != (len(names), 4) or len(parents) != len(names):
        raise MotionError(
            f"{path}: rotation has shape {rotations.shape}; must be (frames, {len(names)}, 4) for its nodes"
        )
    world = _world_rotations(_unit(rotations, path), parents, path) if is_local else rotations
    local_rot = _local_rotations(world, names, character, path)
    try:
        return Motion(path.stem, fps, "clamp", character.body_names, root_pos, local_rot, "poselib file")
    except MotionError as error:
        raise MotionError(f"{path}: {error}") from None


def _array(value: Any) -> np.ndarray:
    """The array under `arr`. No lists: one may be in a pickle once and be meant many times."""
    array = value["arr"]
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{type(array).__name__}, which is no array")
    return array


def _unit(rotations: np.ndarray, path: Path) -> np.ndarray:
    length = np.linalg.norm(rotations, axis=-1, keepdims=True)
    if not (length > 1e-3).all():  # NaN fails too
        raise MotionError(f"{path}: rotation holds NaN or a quaternion of length 0")
    return rotations / length


def _world_rotations(local: np.ndarray, parents: list[int], path: Path) -> np.ndarray:
    """Multiply rotations (T, nodes, 4) along the tree; a parent comes before its children."""
    world = torch.from_numpy(local).clone()
    for node, parent in enumerate(parents):
        if not -1 <= parent < node:
            raise MotionError(f"{path}: node {node} has parent {parent}; parents come before their children")
        if parent >= 0:
            world[:, node] = quat_mul(world[:, parent], world[:, node])
    return world.numpy()


def _local_rotations(world: np.ndarray, names: list[str], character: Character, path: Path) -> np.ndarray:
    """Rotations (T, B, 4) of the character's bodies relative to their parents in it."""
    missing = [name for name in character.body_names if name not in names]
    if missing:
        raise MotionError(
            f"{path}: has no node {missing[0]!r}; its nodes are {', '.join(names)}; {character.name} "
            f"has {', '.join(character.body_names)}; retarget the clip with poselib first"
        )
    ours = torch.from_numpy(world[:, [names.index(name) for name in character.body_names]])
    local = ours.clone()
    children, parents = list(range(1, character.num_bodies)), list(character.parents[1:])
    local[:, children] = quat_mul(quat_conjugate(ours[:, parents]), ours[:, children])
    return local.numpy()

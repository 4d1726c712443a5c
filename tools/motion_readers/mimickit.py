"""MimicKit's `.pkl` clips (Peng 2025): a pickled dictionary `loop_mode`, `fps`, `frames`; z up.

A frame holds the root's position 3 and rotation 3 as an exponential map, then the joints depth first: an
exponential map's three numbers for a spherical one, one angle for a hinge. The humanoid's are our DOFs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch

from tasks.amp.character import Character, local_rotations_from_dof_pos
from tasks.amp.motion import Motion, MotionError
from tasks.amp.rotations import exp_map_to_quat
from tools.motion_readers.pickles import read_pickle

LOOP_MODES: Final[dict[int, Literal["wrap", "clamp"]]] = {0: "clamp", 1: "wrap"}
ROOT_COLUMNS = 6
MAX_NUMBERS = 10_000_000
"""most numbers that nested lists may come to: a list may be in a pickle once and be meant often"""


def read(path: Path, character: Character) -> Motion:
    """Read a clip with as many columns as the character has DOFs, and six more for its root.

    Raises:
        MotionError: the file is no MimicKit clip of such a character, or its pickle asks for more than data.
    """
    content = read_pickle(path)
    try:
        loop = LOOP_MODES[int(content["loop_mode"])]
        fps = float(content["fps"])
        frames = _matrix(content["frames"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MotionError(
            f"{path}: is no MimicKit clip, which has loop_mode 0 or 1, fps and frames (at {error})"
        ) from None
    columns = ROOT_COLUMNS + character.num_dofs
    if frames.ndim != 2 or frames.shape[1] != columns:
        raise MotionError(
            f"{path}: frames have shape {frames.shape}; {character.name}'s have {columns} columns"
        )
    exp_maps = torch.from_numpy(frames)
    root_rot = exp_map_to_quat(exp_maps[:, 3:ROOT_COLUMNS])
    local_rot = local_rotations_from_dof_pos(character, exp_maps[:, ROOT_COLUMNS:].float(), root_rot.float())
    try:
        return Motion(
            path.stem, fps, loop, character.body_names, frames[:, :3], local_rot.numpy(), "MimicKit file"
        )
    except MotionError as error:
        raise MotionError(f"{path}: {error}") from None


def _matrix(frames: Any) -> np.ndarray:
    """An array, or rows of numbers, as float64."""
    if isinstance(frames, list):
        if len(frames) * max((len(row) for row in frames), default=0) > MAX_NUMBERS:
            raise ValueError(f"frames: more than {MAX_NUMBERS} numbers")
        return np.array([[float(number) for number in row] for row in frames])
    return np.asarray(frames, dtype=np.float64)

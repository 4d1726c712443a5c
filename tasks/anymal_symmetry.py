"""What Anymal looks like in a mirror: from the side, from the front, and in both.

Left and right of the robot are alike, and, as its knees point towards each other, front and hind are too, but
for two centimetres in the place of the trunk's centre of mass. For `symmetry_config`'s
`data_augmentation_func`, after Mittal et al. 2024, "Symmetry Considerations for Learning Task Symmetric Robot
Policies", which does the same for this robot.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tasks.anymal import Anymal
from tasks.anymal_config import DEFAULT_ANGLES, JOINTS

JOINT_NAMES = [f"{leg}_{joint}" for leg in DEFAULT_ANGLES for joint in JOINTS]
"""The joints in the order of actions."""


class Mirror:
    """A plane through the base.

    Args:
        vector: signs of x, y and z of a velocity or a direction.
        turn: signs of an angular velocity about x, y and z: those that keep the plane change theirs.
        legs: letter of a leg's name → the letter that takes its place.

    Attributes:
        joint_order: from which joint each one takes its angle.
        joint_signs: of angles. HAA turns about x, HFE and KFE about y.
    """

    def __init__(
        self, vector: tuple[float, float, float], turn: tuple[float, float, float], legs: dict[str, str]
    ) -> None:
        self.vector, self.turn = vector, turn
        letters = str.maketrans(legs)
        images = [name[:2].translate(letters) + name[2:] for name in JOINT_NAMES]
        about_x, about_y, _ = turn
        self.joint_order = [JOINT_NAMES.index(image) for image in images]
        self.joint_signs = [about_x if name.endswith("HAA") else about_y for name in JOINT_NAMES]

    def actions(self, actions: Tensor) -> Tensor:
        """Return actions (B, 12), or whatever else is given for each joint, in the mirror."""
        return actions[:, self.joint_order] * actions.new_tensor(self.joint_signs)

    def obs(self, obs: Tensor) -> Tensor:
        """Return observations (B, 48) in the mirror."""
        blocks = {name: obs[:, columns] for name, columns in Anymal.blocks.slices.items()}
        vector, turn = obs.new_tensor(self.vector), obs.new_tensor(self.turn)
        command = torch.stack((vector[0], vector[1], turn[2]))
        return Anymal.blocks.concatenate(
            {
                "lin_vel_b": blocks["lin_vel_b"] * vector,
                "ang_vel_b": blocks["ang_vel_b"] * turn,
                "gravity_b": blocks["gravity_b"] * vector,
                "commands": blocks["commands"] * command,
                **{name: self.actions(blocks[name]) for name in ("dof_pos", "dof_vel", "actions")},
            }
        )


LEFT_RIGHT = Mirror((1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), {"L": "R", "R": "L"})
FRONT_HIND = Mirror((-1.0, 1.0, 1.0), (1.0, -1.0, -1.0), {"F": "H", "H": "F"})


def mirrored(env: Any, obs: Tensor | None, actions: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Return what is given and its three mirror images: left for right, front for hind, both.

    Args:
        env: not looked at.
        obs: (B, 48) or None.
        actions: (B, 12) or None.

    Returns:
        Observations (4 B, 48) and actions (4 B, 12), those given first; None for None.
    """
    for mirror in (LEFT_RIGHT, FRONT_HIND):
        if obs is not None:
            obs = torch.cat((obs, mirror.obs(obs)))
        if actions is not None:
            actions = torch.cat((actions, mirror.actions(actions)))
    return obs, actions

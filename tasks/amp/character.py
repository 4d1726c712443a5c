"""A character's skeleton: bodies, joints and forward kinematics, read from its MJCF file.

Joints are spherical (three hinges about x, y and z at one point, as one rotation in exponential-map
coordinates), hinges, or fixed. Positions in m, angles in rad, quaternions xyzw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch
from torch import Tensor

from tasks.amp.rotations import exp_map_to_quat, quat_apply, quat_mul, quat_to_exp_map

REPOSITORY = Path(__file__).resolve().parents[2]
HUMANOID_MJCF = REPOSITORY / "assets" / "mjcf" / "amp_humanoid.xml"
SPHERICAL_DOFS = 3


class Level(NamedTuple):
    """The bodies at one distance from the root."""

    bodies: Tensor
    """(k,) their indices"""
    parents: Tensor
    """(k,) places of their parents in the level above"""
    offsets: Tensor
    """(3, k, 1) their origins in their parents' frames [m]"""


class Joint(NamedTuple):
    """How a body moves relative to its parent."""

    body: int
    """index of the body"""
    dof: slice
    """its columns among the DOFs: three (spherical), one (hinge) or none (fixed)"""
    axis: tuple[float, float, float] | None
    """axis of a hinge; None for the others"""


@dataclass(frozen=True, eq=False)
class Character:
    """Bodies in depth-first order, the root first, with a joint for each but the root.

    Args:
        name: of the model.
        body_names: B names.
        parents: index of each body's parent, -1 for the root.
        offsets: (B, 3) origin of each body in its parent's frame [m].
        joints: B - 1 of them, in body order.
    """

    name: str
    body_names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Tensor
    joints: tuple[Joint, ...]
    levels: list[Level] = field(init=False, repr=False)
    """one for each distance from the root, from 1"""
    level_order: Tensor = field(init=False, repr=False)
    """(B,) place of each body when the root and all levels are put one after another"""
    dof_axes: Tensor = field(init=False, repr=False)
    """(3·B, D): this times DOF values are the x, then the y and z of a vector for each body, in its frame"""

    def __post_init__(self) -> None:
        """Derive what forward kinematics needs again and again."""
        levels = _levels(self.parents, self.offsets)
        object.__setattr__(self, "levels", levels)
        in_levels = torch.cat([levels[0].bodies.new_zeros(1), *[level.bodies for level in levels]])
        object.__setattr__(self, "level_order", in_levels.argsort())
        object.__setattr__(self, "dof_axes", self._make_dof_axes())

    @classmethod
    def from_mjcf(cls, path: str | Path, device: str | torch.device = "cpu") -> Character:
        """Read the skeleton of an MJCF file whose bodies are not rotated against their parents.

        Raises:
            ValueError: a body's joints are neither one hinge nor three about x, y and z.
        """
        root = read_root_body(Path(path))
        bodies = list(walk(root))
        offsets = [_vector(element.get("pos", "0 0 0")) for element, _ in bodies]
        joints: list[Joint] = []
        for index, (element, _) in enumerate(bodies[1:], start=1):
            start = joints[-1].dof.stop if joints else 0
            joints.append(_joint(index, element, start, path))
        return cls(
            name=Path(path).stem,
            body_names=tuple(element.get("name", "") for element, _ in bodies),
            parents=tuple(parent for _, parent in bodies),
            offsets=torch.tensor([[0.0] * 3, *offsets[1:]], device=device),
            joints=tuple(joints),
        )

    @property
    def num_bodies(self) -> int:
        """Number of bodies, the root included."""
        return len(self.body_names)

    @property
    def num_dofs(self) -> int:
        """Number of DOFs, without the root's six."""
        return self.joints[-1].dof.stop

    def body_index(self, name: str) -> int:
        """Return a body's index.

        Raises:
            ValueError: there is no such body.
        """
        if name not in self.body_names:
            raise ValueError(f"{name!r} is no body of {self.name}; known are {', '.join(self.body_names)}")
        return self.body_names.index(name)

    def to(self, device: str | torch.device) -> Character:
        """Return the same character with its tensors on a device."""
        return Character(self.name, self.body_names, self.parents, self.offsets.to(device), self.joints)

    def _make_dof_axes(self) -> Tensor:
        axes = torch.zeros(3, self.num_bodies, self.num_dofs, device=self.offsets.device)
        for joint in self.joints:
            if joint.axis is not None:
                axes[:, joint.body, joint.dof.start] = torch.tensor(joint.axis, device=axes.device)
            elif joint.dof.stop > joint.dof.start:
                axes[:, joint.body, joint.dof] = torch.eye(3, device=axes.device)
        return axes.flatten(0, 1)


def local_rotations_from_dof_pos(
    character: Character, dof_pos: Tensor, root_rot: Tensor | None = None
) -> Tensor:
    """Return each body's rotation relative to its parent, (n, B, 4).

    Args:
        character: the skeleton.
        dof_pos: (n, D) [rad].
        root_rot: (n, 4) world rotation of the root, which has no joint; identity if not given.
    """
    # In memory components come first, then bodies, as forward kinematics wants them.
    exp_maps = (character.dof_axes @ dof_pos.T).unflatten(0, (3, character.num_bodies))
    local_rot = exp_map_to_quat(exp_maps, dim=0).permute(2, 1, 0)
    if root_rot is not None:
        local_rot[:, 0] = root_rot
    return local_rot


def dof_pos_from_local_rotations(character: Character, local_rot: Tensor) -> Tensor:
    """Return the DOF positions (n, D) of rotations relative to the parent (n, B, 4); the root's do not count.

    A rotation that a hinge cannot make counts with its part about the hinge's axis.
    """
    return dof_vectors(character, quat_to_exp_map(local_rot))


def dof_vectors(character: Character, vectors: Tensor) -> Tensor:
    """Return the components (n, D) of vectors in the bodies' frames (n, B, 3) along the DOFs.

    Exponential maps give DOF positions, angular velocities relative to the parent give DOF velocities.
    """
    return vectors.mT.flatten(-2) @ character.dof_axes


def forward_kinematics(character: Character, root_pos: Tensor, local_rot: Tensor) -> tuple[Tensor, Tensor]:
    """Return world positions (n, B, 3) [m] and rotations (n, B, 4) of all bodies.

    Args:
        character: the skeleton.
        root_pos: (n, 3) world position of the root.
        local_rot: (n, B, 4) rotations relative to the parent; the root's is its world rotation.
    """
    # Components first, then bodies: vector instructions want numbers of one kind side by side, and picking
    # bodies copies whole blocks.
    local = local_rot.permute(2, 1, 0).contiguous()  # (4, B, n)
    pos, rot = root_pos.T.unsqueeze(1), local[:, :1]
    all_pos, all_rot = [pos], [rot]
    for level in character.levels:
        parent_rot = rot.index_select(1, level.parents)
        pos = pos.index_select(1, level.parents) + quat_apply(parent_rot, level.offsets, dim=0)
        rot = quat_mul(parent_rot, local.index_select(1, level.bodies), dim=0)
        all_pos.append(pos)
        all_rot.append(rot)
    body_pos = torch.cat(all_pos, dim=1).index_select(1, character.level_order)
    body_rot = torch.cat(all_rot, dim=1).index_select(1, character.level_order)
    return body_pos.permute(2, 1, 0), body_rot.permute(2, 1, 0)


def _levels(parents: tuple[int, ...], offsets: Tensor) -> list[Level]:
    """Group bodies by their distance from the root."""
    depths = [0] * len(parents)
    for body, parent in enumerate(parents[1:], start=1):
        depths[body] = depths[parent] + 1
    groups = [[b for b, depth in enumerate(depths) if depth == level] for level in range(max(depths) + 1)]
    return [
        Level(
            bodies=torch.tensor(group, device=offsets.device),
            parents=torch.tensor([above.index(parents[body]) for body in group], device=offsets.device),
            offsets=offsets[group].T.unsqueeze(-1),
        )
        for above, group in zip(groups, groups[1:], strict=False)
    ]


def read_root_body(path: Path) -> ElementTree.Element:
    """Return the root body's element of an MJCF file.

    Raises:
        ValueError: there is none, or the file declares XML entities.
    """
    text = path.read_text()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError(f"{path}: declares XML entities, which a model does not need; remove them")
    root = ElementTree.fromstring(text).find("worldbody/body")
    if root is None:
        raise ValueError(f"{path}: <worldbody> holds no body")
    return root


def walk(element: ElementTree.Element, parent: int = -1) -> Iterator[tuple[ElementTree.Element, int]]:
    """Yield every body below and including one, depth first, with the index of its parent."""
    stack, index = [(element, parent)], 0
    while stack:
        body, above = stack.pop()
        yield body, above
        stack.extend((child, index) for child in reversed(body.findall("body")))
        index += 1


def _joint(index: int, element: ElementTree.Element, start: int, path: str | Path) -> Joint:
    axes = [_vector(joint.get("axis", "0 0 1")) for joint in element.findall("joint")]
    spherical = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    if axes == spherical:
        return Joint(index, slice(start, start + SPHERICAL_DOFS), None)
    if len(axes) > 1:
        raise ValueError(
            f"{path}: body {element.get('name')!r} has {len(axes)} joints about {axes}; a character's body "
            f"has none, one hinge, or three hinges about x, y and z in this order"
        )
    axis = (axes[0][0], axes[0][1], axes[0][2]) if axes else None
    return Joint(index, slice(start, start + len(axes)), axis)


def _vector(text: str) -> list[float]:
    return [float(part) for part in text.split()]

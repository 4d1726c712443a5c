"""Jacobians and mass matrices of actors, for all environments at once.

Their columns are the velocities that the other tensors show. Of a floating base the first are the linear and
the angular velocity of the root in world axes. Then come the DOFs' velocities; of a spherical joint they are
the child's angular velocity in its own axes. So Jacobian times velocities are the velocities of the bodies.
"""

from __future__ import annotations

import numpy as np
import torch

from mjgym.buffers import OutputBuffer
from mjgym.compile import ActorLayout
from mjgym.descriptor import Tensor
from mjgym.engines.interface import Engine
from mjgym.tensors import rotate

NUM_ROOT_DOFS = 6


def _dof_addresses(actor: ActorLayout) -> list[int]:
    """Return the addresses in qvel of the root's free joint, if there is one, and of the DOFs."""
    root = range(actor.free_qvel, actor.free_qvel + NUM_ROOT_DOFS) if actor.free_qvel >= 0 else ()
    return [*root, *range(actor.qvel, actor.qvel + actor.num_dofs)]


class Jacobians(OutputBuffer):
    """Jacobians of an actor's bodies, (N, bodies, 6, columns): linear, then angular velocity in world axes.

    The linear velocity is that of the body frame's origin. A fixed base that stands still has no row.
    """

    def __init__(self, engine: Engine, actor: ActorLayout) -> None:
        model = engine.model
        dofs = _dof_addresses(actor)
        still = actor.free_qvel < 0 and model.body_dofnum[actor.bodies[0]] == 0
        bodies = actor.bodies[1:] if still else actor.bodies
        super().__init__(engine, ("xpos", "cdof", "subtree_com"), (len(bodies), 6, len(dofs)))
        self.descriptor = Tensor(self.per_env)
        self._floats = actor.free_qvel >= 0
        self._bodies = torch.tensor(bodies, dtype=torch.long, device=engine.device)
        self._dofs = torch.tensor(dofs, dtype=torch.long, device=engine.device)
        self._base = actor.bodies[0]
        self._tree = int(model.body_rootid[actor.bodies[0]])
        movers = [int(model.dof_bodyid[dof]) for dof in dofs]
        moves = [[_carries(model.body_parentid, mover, body) for mover in movers] for body in bodies]
        self._moves = torch.tensor(moves, dtype=engine.dtype, device=engine.device).view(
            len(bodies), len(dofs), 1
        )

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        xpos, cdof, com = fields
        origins = xpos.index_select(1, self._bodies)
        # cdof is the motion of a DOF, angular and linear, at the tree's centre of mass.
        axes = cdof.index_select(1, self._dofs)
        if self._floats:
            axes = _with_root_in_world_axes(axes, com[:, self._tree] - xpos[:, self._base])
        axes = axes.unsqueeze(1) * self._moves  # (K, B, D, 6)
        levers = (origins - com[:, self._tree : self._tree + 1]).unsqueeze(2)
        spin = axes[..., 0:3]
        linear = axes[..., 3:6] + torch.linalg.cross(spin, levers.expand_as(spin))
        out[:, :, 0:3].copy_(linear.transpose(2, 3))
        out[:, :, 3:6].copy_(spin.transpose(2, 3))


class MassMatrices(OutputBuffer):
    """Mass matrices of an actor with the armature of its DOFs, (N, columns, columns)."""

    def __init__(self, engine: Engine, actor: ActorLayout) -> None:
        dofs = _dof_addresses(actor)
        super().__init__(engine, ("M", "xquat"), (len(dofs), len(dofs)))
        self.descriptor = Tensor(self.per_env)
        self._floats, self._base = actor.free_qvel >= 0, actor.bodies[0]
        places = torch.tensor(_lower_triangle(engine, dofs), dtype=torch.long, device=engine.device)
        self._entries, self._rows, self._columns = places.reshape(-1, 3).unbind(1)

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        values = fields[0].index_select(1, self._entries).to(out.dtype)
        out.zero_()
        out[:, self._rows, self._columns] = values
        out[:, self._columns, self._rows] = values
        if self._floats:
            # MuJoCo has the root's angular velocity in its own axes.
            turn = _rotation(fields[1][:, self._base]).to(out.dtype)
            out[:, 3:6] = turn @ out[:, 3:6]
            out[:, :, 3:6] = out[:, :, 3:6] @ turn.transpose(1, 2)


def _carries(parents: np.ndarray, mover: int, body: int) -> bool:
    """Tell whether a body is another one or hangs on it, however far down."""
    while body > 0 and body != mover:
        body = parents[body]
    return body == mover


def _with_root_in_world_axes(axes: torch.Tensor, lever: torch.Tensor) -> torch.Tensor:
    """Replace the first six motions (K, D, 6) by the root's along and about the world's axes.

    Args:
        axes: angular and linear motion of each DOF at the centre of mass of the tree.
        lever: the centre of mass from the root's origin, (K, 3).
    """
    unit = torch.eye(3, dtype=axes.dtype, device=axes.device).expand(len(axes), 3, 3)
    along = torch.cat((torch.zeros_like(unit), unit), dim=2)
    about = torch.cat((unit, torch.linalg.cross(unit, lever.unsqueeze(1).expand_as(unit))), dim=2)
    return torch.cat((along, about, axes[:, NUM_ROOT_DOFS:]), dim=1)


def _lower_triangle(engine: Engine, dofs: list[int]) -> list[tuple[int, int, int]]:
    """Return (which of MuJoCo's non-zeros, row, column among these DOFs) of each that belongs to them."""
    model, place = engine.model, {dof: index for index, dof in enumerate(dofs)}
    return [
        (adr, place[dof], place[int(model.M_colind[adr])])
        for dof in dofs
        for adr in range(model.M_rowadr[dof], model.M_rowadr[dof] + model.M_rownnz[dof])
    ]


def _rotation(quat: torch.Tensor) -> torch.Tensor:
    """Return rotation matrices (K, 3, 3) of unit quaternions wxyz (K, 4)."""
    unit = torch.eye(3, dtype=quat.dtype, device=quat.device).expand(len(quat), 3, 3)
    return rotate(quat.unsqueeze(1), unit).transpose(1, 2)

"""How fast DOFs and floating bases may move.

MuJoCo's solver knows no such bounds. So velocities are cut down after it, and hinges and slides put back by
what they would not have covered at the lower speed; what a limit takes away, no other body gets.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np
import torch

from mjgym.assets.asset import UNLIMITED
from mjgym.compile import ActorLayout, CompiledEnv
from mjgym.engines.interface import SpeedLimits
from mjgym.scene import Env

_SCALAR = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


class VelocityLimits(SpeedLimits):
    """Upper bounds of what DOFs and floating bases do, in any engine.

    A DOF keeps to the `velocity` of its properties, each axis of a spherical joint by itself. A floating base
    keeps to its asset's `max_linear_velocity` and `max_angular_velocity`, which bound lengths of vectors.

    Args:
        compiled: the model and the places of the actors in it.
        envs: all environments.
        dofs: `velocity` of all DOFs [rad/s or m/s], (1, DOFs) if environments agree, else (N, DOFs).
        like: gives type and device of the engine's numbers.
    """

    def __init__(self, compiled: CompiledEnv, envs: list[Env], dofs: np.ndarray, like: torch.Tensor) -> None:
        model, self._actors = compiled.model, compiled.actors
        self._num_envs, self._timestep = len(envs), float(model.opt.timestep)
        scalar = np.isin(model.jnt_type, _SCALAR)
        self._scalar_qpos = torch.from_numpy(model.jnt_qposadr[scalar]).long().to(like.device)
        self._scalar_qvel = torch.from_numpy(model.jnt_dofadr[scalar]).long().to(like.device)

        bases = [handle for handle, actor in enumerate(self._actors) if actor.free_qvel >= 0]
        rows = [[_base_limits(env, handle) for handle in bases] for env in envs]
        if all(row == rows[0] for row in rows):
            rows = rows[:1]
        self._bases = torch.tensor(rows).view(len(rows), len(bases), 2).to(like)  # linear, angular
        first = torch.tensor([self._actors[handle].free_qvel for handle in bases], dtype=torch.long)
        self._columns = (first.view(-1, 1, 1) + torch.arange(6).view(2, 3)).to(like.device)  # (bases, 2, 3)

        limits = torch.full((len(dofs), model.nv), torch.inf).to(like)
        for actor in self._actors:
            limits[:, _columns(actor)] = _or_infinite(dofs[:, actor.dofs]).to(like)
        self._use_dofs(limits)

    def set_dofs(self, env: int, handle: int, velocity: np.ndarray) -> None:
        """Change the limits of one actor's DOFs, (DOFs of the actor,), in one environment."""
        columns, wanted = _columns(self._actors[handle]), _or_infinite(velocity).to(self._dofs)
        is_shared = len(self._dofs) == 1
        if torch.equal(self._dofs[0 if is_shared else env, columns], wanted):
            return  # randomization sets properties of one environment after another, and seldom these
        limits = self._dofs.repeat(self._num_envs, 1) if is_shared else self._dofs
        limits[env, columns] = wanted
        self._use_dofs(limits)

    def save(self) -> torch.Tensor:
        """Return a copy of the DOFs' limits by MuJoCo's columns, (1, nv) or (N, nv), on the CPU."""
        return self._dofs.to("cpu", copy=True)

    def load(self, limits: torch.Tensor) -> None:
        """Put back what :meth:`save` returned."""
        self._use_dofs(limits.to(self._dofs))

    def _use_dofs(self, limits: torch.Tensor) -> None:
        self._dofs = limits
        # A drive can take a DOF far beyond its limit within a substep; a base is pushed by nothing so stiff.
        self.each_substep = bool(torch.isfinite(limits).any())
        # Up to where a number is certainly slow enough, whatever a base does along its other axes.
        self._certain = limits.expand(max(len(limits), len(self._bases)), -1).clone()
        self._certain[:, self._columns] = (self._bases / math.sqrt(3.0)).unsqueeze(-1)
        bounded = torch.isfinite(self._certain).any(dim=0).nonzero().flatten().tolist()
        self._looked_at = slice(bounded[0], bounded[-1] + 1) if bounded else slice(0)

    def may_exceed(self, qvel: torch.Tensor) -> torch.Tensor:
        """Return the environments that move too fast, and a few that nearly do, (k,) int64 in order."""
        above = qvel[:, self._looked_at].abs() > self._certain[:, self._looked_at]
        return above.nonzero()[:, 0].unique_consecutive()  # half the time of asking each row whether any is

    def clamp(self, qpos: torch.Tensor, qvel: torch.Tensor, env_ids: torch.Tensor | None = None) -> None:
        """Undo in place what the last substep did too fast; what kept to its limits stays bit for bit."""
        dofs, bases = (
            limits if env_ids is None or len(limits) == 1 else limits[env_ids]
            for limits in (self._dofs, self._bases)
        )
        slow = qvel.clamp(-dofs, dofs)
        speeds = slow[:, self._columns].norm(dim=-1).clamp(min=torch.finfo(qvel.dtype).tiny)
        slow[:, self._columns] *= (bases / speeds).clamp(max=1.0).unsqueeze(-1)
        lost = (qvel - slow)[:, self._scalar_qvel] * self._timestep
        qpos[:, self._scalar_qpos] -= lost
        qvel.copy_(slow)


def _columns(actor: ActorLayout) -> slice:
    return slice(actor.qvel, actor.qvel + actor.num_dofs)


def _or_infinite(velocity: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.where(velocity < UNLIMITED, velocity, np.inf))


def _base_limits(env: Env, handle: int) -> tuple[float, float]:
    options = env.actors[handle].asset.options
    return options.max_linear_velocity, options.max_angular_velocity

"""Spherical joints: three hinges about x, y and z at one point, simulated as one ball joint.

Isaac Gym reads such hinges as one joint whose three DOF positions are the exponential map of the child's
rotation relative to its parent (axis times angle, at most pi), and whose DOF velocities are the child's
angular velocity in its own axes. MuJoCo's ball joint has these velocities, and a quaternion wxyz as position.

To users the DOFs keep the hinges' names, gains and effort limits. Limits of position have no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mujoco
import numpy as np
import torch

if TYPE_CHECKING:
    from mjgym.assets.asset import Asset
    from mjgym.compile import ActorLayout

NUM_AXES = 3
AXIS_NAMES = ("x", "y", "z")
_TINY = 1e-12


def find_spherical_dofs(model: mujoco.MjModel, dof_joints: list[int]) -> list[int]:
    """Return the first DOF of each three hinges about x, y and z, declared in this order at one point.

    Hinges that a fixed tendon pulls stay hinges: a tendon has no hold on a ball joint.
    """
    firsts = []
    pulled = model.wrap_objid[model.wrap_type == mujoco.mjtWrap.mjWRAP_JOINT]
    for first in range(len(dof_joints) - NUM_AXES + 1):
        joints = dof_joints[first : first + NUM_AXES]
        alone = np.count_nonzero(model.jnt_bodyid == model.jnt_bodyid[joints[0]]) == NUM_AXES
        if (
            alone
            and not np.isin(joints, pulled).any()
            and np.all(model.jnt_bodyid[joints] == model.jnt_bodyid[joints[0]])
            and np.all(model.jnt_type[joints] == mujoco.mjtJoint.mjJNT_HINGE)
            and np.allclose(model.jnt_axis[joints], np.eye(NUM_AXES))
            and np.allclose(model.jnt_pos[joints], model.jnt_pos[joints[0]])
        ):
            firsts.append(first)
    return firsts


def join_hinges(spec: mujoco.MjSpec, asset: Asset) -> None:
    """Replace the asset's hinges that are one spherical joint by a ball joint, in a copy of its spec."""
    joints = {joint.name: joint for joint in spec.joints}
    for first in asset.spherical_dofs:
        ball, *others = (joints[name] for name in asset.dof_names[first : first + NUM_AXES])
        for joint in others:
            spec.delete(joint)
        ball.type = mujoco.mjtJoint.mjJNT_BALL
        ball.limited = mujoco.mjtLimited.mjLIMITED_FALSE


def exp_map_of_quat(
    w: torch.Tensor, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return x, y, z of the exponential maps, of angle pi at most, of quaternions w, x, y, z."""
    sine = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_().clamp_(min=_TINY)
    # q and -q are one rotation: the angle comes from |w|, and the axis turns with the sign of w.
    scale = torch.atan2(sine, w.abs()).mul_(2.0).div_(sine).copysign_(w)
    return scale * x, scale * y, scale * z


def quat_of_exp_map(exp_map: torch.Tensor) -> torch.Tensor:
    """Return quaternions wxyz (..., 4) of exponential maps (..., 3)."""
    half = 0.5 * torch.linalg.vector_norm(exp_map, dim=-1, keepdim=True)
    return torch.cat((torch.cos(half), 0.5 * torch.sinc(half / torch.pi) * exp_map), dim=-1)


class DofPositions:
    """Reads and writes the DOF positions of one actor in ``qpos``, whatever its joints.

    Args:
        actor: where the actor lies in the model.
        device: where ``qpos`` is.
    """

    def __init__(self, actor: ActorLayout, device: torch.device) -> None:
        self.num_dofs = actor.num_dofs
        self._all = slice(actor.qpos, actor.qpos + actor.num_dofs + len(actor.balls))
        self._has_balls = bool(actor.balls)
        quats, columns, address, scalars = [], [], actor.qpos, []
        balls = dict(actor.balls)
        column = 0
        while column < actor.num_dofs:
            if column in balls:
                quats.append(list(range(balls[column], balls[column] + 4)))
                columns.append(list(range(column, column + NUM_AXES)))
                address, column = balls[column] + 4, column + NUM_AXES
            else:
                scalars.append((column, address))
                address, column = address + 1, column + 1
        self._quats = torch.tensor(quats, device=device)  # (S, 4) columns of qpos
        self._columns = torch.tensor(columns, device=device)  # (S, 3) DOFs
        self._scalars = torch.tensor([c for c, _ in scalars], dtype=torch.long, device=device)
        self._scalar_qpos = torch.tensor([a for _, a in scalars], dtype=torch.long, device=device)
        if self._has_balls:
            # Components side by side, [w…, x…, y…, z…, hinges and slides…]: vector instructions want them so.
            self._planes = torch.cat((self._quats.T.flatten(), self._scalar_qpos)) - self._all.start
            self._order = torch.cat((self._columns.T.flatten(), self._scalars)).argsort()

    def read(self, qpos: torch.Tensor, out: torch.Tensor) -> None:
        """Write the DOF positions (N, D) [rad or m] that ``qpos`` (N, nq) stands for into ``out``."""
        if not self._has_balls:
            out.copy_(qpos[:, self._all])
            return
        own = qpos[:, self._all].to(out.dtype).T.index_select(0, self._planes)
        num_balls = len(self._quats)
        quats, others = own[: 4 * num_balls], own[4 * num_balls :]
        planes = (*exp_map_of_quat(*quats.unflatten(0, (4, num_balls)).unbind(0)), others)
        out.copy_(torch.cat(planes).index_select(0, self._order).T)

    def write(self, qpos: torch.Tensor, env_ids: torch.Tensor | slice, positions: torch.Tensor) -> None:
        """Make ``positions`` (K, D) those of the given environments in ``qpos`` (N, nq)."""
        if not self._has_balls:
            qpos[env_ids, self._all] = positions
            return
        rows = torch.arange(len(qpos), device=qpos.device)[env_ids].unsqueeze(-1)
        quat = quat_of_exp_map(positions[:, self._columns])
        qpos[rows, self._quats.view(-1)] = quat.flatten(1)
        qpos[rows, self._scalar_qpos] = positions[:, self._scalars]

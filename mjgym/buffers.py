"""The float32 buffers that ``acquire_*`` hands out: alive as long as the simulation, written in place.

A :class:`StateBuffer` shows state (roots, DOFs): reading it back is cheap, so a refresh always copies all
of it and overwrites what a task may have written. An :class:`OutputBuffer` shows what follows from the
state (bodies, forces): a refresh copies only environments that were set since the last one, unless time has
moved.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch

from mjgym import tensors
from mjgym.commands import DofCommands
from mjgym.compile import ActorLayout, CompiledEnv
from mjgym.descriptor import Tensor
from mjgym.engines.interface import Engine
from mjgym.spherical import DofPositions


class StateBuffer(ABC):
    """A float32 image of a part of the state, (N, rows of one environment, columns)."""

    def __init__(self, engine: Engine, compiled: CompiledEnv, rows: int, columns: int) -> None:
        self.actors = compiled.actors
        self.per_env = torch.zeros(engine.num_envs, rows, columns, device=engine.device)
        self.descriptor = Tensor(self.per_env.view(-1, columns))

    @abstractmethod
    def rows_of(self, source: torch.Tensor, handle: int) -> torch.Tensor:
        """Return one actor's part (N, ...) of a tensor of the buffer's shape, as a view."""

    def refresh(self) -> None:
        """Copy the state of every environment into the buffer."""
        for handle, actor in enumerate(self.actors):
            self._show(actor, slice(None), self.rows_of(self.per_env, handle))

    def read(self, handle: int, env_ids: torch.Tensor | slice) -> torch.Tensor:
        """Return one actor's state in the given environments, (K, ...) float32; the buffer stays as it is."""
        out = torch.empty_like(self.rows_of(self.per_env[env_ids], handle))
        self._show(self.actors[handle], env_ids, out)
        return out

    @abstractmethod
    def _show(self, actor: ActorLayout, env_ids: torch.Tensor | slice, out: torch.Tensor) -> None:
        """Write the state of one actor in the given environments into ``out`` (K, ...)."""

    @abstractmethod
    def write(self, actor: ActorLayout, env_ids: torch.Tensor | slice, rows: torch.Tensor) -> None:
        """Make ``rows`` (K, ...) the state of one actor in the given environments."""


class RootStates(StateBuffer):
    """Root states, (N, actors, 13). A fixed base shows the pose it stands in, at rest."""

    def __init__(self, engine: Engine, compiled: CompiledEnv) -> None:
        super().__init__(engine, compiled, len(compiled.actors), 13)
        self._qpos, self._qvel = engine.state("qpos"), engine.state("qvel")
        self._mocap_pos, self._mocap_quat = engine.state("mocap_pos"), engine.state("mocap_quat")

    def rows_of(self, source: torch.Tensor, handle: int) -> torch.Tensor:
        """Return one actor's root states, (N, 13)."""
        return source[:, handle]

    def _show(self, actor: ActorLayout, env_ids: torch.Tensor | slice, out: torch.Tensor) -> None:
        if actor.free_qpos >= 0:
            position = self._qpos[env_ids, actor.free_qpos : actor.free_qpos + 7]
            tensors.write_free_root(position, self._qvel[env_ids, actor.free_qvel : actor.free_qvel + 6], out)
        else:
            out[:, tensors.POSITION].copy_(self._mocap_pos[env_ids, actor.mocap])
            tensors.write_rotation(self._mocap_quat[env_ids, actor.mocap], out[:, tensors.ROTATION])
            out[:, 7:13].zero_()

    def write(self, actor: ActorLayout, env_ids: torch.Tensor | slice, rows: torch.Tensor) -> None:
        """Set root states from ``rows`` (K, 13). The velocity of a fixed base is ignored."""
        qpos, qvel = tensors.free_joint_state(rows.to(self._qpos.dtype))
        if actor.free_qpos >= 0:
            self._qpos[env_ids, actor.free_qpos : actor.free_qpos + 7] = qpos
            self._qvel[env_ids, actor.free_qvel : actor.free_qvel + 6] = qvel
        else:
            self._mocap_pos[env_ids, actor.mocap] = qpos[:, 0:3]
            self._mocap_quat[env_ids, actor.mocap] = qpos[:, 3:7]


class DofStates(StateBuffer):
    """DOF positions and velocities, (N, DOFs, 2)."""

    def __init__(self, engine: Engine, compiled: CompiledEnv) -> None:
        super().__init__(engine, compiled, compiled.num_dofs, 2)
        self._qpos, self._qvel = engine.state("qpos"), engine.state("qvel")
        self._positions = {actor.bodies: DofPositions(actor, engine.device) for actor in self.actors}

    def rows_of(self, source: torch.Tensor, handle: int) -> torch.Tensor:
        """Return one actor's DOF states, (N, DOFs of the actor, 2)."""
        return source[:, self.actors[handle].dofs]

    def _show(self, actor: ActorLayout, env_ids: torch.Tensor | slice, out: torch.Tensor) -> None:
        self._positions[actor.bodies].read(self._qpos[env_ids], out[..., 0])
        out[..., 1].copy_(self._qvel[env_ids, actor.qvel : actor.qvel + actor.num_dofs])

    def write(self, actor: ActorLayout, env_ids: torch.Tensor | slice, rows: torch.Tensor) -> None:
        """Set DOF states from ``rows`` (K, DOFs of the actor, 2)."""
        wide = rows.to(self._qpos.dtype)
        self._positions[actor.bodies].write(self._qpos, env_ids, wide[..., 0])
        self._qvel[env_ids, actor.qvel : actor.qvel + actor.num_dofs] = wide[..., 1]


class OutputBuffer(ABC):
    """A float32 image of derived fields, (N, ...); the descriptor shows what it holds of all environments."""

    def __init__(self, engine: Engine, fields: Sequence[str], shape: tuple[int, ...]) -> None:
        self.per_env = torch.zeros(engine.num_envs, *shape, device=engine.device)
        self.descriptor = Tensor(self.per_env.flatten(0, 1))
        self._fields = [engine.derived(name) for name in fields]
        self._all_stale = True
        self._stale = np.zeros(engine.num_envs, dtype=bool)

    def mark_all(self) -> None:
        """Note that every environment has moved on."""
        self._all_stale = True

    def mark(self, env_ids: np.ndarray) -> None:
        """Note that these environments have been set."""
        self._stale[env_ids] = True

    def refresh(self) -> None:
        """Bring the stale environments' rows up to date."""
        if self._all_stale:
            self._write(self._fields, self.per_env)
        elif self._stale.any():
            rows = torch.from_numpy(np.flatnonzero(self._stale)).to(self.per_env.device)
            self.per_env[rows] = self.fresh(rows)
        self._all_stale = False
        self._stale[:] = False

    def fresh(self, env_ids: torch.Tensor | slice) -> torch.Tensor:
        """Return the rows of the given environments as the fields are now; the buffer stays as it is."""
        out = torch.empty_like(self.per_env[env_ids])
        self._write([field[env_ids] for field in self._fields], out)
        return out

    @abstractmethod
    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        """Convert derived fields (K, ...) into rows of the buffer, (K, ...)."""


def _select(bodies: tuple[int, ...], device: torch.device) -> slice | torch.Tensor:
    """Return a slice if the bodies are evenly spaced (a view), else their indices (a copy)."""
    step = max(bodies[1] - bodies[0], 1) if len(bodies) > 1 else 1
    if bodies == tuple(range(bodies[0], bodies[-1] + 1, step)):
        return slice(bodies[0], bodies[-1] + 1, step)
    return torch.tensor(bodies, device=device)


def _take(field: torch.Tensor, chosen: slice | torch.Tensor) -> torch.Tensor:
    """Return the chosen rows of each environment, (N, K, ...): a view for a slice, else a copy."""
    return field[:, chosen] if isinstance(chosen, slice) else field.index_select(1, chosen)


def _roots(engine: Engine, bodies: tuple[int, ...]) -> slice | torch.Tensor:
    """Return the bodies that ``subtree_com`` is to be read at: one that serves all, or one for each."""
    roots = tuple(int(engine.model.body_rootid[body]) for body in bodies)
    return _select(roots[:1] if len(set(roots)) == 1 else roots, engine.device)


class BodyStates(OutputBuffer):
    """Rigid-body states, (N, bodies, 13)."""

    def __init__(self, engine: Engine, compiled: CompiledEnv) -> None:
        bodies = compiled.bodies
        super().__init__(engine, ("xpos", "xquat", "cvel", "subtree_com"), (len(bodies), 13))
        self._bodies, self._root = _select(bodies, engine.device), _roots(engine, bodies)

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        xpos, xquat, cvel = (_take(field, self._bodies) for field in fields[:3])
        tensors.write_body_states(xpos, xquat, cvel, _take(fields[3], self._root), out)


class BodyCentres(OutputBuffer):
    """Centres of mass of the bodies, (N, bodies, 3) [m]."""

    def __init__(self, engine: Engine, compiled: CompiledEnv) -> None:
        super().__init__(engine, ("xipos",), (len(compiled.bodies), 3))
        self._bodies = _select(compiled.bodies, engine.device)

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        out.copy_(_take(fields[0], self._bodies))


class DofFrames(OutputBuffer):
    """A point on the axis of each DOF [m] and the axis' direction, world axes, (N, DOFs, 6).

    The three DOFs of a ball joint act about the axes of the body that it moves.
    """

    def __init__(self, engine: Engine, compiled: CompiledEnv) -> None:
        joints = [joint for actor in compiled.actors for joint in actor.joints]
        super().__init__(engine, ("xanchor", "xaxis", "xquat"), (len(joints), 6))
        self._joints = torch.tensor(joints, dtype=torch.long, device=engine.device)
        self._balls = [
            (actor.dofs.start + first, int(engine.model.jnt_bodyid[actor.joints[first]]))
            for actor in compiled.actors
            for first, _ in actor.balls
        ]
        self._axes = torch.eye(3, dtype=engine.dtype, device=engine.device)

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        anchors, axes, rotations = fields
        out[..., 0:3].copy_(_take(anchors, self._joints))
        out[..., 3:6].copy_(_take(axes, self._joints))
        for column, body in self._balls:
            quat = rotations[:, body : body + 1].expand(-1, 3, -1)
            out[:, column : column + 3, 3:6].copy_(tensors.rotate(quat, self._axes.expand(len(quat), 3, 3)))


class ContactForces(OutputBuffer):
    """Net contact force on each body in world axes, (N, bodies, 3) [N].

    Attributes:
        applied: forces applied to the bodies in the last step, (N, nbody, 3), which MuJoCo's figure includes
            and this one does not; None if there were none.
    """

    def __init__(self, engine: Engine, compiled: CompiledEnv) -> None:
        bodies = compiled.bodies
        super().__init__(engine, ("cfrc_ext",), (len(bodies), 3))
        self._bodies = _select(bodies, engine.device)
        self.applied: torch.Tensor | None = None

    def note_applied(self, env_ids: torch.Tensor, applied: torch.Tensor) -> None:
        """Note that forces of these environments are computed afresh, with ``applied`` (K, nbody, 3)."""
        if self.applied is None:
            self.applied = applied.new_zeros(len(self.per_env), *applied.shape[1:])
        self.applied[env_ids] = applied

    def refresh(self) -> None:
        """Bring the stale environments' rows up to date."""
        if self.applied is not None:
            self.mark_all()
        super().refresh()

    def fresh(self, env_ids: torch.Tensor | slice) -> torch.Tensor:
        """Return the rows of the given environments; see :meth:`OutputBuffer.fresh`."""
        out = torch.empty_like(self.per_env[env_ids])
        applied = None if self.applied is None else self.applied[env_ids]
        self._write_contacts(self._fields[0][env_ids], applied, out)
        return out

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        self._write_contacts(fields[0], self.applied, out)

    def _write_contacts(self, wrench: torch.Tensor, applied: torch.Tensor | None, out: torch.Tensor) -> None:
        out.copy_(_take(wrench, self._bodies)[..., 3:6])
        if applied is not None:
            out.sub_(_take(applied, self._bodies).to(out.dtype))


class SensorForces(OutputBuffer):
    """Force sensors, (N, sensors, 6): the wrench of contacts and applied forces on the sensor's body.

    Force [N], then torque about the sensor's origin [N m], in the sensor's axes or the world's as its
    properties say. Gravity and the forces of joints are no part of it: a foot that stands still reads the
    load it bears.
    """

    def __init__(self, engine: Engine, sensors: Sequence[tuple[int, int, bool]]) -> None:
        """Prepare to read sensors, given as (body id, site id, whether to report in world axes)."""
        super().__init__(engine, ("cfrc_ext", "subtree_com", "site_xpos", "site_xmat"), (len(sensors), 6))
        bodies = tuple(body for body, _, _ in sensors)
        self._bodies, self._root = _select(bodies, engine.device), _roots(engine, bodies)
        self._sites = _select(tuple(site for _, site, _ in sensors), engine.device)
        in_world = torch.tensor([world for _, _, world in sensors], device=engine.device)
        self._in_world = in_world[:, None, None] if bool(in_world.any()) else None
        self._world_axes = torch.eye(3, dtype=engine.dtype, device=engine.device)

    def _write(self, fields: list[torch.Tensor], out: torch.Tensor) -> None:
        wrench, com = _take(fields[0], self._bodies), _take(fields[1], self._root)
        origin, axes = _take(fields[2], self._sites), _take(fields[3], self._sites)
        axes = axes.reshape(*axes.shape[:2], 3, 3)
        if self._in_world is not None:
            axes = torch.where(self._in_world, self._world_axes, axes)
        tensors.write_sensor_wrenches(wrench, com, origin, axes, out)


class DofForces:
    """Generalised force of drives, actuation, springs and dampers on each DOF, (N, DOFs) [N m or N].

    Contacts, joint limits, friction and gravity are no part of it. Actors for which DOF forces were not
    enabled show zeros. The integrator is implicit in drives, springs and dampers, so the force that acted
    during the last substep is the one that positions and velocities at its end give: it follows from the
    state and the commands that were applied last.
    """

    def __init__(
        self, engine: Engine, compiled: CompiledEnv, commands: DofCommands, enabled: np.ndarray
    ) -> None:
        """Show the forces of the actors that are enabled, (N, actors) bool."""
        self.per_env = torch.zeros(engine.num_envs, compiled.num_dofs, device=engine.device)
        self.descriptor = Tensor(self.per_env.view(-1))
        self._engine, self._actors, self._commands = engine, compiled.actors, commands
        self._qpos, self._qvel, self._ctrl = (engine.state(name) for name in ("qpos", "qvel", "ctrl"))
        self._enabled = enabled
        self._shown: dict[int, _ShownForces] | None = None

    def enable(self, env: int, handle: int) -> None:
        """Show the forces of one more actor."""
        self._enabled[env, handle] = True
        self._shown = None

    def refresh(self) -> None:
        """Compute the forces of every environment."""
        for handle, shown in self._shown_actors().items():
            force = self.read(handle, slice(None))
            self.per_env[:, shown.actor.dofs].copy_(force if shown.mask is None else force * shown.mask)

    def read(self, handle: int, env_ids: slice) -> torch.Tensor:
        """Return the forces of one actor for which they are enabled, in the given environments."""
        shown = self._shown_actors()[handle]
        actor = shown.actor
        gains = {
            name: gain[env_ids if len(gain) > 1 else slice(None), actor.dofs]
            for name, gain in self._commands.gains.items()
        }
        v = self._qvel[env_ids, actor.qvel : actor.qvel + actor.num_dofs].to(torch.float32)
        q = torch.empty_like(v)
        shown.positions.read(self._qpos[env_ids], q)
        force = self._ctrl[env_ids, actor.dofs].to(torch.float32)
        force = force - gains["stiffness"] * q - gains["damping"] * v
        force = torch.minimum(torch.maximum(force, -gains["limit"]), gains["limit"])
        return force - gains["spring"] * (q - shown.rest) - gains["damper"] * v

    def _shown_actors(self) -> dict[int, _ShownForces]:
        if self._shown is None:
            self._shown = {
                handle: _ShownForces(self._engine, actor, self._enabled[:, handle])
                for handle, actor in enumerate(self._actors)
                if self._enabled[:, handle].any()
            }
        return self._shown


class _ShownForces:
    """An actor whose DOF forces are shown: in all environments, or in those that a mask (N, 1) says."""

    def __init__(self, engine: Engine, actor: ActorLayout, enabled: np.ndarray) -> None:
        self.actor = actor
        self.mask = None if enabled.all() else torch.from_numpy(enabled[:, None].copy()).to(engine.device)
        self.positions = DofPositions(actor, engine.device)
        self.rest = torch.empty(1, actor.num_dofs, device=engine.device)
        resting = torch.as_tensor(engine.model.qpos_spring, dtype=engine.dtype, device=engine.device)
        self.positions.read(resting.unsqueeze(0), self.rest)

"""Calls that command single DOFs and push single bodies.

Targets are held until they are replaced, as those of the tensors, which they are. Efforts and forces act in
the next ``simulate`` alone, on top of what tensors command.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mjgym.actor_view import running_on_cpu, started
from mjgym.body_forces import wrench_in_world
from mjgym.descriptor import Tensor
from mjgym.gym.checks import actor_of, float_tensor, owner_of, prepared, running
from mjgym.gym.records import numbers
from mjgym.scene import Env, Sim
from mjgym.simulation import Simulation
from mjgym.structs import CoordinateSpace, Vec3
from mjgym.structs.base import as_struct


class CommandCalls:
    """Targets, efforts and forces for single things."""

    # ---- targets

    def set_actor_dof_position_targets(self, env: Env, actor_handle: int, targets: np.ndarray) -> bool:
        """Set the position targets of an actor's DOFs, (DOFs,) [rad or m]; DOFs of mode POS obey."""
        return _set_all(env, actor_handle, "positions", targets, "set_actor_dof_position_targets")

    def set_actor_dof_velocity_targets(self, env: Env, actor_handle: int, targets: np.ndarray) -> bool:
        """Set the velocity targets of an actor's DOFs, (DOFs,) [rad/s or m/s]; modes VEL and POS obey."""
        return _set_all(env, actor_handle, "velocities", targets, "set_actor_dof_velocity_targets")

    def get_actor_dof_position_targets(self, env: Env, actor_handle: int) -> np.ndarray:
        """Return the position targets of an actor's DOFs, (DOFs,) float32 [rad or m]."""
        return _targets(env, actor_handle, "positions", "get_actor_dof_position_targets")

    def get_actor_dof_velocity_targets(self, env: Env, actor_handle: int) -> np.ndarray:
        """Return the velocity targets of an actor's DOFs, (DOFs,) float32 [rad/s or m/s]."""
        return _targets(env, actor_handle, "velocities", "get_actor_dof_velocity_targets")

    def set_dof_target_position(self, env: Env, dof_handle: int, target: float) -> None:
        """Set the position target [rad or m] of a DOF of an environment; mode POS obeys."""
        _set_one(env, dof_handle, "positions", target, "set_dof_target_position")

    def set_dof_target_velocity(self, env: Env, dof_handle: int, target: float) -> None:
        """Set the velocity target [rad/s or m/s] of a DOF of an environment; modes VEL and POS obey."""
        _set_one(env, dof_handle, "velocities", target, "set_dof_target_velocity")

    def get_dof_target_position(self, env: Env, dof_handle: int) -> float:
        """Return the position target [rad or m] of a DOF of an environment."""
        handle, index = owner_of(env, dof_handle, "DOF", "get_dof_target_position")
        return float(_targets(env, handle, "positions", "get_dof_target_position")[index])

    def get_dof_target_velocity(self, env: Env, dof_handle: int) -> float:
        """Return the velocity target [rad/s or m/s] of a DOF of an environment."""
        handle, index = owner_of(env, dof_handle, "DOF", "get_dof_target_velocity")
        return float(_targets(env, handle, "velocities", "get_dof_target_velocity")[index])

    # ---- efforts

    def apply_actor_dof_efforts(self, env: Env, actor_handle: int, efforts: np.ndarray) -> bool:
        """Apply efforts to an actor's DOFs, (DOFs,) [N m or N], in the next step; DOFs of mode EFFORT obey.

        They act on top of those of ``set_dof_actuation_force_tensor``; a later call before the step
        replaces them.
        """
        return _set_all(env, actor_handle, "efforts", efforts, "apply_actor_dof_efforts")

    def apply_dof_effort(self, env: Env, dof_handle: int, effort: float) -> None:
        """Apply an effort [N m or N] to a DOF of an environment in the next step; mode EFFORT obeys."""
        _set_one(env, dof_handle, "efforts", effort, "apply_dof_effort")

    # ---- forces on bodies

    def apply_body_forces(
        self,
        env: Env,
        rigidHandle: int,
        force: Vec3 | None = None,
        torque: Vec3 | None = None,
        space: int = CoordinateSpace.ENV_SPACE,
    ) -> None:
        """Push a body at its centre of mass, and turn it, during the next ``simulate`` alone.

        Args:
            env: the environment.
            rigidHandle: the body, among those of the environment.
            force: [N], or None.
            torque: [N m], or None.
            space: ``LOCAL_SPACE`` for the body's own axes, else world axes.
        """
        call = "apply_body_forces"
        simulation = _pushed(env, rigidHandle, call)
        given = [Vec3() if one is None else as_struct(Vec3, one, call) for one in (force, torque)]
        turned = [
            wrench_in_world(simulation, _row(env), _at(simulation, rigidHandle, one), None, space)[0]
            for one in given
        ]
        simulation.add_body_force(env.index, rigidHandle, *(one[0, rigidHandle] for one in turned))

    def apply_body_force_at_pos(
        self,
        env: Env,
        rigidHandle: int,
        force: Vec3,
        pos: Vec3 | None = None,
        space: int = CoordinateSpace.ENV_SPACE,
    ) -> None:
        """Push a body at a point during the next ``simulate`` alone.

        Args:
            env: the environment.
            rigidHandle: the body, among those of the environment.
            force: [N].
            pos: where it acts [m]; None for the centre of mass.
            space: ``ENV_SPACE`` for a point relative to the environment's origin, ``GLOBAL_SPACE`` for one
                of the grid of environments, ``LOCAL_SPACE`` for force and point in the body's own frame.
        """
        call = "apply_body_force_at_pos"
        simulation = _pushed(env, rigidHandle, call)
        push = _at(simulation, rigidHandle, as_struct(Vec3, force, call))
        point = None if pos is None else _at(simulation, rigidHandle, as_struct(Vec3, pos, call))
        wrench = wrench_in_world(simulation, _row(env), push, point, space)
        simulation.add_body_force(env.index, rigidHandle, *(part[0, rigidHandle] for part in wrench))

    def apply_rigid_body_force_at_pos_tensors(
        self,
        sim: Sim,
        forceTensor: Tensor,
        posTensor: Tensor | None = None,
        space: int = CoordinateSpace.ENV_SPACE,
    ) -> bool:
        """Apply forces to all bodies at given points, during the next ``simulate`` alone.

        As those of ``apply_rigid_body_force_tensors``, they replace what was applied before in this step.

        Args:
            sim: the simulation.
            forceTensor: (bodies, 3) [N].
            posTensor: where they act, (bodies, 3) [m]; None for the centres of mass.
            space: as in :meth:`apply_body_force_at_pos`.
        """
        call = "apply_rigid_body_force_at_pos_tensors"
        simulation = running(sim, call)
        shape = (simulation.num_envs, len(simulation.compiled.bodies), 3)
        force, point = (
            None if given is None else float_tensor(given, shape, simulation.engine.device, call)
            for given in (forceTensor, posTensor)
        )
        if force is None:
            raise TypeError(f"{call}: forceTensor is None; pass gymtorch.unwrap_tensor(forces)")
        simulation.apply_body_forces(*wrench_in_world(simulation, slice(None), force, point, space), False)
        return True


def _set_all(env: Env, handle: int, kind: str, values: Any, call: str) -> bool:
    """Set one kind of command of all DOFs of an actor."""
    row = numbers(values, actor_of(env, handle, call).asset.num_dofs, call)
    _command(env, handle, kind, slice(None), row, call)
    return True


def _set_one(env: Env, dof_handle: int, kind: str, value: float, call: str) -> None:
    """Set one kind of command of one DOF."""
    handle, index = owner_of(env, dof_handle, "DOF", call)
    _command(env, handle, kind, slice(index, index + 1), numbers([value], 1, call), call)


def _command(env: Env, handle: int, kind: str, chosen: slice, values: np.ndarray, call: str) -> None:
    """Set "efforts", "positions" or "velocities" of chosen DOFs of an actor."""
    simulation = running_on_cpu(env.sim, call)
    if simulation is None:
        start, num_dofs = started(env.actors[handle]), env.actors[handle].asset.num_dofs
        held = getattr(start, kind)
        held = np.zeros(num_dofs, dtype=np.float32) if held is None else held
        held[chosen] = values
        setattr(start, kind, held)
        return
    commands = simulation.commands
    columns = simulation.compiled.actors[handle].dofs
    numbered = torch.arange(columns.start, columns.stop)[chosen]
    if kind == "efforts":
        commands.apply_once(env.index, numbered, torch.from_numpy(values))
    else:
        getattr(commands, kind)[env.index, numbered] = torch.from_numpy(values)
        commands.touch()


def _targets(env: Env, handle: int, kind: str, call: str) -> np.ndarray:
    """Return a copy of the "positions" or "velocities" that an actor's DOFs are to reach, (DOFs,)."""
    actor = actor_of(env, handle, call)
    simulation = running_on_cpu(env.sim, call)
    if simulation is not None:
        columns = simulation.compiled.actors[handle].dofs
        return getattr(simulation.commands, kind)[env.index, columns].clone().numpy()
    held = None if actor.start is None else getattr(actor.start, kind)
    return np.zeros(actor.asset.num_dofs, dtype=np.float32) if held is None else held.copy()


def _pushed(env: Env, body_handle: int, call: str) -> Simulation:
    """Return the simulation of a body that is to be pushed; it is prepared by now, as for a step.

    Raises:
        IndexError: if there is no such body.
        RuntimeError: if the simulation runs on a GPU, or is destroyed.
    """
    owner_of(env, body_handle, "body", call)
    simulation = prepared(env.sim, call)
    running_on_cpu(env.sim, call)
    return simulation


def _row(env: Env) -> slice:
    return slice(env.index, env.index + 1)


def _at(simulation: Simulation, body_handle: int, vector: Vec3) -> torch.Tensor:
    """Return a vector for one body and zero for the others, (1, bodies, 3)."""
    rows = torch.zeros(1, len(simulation.compiled.bodies), 3)
    rows[0, body_handle] = torch.tensor(vector.as_tuple())
    return rows

"""Calls that hand out tensors, bring them up to date, and set the simulation from them.

Every tensor is float32, one row for each actor, DOF, body or sensor of the whole simulation, environment
after environment, and aliases one buffer for the simulation's life: ``refresh_*`` overwrites it in place,
and nothing else does. Setters take effect at once; what follows from the state is computed when it is next
refreshed, for the environments that were set.
"""

from __future__ import annotations

import numpy as np
import torch

from mjgym.buffers import StateBuffer
from mjgym.descriptor import Tensor
from mjgym.gym.checks import float_tensor, index_tensor, running
from mjgym.scene import Sim
from mjgym.simulation import Simulation
from mjgym.structs import CoordinateSpace


class TensorCalls:
    """Acquire, refresh, set, apply."""

    # ---- acquire

    def acquire_actor_root_state_tensor(self, sim: Sim) -> Tensor:
        """Return root states, (actors, 13).

        Position [m], quaternion xyzw, linear velocity of the root frame's origin [m/s], angular velocity
        [rad/s]; positions relative to the environment's origin, velocities in world axes.
        """
        return running(sim, "acquire_actor_root_state_tensor").roots.descriptor

    def acquire_dof_state_tensor(self, sim: Sim) -> Tensor:
        """Return DOF states, (DOFs, 2): position [rad or m], velocity [rad/s or m/s]."""
        return running(sim, "acquire_dof_state_tensor").dofs.descriptor

    def acquire_rigid_body_state_tensor(self, sim: Sim) -> Tensor:
        """Return body states, (bodies, 13), in the form of root states."""
        return running(sim, "acquire_rigid_body_state_tensor").body_states().descriptor

    def acquire_net_contact_force_tensor(self, sim: Sim) -> Tensor:
        """Return the sum of contact forces on each body, (bodies, 3) [N], world axes, in the last substep."""
        return running(sim, "acquire_net_contact_force_tensor").contact_forces().descriptor

    def acquire_force_sensor_tensor(self, sim: Sim) -> Tensor | None:
        """Return force sensors, (sensors, 6): force [N], torque about the sensor [N m], in the last substep.

        In the sensor's axes, or the world's if its properties say so. None if there are no sensors. See
        ``create_asset_force_sensor`` for what is summed up.
        """
        buffer = running(sim, "acquire_force_sensor_tensor").sensor_forces()
        return None if buffer is None else buffer.descriptor

    def acquire_dof_force_tensor(self, sim: Sim) -> Tensor:
        """Return generalised forces on the DOFs, (DOFs,) [N m or N], in the last substep.

        Actuation, drives, springs and dampers; no contacts, joint limits, friction or gravity. Zero for
        actors without ``enable_actor_dof_force_sensors``.
        """
        return running(sim, "acquire_dof_force_tensor").dof_forces.descriptor

    # ---- refresh

    def refresh_actor_root_state_tensor(self, sim: Sim) -> bool:
        """Copy all root states into their tensor."""
        running(sim, "refresh_actor_root_state_tensor").roots.refresh()
        return True

    def refresh_dof_state_tensor(self, sim: Sim) -> bool:
        """Copy all DOF states into their tensor."""
        running(sim, "refresh_dof_state_tensor").dofs.refresh()
        return True

    def refresh_rigid_body_state_tensor(self, sim: Sim) -> bool:
        """Bring the body states up to date; right after a setter, too."""
        simulation = running(sim, "refresh_rigid_body_state_tensor")
        simulation.refresh(simulation.body_states())
        return True

    def refresh_net_contact_force_tensor(self, sim: Sim) -> bool:
        """Bring the contact forces up to date: of the last substep, or of the state where one was set."""
        simulation = running(sim, "refresh_net_contact_force_tensor")
        simulation.refresh(simulation.contact_forces())
        return True

    def refresh_force_sensor_tensor(self, sim: Sim) -> bool:
        """Bring the force sensors up to date: of the last substep, or of the state where one was set."""
        simulation = running(sim, "refresh_force_sensor_tensor")
        buffer = simulation.sensor_forces()
        if buffer is not None:
            simulation.refresh(buffer)
        return True

    def refresh_dof_force_tensor(self, sim: Sim) -> bool:
        """Bring the DOF forces up to date; where a state was set, they are those of the new state."""
        running(sim, "refresh_dof_force_tensor").dof_forces.refresh()
        return True

    # ---- set states

    def set_actor_root_state_tensor(self, sim: Sim, states: Tensor) -> bool:
        """Set all root states from a tensor of (actors, 13)."""
        simulation = running(sim, "set_actor_root_state_tensor")
        _set_states(simulation, simulation.roots, states, None, "set_actor_root_state_tensor")
        return True

    def set_actor_root_state_tensor_indexed(
        self, sim: Sim, states: Tensor, indices: Tensor, count: int
    ) -> bool:
        """Set the root states of some actors.

        Args:
            sim: the simulation.
            states: root states of all actors, (actors, 13); only the listed actors' rows are read.
            indices: int32 actor numbers (``DOMAIN_SIM``); repeated ones do no harm.
            count: how many of ``indices`` to use.
        """
        simulation, call = (
            running(sim, "set_actor_root_state_tensor_indexed"),
            "set_actor_root_state_tensor_indexed",
        )
        _set_states(simulation, simulation.roots, states, (indices, count), call)
        return True

    def set_dof_state_tensor(self, sim: Sim, states: Tensor) -> bool:
        """Set all DOF states from a tensor of (DOFs, 2)."""
        simulation = running(sim, "set_dof_state_tensor")
        _set_states(simulation, simulation.dofs, states, None, "set_dof_state_tensor")
        return True

    def set_dof_state_tensor_indexed(self, sim: Sim, states: Tensor, indices: Tensor, count: int) -> bool:
        """Set the states of all DOFs of some actors.

        Args:
            sim: the simulation.
            states: states of all DOFs, (DOFs, 2); only the listed actors' rows are read.
            indices: int32 actor numbers (``DOMAIN_SIM``); repeated ones do no harm.
            count: how many of ``indices`` to use.
        """
        simulation = running(sim, "set_dof_state_tensor_indexed")
        _set_states(simulation, simulation.dofs, states, (indices, count), "set_dof_state_tensor_indexed")
        return True

    # ---- command DOFs: held until replaced

    def set_dof_actuation_force_tensor(self, sim: Sim, forces: Tensor) -> bool:
        """Set the efforts of all DOFs, (DOFs,) [N m or N]; DOFs of mode EFFORT obey."""
        simulation = running(sim, "set_dof_actuation_force_tensor")
        return _command(
            simulation, simulation.commands.efforts, forces, None, "set_dof_actuation_force_tensor"
        )

    def set_dof_actuation_force_tensor_indexed(
        self, sim: Sim, forces: Tensor, indices: Tensor, count: int
    ) -> bool:
        """Set the efforts of some actors' DOFs from a tensor of (DOFs,)."""
        simulation, call = (
            running(sim, "set_dof_actuation_force_tensor_indexed"),
            "set_dof_actuation_force_tensor_indexed",
        )
        return _command(simulation, simulation.commands.efforts, forces, (indices, count), call)

    def set_dof_position_target_tensor(self, sim: Sim, targets: Tensor) -> bool:
        """Set the position targets of all DOFs, (DOFs,) [rad or m]; DOFs of mode POS obey."""
        simulation = running(sim, "set_dof_position_target_tensor")
        return _command(
            simulation, simulation.commands.positions, targets, None, "set_dof_position_target_tensor"
        )

    def set_dof_position_target_tensor_indexed(
        self, sim: Sim, targets: Tensor, indices: Tensor, count: int
    ) -> bool:
        """Set the position targets of some actors' DOFs from a tensor of (DOFs,)."""
        simulation, call = (
            running(sim, "set_dof_position_target_tensor_indexed"),
            "set_dof_position_target_tensor_indexed",
        )
        return _command(simulation, simulation.commands.positions, targets, (indices, count), call)

    def set_dof_velocity_target_tensor(self, sim: Sim, targets: Tensor) -> bool:
        """Set the velocity targets of all DOFs, (DOFs,) [rad/s or m/s]; DOFs of modes VEL and POS obey."""
        simulation = running(sim, "set_dof_velocity_target_tensor")
        return _command(
            simulation, simulation.commands.velocities, targets, None, "set_dof_velocity_target_tensor"
        )

    def set_dof_velocity_target_tensor_indexed(
        self, sim: Sim, targets: Tensor, indices: Tensor, count: int
    ) -> bool:
        """Set the velocity targets of some actors' DOFs from a tensor of (DOFs,)."""
        simulation, call = (
            running(sim, "set_dof_velocity_target_tensor_indexed"),
            "set_dof_velocity_target_tensor_indexed",
        )
        return _command(simulation, simulation.commands.velocities, targets, (indices, count), call)

    # ---- forces on bodies

    def apply_rigid_body_force_tensors(
        self,
        sim: Sim,
        forceTensor: Tensor | None = None,
        torqueTensor: Tensor | None = None,
        space: int = CoordinateSpace.ENV_SPACE,
    ) -> bool:
        """Apply forces and torques at the centres of mass of all bodies, during the next ``simulate`` alone.

        Args:
            sim: the simulation.
            forceTensor: (bodies, 3) [N], or None.
            torqueTensor: (bodies, 3) [N m], or None.
            space: ``LOCAL_SPACE`` for each body's own axes, else world axes.
        """
        simulation, call = running(sim, "apply_rigid_body_force_tensors"), "apply_rigid_body_force_tensors"
        shape = (simulation.num_envs, len(simulation.compiled.bodies), 3)
        force, torque = (
            None if given is None else float_tensor(given, shape, simulation.engine.device, call)
            for given in (forceTensor, torqueTensor)
        )
        simulation.apply_body_forces(force, torque, space == CoordinateSpace.LOCAL_SPACE)
        return True


def _set_states(
    simulation: Simulation, buffer: StateBuffer, states: Tensor, chosen: tuple[Tensor, int] | None, call: str
) -> None:
    """Set the states of all actors, or of the chosen ones, given as (indices, count)."""
    source = float_tensor(states, tuple(buffer.per_env.shape), simulation.engine.device, call)
    for handle, env_ids in simulation.group_by_actor(_indices(simulation, chosen, call)):
        rows = buffer.rows_of(source, handle)
        simulation.set_rows(buffer, handle, env_ids, rows if env_ids is None else rows[env_ids])


def _command(
    simulation: Simulation, target: torch.Tensor, given: Tensor, chosen: tuple[Tensor, int] | None, call: str
) -> bool:
    """Copy commands of all actors, or of the chosen ones, into the held ones."""
    source = float_tensor(given, tuple(target.shape), simulation.engine.device, call)
    if chosen is None:
        target.copy_(source)
    else:
        for handle, env_ids in simulation.group_by_actor(_indices(simulation, chosen, call)):
            columns = simulation.compiled.actors[handle].dofs
            rows = slice(None) if env_ids is None else env_ids
            target[rows, columns] = source[rows, columns]
    simulation.commands.touch()
    return True


def _indices(simulation: Simulation, chosen: tuple[Tensor, int] | None, call: str) -> np.ndarray | None:
    """Return sorted unique actor numbers, or None for all."""
    if chosen is None:
        return None
    num_actors = simulation.num_envs * len(simulation.compiled.actors)
    indices, are_all = index_tensor(chosen[0], chosen[1], num_actors, simulation.engine.device, call)
    return None if are_all else indices

"""Calls that ask for contacts, contact forces, force sensors and forces on DOFs of single things."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from mjgym.actor_view import running_on_cpu
from mjgym.contacts import list_contacts
from mjgym.gym.checks import actor_of, env_of, item_of, sim_of
from mjgym.gym.records import as_records
from mjgym.partly import partly
from mjgym.scene import Env, Sim
from mjgym.structs import RIGID_CONTACT_DTYPE, VEC3_DTYPE, SpatialForce, Vec3


class ForceSensor:
    """A force sensor of one actor."""

    def __init__(self, env: Env, actor_handle: int, index: int) -> None:
        self._env = env
        counts = [len(actor.asset.force_sensors) for actor in env.actors]
        self._in_env = sum(counts[:actor_handle]) + index
        self._per_env = sum(counts)

    def get_forces(self) -> SpatialForce:
        """Return force [N] and torque [N m], as the force-sensor tensor has them; zero before a step."""
        simulation = running_on_cpu(self._env.sim, "ForceSensor.get_forces")
        buffer = None if simulation is None else simulation.sensor_forces()
        if simulation is None or buffer is None:
            return SpatialForce()
        rows = simulation.read(buffer, slice(self._env.index, self._env.index + 1))
        numbers = rows[0, self._in_env].tolist()
        return SpatialForce(Vec3(*numbers[0:3]), Vec3(*numbers[3:6]))

    def get_global_index(self) -> int:
        """Return the sensor's row in the force-sensor tensor."""
        return self._env.index * self._per_env + self._in_env


class ContactCalls:
    """Contacts, sensors and forces of single things; contacts are those of the state as it is now."""

    @partly("contacts of the state as it is now; `minDist` and the offsets are zero")
    def get_env_rigid_contacts(self, env: Env) -> np.ndarray:
        """Return what touches in an environment, (contacts,) of ``RigidContact.dtype``.

        Bodies are numbered within the environment, -1 for the ground; the normal points from the first to
        the second one. ``lambda`` is the normal force [N].
        """
        simulation = running_on_cpu(env_of(env, "get_env_rigid_contacts").sim, "get_env_rigid_contacts")
        return (
            np.zeros(0, RIGID_CONTACT_DTYPE) if simulation is None else list_contacts(simulation, env.index)
        )

    @partly("contacts of the state as it is now; `minDist` and the offsets are zero")
    def get_rigid_contacts(self, sim: Sim) -> np.ndarray:
        """Return what touches in all environments; see :meth:`get_env_rigid_contacts`."""
        parts = [self.get_env_rigid_contacts(env) for env in sim_of(sim, "get_rigid_contacts").envs]
        return np.concatenate([np.zeros(0, RIGID_CONTACT_DTYPE), *parts])

    def get_env_rigid_contact_forces(self, env: Env) -> np.ndarray:
        """Return the net contact force on each body of an environment [N], (bodies,) of ``Vec3.dtype``."""
        return self.get_vec_env_rigid_contact_forces([env])

    def get_vec_env_rigid_contact_forces(self, envs: Sequence[Env]) -> np.ndarray:
        """Return net contact forces of several environments, (envs x bodies,) of ``Vec3.dtype``."""
        call = "get_env_rigid_contact_forces"
        for env in envs:
            env_of(env, call)
        simulation = running_on_cpu(envs[0].sim, call) if envs else None
        if simulation is None:
            return np.zeros(sum(a.asset.num_bodies for env in envs for a in env.actors), VEC3_DTYPE)
        ids = torch.tensor([env.index for env in envs])
        return as_records(simulation.read(simulation.contact_forces(), ids).view(-1, 3).numpy(), VEC3_DTYPE)

    def get_rigid_contact_forces(self, sim: Sim) -> np.ndarray:
        """Return the net contact force on each body of the simulation [N], (bodies,) of ``Vec3.dtype``."""
        return self.get_vec_env_rigid_contact_forces(sim_of(sim, "get_rigid_contact_forces").envs)

    def get_actor_force_sensor(self, env: Env, actor_handle: int, index: int) -> ForceSensor:
        """Return one of an actor's force sensors, in the order of their creation."""
        call = "get_actor_force_sensor"
        sensors = actor_of(env, actor_handle, call).asset.force_sensors
        return ForceSensor(env, actor_handle, item_of(sensors, index, "force sensor", call))

    def get_actor_dof_forces(self, env: Env, actor_handle: int) -> np.ndarray:
        """Return the forces on an actor's DOFs, (DOFs,) float32 [N m or N], as the DOF-force tensor has them.

        Zero without ``enable_actor_dof_force_sensors``.
        """
        call = "get_actor_dof_forces"
        actor = actor_of(env, actor_handle, call)
        simulation = running_on_cpu(env.sim, call)
        if simulation is None or not simulation.sim.envs[0].actors[actor_handle].has_dof_forces:
            return np.zeros(actor.asset.num_dofs, dtype=np.float32)
        return simulation.dof_forces.read(actor_handle, slice(env.index, env.index + 1))[0].numpy()

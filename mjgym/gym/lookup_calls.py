"""Calls that find and count actors, bodies, DOFs and joints of environments.

Handles count within an environment. Body and DOF handles of an actor count all bodies and DOFs of its
environment, so that they index tensors of shape (num_envs, bodies, ...).
"""

from __future__ import annotations

from collections.abc import Callable

from mjgym.gym.checks import actor_of, item_of, running
from mjgym.partly import partly
from mjgym.scene import Actor, Env, Sim
from mjgym.structs import INVALID_HANDLE, IndexDomain, Quat, Transform, Vec3


class LookupCalls:
    """Names, handles, indices and counts."""

    # ---- simulation and environments

    def get_env_count(self, sim: Sim) -> int:
        """Return the number of environments."""
        return len(sim.envs)

    def get_env(self, sim: Sim, index: int) -> Env:
        """Return an environment by its number."""
        return sim.envs[item_of(sim.envs, index, "environment", "get_env")]

    def get_env_origin(self, env: Env) -> Vec3:
        """Return where an environment is drawn [m]. Positions in tensors are relative to it."""
        return Vec3(*env.origin)

    def get_sim_actor_count(self, sim: Sim) -> int:
        """Return the number of actors in all environments."""
        return sum(len(env.actors) for env in sim.envs)

    def get_sim_dof_count(self, sim: Sim) -> int:
        """Return the number of DOFs in all environments."""
        return sum(self.get_env_dof_count(env) for env in sim.envs)

    def get_sim_rigid_body_count(self, sim: Sim) -> int:
        """Return the number of bodies in all environments."""
        return sum(self.get_env_rigid_body_count(env) for env in sim.envs)

    def get_sim_force_sensor_count(self, sim: Sim) -> int:
        """Return the number of force sensors in all environments."""
        return sum(len(actor.asset.force_sensors) for env in sim.envs for actor in env.actors)

    def get_env_dof_count(self, env: Env) -> int:
        """Return the number of DOFs of an environment."""
        return sum(actor.asset.num_dofs for actor in env.actors)

    def get_env_rigid_body_count(self, env: Env) -> int:
        """Return the number of bodies of an environment."""
        return env.num_bodies

    # ---- actors

    def get_actor_count(self, env: Env) -> int:
        """Return the number of actors of an environment."""
        return len(env.actors)

    def get_actor_handle(self, env: Env, index: int) -> int:
        """Return the handle of an environment's actor by its number: the number itself."""
        return index if 0 <= index < len(env.actors) else INVALID_HANDLE

    def find_actor_handle(self, env: Env, name: str) -> int:
        """Return the handle of the actor called ``name``, or -1."""
        return env.find_actor(name)

    def get_actor_name(self, env: Env, actor_handle: int) -> str:
        """Return an actor's name."""
        return actor_of(env, actor_handle, "get_actor_name").name

    def get_actor_index(self, env: Env, actor_handle: int, domain: int) -> int:
        """Return an actor's number within the given domain (``DOMAIN_SIM`` for indexed setters)."""
        actor_of(env, actor_handle, "get_actor_index")
        return _in_domain(domain, 0, actor_handle, env, lambda first: len(first.actors))

    def find_actor_index(self, env: Env, name: str, domain: int) -> int:
        """Return the number of the actor called ``name`` within the given domain, or -1."""
        handle = env.find_actor(name)
        return handle if handle < 0 else self.get_actor_index(env, handle, domain)

    # ---- bodies of actors

    def get_actor_rigid_body_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of bodies of an actor."""
        return actor_of(env, actor_handle, "get_actor_rigid_body_count").asset.num_bodies

    def get_actor_rigid_body_names(self, env: Env, actor_handle: int) -> list[str]:
        """Return the names of an actor's bodies."""
        return list(actor_of(env, actor_handle, "get_actor_rigid_body_names").asset.body_names)

    def get_actor_rigid_body_dict(self, env: Env, actor_handle: int) -> dict[str, int]:
        """Return the numbers of an actor's bodies within the actor, by name."""
        return {name: i for i, name in enumerate(self.get_actor_rigid_body_names(env, actor_handle))}

    def find_actor_rigid_body_handle(self, env: Env, actor_handle: int, name: str) -> int:
        """Return the number of an actor's body among the bodies of its environment, or -1."""
        return self.find_actor_rigid_body_index(env, actor_handle, name, IndexDomain.DOMAIN_ENV)

    def find_actor_rigid_body_index(self, env: Env, actor_handle: int, name: str, domain: int) -> int:
        """Return the number of an actor's body within the given domain, or -1."""
        names = actor_of(env, actor_handle, "find_actor_rigid_body_index").asset.body_names
        if name not in names:
            return INVALID_HANDLE
        return self.get_actor_rigid_body_index(env, actor_handle, names.index(name), domain)

    def get_actor_rigid_body_handle(self, env: Env, actor_handle: int, index: int) -> int:
        """Return the number of an actor's ``index``-th body among the bodies of its environment."""
        return self.get_actor_rigid_body_index(env, actor_handle, index, IndexDomain.DOMAIN_ENV)

    def get_actor_rigid_body_index(self, env: Env, actor_handle: int, index: int, domain: int) -> int:
        """Return the number of an actor's ``index``-th body within the given domain."""
        actor = actor_of(env, actor_handle, "get_actor_rigid_body_index")
        item_of(actor.asset.body_names, index, "body", "get_actor_rigid_body_index")
        first = sum(a.asset.num_bodies for a in env.actors[:actor_handle])
        return _in_domain(domain, index, first + index, env, self.get_env_rigid_body_count)

    def get_actor_root_rigid_body_handle(self, env: Env, actor_handle: int) -> int:
        """Return the number of an actor's root among the bodies of its environment."""
        return self.get_actor_rigid_body_handle(env, actor_handle, 0)

    def get_actor_rigid_shape_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of collision shapes of an actor."""
        return len(actor_of(env, actor_handle, "get_actor_rigid_shape_count").asset.shape_geoms)

    @partly("only after `prepare_sim`")
    def get_rigid_transform(self, env: Env, body_handle: int) -> Transform:
        """Return the pose of a body in its environment, as it is now."""
        bodies = running(env.sim, "get_rigid_transform").current_body_states()
        row = [float(number) for number in bodies[env.index, body_handle]]
        return Transform(Vec3(*row[0:3]), Quat(*row[3:7]))

    # ---- DOFs, joints and sensors of actors

    def get_actor_dof_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of DOFs of an actor."""
        return actor_of(env, actor_handle, "get_actor_dof_count").asset.num_dofs

    def get_actor_dof_names(self, env: Env, actor_handle: int) -> list[str]:
        """Return the names of an actor's DOFs."""
        return list(actor_of(env, actor_handle, "get_actor_dof_names").asset.dof_names)

    def get_actor_dof_dict(self, env: Env, actor_handle: int) -> dict[str, int]:
        """Return the numbers of an actor's DOFs within the actor, by name."""
        return {name: i for i, name in enumerate(self.get_actor_dof_names(env, actor_handle))}

    def find_actor_dof_handle(self, env: Env, actor_handle: int, name: str) -> int:
        """Return the number of an actor's DOF among the DOFs of its environment, or -1."""
        return self.find_actor_dof_index(env, actor_handle, name, IndexDomain.DOMAIN_ENV)

    def get_actor_dof_handle(self, env: Env, actor_handle: int, index: int) -> int:
        """Return the number of an actor's ``index``-th DOF among the DOFs of its environment."""
        return self.get_actor_dof_index(env, actor_handle, index, IndexDomain.DOMAIN_ENV)

    def find_actor_dof_index(self, env: Env, actor_handle: int, name: str, domain: int) -> int:
        """Return the number of an actor's DOF within the given domain, or -1."""
        names = actor_of(env, actor_handle, "find_actor_dof_index").asset.dof_names
        if name not in names:
            return INVALID_HANDLE
        return self.get_actor_dof_index(env, actor_handle, names.index(name), domain)

    def get_actor_dof_index(self, env: Env, actor_handle: int, index: int, domain: int) -> int:
        """Return the number of an actor's ``index``-th DOF within the given domain."""
        actor = actor_of(env, actor_handle, "get_actor_dof_index")
        item_of(actor.asset.dof_names, index, "DOF", "get_actor_dof_index")
        first = sum(a.asset.num_dofs for a in env.actors[:actor_handle])
        return _in_domain(domain, index, first + index, env, self.get_env_dof_count)

    def get_actor_joint_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of joints of an actor, uncollapsed fixed joints included."""
        return len(actor_of(env, actor_handle, "get_actor_joint_count").asset.joint_names)

    def get_actor_joint_names(self, env: Env, actor_handle: int) -> list[str]:
        """Return the names of an actor's joints."""
        return list(actor_of(env, actor_handle, "get_actor_joint_names").asset.joint_names)

    def get_actor_joint_dict(self, env: Env, actor_handle: int) -> dict[str, int]:
        """Return the numbers of an actor's joints within the actor, by name."""
        return {name: i for i, name in enumerate(self.get_actor_joint_names(env, actor_handle))}

    def get_actor_force_sensor_count(self, env: Env, actor_handle: int) -> int:
        """Return the number of force sensors of an actor."""
        return len(actor_of(env, actor_handle, "get_actor_force_sensor_count").asset.force_sensors)

    def get_actor_asset(self, env: Env, actor_handle: int) -> object:
        """Return the asset that an actor is made of."""
        actor: Actor = actor_of(env, actor_handle, "get_actor_asset")
        return actor.asset


def _in_domain(domain: int, in_actor: int, in_env: int, env: Env, count: Callable[[Env], int]) -> int:
    """Return the index that a domain counts; ``count`` says how many such things an environment holds.

    Environments are alike, so the first one's count stands for all that come before ``env``.
    """
    if domain == IndexDomain.DOMAIN_ACTOR:
        return in_actor
    if domain == IndexDomain.DOMAIN_ENV:
        return in_env
    if domain == IndexDomain.DOMAIN_SIM:
        return env.index * count(env.sim.envs[0]) + in_env
    raise ValueError(f"index domain {domain} must be DOMAIN_ACTOR, DOMAIN_ENV or DOMAIN_SIM")

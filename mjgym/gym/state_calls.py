"""Calls that read and set the states of single DOFs, bodies, actors and environments.

They read the state of now and write at once, before ``prepare_sim`` too; with the GPU pipeline a prepared
simulation refuses them, as in Isaac Gym. Positions are relative to the environment's origin, velocities are
of the body frame's origin in world axes, as in the tensors. MuJoCo keeps an actor's state as that of its root
and its DOFs: the state of a body can be set where the body is a root, and the links follow.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from mjgym.actor_view import (
    POSES,
    env_body_states,
    running_on_cpu,
    set_dof_states,
    set_root_state,
    view,
)
from mjgym.gym.checks import actor_of, env_of, owner_of, sim_of
from mjgym.gym.records import STATE_ALL, as_records, as_rows, merged, only
from mjgym.partly import partly
from mjgym.scene import Env, Sim
from mjgym.structs import (
    DOF_STATE_DTYPE,
    RIGID_BODY_STATE_DTYPE,
    TRANSFORM_DTYPE,
    VEC3_DTYPE,
    Quat,
    Transform,
    Vec3,
)
from mjgym.structs.base import as_struct

_log = logging.getLogger(__name__)

_ROOTS: Final = "sets roots: rows of other links are ignored, they follow the root and the DOFs"
_ROOT: Final = "roots alone: other links follow the root and the DOFs, and are refused"


class StateCalls:
    """Poses, velocities and DOF states of single things."""

    # ---- DOFs

    def get_actor_dof_states(self, env: Env, actor_handle: int, flags: int = STATE_ALL) -> np.ndarray:
        """Return an actor's DOF states, (DOFs,) of ``DofState.dtype``: ``pos`` and ``vel``.

        What ``flags`` (``STATE_POS``, ``STATE_VEL``, ``STATE_ALL``) do not ask for is zero.
        """
        call = "get_actor_dof_states"
        actor_of(env, actor_handle, call)
        return as_records(only(view(env, actor_handle, call).dof_states(), flags, call), DOF_STATE_DTYPE)

    def set_actor_dof_states(
        self, env: Env, actor_handle: int, states: np.ndarray, flags: int = STATE_ALL
    ) -> bool:
        """Set what ``flags`` name of an actor's DOF states, (DOFs,) of ``DofState.dtype``.

        Raises:
            TypeError: if they are no such array.
            ValueError: if their number is wrong.
        """
        call = "set_actor_dof_states"
        rows = as_rows(states, DOF_STATE_DTYPE, actor_of(env, actor_handle, call).asset.num_dofs, call)
        old = view(env, actor_handle, call).dof_states()
        set_dof_states(env, actor_handle, merged(old, rows, flags, call), call)
        return True

    def get_vec_actor_dof_states(
        self, envs: Sequence[Env], actor_handles: int | Sequence[int], flags: int = STATE_ALL
    ) -> np.ndarray:
        """Return the DOF states of an actor of each environment, one after another.

        Args:
            envs: the environments.
            actor_handles: one handle for all, or one for each.
            flags: what is asked for; see :meth:`get_actor_dof_states`.
        """
        handles = _one_for_each(actor_handles, envs, "get_vec_actor_dof_states")
        parts = [self.get_actor_dof_states(*chosen, flags) for chosen in zip(envs, handles, strict=True)]
        return np.concatenate(parts) if parts else np.zeros(0, DOF_STATE_DTYPE)

    def get_dof_position(self, env: Env, dof_handle: int) -> float:
        """Return the position [rad or m] of a DOF of an environment."""
        return self._dof_state(env, dof_handle, "get_dof_position")[0]

    def get_dof_velocity(self, env: Env, dof_handle: int) -> float:
        """Return the velocity [rad/s or m/s] of a DOF of an environment."""
        return self._dof_state(env, dof_handle, "get_dof_velocity")[1]

    def _dof_state(self, env: Env, dof_handle: int, call: str) -> list[float]:
        handle, index = owner_of(env, dof_handle, "DOF", call)
        return view(env, handle, call).dof_states()[index].tolist()

    # ---- bodies of an actor, an environment, a simulation

    def get_actor_rigid_body_states(self, env: Env, actor_handle: int, flags: int = STATE_ALL) -> np.ndarray:
        """Return the states of an actor's bodies, (bodies,) of ``RigidBodyState.dtype``: ``pose``, ``vel``.

        What ``flags`` (``STATE_POS``, ``STATE_VEL``, ``STATE_ALL``) do not ask for is zero.
        """
        call = "get_actor_rigid_body_states"
        actor_of(env, actor_handle, call)
        rows = view(env, actor_handle, call).body_states()
        return as_records(only(rows, flags, call), RIGID_BODY_STATE_DTYPE)

    def get_env_rigid_body_states(self, env: Env, flags: int = STATE_ALL) -> np.ndarray:
        """Return the states of an environment's bodies; see :meth:`get_actor_rigid_body_states`."""
        call = "get_env_rigid_body_states"
        rows = env_body_states(env_of(env, call), call)
        return as_records(only(rows, flags, call), RIGID_BODY_STATE_DTYPE)

    def get_sim_rigid_body_states(self, sim: Sim, flags: int = STATE_ALL) -> np.ndarray:
        """Return the states of all bodies, environment after environment.

        See :meth:`get_actor_rigid_body_states`.
        """
        call = "get_sim_rigid_body_states"
        running = running_on_cpu(sim_of(sim, call), call)
        if running is not None:
            rows = running.read(running.body_states(), slice(None)).view(-1, 13).numpy()
        else:
            parts = [env_body_states(env, call) for env in sim.envs]
            rows = np.concatenate([np.zeros((0, 13), np.float32), *parts])
        return as_records(only(rows, flags, call), RIGID_BODY_STATE_DTYPE)

    @partly(_ROOTS)
    def set_actor_rigid_body_states(
        self, env: Env, actor_handle: int, states: np.ndarray, flags: int = STATE_ALL
    ) -> bool:
        """Set what ``flags`` name of the state of an actor's root, the first of its bodies' states.

        Args:
            env: the environment.
            actor_handle: the actor.
            states: (bodies,) of ``RigidBodyState.dtype``. Rows of links other than the root are ignored:
                set their DOFs. A fixed base takes the pose alone.
            flags: ``STATE_POS``, ``STATE_VEL`` or ``STATE_ALL``.

        Raises:
            TypeError: if the states are no such array.
            ValueError: if their number is wrong.
        """
        call = "set_actor_rigid_body_states"
        num_bodies = actor_of(env, actor_handle, call).asset.num_bodies
        rows = as_rows(states, RIGID_BODY_STATE_DTYPE, num_bodies, call)
        _set_roots([env], [actor_handle], rows[None, :1], flags, call)
        return True

    @partly(_ROOTS)
    def set_env_rigid_body_states(self, env: Env, states: np.ndarray, flags: int = STATE_ALL) -> bool:
        """Set what ``flags`` name of the states of an environment's roots.

        ``states`` are those of all its bodies; see :meth:`set_actor_rigid_body_states`.
        """
        call = "set_env_rigid_body_states"
        count = sum(actor.asset.num_bodies for actor in env_of(env, call).actors)
        rows = as_rows(states, RIGID_BODY_STATE_DTYPE, count, call)
        _set_roots([env], range(len(env.actors)), rows[None, _root_rows(env)], flags, call)
        return True

    @partly(_ROOTS)
    def set_sim_rigid_body_states(self, sim: Sim, states: np.ndarray, flags: int = STATE_ALL) -> bool:
        """Set what ``flags`` name of the states of all roots.

        ``states`` are those of all bodies; see :meth:`set_actor_rigid_body_states`.
        """
        call = "set_sim_rigid_body_states"
        envs = sim_of(sim, call).envs
        counts = [sum(actor.asset.num_bodies for actor in env.actors) for env in envs]
        rows = as_rows(states, RIGID_BODY_STATE_DTYPE, sum(counts), call)
        if sim.running is not None:  # environments are alike
            roots = rows.reshape(len(envs), -1, 13)[:, _root_rows(envs[0])]
            _set_roots(envs, range(len(envs[0].actors)), roots, flags, call)
            return True
        for env, part in zip(envs, np.split(rows, np.cumsum(counts)[:-1]), strict=True):
            _set_roots([env], range(len(env.actors)), part[None, _root_rows(env)], flags, call)
        return True

    # ---- single bodies

    def get_rigid_transform(self, env: Env, body_handle: int) -> Transform:
        """Return the pose of a body in its environment; before ``prepare_sim``, the one it starts in."""
        x, y, z, qx, qy, qz, qw = self._body_state(env, body_handle, "get_rigid_transform")[POSES]
        return Transform(Vec3(x, y, z), Quat(qx, qy, qz, qw))

    def get_rigid_linear_velocity(self, env: Env, body_handle: int) -> Vec3:
        """Return the velocity of a body frame's origin [m/s], world axes."""
        return Vec3(*self._body_state(env, body_handle, "get_rigid_linear_velocity")[7:10])

    def get_rigid_angular_velocity(self, env: Env, body_handle: int) -> Vec3:
        """Return the angular velocity of a body [rad/s], world axes."""
        return Vec3(*self._body_state(env, body_handle, "get_rigid_angular_velocity")[10:13])

    def _body_state(self, env: Env, body_handle: int, call: str) -> list[float]:
        handle, index = owner_of(env, body_handle, "body", call)
        return view(env, handle, call).body_states()[index].tolist()

    @partly(_ROOT)
    def set_rigid_transform(self, env: Env, body_handle: int, transform: Transform) -> None:
        """Set the pose of an actor's root in its environment.

        Raises:
            ValueError: if the body is another link than the root.
        """
        pose = as_struct(Transform, transform, "set_rigid_transform")
        self._set_body(
            env, body_handle, POSES, (*pose.p.as_tuple(), *pose.r.as_tuple()), "set_rigid_transform"
        )

    @partly(_ROOT)
    def set_rigid_linear_velocity(self, env: Env, body_handle: int, velocity: Vec3) -> None:
        """Set the velocity of a free root's origin [m/s], world axes.

        Raises:
            ValueError: if the body is another link than the root, or the base is fixed.
        """
        call = "set_rigid_linear_velocity"
        self._set_body(env, body_handle, slice(7, 10), as_struct(Vec3, velocity, call).as_tuple(), call)

    @partly(_ROOT)
    def set_rigid_angular_velocity(self, env: Env, body_handle: int, velocity: Vec3) -> None:
        """Set the angular velocity of a free root [rad/s], world axes.

        Raises:
            ValueError: if the body is another link than the root, or the base is fixed.
        """
        call = "set_rigid_angular_velocity"
        self._set_body(env, body_handle, slice(10, 13), as_struct(Vec3, velocity, call).as_tuple(), call)

    def _set_body(
        self, env: Env, body_handle: int, columns: slice, values: tuple[float, ...], call: str
    ) -> None:
        handle, index = owner_of(env, body_handle, "body", call)
        asset = env.actors[handle].asset
        name = asset.body_names[index]
        if index > 0 or asset.root_has_joints:
            raise ValueError(
                f"{call}: body {name!r} moves on joints; only the state of an actor's root can be set: use "
                "set_actor_dof_states for its DOFs"
            )
        if asset.fixed_base and columns != POSES:
            raise ValueError(f"{call}: body {name!r} is a fixed base, which has no velocity")
        state = view(env, handle, call).root_state()
        state[columns] = values
        set_root_state(env, handle, state, call)

    # ---- one body of each of several environments

    def get_vec_rigid_transform(self, envs: Sequence[Env], body_handles: int | Sequence[int]) -> np.ndarray:
        """Return the pose of a body of each environment, (envs,) of ``Transform.dtype``.

        ``body_handles`` is one handle for all environments, or one for each.
        """
        return as_records(_bodies(envs, body_handles, "get_vec_rigid_transform")[:, POSES], TRANSFORM_DTYPE)

    def get_vec_rigid_linear_velocity(
        self, envs: Sequence[Env], body_handles: int | Sequence[int]
    ) -> np.ndarray:
        """Return the velocity [m/s] of a body of each environment, (envs,) of ``Vec3.dtype``."""
        return as_records(_bodies(envs, body_handles, "get_vec_rigid_linear_velocity")[:, 7:10], VEC3_DTYPE)

    def get_vec_rigid_angular_velocity(
        self, envs: Sequence[Env], body_handles: int | Sequence[int]
    ) -> np.ndarray:
        """Return the angular velocity [rad/s] of a body of each environment, (envs,) of ``Vec3.dtype``."""
        return as_records(_bodies(envs, body_handles, "get_vec_rigid_angular_velocity")[:, 10:13], VEC3_DTYPE)


def _root_rows(env: Env) -> list[int]:
    """Return where each actor's root stands among the bodies of its environment."""
    counts = [actor.asset.num_bodies for actor in env.actors]
    return [sum(counts[:handle]) for handle in range(len(counts))]


def _set_roots(envs: Sequence[Env], handles: Sequence[int], rows: np.ndarray, flags: int, call: str) -> None:
    """Set the roots of actors, which are alike in all given environments, from rows (envs, handles, 13)."""
    if not envs:
        return
    running = running_on_cpu(envs[0].sim, call)
    ids = np.array([env.index for env in envs])
    for column, handle in enumerate(handles):
        asset = envs[0].actors[handle].asset
        if asset.num_bodies > 1:
            _say_once(envs[0].sim, call)
        if asset.root_has_joints:
            continue
        if running is not None:
            old = running.roots.read(handle, torch.from_numpy(ids)).numpy()
            new = merged(old, rows[:, column], flags, call)
            running.set_rows(running.roots, handle, ids, torch.from_numpy(new))
        else:
            old = view(envs[0], handle, call).root_state()[None]
            set_root_state(envs[0], handle, merged(old, rows[:, column], flags, call)[0], call)


def _say_once(sim: Sim, call: str) -> None:
    """Say that links are not set, once a simulation."""
    if not sim.told_of_links:
        sim.told_of_links = True
        _log.warning(
            "%s: sets roots; rows of other links are ignored, set them with set_actor_dof_states", call
        )


def _one_for_each(handles: int | Sequence[int], envs: Sequence[Env], call: str) -> Sequence[int]:
    """Return a handle for each environment.

    Raises:
        ValueError: if their number is another.
    """
    if isinstance(handles, (int, np.integer)):
        return [int(handles)] * len(envs)
    if len(handles) != len(envs):
        raise ValueError(f"{call}: {len(handles)} handles were given for {len(envs)} environments")
    return handles


def _bodies(envs: Sequence[Env], body_handles: int | Sequence[int], call: str) -> np.ndarray:
    """Return the state of one body of each environment, (envs, 13)."""
    handles = _one_for_each(body_handles, envs, call)
    if not envs:
        return np.zeros((0, 13), dtype=np.float32)
    for env, handle in zip(envs, handles, strict=True):
        owner_of(env, handle, "body", call)
    running = running_on_cpu(envs[0].sim, call)
    if running is None:
        return np.stack(
            [env_body_states(env, call)[handle] for env, handle in zip(envs, handles, strict=True)]
        )
    rows = running.read(running.body_states(), torch.tensor([env.index for env in envs]))
    return rows[torch.arange(len(envs)), torch.tensor(handles)].numpy()

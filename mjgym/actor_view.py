"""One actor's state as it is now: in the engine, or before ``prepare_sim`` as it will start.

What is read here is on the CPU, float32, and a copy: tensors that a script holds stay as they were last
refreshed. What is written is in the engine at once, or in the actor's record until there is an engine.
"""

from __future__ import annotations

import copy
from typing import Final

import numpy as np
import torch

from mjgym.scene import Actor, Env, Sim, Start
from mjgym.simulation import Simulation
from mjgym.structs import SimParams

POSES: Final = slice(0, 7)
"""Columns of body states: position and quaternion."""
VELOCITIES: Final = slice(7, 13)


class ActorView:
    """One actor in a simulation.

    Args:
        simulation: what runs.
        env: number of the environment.
        handle: the actor's handle.
    """

    def __init__(self, simulation: Simulation, env: int, handle: int) -> None:
        self.simulation = simulation
        self.handle = handle
        self.layout = simulation.compiled.actors[handle]
        self._env = slice(env, env + 1)
        self._ids = np.array([env])

    def root_state(self) -> np.ndarray:
        """Return the root's state, (13,)."""
        return self.simulation.roots.read(self.handle, self._env)[0].numpy()

    def dof_states(self) -> np.ndarray:
        """Return positions and velocities of the DOFs, (DOFs, 2)."""
        return self.simulation.dofs.read(self.handle, self._env)[0].numpy()

    def body_states(self) -> np.ndarray:
        """Return the states of the bodies, (bodies, 13)."""
        states = self.simulation.read(self.simulation.body_states(), self._env)[0]
        return states[self.simulation.compiled.body_columns(self.handle)].numpy()

    def dof_frames(self) -> np.ndarray:
        """Return a point on each DOF's axis and its direction, (DOFs, 6)."""
        if self.layout.num_dofs == 0:
            return np.zeros((0, 6), dtype=np.float32)
        frames = self.simulation.read(self.simulation.dof_frames(), self._env)[0]
        return frames[self.layout.dofs].numpy()

    def set_root_state(self, state: np.ndarray) -> None:
        """Set the root's state, (13,)."""
        rows = torch.as_tensor(state[None], dtype=torch.float32)
        self.simulation.set_rows(self.simulation.roots, self.handle, self._ids, rows)

    def set_dof_states(self, states: np.ndarray) -> None:
        """Set positions and velocities of the DOFs, (DOFs, 2)."""
        rows = torch.as_tensor(states[None], dtype=torch.float32)
        self.simulation.set_rows(self.simulation.dofs, self.handle, self._ids, rows)


class Alone(ActorView):
    """An actor of an asset in a world of its own, to see what follows from the state an actor starts in."""

    def __init__(self, actor: Actor) -> None:
        params = SimParams()
        params.physx.num_threads = 1
        sim = Sim(params, "mujoco", "cpu")
        single = copy.copy(actor)
        single.start = None
        sim.add_env((0.0, 0.0, 0.0), 1).actors.append(single)
        super().__init__(Simulation(sim), 0, 0)
        self._first_dofs = self.dof_states()
        self._shown: tuple[bytes, bytes] | None = None

    def show(self, actor: Actor) -> Alone:
        """Bring the actor into the state in which another of the same asset starts."""
        start = actor.start or Start()
        velocity = np.zeros(6) if start.velocity is None else start.velocity
        root = np.array([*actor.pose, *velocity], dtype=np.float32)
        dofs = self._first_dofs if start.dof_states is None else start.dof_states
        wanted = (root.tobytes(), dofs.tobytes())
        if wanted != self._shown:
            self.set_root_state(root)
            self.set_dof_states(dofs)
            self._shown = wanted
        return self


def view(env: Env, handle: int, call: str) -> ActorView:
    """Return an actor of an environment as it is now.

    Raises:
        RuntimeError: if the simulation runs on a GPU, or is destroyed.
    """
    running = running_on_cpu(env.sim, call)
    if running is not None:
        return ActorView(running, env.index, handle)
    actor = env.actors[handle]
    alone = env.sim.alone.get(id(actor.asset))
    if alone is None:
        alone = env.sim.alone[id(actor.asset)] = Alone(actor)
    return alone.show(actor)


def running_on_cpu(sim: Sim, call: str) -> Simulation | None:
    """Return what runs behind a handle, or None before ``prepare_sim``.

    Raises:
        RuntimeError: if it runs on a GPU, or is destroyed.
    """
    if sim.destroyed:
        raise RuntimeError(f"{call}: the simulation was destroyed by destroy_sim")
    if sim.running is not None and sim.running.engine.device.type != "cpu":
        raise RuntimeError(
            f"{call}: the simulation runs on a GPU (sim_params.use_gpu_pipeline is True), where states and "
            "commands go through tensors: use acquire_*_tensor, refresh_*_tensor and set_*_tensor"
        )
    return sim.running


def env_body_states(env: Env, call: str) -> np.ndarray:
    """Return the states of all bodies of an environment, (bodies, 13)."""
    running = running_on_cpu(env.sim, call)
    if running is not None:
        return running.read(running.body_states(), slice(env.index, env.index + 1))[0].numpy()
    parts = [view(env, handle, call).body_states() for handle in range(len(env.actors))]
    return np.concatenate(parts) if parts else np.zeros((0, 13), dtype=np.float32)


def set_dof_states(env: Env, handle: int, states: np.ndarray, call: str) -> None:
    """Set the DOF states (DOFs, 2) of an actor."""
    if running_on_cpu(env.sim, call) is None:
        started(env.actors[handle]).dof_states = states.copy()
    else:
        view(env, handle, call).set_dof_states(states)


def set_root_state(env: Env, handle: int, state: np.ndarray, call: str) -> None:
    """Set the root state (13,) of an actor."""
    actor = env.actors[handle]
    if running_on_cpu(env.sim, call) is None:
        x, y, z, qx, qy, qz, qw = (float(number) for number in state[POSES])
        actor.pose = (x, y, z, qx, qy, qz, qw)
        started(actor).velocity = state[VELOCITIES].copy()
    else:
        view(env, handle, call).set_root_state(state)


def started(actor: Actor) -> Start:
    """Return the record of what was set before the simulation runs."""
    if actor.start is None:
        actor.start = Start()
    return actor.start

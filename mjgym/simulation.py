"""A prepared simulation: the engine that runs, the commands it obeys, and the buffers that show it.

One model serves all environments, with fields of their own where they differ. Time moves only in
:meth:`Simulation.simulate`; setters change the state at once, and the derived fields of the environments they
touched are computed when a buffer next asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from mjgym.attractors import Attractors, write_shared_attractors
from mjgym.buffers import (
    BodyCentres,
    BodyStates,
    ContactForces,
    DofForces,
    DofFrames,
    DofStates,
    OutputBuffer,
    RootStates,
    SensorForces,
    StateBuffer,
)
from mjgym.commands import DofCommands
from mjgym.compile import ActorLayout, CompiledEnv
from mjgym.dynamics import Jacobians, MassMatrices
from mjgym.engines import create_engine
from mjgym.engines.interface import Engine
from mjgym.ground import place_terrain
from mjgym.property_writer import (
    actor_dof_properties,
    stack_dof_properties,
    write_actor_properties,
    write_differing_properties,
    write_shared_properties,
)
from mjgym.scene import Actor, Env, Sim
from mjgym.tensors import rotate
from mjgym.variants import compile_variants, write_variants
from mjgym.velocity_limits import VelocityLimits


class Simulation:
    """What runs after ``prepare_sim``.

    Attributes:
        variants: the models of environments that hold different assets.
        compiled: the model of the first environment and the places of its actors.
        engine: the physics engine.
        num_envs: number of environments.
        attractors: the attractors of all environments.
        commands: efforts and targets of all DOFs.
        velocity_limits: how fast DOFs and floating bases may move.
        roots: root states of all actors.
        dofs: states of all DOFs.
        dof_forces: forces on all DOFs.
        frame_count: calls of :meth:`simulate` so far.
    """

    def __init__(self, sim: Sim) -> None:
        """Compile and build the engine.

        Raises:
            ValueError: if there are no environments.
            NotImplementedError: if environments differ in more than one model can hold.
        """
        self.sim = sim
        self.num_envs = len(sim.envs)
        self.variants = compile_variants(sim.envs, sim.grounds, sim.params)
        self.compiled: CompiledEnv = self.variants[0].compiled
        self._variant_of = np.zeros(self.num_envs, dtype=int)
        for number, variant in enumerate(self.variants):
            self._variant_of[variant.env_ids] = number
            write_shared_properties(variant.compiled, variant.envs[0])
            write_shared_attractors(variant.compiled, variant.envs[0])
        self.engine: Engine = create_engine(
            sim.engine, self.compiled.model, self.num_envs, sim.params.physx.num_threads, sim.device
        )
        write_variants(self.engine, self.variants)
        write_differing_properties(self.engine, self.variants)
        place_terrain(self.engine, sim.envs)
        self.attractors = Attractors(self.engine, self.compiled, sim.envs)
        dof_properties = _all_dof_properties(sim.envs)
        self.commands = DofCommands(self.engine, dof_properties)
        self.velocity_limits = VelocityLimits(
            self.compiled, sim.envs, dof_properties["velocity"], self.engine.state("qvel")
        )
        self.engine.speed_limits = self.velocity_limits
        self.roots = RootStates(self.engine, self.compiled)
        self.dofs = DofStates(self.engine, self.compiled)
        enabled = np.array([[actor.has_dof_forces for actor in env.actors] for env in sim.envs])
        self.dof_forces = DofForces(self.engine, self.compiled, self.commands, enabled)
        self.frame_count = 0
        self._outputs: dict[str, OutputBuffer] = {}
        self._shows_motion = False  # whether an output follows from position and velocity alone
        self._unsettled = np.ones(self.num_envs, dtype=bool)
        self._forces_applied = False
        self._place_actors(sim.envs)

    def update_actor(self, env: Env, handle: int) -> None:
        """Write an actor's properties again after they were changed; only its environment is touched."""
        actor, compiled = env.actors[handle], self.compiled_of(env)
        write_actor_properties(self.engine, compiled, env, handle)
        props = actor_dof_properties(actor)
        self.commands.set_gains(env.index, compiled.actors[handle].dofs, props)
        self.velocity_limits.set_dofs(env.index, handle, props["velocity"])

    def compiled_of(self, env: Env) -> CompiledEnv:
        """Return the model that an environment runs on, and the places of its actors there."""
        return self.variants[self._variant_of[env.index]].compiled

    def set_gravity(self, gravity: tuple[float, float, float]) -> None:
        """Change gravity [m/s^2] in all environments."""
        field = self.engine.model_field("opt.gravity")
        field.copy_(torch.tensor(gravity, dtype=field.dtype))

    def simulate(self) -> None:
        """Advance all environments by one step of ``dt`` seconds, then drop the forces applied to bodies."""
        self.commands.apply()
        self.engine.step(self.sim.params.substeps, self._shows_motion)
        self.frame_count += 1
        self._unsettled[:] = False
        for buffer in self._outputs.values():
            buffer.mark_all()
        self._drop_applied_forces()

    def _place_actors(self, envs: list[Env]) -> None:
        """Put every actor where ``create_actor`` said, at rest."""
        for handle, layout in enumerate(self.compiled.actors):
            rows = torch.zeros(self.num_envs, 13, dtype=self.engine.dtype)
            rows[:, 0:7] = torch.tensor([env.actors[handle].pose for env in envs], dtype=self.engine.dtype)
            self.roots.write(layout, slice(None), rows.to(self.engine.device))
        for env in envs:
            for handle, actor in enumerate(env.actors):
                if actor.start is not None:
                    self._start_actor(env.index, handle, actor)
        self.roots.refresh()
        self.dofs.refresh()

    def _start_actor(self, env: int, handle: int, actor: Actor) -> None:
        """Give an actor the state and commands that were set before the simulation was prepared."""
        start, ids = actor.start, np.array([env])
        columns = self.compiled.actors[handle].dofs
        if start is None:
            return
        if start.velocity is not None:
            self.set_rows(self.roots, handle, ids, self._row([*actor.pose, *start.velocity]))
        if start.dof_states is not None:
            self.set_rows(self.dofs, handle, ids, self._row(start.dof_states))
        if start.efforts is not None:
            self.commands.apply_once(env, columns, self._row(start.efforts)[0])
        for name in ("positions", "velocities"):
            targets = getattr(start, name)
            if targets is not None:
                getattr(self.commands, name)[env, columns] = self._row(targets)[0]

    def _row(self, values: object) -> torch.Tensor:
        """Return numbers as float32 on the engine's device, for one environment (1, ...)."""
        return torch.as_tensor(values, dtype=torch.float32, device=self.engine.device).unsqueeze(0)

    def group_by_actor(self, indices: np.ndarray | None) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield (actor handle, environment ids) for actor numbers of the simulation; None stands for all."""
        count = len(self.compiled.actors)
        for handle in range(count):
            if indices is None:
                yield handle, None
            elif count == 1:
                yield handle, indices
            else:
                yield handle, indices[indices % count == handle] // count

    def set_rows(
        self, buffer: StateBuffer, handle: int, env_ids: np.ndarray | None, rows: torch.Tensor
    ) -> None:
        """Set one actor's part of the state in the given environments (None: all), from ``rows`` (K, ...)."""
        chosen = slice(None) if env_ids is None else env_ids
        ids = chosen if isinstance(chosen, slice) else torch.from_numpy(chosen).to(self.engine.device)
        buffer.write(self.compiled.actors[handle], ids, rows)
        # A warm start belongs to the state that was replaced; what follows must not depend on it.
        self.engine.state("qacc_warmstart")[ids] = 0.0
        self._unsettled[chosen] = True

    def settle(self) -> None:
        """Compute the derived fields of environments that were set since time last moved."""
        if not self._unsettled.any():
            return
        ids = np.flatnonzero(self._unsettled)
        rows = torch.from_numpy(ids).to(self.engine.device)
        self.engine.forward(None if len(ids) == self.num_envs else rows)
        contacts = self._outputs.get("contacts")
        if isinstance(contacts, ContactForces) and (self._forces_applied or contacts.applied is not None):
            contacts.note_applied(rows, self.engine.state("xfrc_applied")[rows, :, 0:3])
        for buffer in self._outputs.values():
            buffer.mark(ids)
        self._unsettled[:] = False

    def refresh(self, buffer: OutputBuffer) -> None:
        """Bring an output buffer up to date with the state."""
        self.settle()
        buffer.refresh()

    def read(self, buffer: OutputBuffer, env_ids: torch.Tensor | slice) -> torch.Tensor:
        """Return some environments' rows as they are now; the buffer that scripts hold stays as it is."""
        self.settle()
        return buffer.fresh(env_ids)

    # ---- output buffers, made when first asked for: what nobody reads is never computed

    def _output(self, name: str, make: Callable[[], OutputBuffer]) -> OutputBuffer:
        if name not in self._outputs:
            self._outputs[name] = make()
            # Fields bound only now hold nothing yet.
            self._unsettled[:] = True
        return self._outputs[name]

    def body_states(self) -> OutputBuffer:
        """Return the buffer of rigid-body states."""
        self._shows_motion = True
        return self._output("bodies", lambda: BodyStates(self.engine, self.compiled))

    def body_centres(self) -> OutputBuffer:
        """Return the buffer of the bodies' centres of mass."""
        self._shows_motion = True
        return self._output("centres", lambda: BodyCentres(self.engine, self.compiled))

    def dof_frames(self) -> OutputBuffer:
        """Return the buffer of the DOFs' axes."""
        self._shows_motion = True
        return self._output("dof_frames", lambda: DofFrames(self.engine, self.compiled))

    def jacobians(self, name: str) -> OutputBuffer:
        """Return the buffer of the Jacobians of the actors called ``name``."""
        actor = self._actor_called(name, "acquire_jacobian_tensor")
        return self._output(f"jacobians/{name}", lambda: Jacobians(self.engine, actor))

    def mass_matrices(self, name: str) -> OutputBuffer:
        """Return the buffer of the mass matrices of the actors called ``name``."""
        actor = self._actor_called(name, "acquire_mass_matrix_tensor")
        return self._output(f"mass_matrices/{name}", lambda: MassMatrices(self.engine, actor))

    def _actor_called(self, name: str, call: str) -> ActorLayout:
        handles = {env.find_actor(name) for env in self.sim.envs}
        if len(handles) > 1 or -1 in handles:
            names = ", ".join(repr(actor.name) for actor in self.sim.envs[0].actors)
            raise ValueError(
                f"{call}: name = {name!r} must be that of one actor in each environment, created as the "
                f"same one everywhere; the first environment has {names}"
            )
        self._shows_motion = True
        return self.compiled.actors[handles.pop()]

    def refresh_kind(self, kind: str) -> None:
        """Bring all output buffers up to date whose name begins with a kind."""
        for name, buffer in self._outputs.items():
            if name.startswith(f"{kind}/"):
                self.refresh(buffer)

    def contact_forces(self) -> OutputBuffer:
        """Return the buffer of net contact forces."""
        if "contacts" not in self._outputs:
            self.engine.enable_contact_forces()
        return self._output("contacts", lambda: ContactForces(self.engine, self.compiled))

    def sensor_forces(self) -> OutputBuffer | None:
        """Return the buffer of force sensors, or None if there are no sensors."""
        if "sensors" in self._outputs:
            return self._outputs["sensors"]
        sensors = [
            (layout.bodies[sensor.body], site, sensor.properties.use_world_frame)
            for layout, actor in zip(self.compiled.actors, self.sim.envs[0].actors, strict=True)
            for sensor, site in zip(actor.asset.force_sensors, layout.sensor_sites, strict=True)
        ]
        if not sensors:
            return None
        self.engine.enable_contact_forces()
        return self._output("sensors", lambda: SensorForces(self.engine, sensors))

    # ---- forces on bodies

    def apply_body_forces(
        self, forces: torch.Tensor | None, torques: torch.Tensor | None, local: bool
    ) -> None:
        """Apply forces [N] and torques [N m] at the bodies' centres of mass during the next step only.

        Args:
            forces: (N, bodies, 3) or None.
            torques: (N, bodies, 3) or None.
            local: whether they are in each body's own axes; otherwise they are in world axes.
        """
        applied = self.engine.state("xfrc_applied")
        bodies = torch.tensor(self.compiled.bodies, device=self.engine.device)
        quat = None
        if local:
            self.body_states()  # from here on every step leaves rotations current
            self.settle()
            quat = self.engine.derived("xquat")[:, bodies]
        for columns, given in ((slice(0, 3), forces), (slice(3, 6), torques)):
            if given is not None:
                wide = given.to(self.engine.dtype)
                applied[:, bodies, columns] = wide if quat is None else rotate(quat, wide)
        self._forces_applied = True

    def add_body_force(self, env: int, column: int, force: torch.Tensor, torque: torch.Tensor) -> None:
        """Add a force (3,) [N] and a torque (3,) [N m], in world axes, to what acts on one body."""
        wrench = torch.cat((force, torque)).to(self.engine.dtype)
        self.engine.state("xfrc_applied")[env, self.compiled.bodies[column]] += wrench
        self._forces_applied = True

    def _drop_applied_forces(self) -> None:
        contacts = self._outputs.get("contacts")
        applied = self.engine.state("xfrc_applied") if self._forces_applied else None
        if isinstance(contacts, ContactForces):
            contacts.applied = None if applied is None else applied[..., 0:3].clone()
        if applied is not None:
            applied.zero_()
        self._forces_applied = False

    # ---- extensions

    def save_state(self) -> dict[str, torch.Tensor | int]:
        """Return all that the next step and the next refresh depend on."""
        self.settle()
        state: dict[str, torch.Tensor | int] = {"frame_count": self.frame_count}
        state |= {f"engine/{name}": value for name, value in self.engine.save_state().items()}
        state |= {f"command/{name}": value for name, value in self.commands.save().items()}
        state["velocity_limits"] = self.velocity_limits.save()
        state |= {f"buffer/{name}": b.cpu().clone() for name, b in self._buffers().items()}
        contacts = self._outputs.get("contacts")
        if isinstance(contacts, ContactForces) and contacts.applied is not None:
            state["applied"] = contacts.applied.cpu().clone()
        return state

    def load_state(self, state: dict[str, torch.Tensor | int]) -> None:
        """Put back what :meth:`save_state` returned.

        Raises:
            ValueError: if it was saved from a simulation of another shape.
        """
        self.engine.load_state(_part(state, "engine/"))
        self.commands.load(_part(state, "command/"))
        if "velocity_limits" in state:  # runs saved before there were limits go on with those of the actors
            self.velocity_limits.load(torch.as_tensor(state["velocity_limits"]))
        self.frame_count = int(state["frame_count"])
        self._forces_applied = bool(self.engine.state("xfrc_applied").any())
        self._unsettled[:] = False
        for output in self._outputs.values():
            output.mark_all()
        contacts, applied = self._outputs.get("contacts"), state.get("applied")
        if isinstance(contacts, ContactForces):
            contacts.applied = applied.to(self.engine.device) if torch.is_tensor(applied) else None
        saved = _part(state, "buffer/")
        for name, buffer in self._buffers().items():
            if name in saved:
                buffer.copy_(saved[name])
            else:
                self._unsettled[:] = True

    def _buffers(self) -> dict[str, torch.Tensor]:
        outputs = {name: buffer.per_env for name, buffer in self._outputs.items()}
        return {
            "roots": self.roots.per_env,
            "dofs": self.dofs.per_env,
            "dof_forces": self.dof_forces.per_env,
        } | outputs

    def close(self) -> None:
        """Free the engine's memory."""
        self._outputs.clear()
        self.engine.close()


def _all_dof_properties(envs: list[Env]) -> np.ndarray:
    """Return DOF properties of all actors side by side, (1, DOFs) if environments agree, else (N, DOFs)."""
    columns = [stack_dof_properties(envs, handle) for handle in range(len(envs[0].actors))]
    rows = max(len(column) for column in columns)
    return np.concatenate([np.broadcast_to(c, (rows, c.shape[1])) for c in columns], axis=1)


def _part(state: dict[str, torch.Tensor | int], prefix: str) -> dict[str, torch.Tensor]:
    return {
        k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix) and torch.is_tensor(v)
    }

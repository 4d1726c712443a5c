"""Calls that create, run and end a simulation."""

from __future__ import annotations

import copy
import logging
import time

import mujoco
import torch

from mjgym.devices import stays_on_cpu
from mjgym.graphics import paint
from mjgym.gym.checks import building, prepare, prepared, running, sim_of
from mjgym.partly import partly
from mjgym.scene import Sim
from mjgym.structs import PerformanceTimers, PlaneParams, SimParams, SimType, Version

_log = logging.getLogger(__name__)


class SimulationCalls:
    """Life of a simulation, its parameters, time, and mjgym's extensions on whole states."""

    engine: str

    @partly("`type` and `graphics_device` are ignored: the engine that `mjgym.install` chose simulates")
    def create_sim(
        self,
        compute_device: int = 0,
        graphics_device: int = 0,
        type: int = SimType.SIM_PHYSX,
        params: SimParams | None = None,
    ) -> Sim:
        """Create an empty simulation.

        Args:
            compute_device: number of the GPU, for engines that use one.
            graphics_device: ignored; drawing chooses its own.
            type: ``SIM_PHYSX`` or ``SIM_FLEX``, ignored: the engine chosen by ``mjgym.install`` simulates.
            params: its parameters; Isaac Gym's defaults if None. Where the engine cannot use a GPU,
                ``use_gpu_pipeline`` is taken for False, and one line says so.

        Raises:
            ValueError: if the step or substeps are not positive.
        """
        chosen = params if params is not None else SimParams()
        if not chosen.dt > 0 or chosen.substeps < 1:
            raise ValueError(
                f"SimParams: dt = {chosen.dt} must be positive and substeps = {chosen.substeps} at least 1"
            )
        on_gpu = chosen.use_gpu_pipeline and not stays_on_cpu(self.engine)
        sim = Sim(chosen, self.engine, f"cuda:{compute_device}" if on_gpu else "cpu")
        sim.params.use_gpu_pipeline = on_gpu
        return sim

    @partly("its other properties: see `gymapi.PlaneParams`")
    def add_ground(self, sim: Sim, params: PlaneParams) -> None:
        """Add a ground plane: the points x with normal . x + distance = 0, in each environment's coordinates.

        Its friction is ``dynamic_friction``; MuJoCo takes the larger one of two touching shapes. Of several
        grounds the largest restitution counts.
        """
        building(sim, "add_ground").add_ground(copy.deepcopy(params), params.restitution)

    @partly(
        "different assets in different environments must have the same bodies, joints and sensors, in order"
    )
    def prepare_sim(self, sim: Sim) -> bool:
        """Compile the environments and start the engine; the scene is fixed from here on.

        Raises:
            ValueError: if there are no environments.
            NotImplementedError: if environments differ in structure.
        """
        prepare(sim, "prepare_sim")
        return True

    def simulate(self, sim: Sim) -> None:
        """Advance all environments by ``dt`` seconds, in ``substeps`` steps.

        Scripts that use no tensors need not call ``prepare_sim``: the first step does.
        """
        simulation = prepared(sim, "simulate")
        began = time.perf_counter()
        simulation.simulate()
        sim.seconds += time.perf_counter() - began

    def fetch_results(self, sim: Sim, wait_for_latest_sim_step: bool = True) -> None:
        """Do nothing: results are there as soon as ``simulate`` returns."""
        running(sim, "fetch_results")

    def destroy_sim(self, sim: Sim) -> None:
        """End a simulation and free its memory; tensors of it must not be read afterwards."""
        if sim.window is not None:
            sim.window.close()
        if sim.graphics is not None:
            sim.graphics.close()
        if sim.running is not None:
            sim.running.close()
        sim.running = sim.graphics = sim.window = None
        sim.envs.clear()
        sim.grounds.clear()
        sim.destroyed = True

    def get_sim_params(self, sim: Sim) -> SimParams:
        """Return a copy of the simulation's parameters."""
        return copy.deepcopy(sim.params)

    @partly("after `prepare_sim` only gravity takes effect, and another `dt` or `substeps` is refused")
    def set_sim_params(self, sim: Sim, params: SimParams) -> None:
        """Change parameters. After ``prepare_sim`` only gravity takes effect.

        Raises:
            ValueError: if the step or substeps change after ``prepare_sim``.
        """
        if sim.running is not None:
            old = sim.params
            if (params.dt, params.substeps) != (old.dt, old.substeps):
                raise ValueError(
                    f"set_sim_params: dt = {params.dt} and substeps = {params.substeps} cannot change after "
                    f"prepare_sim; they are {old.dt} and {old.substeps}"
                )
            if params.gravity != old.gravity:
                sim.running.set_gravity(params.gravity.as_tuple())
        sim.params = copy.deepcopy(params)

    def get_frame_count(self, sim: Sim) -> int:
        """Return how often ``simulate`` was called."""
        return 0 if sim.running is None else sim.running.frame_count

    def get_sim_time(self, sim: Sim) -> float:
        """Return the simulated time [s]."""
        return self.get_frame_count(sim) * sim.params.dt

    def get_elapsed_time(self, sim: Sim) -> float:
        """Return the time since the simulation was created [s], by the clock on the wall."""
        return time.perf_counter() - sim_of(sim, "get_elapsed_time").created

    def create_performance_timers(self, sim: Sim) -> int:
        """Start a set of timers and return its handle."""
        timers = sim_of(sim, "create_performance_timers").timers
        handle = max(timers, default=-1) + 1
        timers[handle] = sim.seconds
        return handle

    @partly("`physics_sim` alone is measured, as long as the call takes; `total_time` is the same")
    def get_performance_timers(self, sim: Sim, timers: int) -> PerformanceTimers:
        """Return the seconds spent in ``simulate`` since these timers were last asked.

        Raises:
            KeyError: if there is no such set of timers.
        """
        spent = sim.seconds - _timers_of(sim, timers, "get_performance_timers")
        sim.timers[timers] = sim.seconds
        return PerformanceTimers(physics_sim=spent, total_time=spent)

    def destroy_performance_timers(self, sim: Sim, timers: int) -> None:
        """End a set of timers.

        Raises:
            KeyError: if there is no such set of timers.
        """
        _timers_of(sim, timers, "destroy_performance_timers")
        del sim.timers[timers]

    def get_version(self) -> Version:
        """Return the version of the API: that of Isaac Gym Preview 4."""
        return Version(1, 4)

    # ---- extensions of mjgym

    def get_sim_state(self, sim: Sim) -> dict[str, torch.Tensor | int]:
        """Return the whole state: positions, velocities, warm starts, time, commands, buffers, frame count.

        An extension of mjgym. From ``set_sim_state`` on, steps are bit-identical to those that followed the
        save. The values are tensors on the CPU and numbers, so that ``torch.save`` can write them.
        """
        return running(sim, "get_sim_state").save_state()

    def set_sim_state(self, sim: Sim, state: dict[str, torch.Tensor | int]) -> None:
        """Put back what ``get_sim_state`` returned, here or in an equal simulation. An extension of mjgym.

        Raises:
            ValueError: if it was saved from a simulation of another shape.
        """
        running(sim, "set_sim_state").load_state(state)

    def get_sim_warnings(self, sim: Sim) -> torch.Tensor:
        """Return (num_envs,) int64: how often each environment diverged. An extension of mjgym.

        MuJoCo sets an environment whose numbers have become NaN or huge back to its first state by itself,
        and goes on. A task that compares these counts can end the episode.
        """
        return running(sim, "get_sim_warnings").engine.warning_counts()

    def get_env_model_data(self, sim: Sim, env_index: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Return copies of one environment's MuJoCo model and data, to draw them. An extension of mjgym."""
        simulation = running(sim, "get_env_model_data")
        model, data = simulation.engine.env_model_data(env_index)
        paint(model, simulation.compiled, sim.envs[env_index])
        return model, data


def _timers_of(sim: Sim, timers: int, call: str) -> float:
    """Return the seconds of simulation when these timers were last asked."""
    if timers not in sim_of(sim, call).timers:
        raise KeyError(f"{call}: there are no timers {timers}; create_performance_timers returns a handle")
    return sim.timers[timers]

"""The CPU engine: `mujoco.batch.Batch`, a C++ thread pool over many simulations."""

from __future__ import annotations

import logging
import os
from typing import Final

import mujoco
import numpy as np
import torch
from mujoco.batch import Batch

from mjgym.engines.interface import (
    DERIVED_FIELDS,
    POSITION_VELOCITY_FIELDS,
    STATE_FIELDS,
    Engine,
    SpeedLimits,
)

_STAGE_NONE: Final = int(mujoco.mjtStage.mjSTAGE_NONE)
_STAGE_VEL: Final = int(mujoco.mjtStage.mjSTAGE_VEL)
_SENSORS_OFF: Final = int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
# Newton's method finds the same accelerations from a cold start, and a single tree is a single island:
# without either a humanoid steps about 1.2 times as fast.
_WARM_START_OFF: Final = int(mujoco.mjtDisableBit.mjDSBL_WARMSTART)
_ISLANDS_OFF: Final = int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
# A height field collides prism by prism, and a box that slides catches on the edges between them where the
# contact's normal is a sideways one; libccd finds far fewer of these than MuJoCo's own convex collisions do.
_NATIVE_CCD_OFF: Final = int(mujoco.mjtDisableBit.mjDSBL_NATIVECCD)
# batch.warning holds (last info, number) of each kind of warning; these kinds mean NaN or huge numbers.
_BAD_STATE: Final = slice(int(mujoco.mjtWarning.mjWARN_BADQPOS), int(mujoco.mjtWarning.mjWARN_BADQACC) + 1)
_NUMBER: Final = 1
_log = logging.getLogger(__name__)


class CpuEngine(Engine):
    """Simulations as rows of float64 state, stepped by a pool of threads; bit-identical for any number."""

    def __init__(self, model: mujoco.MjModel, num_envs: int, num_threads: int, device: str = "cpu") -> None:
        """Start the thread pool.

        Args:
            model: what every environment simulates.
            num_envs: number of simulations.
            num_threads: threads that step them, at most one a core; 0 for one a core.
            device: must be the CPU.

        Raises:
            ValueError: if the device is no CPU.
        """
        self.device = torch.device(device)
        if self.device.type != "cpu":
            raise ValueError(
                f"engine 'mujoco' simulates on the CPU, not on {device!r}; use engine 'mujoco_warp' for a GPU"
            )
        self.model = model
        self.num_envs = num_envs
        self.dtype = torch.float64
        model.opt.disableflags |= _SENSORS_OFF | _WARM_START_OFF | (_ISLANDS_OFF if model.ntree == 1 else 0)
        model.opt.disableflags |= _NATIVE_CCD_OFF if model.nhfield else 0
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._batch: Batch = Batch(model, num_envs, min(num_threads or cores, cores))
        self._bad_states: np.ndarray = self._batch.warning[:, _BAD_STATE, _NUMBER]
        self._diverged = np.zeros(num_envs, dtype=np.int64)
        _send_warnings_to_log()
        self._tensors: dict[str, torch.Tensor] = {}
        self._own_fields: set[str] = set()  # model fields of which each environment has its own values

    def state(self, name: str) -> torch.Tensor:
        """Return the live view of a state field, (N, ...) float64, strided over the state rows."""
        return self._bound(name, STATE_FIELDS)

    def derived(self, name: str) -> torch.Tensor:
        """Return the live output array of a derived field, (N, ...) float64."""
        return self._bound(name, DERIVED_FIELDS)

    def _bound(self, name: str, allowed: tuple[str, ...]) -> torch.Tensor:
        if name not in allowed:
            raise ValueError(f"{name!r} is not one of {', '.join(allowed)}")
        if name not in self._tensors:
            self._tensors[name] = _as_tensor(self._batch.bind(name))
        return self._tensors[name]

    def step(self, num_substeps: int, current: bool) -> None:
        """Advance all environments; see :meth:`Engine.step`."""
        limits, parts = self.speed_limits, self._num_parts(num_substeps)
        for part in reversed(range(parts)):
            shown = current and part == 0
            self._batch.step(nstep=num_substeps // parts, stage=_STAGE_VEL if shown else _STAGE_NONE)
            if limits is not None:
                self._limit_speeds(limits, shown)
        if self._bad_states.any():
            self._diverged += self._bad_states.sum(axis=1)
            # MuJoCo's own reset sets a count to 1 each time, so a count that stays cannot show the next one.
            self._bad_states[:] = 0

    def _limit_speeds(self, limits: SpeedLimits, current: bool) -> None:
        """Undo what the last substep did too fast; compute derived fields again if they are to be current."""
        qpos, qvel = self.state("qpos"), self.state("qvel")
        fast = limits.may_exceed(qvel)
        if not len(fast):
            return
        positions, velocities = qpos[fast], qvel[fast]
        limits.clamp(positions, velocities, fast)
        qpos[fast], qvel[fast] = positions, velocities
        if current:
            # Stages that do not run leave another simulation's values in their fields: put those back.
            of_last_step = {
                name: field[fast]
                for name, field in self._tensors.items()
                if name in DERIVED_FIELDS and name not in POSITION_VELOCITY_FIELDS
            }
            self._batch.forward(fast.numpy(), stage=_STAGE_VEL)
            for name, values in of_last_step.items():
                self._tensors[name][fast] = values

    def forward(self, env_ids: torch.Tensor | None) -> None:
        """Compute derived fields without moving time; see :meth:`Engine.forward`."""
        # All stages: one that did not run would leave another simulation's values in the derived fields.
        self._batch.forward(None if env_ids is None else env_ids.numpy())

    def enable_contact_forces(self) -> None:
        """Switch the sensors on, for whose sake MuJoCo computes ``CONTACT_FIELDS``."""
        flags = self.model_field("opt.disableflags")
        flags &= ~_SENSORS_OFF

    def model_field(self, name: str) -> torch.Tensor:
        """Return per-environment values of a model field; see :meth:`Engine.model_field`."""
        self._own_fields.add(name)
        return _as_tensor(self._batch.expand(name))

    def own_fields(self) -> dict[str, torch.Tensor]:
        """Return the model fields of which each environment has its own values, (N, ...) each."""
        return {name: _as_tensor(self._batch.expand(name)) for name in self._own_fields}

    def set_const(self, env_ids: torch.Tensor | None = None) -> None:
        """Derive the constants that depend on masses and inertias; see :meth:`Engine.set_const`."""
        self._batch.set_const(None if env_ids is None else env_ids.numpy())

    def warning_counts(self) -> torch.Tensor:
        """Return how often each environment diverged and was reset by MuJoCo, (N,) int64."""
        return torch.from_numpy(self._diverged.copy())

    def save_state(self) -> dict[str, torch.Tensor]:
        """Return copies of the state rows, of model fields of their own, and of derived fields in use."""
        saved = {"state": torch.from_numpy(self._batch.state.copy())}
        saved["diverged"] = torch.from_numpy(self._diverged.copy())
        saved |= {f"model.{name}": field.clone() for name, field in self.own_fields().items()}
        return saved | {name: t.clone() for name, t in self._tensors.items() if name in DERIVED_FIELDS}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Put a saved state back; see :meth:`Engine.load_state`."""
        rows = state["state"]
        if tuple(rows.shape) != self._batch.state.shape:
            raise ValueError(
                f"the saved state has {rows.shape[0]} environments of {rows.shape[1]} numbers, this one "
                f"{self.num_envs} of {self._batch.nstate}; load it into an equal simulation"
            )
        self._batch.state[:] = rows.numpy()
        self._diverged[:] = state["diverged"].numpy()
        for name, value in state.items():
            if name in DERIVED_FIELDS:
                self.derived(name).copy_(value)
            elif name.startswith("model."):
                self.model_field(name.removeprefix("model.")).copy_(value)
        if any(name.startswith("model.") and not name.startswith("model.opt.") for name in state):
            self.set_const()

    def env_model_data(self, env: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Return one environment's model and data to draw or to inspect."""
        model, data = self._batch.get_model(env), self._batch.get_data(env)
        mujoco.mj_forward(model, data)
        return model, data

    def close(self) -> None:
        """Free the simulations and their threads."""
        self._tensors.clear()
        del self._batch, self._bad_states


def _as_tensor(array: np.ndarray) -> torch.Tensor:
    """View an array as a tensor, without a copy. Batch marks outputs read-only; torch has no word for it."""
    view = array.view()
    view.flags.writeable = True
    return torch.from_numpy(view)


def _send_warnings_to_log() -> None:
    """Send MuJoCo's warnings to the log, unless someone else listens to them already.

    By default MuJoCo prints a line for each and appends it to a file in the working directory. That a
    simulation diverged is counted (:meth:`CpuEngine.warning_counts`), so a debug message is enough.
    """
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(_log_warning)


def _log_warning(message: str) -> None:
    level = logging.DEBUG if "simulation is unstable" in message else logging.WARNING
    _log.log(level, "MuJoCo: %s", message)

"""The one interface behind which the physics engines sit.

An engine steps ``num_envs`` copies of one compiled model. It hands out torch tensors, alive for its whole
life, over the engine's own memory: what is written into a state tensor is the simulation's state at its next
call, and every call refreshes the derived tensors in place. Nothing above this interface knows where the
memory lies or how wide its floats are: everything there is torch operations on ``engine.device``, from
``engine.dtype`` to the float32 of Isaac Gym's tensors.

Conventions are MuJoCo's here: quaternions wxyz, a free joint's linear velocity in world axes and its angular
velocity in the body's own axes. The border to Isaac Gym's conventions is :mod:`mjgym.tensors`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Protocol

import mujoco
import torch

STATE_FIELDS: Final = (
    "time",  # (N,) s
    "qpos",  # (N, nq) m, rad, unit quaternions wxyz
    "qvel",  # (N, nv) m/s, rad/s
    "act",  # (N, na)
    "ctrl",  # (N, nu)
    "qfrc_applied",  # (N, nv) N, N m
    "xfrc_applied",  # (N, nbody, 6) force then torque, world axes, at the body's centre of mass
    "qacc_warmstart",  # (N, nv) where the constraint solver starts
    "mocap_pos",  # (N, nmocap, 3) m
    "mocap_quat",  # (N, nmocap, 4) wxyz
)

DERIVED_FIELDS: Final = (
    "xpos",  # (N, nbody, 3) m, body frame's origin, world axes
    "xquat",  # (N, nbody, 4) wxyz
    "cvel",  # (N, nbody, 6) angular then linear, world axes, at subtree_com of the body's root
    "subtree_com",  # (N, nbody, 3) m
    "xipos",  # (N, nbody, 3) m, body's centre of mass
    "xanchor",  # (N, njnt, 3) m, a point on the joint's axis, world axes
    "xaxis",  # (N, njnt, 3) the joint's axis, world axes
    "site_xpos",  # (N, nsite, 3) m, world axes
    "site_xmat",  # (N, nsite, 9) rotation matrix, row by row, from site to world axes
    "cdof",  # (N, nv, 6) motion of each velocity's axis, angular then linear, world axes, at subtree_com
    "M",  # (N, nC) mass matrix: non-zeros of the lower triangle, row by row (M_rowadr, M_rownnz, M_colind)
    "cfrc_ext",  # (N, nbody, 6) torque then force, world axes, at subtree_com of the body's root
)

POSITION_VELOCITY_FIELDS: Final = frozenset(DERIVED_FIELDS) - {"cfrc_ext"}
"""Derived fields that follow from position and velocity alone, which ``step(..., current=True)`` updates."""

CONTACT_FIELDS: Final = frozenset({"cfrc_ext"})
"""Derived fields that are computed only after ``enable_contact_forces()``."""


class SpeedLimits(Protocol):
    """Bounds that velocities keep to.

    Attributes:
        each_substep: whether they hold after every substep; otherwise only after the last one of a step.
    """

    each_substep: bool

    def may_exceed(self, qvel: torch.Tensor) -> torch.Tensor:
        """Return the environments whose velocities, of all (N, nv), `clamp` may change: (k,) int64."""

    def clamp(self, qpos: torch.Tensor, qvel: torch.Tensor, env_ids: torch.Tensor | None = None) -> None:
        """Undo in place what the last substep did too fast; all else stays bit for bit.

        Args:
            qpos: (K, nq), of the environments `env_ids` (K,) or of all.
            qvel: (K, nv) of the same.
            env_ids: which environments these are; None: all.
        """


class Engine(ABC):
    """``num_envs`` simulations of one model.

    Attributes:
        model: the compiled model that all environments share (a copy of it runs; writing into it has no
            effect, see :meth:`model_field`).
        num_envs: number of simulations, N.
        device: where every tensor of the engine lies.
        dtype: floating type of the engine's tensors (float64 on the CPU, float32 in Warp).
        speed_limits: what `qvel` keeps to in :meth:`step`, or None.
    """

    model: mujoco.MjModel
    num_envs: int
    device: torch.device
    dtype: torch.dtype
    speed_limits: SpeedLimits | None = None

    @abstractmethod
    def state(self, name: str) -> torch.Tensor:
        """Return the live, writable tensor of one of ``STATE_FIELDS``, shape (N, ...); may be strided."""

    @abstractmethod
    def derived(self, name: str) -> torch.Tensor:
        """Return the live tensor of one of ``DERIVED_FIELDS``, shape (N, ...), never to be written.

        Asking for a field may cost time in every later call, so ask only for what is read. Its values are
        defined after the next :meth:`step` or :meth:`forward`.
        """

    @abstractmethod
    def step(self, num_substeps: int, current: bool) -> None:
        """Advance all environments by ``num_substeps`` steps of ``model.opt.timestep`` seconds.

        Afterwards state tensors hold the new state. Derived tensors describe the last substep's start, except
        those in ``POSITION_VELOCITY_FIELDS`` when ``current`` is true: these then describe the new state.
        """

    def _num_parts(self, num_substeps: int) -> int:
        """Return in how many parts a step is made, with `speed_limits` applied after each."""
        return num_substeps if self.speed_limits is not None and self.speed_limits.each_substep else 1

    @abstractmethod
    def forward(self, env_ids: torch.Tensor | None) -> None:
        """Compute every derived tensor from the state, without moving time, for the given environments.

        Args:
            env_ids: sorted unique int64 ids on ``device``, or None for all. The state of the environments not
                listed stays bit-identical, and so do their derived tensors.
        """

    @abstractmethod
    def enable_contact_forces(self) -> None:
        """Compute ``CONTACT_FIELDS`` from the next call on (they cost time, so they are off at first)."""

    @abstractmethod
    def model_field(self, name: str) -> torch.Tensor:
        """Return the live, writable per-environment values of an MjModel field, shape (N, ...).

        The first call for a field gives each environment its own copy of it. ``opt`` fields are named
        ``opt.<name>``.
        """

    @abstractmethod
    def own_fields(self) -> dict[str, torch.Tensor]:
        """Return the live values (N, ...) of the model fields that environments have copies of, by name."""

    @abstractmethod
    def set_const(self, env_ids: torch.Tensor | None = None) -> None:
        """Derive the model constants that depend on masses, inertias and poses (MuJoCo's ``mj_setConst``)."""

    @abstractmethod
    def warning_counts(self) -> torch.Tensor:
        """Return (N,) int64: how often MuJoCo found each environment bad (NaN, huge values) and reset it."""

    @abstractmethod
    def save_state(self) -> dict[str, torch.Tensor]:
        """Return a copy of all that the next step depends on, as tensors on the CPU."""

    @abstractmethod
    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`save_state` returned; steps from there on are bit-identical.

        Raises:
            ValueError: if the state is one of another model or number of environments.
        """

    @abstractmethod
    def env_model_data(self, env: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Return copies of one environment's model and data after ``mj_forward``, to draw or to inspect."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory. Tensors handed out must not be read afterwards."""

"""What DOFs are commanded to do: efforts, position targets and velocity targets, one column a DOF."""

from __future__ import annotations

import numpy as np
import torch

from mjgym.engines.interface import Engine
from mjgym.properties import drive_gains


class DofCommands:
    """Efforts and targets of all DOFs, held until they are replaced, and the gains they act through.

    A DOF answers only to the commands of its own drive mode: efforts in EFFORT, position and velocity
    targets in POS (kp (target - q) + kd (target velocity - v)), velocity targets in VEL, nothing in NONE.

    Attributes:
        efforts: (N, DOFs) float32 [N m or N].
        positions: (N, DOFs) float32 [rad or m].
        velocities: (N, DOFs) float32 [rad/s or m/s].
        once: efforts that act on top of these in the next step alone, (N, DOFs), or None.
        gains: the gains of :func:`mjgym.properties.drive_gains` by name, each (1, DOFs) or (N, DOFs) float32.
    """

    def __init__(self, engine: Engine, props: np.ndarray) -> None:
        """Start with everything zero; ``props`` are DOF properties, (1, DOFs) or (N, DOFs)."""
        self._engine = engine
        shape = (engine.num_envs, props.shape[-1])
        self._ctrl = engine.state("ctrl")[:, : shape[1]]  # attractors' actuators follow, and obey nothing
        self.efforts = torch.zeros(shape, device=engine.device)
        self.positions = torch.zeros(shape, device=engine.device)
        self.velocities = torch.zeros(shape, device=engine.device)
        self.once: torch.Tensor | None = None
        self._use_gains({name: torch.tensor(gain) for name, gain in drive_gains(props).items()})

    def _use_gains(self, gains: dict[str, torch.Tensor]) -> None:
        self.gains = {name: gain.to(self._engine.device, torch.float32) for name, gain in gains.items()}
        self._efforts_only = bool((self.gains["effort"] == 1).all())
        self._changed = True

    def set_gains(self, env: int, columns: slice, props: np.ndarray) -> None:
        """Change mode and gains of an actor's DOFs in one environment."""
        gains = self.gains
        if len(gains["effort"]) != self._engine.num_envs:
            gains = {name: gain.repeat(self._engine.num_envs, 1) for name, gain in gains.items()}
        for name, row in drive_gains(props).items():
            gains[name][env, columns] = torch.as_tensor(row, dtype=torch.float32)
        self._use_gains(gains)

    def touch(self) -> None:
        """Note that efforts or targets were written."""
        self._changed = True

    def apply_once(self, env: int, columns: slice | torch.Tensor, efforts: torch.Tensor) -> None:
        """Let efforts act on some of an environment's DOFs during the next step."""
        if self.once is None:
            self.once = torch.zeros_like(self.efforts)
        self.once[env, columns] = efforts
        self._changed = True

    def apply(self) -> None:
        """Write the commands into the engine's controls, if they changed."""
        if not self._changed:
            return
        efforts = self.efforts if self.once is None else self.efforts + self.once
        if self._efforts_only:
            self._ctrl.copy_(efforts)
        else:
            effort = self.gains["effort"] * efforts
            target = self.gains["stiffness"] * self.positions + self.gains["damping"] * self.velocities
            self._ctrl.copy_(effort + target)
        self._changed = self.once is not None  # what acts once is gone in the step after this one
        self.once = None

    def save(self) -> dict[str, torch.Tensor]:
        """Return copies of efforts, targets and gains."""
        held = {"efforts": self.efforts, "positions": self.positions, "velocities": self.velocities}
        if self.once is not None:
            held["once"] = self.once
        held |= {f"gain/{name}": gain for name, gain in self.gains.items()}
        return {name: value.cpu().clone() for name, value in held.items()}

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`save` returned."""
        for name in ("efforts", "positions", "velocities"):
            getattr(self, name).copy_(state[name])
        self.once = state["once"].to(self._engine.device) if "once" in state else None
        self._use_gains({name: state[f"gain/{name}"].clone() for name in self.gains})

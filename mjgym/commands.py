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

    def apply(self) -> None:
        """Write the commands into the engine's controls, if they changed."""
        if not self._changed:
            return
        if self._efforts_only:
            self._ctrl.copy_(self.efforts)
        else:
            effort = self.gains["effort"] * self.efforts
            target = self.gains["stiffness"] * self.positions + self.gains["damping"] * self.velocities
            self._ctrl.copy_(effort + target)
        self._changed = False

    def save(self) -> dict[str, torch.Tensor]:
        """Return copies of efforts, targets and gains."""
        held = {"efforts": self.efforts, "positions": self.positions, "velocities": self.velocities}
        held |= {f"gain/{name}": gain for name, gain in self.gains.items()}
        return {name: value.cpu().clone() for name, value in held.items()}

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`save` returned."""
        for name in ("efforts", "positions", "velocities"):
            getattr(self, name).copy_(state[name])
        self._use_gains({name: state[f"gain/{name}"].clone() for name in self.gains})

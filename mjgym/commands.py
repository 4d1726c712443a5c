"""What DOFs are commanded to do: efforts, position targets and velocity targets, one column a DOF."""

from __future__ import annotations

import numpy as np
import torch

from mjgym.engines.interface import Engine
from mjgym.properties import command_gains


class DofCommands:
    """Efforts and targets of all DOFs, held until they are replaced.

    A DOF answers only to the commands of its own drive mode: efforts in EFFORT, position and velocity
    targets in POS (kp (target - q) + kd (target velocity - v)), velocity targets in VEL, nothing in NONE.

    Attributes:
        efforts: (N, DOFs) float32 [N m or N].
        positions: (N, DOFs) float32 [rad or m].
        velocities: (N, DOFs) float32 [rad/s or m/s].
    """

    def __init__(self, engine: Engine, props: np.ndarray) -> None:
        """Start with everything zero; ``props`` are DOF properties, (1, DOFs) or (N, DOFs)."""
        self._engine = engine
        self._ctrl = engine.state("ctrl")
        shape = (engine.num_envs, props.shape[-1])
        self.efforts = torch.zeros(shape, device=engine.device)
        self.positions = torch.zeros(shape, device=engine.device)
        self.velocities = torch.zeros(shape, device=engine.device)
        self._use_gains(props)
        self._changed = True

    def _use_gains(self, props: np.ndarray) -> None:
        gains = [torch.tensor(gain, dtype=torch.float32) for gain in command_gains(props)]
        self._efforts_only = bool((gains[0] == 1).all())
        self._gains = [gain.to(self._engine.device) for gain in gains]

    def set_gains(self, env: int, columns: slice, props: np.ndarray) -> None:
        """Change mode and gains of an actor's DOFs in one environment."""
        fresh = command_gains(props)
        for index, gain in enumerate(fresh):
            if len(self._gains[index]) != self._engine.num_envs:
                self._gains[index] = self._gains[index].repeat(self._engine.num_envs, 1)
            self._gains[index][env, columns] = torch.as_tensor(gain, dtype=torch.float32)
        self._efforts_only = self._efforts_only and bool((fresh[0] == 1).all())
        self._changed = True

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
            effort, position, velocity = self._gains
            self._ctrl.copy_(effort * self.efforts + position * self.positions + velocity * self.velocities)
        self._changed = False

    def save(self) -> dict[str, torch.Tensor]:
        """Return copies of efforts, targets and gains."""
        gains = {f"gain{index}": gain.cpu().clone() for index, gain in enumerate(self._gains)}
        return gains | {"efforts": self.efforts.cpu().clone(), "positions": self.positions.cpu().clone(),
                "velocities": self.velocities.cpu().clone()}  # fmt: skip

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`save` returned."""
        for name in ("efforts", "positions", "velocities"):
            getattr(self, name).copy_(state[name])
        self._gains = [state[f"gain{index}"].to(self._engine.device) for index in range(len(self._gains))]
        self._efforts_only = bool((self._gains[0] == 1).all())
        self._changed = True

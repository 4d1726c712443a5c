"""The rollout's memory: one preallocated tensor a field, shaped (horizon_length, num_envs, …)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Field:
    """What one environment puts into one field at one step."""

    shape: tuple[int, ...] = ()
    """Shape of the entry; () is a scalar."""
    dtype: torch.dtype = torch.float32
    """Type of the entry."""


class ExperienceBuffer:
    """Holds a rollout. Only the agent writes into it.

    Args:
        horizon_length: steps of a rollout.
        num_envs: environments of this worker.
        fields: what to hold, by name.
        device: where to hold it.
    """

    def __init__(
        self, horizon_length: int, num_envs: int, fields: Mapping[str, Field], device: torch.device
    ) -> None:
        self.horizon_length = horizon_length
        self.num_envs = num_envs
        self.tensor_dict: dict[str, Tensor] = {
            name: torch.zeros((horizon_length, num_envs, *field.shape), dtype=field.dtype, device=device)
            for name, field in fields.items()
        }

    def __getitem__(self, name: str) -> Tensor:
        return self.tensor_dict[name]

    def update_data(self, name: str, step: int, value: Tensor) -> None:
        """Copy one step of a field in.

        Args:
            name: field.
            step: time step within the rollout.
            value: (num_envs, …).
        """
        self.tensor_dict[name][step].copy_(value)

    def flat(self, *names: str) -> dict[str, Tensor]:
        """Return fields (all, if none is named) as time-major views (horizon_length * num_envs, …)."""
        return {name: self.tensor_dict[name].flatten(0, 1) for name in names or self.tensor_dict}

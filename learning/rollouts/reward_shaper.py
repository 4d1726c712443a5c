"""How a task's reward becomes what the agent learns from."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class DefaultRewardsShaper:
    """Shifts, scales, clamps and, if asked, takes the logarithm of rewards, in this order."""

    def __init__(
        self,
        scale_value: float = 1.0,
        shift_value: float = 0.0,
        min_val: float = -math.inf,
        max_val: float = math.inf,
        log_val: bool = False,
        is_torch: bool = True,
    ) -> None:
        """Set the map log(clamp((reward + shift_value) * scale_value, min_val, max_val)).

        Args:
            scale_value: factor, applied after the shift.
            shift_value: added first, in units of the task's reward.
            min_val: lower bound of the shaped reward.
            max_val: upper bound of the shaped reward.
            log_val: take the natural logarithm at the end; `min_val` should then be above 0.
            is_torch: kept for RL Games' YAML files; rewards are always tensors here.
        """
        self.scale_value = scale_value
        self.shift_value = shift_value
        self.min_val = min_val
        self.max_val = max_val
        self.log_val = log_val

    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the shaped rewards, a new tensor of the same shape."""
        shaped = (rewards + self.shift_value) * self.scale_value
        if math.isfinite(self.min_val) or math.isfinite(self.max_val):
            shaped = shaped.clamp(self.min_val, self.max_val)
        return torch.log(shaped) if self.log_val else shaped

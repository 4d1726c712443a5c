"""Ends episodes that no longer look like the clips, by the discriminator's own judgement.

Where a task cannot tell a fall (crawling, rolling and getting up touch the ground with anything), a character
that lies there would fill rollouts with windows that teach nothing, until the discriminator knows nothing
else. An episode that ends so counts as failed, and the next one starts at a state of the clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass
class StyleTerminationConfig:
    """`style_termination`: when an episode looks too little like the clips."""

    reward: float
    """Style reward, before `disc_reward_scale`, below which a step does not look like them."""
    steps: int = 10
    """Such steps in a row after which the episode ends."""

    def __post_init__(self) -> None:
        """Refuse what would never, or always, end one."""
        if self.reward <= 0:
            raise ValueError(f"reward={self.reward:g}: must be greater than 0; style rewards never are less")
        if self.steps < 1:
            raise ValueError(f"steps={self.steps}: must be at least 1")


class StyleTermination:
    """Counts the steps in a row, in every environment, that do not look like the clips.

    Args:
        config: what does not, and for how long.
        num_envs: environments of this worker.
        device: where rewards live.
    """

    def __init__(self, config: StyleTerminationConfig, num_envs: int, device: torch.device) -> None:
        self._config = config
        self._low_steps = torch.zeros(num_envs, dtype=torch.long, device=device)

    def step(self, style_rewards: Tensor, dones: Tensor) -> Tensor:
        """Count one step; returns which episodes have to end, (num_envs,) bool.

        Args:
            style_rewards: (num_envs,) of the windows that end with this step.
            dones: (num_envs,) bool, which episodes ended with it.
        """
        is_low = (style_rewards < self._config.reward) & ~dones
        self._low_steps.add_(1).mul_(is_low)
        return self._low_steps >= self._config.steps

    def state_dict(self) -> dict[str, Any]:
        """Return the counts."""
        return {"low_steps": self._low_steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._low_steps.copy_(state["low_steps"])

"""From sampled actions to what the environment takes."""

from __future__ import annotations

import torch
from gymnasium import spaces
from torch import Tensor

from learning.typed_config import ConfigError


class ActionBox:
    """Clamps actions to ±1 and scales them to a box.

    Args:
        space: action space of one environment, shape (num_actions,).
        clip: False passes actions on as they were sampled.
        device: where actions live.

    Raises:
        ConfigError: actions are to be scaled to a box without bounds.
    """

    def __init__(self, space: spaces.Box, clip: bool, device: torch.device) -> None:
        low = torch.as_tensor(space.low, dtype=torch.float32, device=device)
        high = torch.as_tensor(space.high, dtype=torch.float32, device=device)
        self.actions_num = int(space.shape[0])
        self._clip = clip
        self._scale, self._centre = (high - low) / 2.0, (high + low) / 2.0
        self._is_unit = bool((low == -1.0).all() and (high == 1.0).all())
        if clip and not bool(torch.isfinite(self._scale).all()):
            raise ConfigError(
                "train.params.config.clip_actions=True: scales ±1 to the action space, which has no bounds "
                "here; set clip_actions=False or bound the space"
            )

    def __call__(self, actions: Tensor) -> Tensor:
        """Return actions (num_envs, num_actions) within the box."""
        if not self._clip:
            return actions
        clamped = actions.clamp(-1.0, 1.0)
        return clamped if self._is_unit else torch.addcmul(self._centre, clamped, self._scale)

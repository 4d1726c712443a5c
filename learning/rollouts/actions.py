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
        ConfigError: actions are to be scaled to a box without bounds, or are discrete.
    """

    def __init__(self, space: spaces.Space, clip: bool, device: torch.device) -> None:
        if not isinstance(space, spaces.Box) or len(space.shape) != 1:
            raise ConfigError(
                f"action space {space}: this algorithm's actions are vectors of real numbers (Box); for "
                "Discrete and MultiDiscrete take train.params.algo.name=a2c_discrete"
            )
        low = torch.as_tensor(space.low, dtype=torch.float32, device=device)
        high = torch.as_tensor(space.high, dtype=torch.float32, device=device)
        self.actions_num = int(space.shape[0])
        self._clip = clip
        self.scale, self.centre = (high - low) / 2.0, (high + low) / 2.0  # (num_actions,) each
        self._is_unit = bool((low == -1.0).all() and (high == 1.0).all())
        if clip and not bool(torch.isfinite(self.scale).all()):
            raise ConfigError(
                "train.params.config.clip_actions=True: scales ±1 to the action space, which has no bounds "
                "here; set clip_actions=False or bound the space"
            )

    def __call__(self, actions: Tensor) -> Tensor:
        """Return actions (num_envs, num_actions) within the box."""
        if not self._clip:
            return actions
        clamped = actions.clamp(-1.0, 1.0)
        return clamped if self._is_unit else torch.addcmul(self.centre, clamped, self.scale)


class ActionChoices:
    """Reads a discrete action space: one choice among n actions, or k choices among n_0, n_1 and so on.

    Args:
        space: action space of one environment, Discrete or MultiDiscrete with k choices in a row.

    Raises:
        ConfigError: actions are not discrete.
    """

    def __init__(self, space: spaces.Space) -> None:
        self._start: int | Tensor
        self.actions_num: int | list[int]
        """n, or [n_0, n_1, …]"""
        self.shape: tuple[int, ...]
        """shape of an environment's action: () or (k,)"""
        if isinstance(space, spaces.Discrete):
            self.actions_num, self.shape, self._start = int(space.n), (), int(space.start)
        elif isinstance(space, spaces.MultiDiscrete) and len(space.shape) == 1:
            self.actions_num, self.shape = [int(num) for num in space.nvec], tuple(space.shape)
            self._start = torch.as_tensor(space.start)
        else:
            raise ConfigError(
                f"action space {space}: a2c_discrete takes Discrete, or MultiDiscrete in one row; "
                "for vectors of real numbers (Box) take train.params.algo.name=a2c_continuous"
            )

    @property
    def num_logits(self) -> int:
        """All actions of all choices."""
        return self.actions_num if isinstance(self.actions_num, int) else sum(self.actions_num)

    def __call__(self, actions: Tensor) -> Tensor:
        """Return chosen indices (num_envs, *shape) as the environment numbers them."""
        start = self._start
        return actions + (start if isinstance(start, int) else start.to(actions.device))

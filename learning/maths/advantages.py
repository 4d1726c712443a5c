"""How advantages are normalised: by the rollout's own moments, or by statistics that move over rollouts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from learning.agents.a2c_config import AgentConfig
from learning.distributed import Distributed
from learning.maths.moving_stats import GeneralizedMovingStats
from learning.maths.running_mean_std import moments_of, pool_moments

logger = logging.getLogger(__name__)

STATE_KEY = "advantage_mean_std"
"""RL Games' place for the moving statistics in a checkpoint."""


def normalize_over_workers(advantages: Tensor, distributed: Distributed) -> Tensor:
    """Return advantages (batch_size,) with mean 0 and variance 1 over the batches of all workers."""
    own = moments_of(advantages, ())
    pooled = pool_moments(own, torch.zeros_like(own.mean), distributed)
    return (advantages - pooled.mean.float()) / (pooled.var.sqrt().float() + 1e-8)


class AdvantageNormalizer:
    """Normalises the advantages of each rollout as the configuration says.

    Args:
        config: `normalize_advantage`, `normalize_rms_advantage`, `adv_rms_impl`, `adv_rms_momentum`.
        distributed: the workers, which all normalise alike.
        device: where advantages live.
    """

    def __init__(self, config: AgentConfig, distributed: Distributed, device: torch.device) -> None:
        self._is_on, self._distributed = config.normalize_advantage, distributed
        self.stats: GeneralizedMovingStats | None = None
        """the moving statistics, where they are used"""
        if config.normalize_advantage and config.normalize_rms_advantage:
            stats = GeneralizedMovingStats((1,), config.adv_rms_impl, config.adv_rms_momentum)
            self.stats = stats.to(device)

    @torch.no_grad()
    def __call__(self, advantages: Tensor) -> Tensor:
        """Return advantages (batch_size,) normalised; moving statistics take them in first."""
        if self.stats is not None:
            self.stats.update_from(advantages, self._distributed)
            return self.stats(advantages)
        return normalize_over_workers(advantages, self._distributed) if self._is_on else advantages

    def state_dict(self) -> dict[str, Any]:
        """Return the moving statistics by RL Games' key; {} where there are none."""
        return {} if self.stats is None else {STATE_KEY: self.stats.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any], source: str) -> None:
        """Take up the statistics of a checkpoint; without them, or with those of another kind, start anew.

        Args:
            state: the whole checkpoint.
            source: its path, for messages.
        """
        if self.stats is None:
            return
        saved, wanted = state.get(STATE_KEY) or {}, self.stats.state_dict()
        if saved.keys() == wanted.keys():
            self.stats.load_state_dict(saved)
            return
        logger.warning(
            "%s: %s holds %s, adv_rms_impl=%s needs %s: the statistics of advantages start anew",
            *(source, STATE_KEY, ", ".join(saved) or "nothing", self.stats.impl, ", ".join(wanted)),
        )

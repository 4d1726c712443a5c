"""Figures that tell how an actor-critic update went, by RL Games' tags `diagnostics/…`.

They are computed on the device and taken to the host with the epoch's other metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from learning.distributed import Distributed
from learning.maths.moving_stats import GeneralizedMovingStats
from learning.maths.running_mean_std import RunningMeanStd, moments_of, pool_moments

PREFIX = "diagnostics/"
CLIP_FRACTION = PREFIX + "clip_frac"


@torch.no_grad()
def clip_fraction(old_neglogp: Tensor, neglogp: Tensor, e_clip: float) -> Tensor:
    """Return the share of samples whose probability ratio has left [1 - e_clip, 1 + e_clip], 0-dim.

    Args:
        old_neglogp: -log π_old(a|s) of the rollout, (B,).
        neglogp: -log π(a|s) now, (B,).
        e_clip: clip range.
    """
    return ((torch.exp(old_neglogp - neglogp) - 1.0).abs() > e_clip).float().mean()


@torch.no_grad()
def explained_variance(values: Tensor, returns: Tensor, distributed: Distributed | None = None) -> Tensor:
    """Return 1 - Var[returns - values] / Var[returns] over the samples of all workers, 0-dim.

    1: values say all; 0: no more than a constant would, or there is nothing to explain, as returns are all
    the same; negative: less.

    Args:
        values: (B, 1) of the rollout.
        returns: (B, 1), in the same units.
        distributed: the workers, which call this together; None: this one alone.
    """
    both = torch.stack([returns.flatten(), (returns - values).flatten()], dim=-1)
    own = moments_of(both, (2,))
    total, unexplained = pool_moments(own, torch.zeros_like(own.mean), distributed or Distributed()).var
    return torch.where(total > 0.0, 1.0 - unexplained / total, 0.0)


class PpoDiagnostics:
    """Gathers the figures of an epoch; does nothing unless it is on.

    `diagnostics/clip_frac/<i>` and `diagnostics/kl/<i>` are means over the i-th pass of an epoch,
    `diagnostics/exp_var` is of the whole rollout and the values that were recorded in it, and
    `diagnostics/rms_value/{mean, var}` and `diagnostics/rms_advantage/{mean, var}` are what values and
    advantages are normalised by (of the latter, what is subtracted, and the square of the divisor).

    Args:
        is_on: whether anything is gathered (`use_diagnostics`).
        distributed: the workers.
    """

    def __init__(self, is_on: bool, distributed: Distributed) -> None:
        self._is_on, self._distributed = is_on, distributed

    def of_minibatch(
        self,
        input_dict: Mapping[str, Tensor],
        res_dict: Mapping[str, Tensor],
        figures: Mapping[str, Tensor],
        e_clip: float,
    ) -> dict[str, Tensor]:
        """Return the figures of a minibatch, and further ones.

        Args:
            input_dict: fields of the dataset, (B, …).
            res_dict: what the model's forward pass returned for it.
            figures: what is logged of it anyway; an `info/clip_frac` among them is not computed again.
            e_clip: clip range of the probability ratio.
        """
        if not self._is_on:
            return dict(figures)
        clipped = figures.get("info/clip_frac")
        if clipped is None:
            clipped = clip_fraction(input_dict["old_logp_actions"], res_dict["prev_neglogp"], e_clip)
        return {**figures, CLIP_FRACTION: clipped}

    def of_pass(self, figures: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
        """Return a minibatch's figures with those of diagnostics under the number of their pass, from 0."""
        named = dict(figures)
        if self._is_on:
            named[f"{CLIP_FRACTION}/{number}"] = named.pop(CLIP_FRACTION)
            named[f"{PREFIX}kl/{number}"] = named["kl"]
        return named

    def of_rollout(
        self,
        targets: Mapping[str, Tensor],
        value_stats: RunningMeanStd | None,
        advantage_stats: GeneralizedMovingStats | None,
    ) -> dict[str, Tensor]:
        """Return the figures of a rollout; all workers call this together.

        Args:
            targets: `old_values` and `returns`, (batch_size, 1).
            value_stats: the normaliser of values, where there is one.
            advantage_stats: the moving statistics of advantages, where they are used.
        """
        if not self._is_on:
            return {}
        explained = explained_variance(targets["old_values"], targets["returns"], self._distributed)
        named: dict[str, Any] = {"exp_var": explained}
        if value_stats is not None:
            named |= {"rms_value/mean": value_stats.running_mean, "rms_value/var": value_stats.running_var}
        if advantage_stats is not None:
            offset, scale = advantage_stats.offset_and_scale()
            named |= {"rms_advantage/mean": offset, "rms_advantage/var": scale.square()}
        return {PREFIX + name: value for name, value in named.items()}

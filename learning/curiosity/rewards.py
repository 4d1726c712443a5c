"""The maths of random network distillation, as pure functions on tensors.

Burda et al. 2018, "Exploration by Random Network Distillation" (arXiv 1810.12894): a predictor learns what a
fixed random network makes of the observations that were seen. Where it still errs, little was seen.
"""

from __future__ import annotations

import torch
from torch import Tensor


def prediction_errors(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of features, (B,); the intrinsic reward and the predictor's loss.

    Args:
        predicted: features (B, F) of the predictor.
        target: features (B, F) of the random network.
    """
    return (predicted - target).square().mean(dim=-1)


@torch.no_grad()
def discounted_sums(rewards: Tensor, before: Tensor, gamma: float) -> Tensor:
    """Return R_t = γ R_{t-1} + r_t, (T, N): what was gained so far, forgotten at the rate of the discount.

    Its deviation is the scale of discounted returns, and it is known without waiting for the future.

    Args:
        rewards: r, (T, N).
        before: R before the first step, (N,).
        gamma: discount a step.
    """
    sums = rewards.clone()
    for row in sums.unbind(0):
        before = row.add_(before, alpha=gamma)
    return sums

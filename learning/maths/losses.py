"""PPO's losses and the maths of diagonal Gaussian policies, as pure functions that return one value a sample.

Losses are minimised; the caller averages them (over valid samples, where some are masked).
Shapes: `(B,)` for a sample, `(B, A)` for actions, where B is the minibatch and A the number of actions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def gaussian_neglogp(x: Tensor, mu: Tensor, sigma: Tensor, logstd: Tensor) -> Tensor:
    """Return -log N(x; mu, diag(sigma²)), (B,).

    Args:
        x: actions, (B, A).
        mu: means, (B, A).
        sigma: standard deviations, (B, A), or (A,) where they do not depend on the state.
        logstd: log(sigma), in sigma's shape; given because the policy has it, or needs it anyway.
    """
    squared = ((x - mu) / sigma).square().sum(dim=-1)
    return 0.5 * squared + (HALF_LOG_2PI * x.size(-1) + logstd.sum(dim=-1))


def gaussian_entropy(logstd: Tensor) -> Tensor:
    """Return the differential entropy of N(·, diag(exp(logstd)²)) in nats, over the last dimension."""
    return logstd.sum(dim=-1) + (0.5 + HALF_LOG_2PI) * logstd.size(-1)


def policy_kl(p0_mu: Tensor, p0_sigma: Tensor, p1_mu: Tensor, p1_sigma: Tensor) -> Tensor:
    """Return KL(p0 ‖ p1) of diagonal Gaussians, exactly; identical policies give exactly 0.

    With t = (σ0 - σ1) / σ1, each dimension gives ½ t (2 + t) - log(1 + t) + ½ ((µ0 - µ1) / σ1)², which is
    log(σ1/σ0) + (σ0² + (µ0 - µ1)²) / (2 σ1²) - ½ without the cancellation near equality. RL Games adds
    1e-5 inside the logarithm and the quotient: for small σ that is far below 0 and drives the adaptive
    learning rate up.

    Args:
        p0_mu: means of the first policy, (B, A).
        p0_sigma: its standard deviations, (B, A) or (A,).
        p1_mu: means of the second policy, (B, A).
        p1_sigma: its standard deviations, (B, A) or (A,).

    Returns:
        KL divergence in nats, (B,), float32.
    """
    p1_sigma = p1_sigma.float()
    t = (p0_sigma.float() - p1_sigma) / p1_sigma
    shift = (p0_mu.float() - p1_mu.float()) / p1_sigma
    return (0.5 * (t * (2.0 + t) + shift.square()) - torch.log1p(t)).sum(dim=-1)


def actor_loss(
    old_neglogp: Tensor, neglogp: Tensor, advantages: Tensor, is_ppo: bool, curr_e_clip: float
) -> Tensor:
    """Return the clipped surrogate loss, or the plain policy gradient's where `is_ppo` is false, (B,).

    Schulman et al. 2017, "Proximal Policy Optimization Algorithms", eq. 7, with the sign of a loss.

    Args:
        old_neglogp: -log π_old(a|s) of the rollout, (B,).
        neglogp: -log π(a|s) now, (B,).
        advantages: (B,).
        is_ppo: clip the ratio; otherwise `neglogp * advantages`.
        curr_e_clip: ε, the ratio stays in [1 - ε, 1 + ε].
    """
    if not is_ppo:
        return neglogp * advantages
    ratio = torch.exp(old_neglogp - neglogp)
    clipped = torch.clamp(ratio, 1.0 - curr_e_clip, 1.0 + curr_e_clip)
    return -torch.min(advantages * ratio, advantages * clipped)


def smoothed_actor_loss(
    old_neglogp: Tensor, neglogp: Tensor, advantages: Tensor, is_ppo: bool, curr_e_clip: float
) -> Tensor:
    """Return `actor_loss` with the ratio bounded by `smooth_clamp`, whose gradient never vanishes, (B,)."""
    if not is_ppo:
        return neglogp * advantages
    ratio = torch.exp(old_neglogp - neglogp)
    clipped = smooth_clamp(ratio, 1.0 - curr_e_clip, 1.0 + curr_e_clip)
    return -torch.min(advantages * ratio, advantages * clipped)


def smooth_clamp(x: Tensor, low: float, high: float) -> Tensor:
    """Return x bounded to (low, high) by a logistic curve of slope 1 at the centre."""
    width = high - low
    return torch.sigmoid(4.0 * ((x - low) / width - 0.5)) * width + low


def critic_loss(
    old_values: Tensor, values: Tensor, curr_e_clip: float, returns: Tensor, clip_value: bool
) -> Tensor:
    """Return the squared error of the values, in the shape of `values`.

    With `clip_value` the value may gain nothing from leaving the rollout's value by more than ε: the larger
    of the plain and the clipped error counts.

    Args:
        old_values: values of the rollout, (B, V).
        values: values now, (B, V).
        curr_e_clip: ε, in units of the (normalised) value.
        returns: targets, (B, V).
        clip_value: whether to clip.
    """
    loss = (values - returns).square()
    if not clip_value:
        return loss
    clipped = old_values + (values - old_values).clamp(-curr_e_clip, curr_e_clip)
    return torch.max(loss, (clipped - returns).square())


def bound_loss(mu: Tensor, soft_bound: float = 1.1) -> Tensor:
    """Return the squared distance by which the means leave [-soft_bound, soft_bound], summed, (B,)."""
    # |mu| - bound is the excess on either side, in one pass.
    return (mu.abs() - soft_bound).clamp_min(0.0).square().sum(dim=-1)


def regularisation_loss(mu: Tensor) -> Tensor:
    """Return the squared norm of the means, (B,)."""
    return mu.square().sum(dim=-1)

"""SAC's losses and the maths of its tanh-squashed Gaussian policy, as pure functions of one value a sample.

Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications" (arXiv 1812.05905). Losses are
minimised; the caller averages them. Shapes: `(B,)` for a sample, `(B, A)` for actions, where B is the
minibatch and A the number of actions. `neglogp` is -log π(a|s), a sample of the policy's entropy in nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from learning.maths.losses import HALF_LOG_2PI


def bounded_logstd(raw: Tensor, low: float, high: float) -> Tensor:
    """Return log(σ) within [low, high], by a tanh whose gradient vanishes only at the bounds.

    Args:
        raw: the network's output, (B, A).
        low: least log(σ).
        high: largest log(σ).
    """
    return low + 0.5 * (high - low) * (torch.tanh(raw) + 1.0)


def squashed_neglogp(x: Tensor, noise: Tensor, logstd: Tensor, scale: Tensor) -> Tensor:
    """Return -log π(a|s) of the action a = centre + scale · tanh(x), where x = µ + σ · noise, (B,).

    The density of a is the Gaussian's at x, divided by |da/dx| = scale · (1 - tanh(x)²) in every dimension
    (the paper's appendix C, for an action space of any bounds). The logarithm of the last factor is taken as
    2 (log 2 - x - softplus(-2x)), which keeps its digits where tanh(x) rounds to ±1.

    Args:
        x: Gaussian sample before tanh, (B, A).
        noise: standard normal sample that it was made of, (B, A).
        logstd: log(σ), (B, A).
        scale: half the width of the action space, (A,).
    """
    log_slope = 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))
    per_action = 0.5 * noise.square() + logstd + log_slope
    return per_action.sum(dim=-1) + (HALF_LOG_2PI * x.size(-1) + scale.log().sum())


def soft_targets(
    rewards: Tensor,
    terminated: Tensor,
    next_q1: Tensor,
    next_q2: Tensor,
    next_neglogp: Tensor,
    alpha: Tensor,
    gamma: float,
) -> Tensor:
    """Return r + γ (1 - d) (min(Q1', Q2') + α · neglogp'), what the critics are to predict, (B,).

    Args:
        rewards: shaped rewards, (B,).
        terminated: 1 where the next state is worth nothing, else 0, (B,).
        next_q1: first target critic's value of the next observation and a new action there, (B,).
        next_q2: the second one's, (B,).
        next_neglogp: of that action, (B,).
        alpha: temperature, 0-dim.
        gamma: discount a step.
    """
    next_values = torch.min(next_q1, next_q2) + alpha * next_neglogp
    return rewards + gamma * (1.0 - terminated) * next_values


def critic_loss(q1: Tensor, q2: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss ½ (c1 + c2), and the critics' squared errors c1 and c2 alone, (B,) each.

    Args:
        q1: first critic's values, (B,).
        q2: second critic's values, (B,).
        targets: as `soft_targets` gives them, (B,), without gradient.
    """
    c1, c2 = (q1 - targets).square(), (q2 - targets).square()
    return 0.5 * (c1 + c2), c1, c2


def actor_loss(neglogp: Tensor, q1: Tensor, q2: Tensor, alpha: Tensor) -> Tensor:
    """Return α log π - min(Q1, Q2) of reparameterised actions, (B,).

    Args:
        neglogp: of the actions, (B,).
        q1: first critic's values of them, (B,).
        q2: second critic's values of them, (B,).
        alpha: temperature, 0-dim, without gradient.
    """
    return -alpha * neglogp - torch.min(q1, q2)


def temperature_loss(log_alpha: Tensor, neglogp: Tensor, target_entropy: float) -> Tensor:
    """Return α (neglogp - target), whose gradient lowers α where the entropy is above its target, (B,).

    Args:
        log_alpha: log(α), 0-dim, which is learned.
        neglogp: of the policy's actions, (B,); no gradient goes into it.
        target_entropy: nats.
    """
    return log_alpha.exp() * (neglogp.detach() - target_entropy)


@torch.no_grad()
def soft_update_(targets: Sequence[Tensor], sources: Sequence[Tensor], tau: float) -> None:
    """Move every target by the share `tau` towards its source, in place."""
    torch._foreach_lerp_(list(targets), list(sources), tau)

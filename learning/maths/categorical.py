"""The maths of categorical policies, as pure functions of log-probabilities.

Shapes: `(…, n)` for a choice among n actions. `categorical_entropy` and `categorical_kl` sum over the last
dimension, so that they also hold for several independent choices whose log-probabilities stand side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NEGLIGIBLE = -1e4
"""A log-probability whose exponential is exactly 0; bounding by it keeps 0 · log 0 and its gradient at 0."""


def masked_log_probs(logits: Tensor, action_mask: Tensor | None = None) -> Tensor:
    """Return normalised log-probabilities, (…, n).

    An action that is not allowed gets the lowest finite number, hence probability 0 and no gradient. A row
    that allows nothing says nothing: it counts as one that allows everything.

    Args:
        logits: unnormalised, (…, n).
        action_mask: True where an action is allowed, (…, n) bool; None allows all.
    """
    if action_mask is not None:
        action_mask = action_mask.bool()
        allowed = action_mask | ~action_mask.any(dim=-1, keepdim=True)
        logits = torch.where(allowed, logits, torch.finfo(logits.dtype).min)
    return torch.log_softmax(logits, dim=-1)


def categorical_neglogp(log_probs: Tensor, actions: Tensor) -> Tensor:
    """Return -log p(action), (…,).

    Args:
        log_probs: normalised, (…, n).
        actions: indices, (…,).
    """
    return -log_probs.gather(-1, actions.long().unsqueeze(-1)).squeeze(-1)


def categorical_entropy(log_probs: Tensor) -> Tensor:
    """Return -Σ p log p in nats, (…,), from normalised log-probabilities (…, n)."""
    return -(log_probs.exp() * log_probs.clamp_min(NEGLIGIBLE)).sum(dim=-1)


def categorical_kl(p_log_probs: Tensor, q_log_probs: Tensor) -> Tensor:
    """Return KL(p ‖ q) = Σ p (log p - log q) in nats, (…,), from normalised log-probabilities (…, n).

    Identical policies give exactly 0. Where q excludes what p allows, it is large instead of infinite.
    """
    ratio = p_log_probs.clamp_min(NEGLIGIBLE) - q_log_probs.clamp_min(NEGLIGIBLE)
    return (p_log_probs.exp() * ratio).sum(dim=-1)


def sample_categorical(log_probs: Tensor) -> Tensor:
    """Return one action index of each distribution, (…,) int64, without waiting for the device.

    The Gumbel-max trick: argmax(log p - log E) with E from the exponential distribution of rate 1 is a
    sample of p. `torch.multinomial` checks its input on the host.

    Args:
        log_probs: normalised, (…, n); the lowest finite number is never drawn.
    """
    noise = torch.empty_like(log_probs).exponential_()
    # A draw of exactly 0 would be an infinite Gumbel number and could pick what is not allowed.
    noise.clamp_min_(torch.finfo(noise.dtype).tiny)
    return (log_probs - noise.log_()).argmax(dim=-1)


def split_heads(x: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """Return the parts (…, sizes[i]) of several choices that stand side by side, (…, sum of sizes)."""
    return x.split(list(sizes), dim=-1)

"""Returns and advantages of a rollout, as pure functions on tensors shaped (T, N, …): time first."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def compute_gae(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    next_values: Tensor,
    gamma: float | Tensor,
    tau: float,
    terminated: Tensor | None = None,
) -> Tensor:
    """Return generalised advantage estimates.

    Schulman et al. 2016, "High-Dimensional Continuous Control Using Generalized Advantage Estimation",
    eq. 16, with δ_t = r_t + γ V(s_{t+1}) - V(s_t) and the sum cut where an episode ends. An episode that ran
    out of time goes on in truth, so its last δ holds the value of the state that it really reached; one that
    terminated has no value after it.

    Args:
        rewards: (T, N) or (T, N, V); V value heads.
        values: V(s_t), shape of `rewards`.
        dones: whether the episode ended with this step for any reason, bool, (T, N) or as `rewards`.
        next_values: V of the observation that step t really led to, before any reset, shape of `rewards`.
            Rows of terminated episodes must be 0, unless `terminated` is given.
        gamma: discount a step; (V,) where each value head has its own.
        tau: GAE's λ (RL Games' name).
        terminated: ended by failure, shaped like `dones`; the next values of these rows count as 0.

    Returns:
        Advantages in the shape of `rewards`; `advantages + values` are the returns (TD(λ) targets).
    """
    if terminated is not None:
        next_values = next_values * _none_of(terminated, rewards)
    if isinstance(gamma, Tensor):
        advantages = torch.addcmul(rewards, next_values, gamma).sub_(values)  # δ_t
    else:
        advantages = torch.add(rewards, next_values, alpha=gamma).sub_(values)
    decay = _none_of(dones, rewards) * (gamma * tau)
    rows, decays = advantages.unbind(0), decay.unbind(0)
    for t in range(len(rows) - 2, -1, -1):
        rows[t].addcmul_(decays[t], rows[t + 1])
    return advantages


@torch.no_grad()
def compute_discounted_returns(rewards: Tensor, dones: Tensor, last_values: Tensor, gamma: float) -> Tensor:
    """Return Σ γ^k r_{t+k}, cut at dones, with the value of the state after the last step at the end.

    Args:
        rewards: (T, N) or (T, N, V).
        dones: (T, N) or the shape of `rewards`, bool.
        last_values: V(s_T), (N,) or (N, V).
        gamma: discount a step.
    """
    returns = rewards.clone()
    decay = _none_of(dones, rewards).mul_(gamma)
    following = last_values
    for row, factor in zip(reversed(returns.unbind(0)), reversed(decay.unbind(0)), strict=True):
        following = row.addcmul_(factor, following)
    return returns


def _none_of(flags: Tensor, target: Tensor) -> Tensor:
    """Return 0 where a flag is set, else 1, in the target's dtype; (T, N, 1) where it has value heads."""
    ones = flags.logical_not().to(target.dtype)
    return ones if flags.dim() == target.dim() else ones.unsqueeze(-1)

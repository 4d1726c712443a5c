"""What the critic expects after each step of a rollout: the values that advantages are bootstrapped from.

Inside an episode it is the value that the next step recorded. Where an episode ended by time it is the value
of what was seen last in it, where it failed 0. A value that no episode ends is the next step's always.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from learning.rollouts import observations
from learning.rollouts.experience import ExperienceBuffer
from learning.rollouts.value_heads import ValueHeads

Critic = Callable[[observations.Obs], Tensor]
"""Values (B, V) of observations (B, …), in units of shaped reward."""


def next_values(
    buffer: ExperienceBuffer,
    heads: ValueHeads,
    critic: Critic,
    seen: observations.Obs,
    final: str | None,
) -> Tensor:
    """Return V of the observation that each step really led to, (horizon_length, num_envs, V).

    Only what ended by time, and what is seen after the last step, take a forward pass, one for all.

    Args:
        buffer: the rollout.
        heads: what the values are of.
        critic: gives values.
        seen: observations after the last step, (num_envs, …).
        final: fields of `buffer` that hold what was seen last; None takes time-outs for failures.
    """
    if final is None:
        return following_values(buffer, heads, critic(seen))
    rows = buffer["time_outs"].nonzero(as_tuple=True)
    values = critic(observations.concatenate(seen, observations.read(buffer, final, rows)))
    following = following_values(buffer, heads, values[: buffer.num_envs])
    following[rows] = torch.where(heads.episodic, values[buffer.num_envs :], following[rows])
    return following


def recorded_next_values(
    buffer: ExperienceBuffer, heads: ValueHeads, last_values: Tensor, bootstraps: bool
) -> Tensor:
    """Return `next_values` from those that a recurrent policy recorded: its states are gone by now.

    Args:
        buffer: the rollout, with `final_values` where time-outs bootstrap.
        heads: what the values are of.
        last_values: of the observations after the last step, (num_envs, V).
        bootstraps: whether time-outs do; otherwise they are failures.
    """
    following = following_values(buffer, heads, last_values)
    if not bootstraps:
        return following
    return torch.where(heads.ends(buffer["time_outs"]), buffer["final_values"], following)


def following_values(buffer: ExperienceBuffer, heads: ValueHeads, last_values: Tensor) -> Tensor:
    """Return the values of the next steps, 0 where an episode ended them, (horizon_length, num_envs, V).

    Args:
        buffer: the rollout.
        heads: what the values are of.
        last_values: of the observations after the last step, (num_envs, V).
    """
    following = torch.cat([buffer["values"][1:], last_values.unsqueeze(0)])
    return following.masked_fill_(heads.ends(buffer["dones"]), 0.0)

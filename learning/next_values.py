"""What the critic expects after each step of a rollout: the values that advantages are bootstrapped from.

Inside an episode it is the value that the next step recorded. Where an episode ended by time it is the value
of what was seen last in it, where it failed 0.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from learning import observations
from learning.experience import ExperienceBuffer

Critic = Callable[[observations.Obs], Tensor]
"""Values (B, 1) of observations (B, …), in units of shaped reward."""


def next_values(
    buffer: ExperienceBuffer, critic: Critic, seen: observations.Obs, final: str | None
) -> Tensor:
    """Return V of the observation that each step really led to, (horizon_length, num_envs, 1).

    Only what ended by time, and what is seen after the last step, take a forward pass, one for all.

    Args:
        buffer: the rollout.
        critic: gives values.
        seen: observations after the last step, (num_envs, …).
        final: fields of `buffer` that hold what was seen last; None takes time-outs for failures.
    """
    if final is None:
        return following_values(buffer, critic(seen))
    rows = buffer["time_outs"].nonzero(as_tuple=True)
    values = critic(observations.concatenate(seen, observations.read(buffer, final, rows)))
    following = following_values(buffer, values[: buffer.num_envs])
    following[rows] = values[buffer.num_envs :]
    return following


def recorded_next_values(buffer: ExperienceBuffer, last_values: Tensor, bootstraps: bool) -> Tensor:
    """Return `next_values` from those that a recurrent policy recorded: its states are gone by now.

    Args:
        buffer: the rollout, with `final_values` where time-outs bootstrap.
        last_values: of the observations after the last step, (num_envs, 1).
        bootstraps: whether time-outs do; otherwise they are failures.
    """
    following = following_values(buffer, last_values)
    if not bootstraps:
        return following
    return torch.where(buffer["time_outs"].unsqueeze(-1), buffer["final_values"], following)


def following_values(buffer: ExperienceBuffer, last_values: Tensor) -> Tensor:
    """Return the values of the next steps, 0 where an episode ended, (horizon_length, num_envs, 1).

    Args:
        buffer: the rollout.
        last_values: of the observations after the last step, (num_envs, 1).
    """
    following = torch.cat([buffer["values"][1:], last_values.unsqueeze(0)])
    return following.masked_fill_(buffer["dones"].unsqueeze(-1), 0.0)

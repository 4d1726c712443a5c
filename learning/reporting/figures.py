"""The figures of an agent: of an epoch while it trains, and of the whole run when it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from learning.checkpoints.training_state import versions
from learning.reporting.metrics import EpochTimes, Progress, estimate_seconds_left

if TYPE_CHECKING:
    from learning.agents.agent_base import AgentBase


class TrainingError(RuntimeError):
    """Training cannot go on. Its text says why and what to try."""


def summarize(agent: AgentBase, times: EpochTimes) -> Progress:
    """Close an epoch's meters and return its figures over all workers, which call this together.

    Args:
        agent: the agent.
        times: seconds that the epoch took in this worker.

    Raises:
        TrainingError: a loss is not finite.
    """
    config = agent.config
    agent.episodes.harvest(agent.distributed)
    losses, episode, extra = _means_over_workers(agent)
    _refuse_nonfinite(losses, agent.epoch_num)
    return Progress(
        epoch=agent.epoch_num,
        frame=agent.frame,
        wall_time=agent.total_time,
        epoch_frames=agent.batch_size * agent.distributed.world_size,
        times=times,
        reward=agent.episodes.mean_reward,
        shaped_reward=agent.episodes.mean_shaped_reward,
        episode_length=agent.episodes.mean_length,
        best_reward=agent.best_reward,
        **agent.learning_figures(),
        kl=losses.pop("kl", None),
        losses={name: value for name, value in losses.items() if "/" not in name},
        episode=episode,
        extra={**extra, **{name: value for name, value in losses.items() if "/" in name}},
        max_epochs=config.max_epochs,
        max_frames=config.frame_limit,
        seconds_left=estimate_seconds_left(
            agent.total_time, agent.epoch_num, agent.frame, config.max_epochs, config.frame_limit
        ),
    )


def training_result(agent: AgentBase, exit_reason: str) -> dict[str, Any]:
    """Return what result.json holds."""
    return {
        "mode": "train",
        **agent.config.result_info,
        "epochs": agent.epoch_num,
        "frames": agent.frame,
        "seconds": round(agent.total_time, 3),
        "reward": agent.episodes.mean_reward,
        "episode_length": agent.episodes.mean_length,
        "best_reward": agent.best_reward,
        "exit_reason": exit_reason,
        **agent.result_figures(),
        "versions": versions(),
    }


def _means_over_workers(agent: AgentBase) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return losses, episode terms and extra figures, averaged in one collective."""
    groups: tuple[Mapping[str, Any], ...] = (
        agent.losses.harvest(),
        agent.episode_terms.harvest(),
        agent.extra_metrics(),
    )
    joined = {
        f"{number} {name}": value for number, group in enumerate(groups) for name, value in group.items()
    }
    means = agent.distributed.mean_scalars(joined)
    losses, episode, extra = (
        {name: means[f"{index} {name}"] for name in group} for index, group in enumerate(groups)
    )
    return losses, episode, extra


def _refuse_nonfinite(losses: Mapping[str, float], epoch: int) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"{name} became {value} in epoch {epoch}: training diverged, or the environment returned "
                "values that are not finite. The checkpoints are from before; try a smaller learning_rate "
                "or truncate_grads=True"
            )

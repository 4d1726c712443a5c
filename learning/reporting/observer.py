"""Observers: what wants to know how training goes without being part of it.

An observer is handed to `Runner(observer)`; several are joined by `MultiObserver`. Every worker has its own
observers; what prints or writes belongs on the main one (`algo.distributed.is_main`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from learning.agents.agent_base import AgentBase
    from learning.agents.agent_config import BaseAgentConfig
    from learning.reporting.metrics import Progress

logger = logging.getLogger(__name__)


class AlgoObserver:
    """The hooks, in the order in which an agent calls them. Each does nothing unless overridden."""

    def before_init(self, base_name: str, config: BaseAgentConfig, experiment_name: str) -> None:
        """The agent's configuration is read; nothing is built yet."""

    def after_init(self, algo: AgentBase) -> None:
        """The agent is built; `algo` gives access to all of it."""

    def process_infos(self, infos: dict[str, Any], dones: Tensor) -> None:
        """One environment step was made.

        Args:
            infos: the environment's extras, live buffers: copy what you keep.
            dones: (num_envs,) bool, which episodes ended. A mask and not indices, since finding indices would
                make the host wait for the device in the middle of the rollout.
        """

    def after_steps(self) -> None:
        """The rollout of this epoch is collected; the update follows."""

    def after_clear_stats(self) -> None:
        """The agent forgot its episode statistics; forget yours."""

    def after_print_stats(self, frame: int, epoch_num: int, total_time: float) -> None:
        """The metrics of this epoch were written (main worker only).

        Args:
            frame: environment steps so far, over all workers.
            epoch_num: epochs so far.
            total_time: seconds of training so far.
        """

    def on_progress(self, progress: Progress) -> None:
        """An epoch ended (main worker only): the figures that a console shows."""

    def on_finish(self, result: dict[str, Any]) -> None:
        """Training ended (main worker only); `result` is what result.json holds."""


class MultiObserver(AlgoObserver):
    """Passes every hook on to several observers, in order.

    Args:
        observers: who is told.
    """

    def __init__(self, observers: Iterable[AlgoObserver]) -> None:
        self.observers = list(observers)

    def before_init(self, base_name: str, config: BaseAgentConfig, experiment_name: str) -> None:
        """See `AlgoObserver.before_init`."""
        for observer in self.observers:
            observer.before_init(base_name, config, experiment_name)

    def after_init(self, algo: AgentBase) -> None:
        """See `AlgoObserver.after_init`."""
        for observer in self.observers:
            observer.after_init(algo)

    def process_infos(self, infos: dict[str, Any], dones: Tensor) -> None:
        """See `AlgoObserver.process_infos`."""
        for observer in self.observers:
            observer.process_infos(infos, dones)

    def after_steps(self) -> None:
        """See `AlgoObserver.after_steps`."""
        for observer in self.observers:
            observer.after_steps()

    def after_clear_stats(self) -> None:
        """See `AlgoObserver.after_clear_stats`."""
        for observer in self.observers:
            observer.after_clear_stats()

    def after_print_stats(self, frame: int, epoch_num: int, total_time: float) -> None:
        """See `AlgoObserver.after_print_stats`."""
        for observer in self.observers:
            observer.after_print_stats(frame, epoch_num, total_time)

    def on_progress(self, progress: Progress) -> None:
        """See `AlgoObserver.on_progress`."""
        for observer in self.observers:
            observer.on_progress(progress)

    def on_finish(self, result: dict[str, Any]) -> None:
        """See `AlgoObserver.on_finish`."""
        for observer in self.observers:
            observer.on_finish(result)


class DefaultAlgoObserver(AlgoObserver):
    """Logs a line an epoch (level INFO, unless `print_stats` is off), and the environment's scores.

    Scores are `scores`, (num_envs,), in the extras. They count at the end of an episode;
    `scores/{mean,iter,time}` in TensorBoard is their mean over the episodes that ended in this epoch on the
    main worker.
    """

    def __init__(self) -> None:
        self._algo: AgentBase | None = None
        self._total: Tensor | None = None  # (2,): sum of scores, number of episodes

    def after_init(self, algo: AgentBase) -> None:
        """Remember whose metrics to write into."""
        self._algo = algo

    def process_infos(self, infos: dict[str, Any], dones: Tensor) -> None:
        """Add up the scores of episodes that ended, on the device."""
        if "scores" not in infos:
            return
        ended = dones.to(torch.float64)
        counts = torch.stack([(infos["scores"].to(torch.float64) * ended).sum(), ended.sum()])
        self._total = counts if self._total is None else self._total + counts

    def after_clear_stats(self) -> None:
        """Forget the scores of this epoch."""
        self._total = None

    def on_progress(self, progress: Progress) -> None:
        """Log the epoch."""
        if self._algo is not None and self._algo.config.print_stats:
            logger.info(
                "epoch %d frames %d fps %.0f reward %s length %s lr %.2e",
                *(progress.epoch, progress.frame, progress.fps),
                *(_short(progress.reward), _short(progress.episode_length), progress.learning_rate),
            )

    def after_print_stats(self, frame: int, epoch_num: int, total_time: float) -> None:
        """Write the mean score of this epoch, where there is one."""
        if self._total is None or self._algo is None:
            return
        total, count = self._total.tolist()
        self._total = None
        if count > 0:
            axes = {"mean": frame, "iter": epoch_num, "time": total_time}
            for name, step in axes.items():
                self._algo.metrics.add_scalar(f"scores/{name}", total / count, step)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

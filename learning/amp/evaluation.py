"""How good a policy's motion is, by the figures of its evaluation episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from learning.amp.motion_env import MotionEvaluation, Policy
from learning.checkpoints.checkpoint import get_rng_state, set_rng_state
from learning.distributed import Distributed
from learning.vecenv import VecEnv

FALL_COST = 0.5
"""What a score pays for a fall rate of 1 [m]: about as far as the joints of one who lies are from those of
one who stands. One fall of 32 costs 16 mm: what falls once and moves right otherwise is better than what
never falls, and does something else in place of a cartwheel."""


@dataclass(frozen=True)
class MotionFigures:
    """Means over the episodes of an evaluation."""

    pose_error: float
    """Mean distance of joints from the clip's, relative to the root, after time warping [m]."""
    fall_rate: float
    """Share of episodes that fell."""
    speed: float
    """Mean planar speed [m/s]."""
    clip_speed: float
    """The clip's [m/s]."""
    episodes: int
    """How many there were."""

    @property
    def score(self) -> float:
        """What the best policy is chosen by: -(pose_error + 0.5 m · fall_rate); larger is better."""
        return -(self.pose_error + FALL_COST * self.fall_rate)

    @property
    def means(self) -> dict[str, float]:
        """The figures by name, without their number."""
        return {name: value for name, value in asdict(self).items() if name != "episodes"}

    def line(self) -> str:
        """Return the figures for people."""
        falls = round(self.fall_rate * self.episodes)
        return (
            f"pose error {self.pose_error:.3f} m  falls {falls} of {self.episodes}  "
            f"speed {self.speed:.2f} of {self.clip_speed:.2f} m/s"
        )


def pool_figures(episodes: Mapping[str, Tensor], distributed: Distributed) -> MotionFigures:
    """Return the means over the episodes of all workers, which call this together.

    Args:
        episodes: of this worker, as `MotionEvaluation.run` returns them, (episodes,) each; none will do.
        distributed: the workers.
    """
    columns = [episodes[name].double() for name in ("pose_error", "fell", "speed", "clip_speed")]
    sums = torch.stack([*(column.sum() for column in columns), torch.ones_like(columns[0]).sum()])
    *totals, count = distributed.all_reduce_sum_(sums.to(distributed.device)).tolist()
    pose_error, fall_rate, speed, clip_speed = (total / count for total in totals)
    return MotionFigures(pose_error, fall_rate, speed, clip_speed, int(count))


class Evaluator:
    """Measures policies in an evaluation that it has the environment build when it is first needed.

    Args:
        env: builds the evaluation.
        distributed: the workers, which share the episodes.
        device: where policies run.
    """

    def __init__(self, env: VecEnv, distributed: Distributed, device: torch.device) -> None:
        self._env, self._distributed, self._device = env, distributed, device
        self._evaluation: MotionEvaluation | None = None

    @torch.no_grad()
    def measure(self, policy: Policy) -> MotionFigures:
        """Return the figures of a policy over the episodes of all workers, which call this together.

        Random generators are left as they were, so that measuring changes nothing about training.
        """
        random_state = get_rng_state(self._device)
        if self._evaluation is None:
            create = self._env.create_evaluation  # type: ignore[attr-defined]
            self._evaluation = create(self._distributed.rank, self._distributed.world_size)
        episodes = self._evaluation.run(policy)
        set_rng_state(random_state, self._device)
        return pool_figures(episodes, self._distributed)

    def dump(self, path: str) -> None:
        """Write what was scored last as .npz."""
        if self._evaluation is not None:
            self._evaluation.dump(path)

    def close(self) -> None:
        """Free the evaluation's environments, if there are any."""
        if self._evaluation is not None:
            self._evaluation.close()


class EvaluationRecord:
    """The newest and the best evaluation of a run, the same on all workers."""

    def __init__(self) -> None:
        self.newest: MotionFigures | None = None
        self.best: MotionFigures | None = None
        self.newest_epoch = self.best_epoch = 0

    def add(self, figures: MotionFigures, epoch: int) -> None:
        """Note the evaluation of an epoch."""
        self.newest, self.newest_epoch = figures, epoch
        if self.best is None or figures.score > self.best.score:
            self.best, self.best_epoch = figures, epoch

    def of_epoch(self, epoch: int) -> MotionFigures | None:
        """Return the figures of an epoch, if it is the last that was evaluated."""
        return self.newest if self.newest_epoch == epoch else None

    def result_figures(self) -> dict[str, Any]:
        """Return fields of result.json: the newest figures by name, the best as `best_<name>`."""
        if self.newest is None or self.best is None:
            return {}
        newest = {**self.newest.means, "evaluated_epoch": self.newest_epoch}
        best = {f"best_{name}": value for name, value in self.best.means.items() if name != "clip_speed"}
        return {**newest, **best, "best_epoch": self.best_epoch}

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "newest": self.newest and asdict(self.newest),
            "best": self.best and asdict(self.best),
            "newest_epoch": self.newest_epoch,
            "best_epoch": self.best_epoch,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.newest, self.best = (item and MotionFigures(**item) for item in (state["newest"], state["best"]))
        self.newest_epoch, self.best_epoch = int(state["newest_epoch"]), int(state["best_epoch"])

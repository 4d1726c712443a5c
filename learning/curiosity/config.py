"""What `config.rnd_config` may hold: how curiosity by random network distillation rewards and learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from learning.agents.agent_config import at_least, between_zero_and_one, positive


@dataclass
class WeightScheduleConfig:
    """`rnd_config.weight_schedule`: how the weight of the intrinsic reward moves."""

    mode: Literal["constant", "linear", "step"] = "constant"
    """`linear`: from `scale_value` to `final_value` between the two frames; `step`: at once, at
    `final_frame`."""
    initial_frame: int = 0
    """Environment steps, over all workers, up to which `linear` waits."""
    final_frame: int | None = None
    """Environment steps, over all workers, from which the weight is `final_value`."""
    final_value: float = 0.0
    """Weight at the end."""

    def __post_init__(self) -> None:
        """Check single values, and that the frames are in order."""
        at_least(self, 0, "initial_frame", "final_frame", "final_value")
        if self.mode == "constant":
            return
        if self.final_frame is None:
            raise ValueError(f"final_frame=null: mode={self.mode} needs it; give it in environment steps")
        if self.mode == "linear" and self.final_frame <= self.initial_frame:
            raise ValueError(
                f"final_frame={self.final_frame}: must be greater than initial_frame={self.initial_frame}"
            )

    def at(self, initial_value: float, frame: int) -> float:
        """Return the weight.

        Args:
            initial_value: weight at the start.
            frame: environment steps so far, over all workers.
        """
        if self.mode == "constant" or self.final_frame is None:
            return initial_value
        if self.mode == "step":
            return initial_value if frame < self.final_frame else self.final_value
        share = (frame - self.initial_frame) / (self.final_frame - self.initial_frame)
        return initial_value + (self.final_value - initial_value) * min(max(share, 0.0), 1.0)


@dataclass
class RNDConfig:
    """Curiosity: an intrinsic reward for observations unlike those that were seen."""

    network: dict[str, Any] = field(default_factory=lambda: {"name": "rnd_curiosity"})
    """A network block: what is predicted, and what predicts it."""
    learning_rate: float = 1e-4
    """Step size of the predictor's Adam."""
    mini_epochs: int = 1
    """Passes of the predictor over a rollout."""
    minibatch_size: int | None = None
    """Samples of a minibatch; over all workers if `world_share`, else of each. Divides the batch; null = the
    agent's."""
    update_proportion: float = 1.0
    """Share of each minibatch that the predictor learns from: many environments would teach it too fast."""

    scale_value: float = 1.0
    """Weight of the intrinsic reward beside the (shaped) task's."""
    weight_schedule: WeightScheduleConfig = field(default_factory=WeightScheduleConfig)
    """How that weight moves."""
    value: Literal["mixed", "separate"] = "mixed"
    """`mixed`: one value of both rewards' sum; `separate`: a value head each, whose advantages are added up
    by weight."""
    gamma: float = 0.99
    """Discount a step of the intrinsic reward, in its own value head and in the scale of its returns."""
    episodic: bool = True
    """The intrinsic return ends with the episode; false: it goes on into the next, so that dying costs
    nothing in itself (`value: separate` only)."""

    normalize_input: bool = True
    """Normalise observations by running moments of curiosity's own; clipped at ±5."""
    normalize_reward: bool = True
    """Divide the intrinsic reward by the running deviation of its discounted returns."""
    episode_length: Any = None
    """Stands in an RL Games file; nothing reads it there either."""

    def __post_init__(self) -> None:
        """Check single values and the rules between them."""
        at_least(self, 1, "mini_epochs", "minibatch_size")
        at_least(self, 0, "scale_value")
        positive(self, "learning_rate", "update_proportion")
        between_zero_and_one(self, "gamma", "update_proportion")
        if not self.episodic and self.value == "mixed":
            raise ValueError(
                "episodic=False: one value of both rewards ends with the task's episode; set value: separate"
            )

    def weight_at(self, frame: int) -> float:
        """Return the weight of the intrinsic reward after so many environment steps over all workers."""
        return self.weight_schedule.at(self.scale_value, frame)

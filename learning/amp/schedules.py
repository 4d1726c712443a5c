"""Settings of AMP that follow how well the policy balances, rather than the clock.

Progress P goes from 0 to 1 as episodes become longer, and a setting goes geometrically from its start to its
end: start · (end / start)^P. A large action noise is what finds balance; once there is balance, a small one
is what shows fine motion.
"""

from __future__ import annotations

from dataclasses import dataclass

STEP_SAMPLES = 8192
"""Samples, over all workers, in which P moves by `max_step` at most."""


@dataclass
class ProgressConfig:
    """`schedules.progress`: how progress is read off the mean episode length."""

    start_length: float
    """Mean length of recent episodes, control steps, up to which P is 0."""
    end_length: float
    """Mean length from which P is 1."""
    max_step: float = 0.02
    """Largest move of P, up or down, in 8192 samples over all workers."""

    def __post_init__(self) -> None:
        """Refuse lines that do not rise."""
        if self.end_length <= self.start_length:
            raise ValueError(
                f"end_length={self.end_length:g}: must be greater than start_length={self.start_length:g}"
            )
        if self.max_step <= 0:
            raise ValueError(f"max_step={self.max_step:g}: must be greater than 0")


@dataclass
class RangeConfig:
    """A setting's values at P = 0 and at P = 1."""

    start: float
    """At P = 0."""
    end: float
    """At P = 1."""

    def __post_init__(self) -> None:
        """Refuse what a geometric line cannot reach."""
        for name in ("start", "end"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name):g}: must be greater than 0")

    def at(self, progress: float) -> float:
        """Return start · (end / start)^progress."""
        return self.start * (self.end / self.start) ** progress


@dataclass
class SchedulesConfig:
    """`schedules`: which settings follow progress."""

    progress: ProgressConfig
    """What progress is."""
    sigma: RangeConfig | None = None
    """Standard deviation of every action, in units of the action; null: the network's."""
    disc_grad_penalty: RangeConfig | None = None
    """Weight of the discriminator's gradient penalty; null: the constant of that name."""


def next_progress(
    progress: float, mean_length: float | None, num_samples: int, config: ProgressConfig
) -> float:
    """Return P after another epoch.

    P follows clip((mean_length - start_length) / (end_length - start_length), 0, 1), up and down, by at most
    `max_step` in 8192 samples.

    Args:
        progress: P so far.
        mean_length: of recently ended episodes, control steps; None before the first: P stays.
        num_samples: that the epoch has over all workers.
        config: the line and the limit.
    """
    if mean_length is None:
        return progress
    share = (mean_length - config.start_length) / (config.end_length - config.start_length)
    limit = config.max_step * num_samples / STEP_SAMPLES
    move = min(max(share, 0.0), 1.0) - progress
    return progress + min(max(move, -limit), limit)

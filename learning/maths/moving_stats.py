"""Normalising by statistics that move from batch to batch, where a running mean would never forget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from learning.distributed import Distributed
from learning.maths.running_mean_std import CLIP

MovingStatsKind = Literal["off", "mean_std", "mean_std_corr", "min_max", "perc_ema", "perc_ema_corr"]

STATISTICS: dict[str, tuple[str, ...]] = {
    "off": (),
    "mean_std": ("mean", "sqrs"),
    "mean_std_corr": ("mean", "sqrs"),
    "min_max": ("low", "high"),
    "perc_ema": ("low", "high"),
    "perc_ema_corr": ("low", "high"),
}
"""What each kind tracks, by the names of RL Games' checkpoints."""

COUNTING = ("mean_std", "mean_std_corr", "perc_ema_corr")
"""Kinds whose state holds `step`."""


class GeneralizedMovingStats(nn.Module):
    """Tracks moving statistics of numbers and normalises by them, in RL Games' kinds and state.

    Each update moves every statistic to `decay * old + (1 - decay) * new`. All start at 0 and are too small
    at first; the kinds that end in `_corr` divide by 1 - decay^n after n updates, as Adam does (Kingma and
    Ba 2015, section 3). `step` is n + 1, as in RL Games, which takes it for n: its first figures differ.

    | impl | normalised |
    |---|---|
    | off | x |
    | mean_std, mean_std_corr | (x - mean) / sqrt(mean of squares - mean²) |
    | min_max | (x - low) / (high - low), of extremes that move outwards only |
    | perc_ema, perc_ema_corr | likewise, of two percentiles (Hafner et al. 2023, "DreamerV3") |

    The last three shift by `low`, so that most of what they normalise comes out positive.

    Args:
        insize: shape of a statistic; (1,) in RL Games' checkpoints.
        impl: the kind.
        decay: what a statistic keeps of its old value, in [0, 1).
        max: the scale is at least 1 / max.
        eps: added to the variance before the root, in squared units of x.
        perclo: lower percentile, as a fraction.
        perchi: upper percentile.

    Raises:
        ValueError: for an unknown kind.
    """

    step: Tensor
    mean: Tensor
    sqrs: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self,
        insize: Sequence[int],
        impl: MovingStatsKind = "mean_std",
        decay: float = 0.99,
        max: float = 1e5,
        eps: float = 0.0,
        perclo: float = 0.05,
        perchi: float = 0.95,
    ) -> None:
        super().__init__()
        if impl not in STATISTICS:
            raise ValueError(f"impl={impl}: must be one of {', '.join(get_args(MovingStatsKind))}")
        self.impl, self.decay, self.max, self.eps = impl, decay, max, eps
        self.perclo, self.perchi = perclo, perchi
        if impl in COUNTING:
            self.register_buffer("step", torch.ones(1, dtype=torch.int32))
        for name in STATISTICS[impl]:
            self.register_buffer(name, torch.zeros(*insize))

    def forward(self, x: Tensor, denorm: bool = False) -> Tensor:
        """Return `x` normalised and clamped to ±5; or, with `denorm`, the way back, without a clamp.

        Args:
            x: of any shape that a statistic's broadcasts with.
            denorm: return it in its original units.
        """
        offset, scale = self.offset_and_scale()
        return x * scale + offset if denorm else ((x - offset) / scale).clamp(-CLIP, CLIP)

    def offset_and_scale(self) -> tuple[Tensor, Tensor]:
        """Return what is subtracted from numbers, and what they are then divided by; each `insize`."""
        if self.impl == "off":
            return torch.tensor(0.0), torch.tensor(1.0)
        first, second = (getattr(self, name) / self._bias() for name in STATISTICS[self.impl])
        if STATISTICS[self.impl] == ("low", "high"):
            return first, (second - first).clamp_min(1.0 / self.max)
        variance = (second - first.square()).clamp_min(1.0 / self.max**2)
        return first, (variance + self.eps).sqrt()

    def _bias(self) -> Tensor | float:
        """Return the share of the samples in a statistic; the rest is the 0 that it started from."""
        if not self.impl.endswith("_corr"):
            return 1.0
        tiny = torch.finfo(torch.float32).tiny  # before the first update
        return (1.0 - self.decay ** (self.step - 1).float()).clamp_min(tiny)

    @torch.no_grad()
    def update_from(self, x: Tensor, distributed: Distributed | None = None) -> None:
        """Move the statistics towards those of the samples `x`, (B,).

        All workers must call this together, with as many samples each; they have the same statistics after.
        """
        if self.impl == "off":
            return
        news = self._statistics_of(x, distributed or Distributed())
        for name, new in zip(STATISTICS[self.impl], news, strict=True):
            getattr(self, name).mul_(self.decay).add_((1.0 - self.decay) * new)
        if self.impl in COUNTING:
            self.step += 1

    def _statistics_of(self, x: Tensor, distributed: Distributed) -> tuple[Tensor, ...]:
        if self.impl.startswith("mean_std"):
            sums = torch.stack([x.double().mean(), x.double().square().mean()])
            return tuple((distributed.all_reduce_sum_(sums) / distributed.world_size).float())
        if self.impl == "min_max":
            extremes = distributed.all_gather(torch.stack(x.aminmax()))
            return torch.minimum(self.low, extremes.amin()), torch.maximum(self.high, extremes.amax())
        return quantiles(distributed.all_gather(x), self.perclo, self.perchi)

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        return f"impl={self.impl}, decay={self.decay}"


def quantiles(x: Tensor, *fractions: float) -> tuple[Tensor, ...]:
    """Return quantiles of all numbers in `x`, 0-dim each, interpolated linearly between neighbours.

    As `torch.quantile`, which refuses more than 16 million numbers.
    """
    ordered = x.flatten().sort().values
    last = len(ordered) - 1
    positions = [(int(fraction * last), fraction * last) for fraction in fractions]
    return tuple(
        ordered[below].lerp(ordered[min(below + 1, last)], position - below) for below, position in positions
    )

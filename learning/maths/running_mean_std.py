"""Normalising by the mean and variance of everything seen so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from learning.rollouts.float_obs import ObsShape, require_names, scale_bytes

CLIP = 5.0  # bound of normalised values, in standard deviations (as in RL Games)


@dataclass(frozen=True)
class Moments:
    """How many samples, their mean and their population variance; mean and var have the samples' shape."""

    count: Tensor
    mean: Tensor
    var: Tensor


class AllReduce(Protocol):
    """The part of `learning.distributed.Distributed` that pooling statistics needs."""

    def all_reduce_sum_(self, tensor: Tensor) -> object:
        """Replace `tensor` by its sum over all ranks."""


def moments_of(x: Tensor, shape: Sequence[int]) -> Moments:
    """Return the float64 moments of samples of `shape`; all dimensions of `x` before those count samples.

    Population variance: one sample has variance 0, where RL Games 1.6.1's sample variance was NaN.
    """
    samples = x.detach().reshape(-1, *shape).to(torch.float64, copy=True)
    mean = samples.mean(dim=0)
    # Two passes: several times faster than `torch.var_mean`, which does not vectorise over rows.
    var = samples.sub_(mean).square_().mean(dim=0)
    return Moments(torch.full_like(mean.sum(), len(samples)), mean, var)


def merge_moments(a: Moments, b: Moments) -> Moments:
    """Return the moments of the union of two sets of samples.

    Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
    eq. 2.1, in terms of variances.
    """
    count = a.count + b.count
    share = b.count / count
    delta = b.mean - a.mean
    var = a.var + (b.var - a.var) * share + delta.square() * (share * (a.count / count))
    return Moments(count, a.mean + delta * share, var)


def pool_moments(moments: Moments, origin: Tensor, distributed: AllReduce) -> Moments:
    """Return the moments of the samples of all ranks together, with one all-reduce.

    Args:
        moments: of this rank's samples.
        origin: a point near the samples, equal on all ranks, from which the sums are taken, so that they do
            not cancel; shape of the mean.
        distributed: sums tensors over the ranks.
    """
    count, offset = moments.count, moments.mean - origin
    sums = torch.stack([count.expand_as(offset), count * offset, count * (moments.var + offset.square())])
    distributed.all_reduce_sum_(sums)
    total = sums[0].flatten()[0]
    pooled_offset = sums[1] / total
    return Moments(total, origin + pooled_offset, (sums[2] / total - pooled_offset.square()).clamp_min_(0.0))


class RunningMeanStd(nn.Module):
    """Tracks mean and variance of samples and normalises by them.

    Statistics are float64 and start as one sample of mean 0 and variance 1, as in RL Games, whose checkpoint
    keys (`running_mean, running_var, count`) these are. `forward` never changes them.
    """

    running_mean: Tensor
    running_var: Tensor
    count: Tensor
    _mean: Tensor
    _std: Tensor
    _inv_std: Tensor

    def __init__(self, shape: Sequence[int], epsilon: float = 1e-5) -> None:
        """Start with mean 0 and variance 1.

        Args:
            shape: of one sample.
            epsilon: added to the variance before the root, in squared units of the samples.
        """
        super().__init__()
        self.shape = tuple(shape)
        self.epsilon = epsilon
        self.register_buffer("running_mean", torch.zeros(self.shape, dtype=torch.float64))
        self.register_buffer("running_var", torch.ones(self.shape, dtype=torch.float64))
        self.register_buffer("count", torch.ones((), dtype=torch.float64))
        for name in ("_mean", "_std", "_inv_std"):  # float32 copies, made once a change rather than a call
            self.register_buffer(name, torch.zeros(self.shape, dtype=torch.float32), persistent=False)
        self.refresh()

    @property
    def moments(self) -> Moments:
        """The statistics so far."""
        return Moments(self.count, self.running_mean, self.running_var)

    def forward(self, x: Tensor, denorm: bool = False) -> Tensor:
        """Return `x` in standard deviations from the mean, clamped to ±5; or, with `denorm`, the way back.

        Args:
            x: (…, *shape); bytes are taken as numbers between 0 and 1, as `update_from` does.
            denorm: clamp `x` to ±5 and return it in its original units.

        Returns:
            float32 tensor shaped as `x`.
        """
        x = scale_bytes(x).float()
        if denorm:
            return torch.addcmul(self._mean, x.clamp(-CLIP, CLIP), self._std)
        return (x - self._mean).mul_(self._inv_std).clamp_(-CLIP, CLIP)

    @torch.no_grad()
    def update(self, batch_mean: Tensor, batch_var: Tensor, batch_count: Tensor | float) -> None:
        """Add a batch of samples given by its mean, population variance and size."""
        count = torch.as_tensor(batch_count, dtype=torch.float64, device=self.count.device)
        merged = merge_moments(self.moments, Moments(count, batch_mean.double(), batch_var.double()))
        self.running_mean.copy_(merged.mean)
        self.running_var.copy_(merged.var)
        self.count.copy_(merged.count)
        self.refresh()

    @torch.no_grad()
    def update_from(self, x: Tensor, distributed: AllReduce | None = None) -> None:
        """Add the samples `x` (…, *shape), and those of all other ranks where `distributed` is given.

        All ranks must call this together, with the same statistics before; they have the same ones after.
        """
        batch = moments_of(scale_bytes(x), self.shape)
        if distributed is not None:
            batch = pool_moments(batch, self.running_mean, distributed)
        self.update(batch.mean, batch.var, batch.count)

    @torch.no_grad()
    def refresh(self) -> None:
        """Recompute the float32 copies; call it after writing into the statistics in place."""
        std = (self.running_var + self.epsilon).sqrt()
        self._mean.copy_(self.running_mean)
        self._std.copy_(std)
        self._inv_std.copy_(std.reciprocal())

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self.refresh()

    def extra_repr(self) -> str:
        """Return the shape for `print(model)`."""
        return f"shape={self.shape}, epsilon={self.epsilon}"


class RunningMeanStdObs(nn.Module):
    """One `RunningMeanStd` for each part of a dictionary observation, under RL Games' checkpoint keys.

    Args:
        shapes: shape of one sample of each part.
        epsilon: as for `RunningMeanStd`.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]], epsilon: float = 1e-5) -> None:
        super().__init__()
        self.running_mean_std = nn.ModuleDict(
            {name: RunningMeanStd(shape, epsilon) for name, shape in shapes.items()}
        )

    def forward(self, obs: Mapping[str, Tensor], denorm: bool = False) -> dict[str, Tensor]:
        """Return every part (…, *shape) normalised, or brought back; see `RunningMeanStd.forward`."""
        require_names(obs, self.running_mean_std)
        return {name: part(obs[name], denorm) for name, part in self.running_mean_std.items()}

    def update_from(self, obs: Mapping[str, Tensor], distributed: AllReduce | None = None) -> None:
        """Add the samples (…, *shape) of every part; see `RunningMeanStd.update_from`."""
        require_names(obs, self.running_mean_std)
        for name, part in self.running_mean_std.items():
            part.update_from(obs[name], distributed)  # type: ignore[operator]


def obs_normalizer(obs_shape: ObsShape) -> RunningMeanStd | RunningMeanStdObs:
    """Return the normaliser for observations of a shape, or of a shape for each name."""
    return RunningMeanStdObs(obs_shape) if isinstance(obs_shape, Mapping) else RunningMeanStd(obs_shape)

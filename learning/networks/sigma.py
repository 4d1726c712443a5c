"""How a network's output becomes the standard deviation of a Gaussian policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional

Parametrization = Literal["exp", "softplus", "linear", "scalar"]

SMALLEST_LINEAR = 1e-6
"""Where a linear sigma ends, which otherwise could become 0 or less."""


@dataclass(frozen=True)
class SigmaTransform:
    """A map from a real number to a standard deviation and its logarithm."""

    parametrization: Parametrization = "exp"
    """exp: the number is log(sigma). softplus: sigma is log(1 + exp(number)). linear, also called scalar: the
    number is sigma itself."""
    min_sigma: float = 0.0
    """Added to an exp or softplus sigma, which so keeps its gradient; lower bound of a linear one."""
    logstd_bounds: tuple[float, float] | None = None
    """exp: the number is cut off at these, and beyond them gets no gradient."""

    def __call__(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Return sigma and log(sigma), each in the shape of `raw`."""
        if self.parametrization == "exp":
            logstd = raw if self.logstd_bounds is None else raw.clamp(*self.logstd_bounds)
            sigma = logstd.exp()
            if self.min_sigma == 0.0:
                return sigma, logstd
            sigma = sigma + self.min_sigma
        elif self.parametrization == "softplus":
            sigma = functional.softplus(raw) + self.min_sigma
        else:
            sigma = raw.clamp_min(max(self.min_sigma, SMALLEST_LINEAR))
        return sigma, sigma.log()

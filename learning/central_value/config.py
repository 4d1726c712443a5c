"""What `config.central_value_config` may hold: how a critic learns that sees more than the policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from learning.agents.agent_config import at_least, positive
from learning.typed_config import MISSING


@dataclass
class CentralValueConfig:
    """A critic of its own, on the environment's `states` (asymmetric actor-critic)."""

    network: dict[str, Any] = field(default_factory=dict)
    """A network block with `central_value: True`."""
    minibatch_size: int | None = None
    """Samples a gradient step; over all workers if `world_share`, else of each. Divides the batch."""
    minibatch_size_per_env: int | None = None
    """`minibatch_size` divided by `num_actors`; read where `minibatch_size` is null."""
    mini_epochs: int = MISSING  # type: ignore[assignment]
    """Passes over a rollout."""
    learning_rate: float = MISSING  # type: ignore[assignment]
    """Step size of the critic's Adam."""
    lr_schedule: Literal["linear", "constant", "identity", "None"] | None = None
    """`linear` falls to 1e-6 over the run; all others leave the rate alone."""
    clip_value: bool = MISSING  # type: ignore[assignment]
    """Clip the critic's step."""
    e_clip: float = 0.2
    """How far a clipped value may leave its old value."""
    normalize_input: bool = MISSING  # type: ignore[assignment]
    """Normalise states by their running moments."""
    truncate_grads: bool = False
    """Clip the gradient's norm to `grad_norm`."""
    grad_norm: float = 1.0
    """Largest norm of the gradient, if `truncate_grads`."""
    weight_decay: float = 0.0
    """Adam's weight decay."""
    freeze_critic: bool = False
    """Keep the critic as it is, for a policy that is trained on under a finished critic."""
    model: dict[str, Any] = field(default_factory=lambda: {"name": "central_value"})
    """The model block."""

    def __post_init__(self) -> None:
        """Check single values."""
        at_least(self, 1, "minibatch_size", "minibatch_size_per_env", "mini_epochs")
        at_least(self, 0, "weight_decay")
        positive(self, "learning_rate", "e_clip", "grad_norm")
        if not self.network:
            raise ValueError("network: required key is missing; it holds the critic's network block")
        if self.network.get("central_value") is not True:
            raise ValueError("network.central_value: must be True; the critic's network has no policy")
        if self.minibatch_size is None and self.minibatch_size_per_env is None:
            raise ValueError("minibatch_size=null: give it, or minibatch_size_per_env")

    def total_minibatch_size(self, num_actors: int) -> int:
        """Return `minibatch_size`, or what `minibatch_size_per_env` makes of it."""
        return self.minibatch_size or (self.minibatch_size_per_env or 0) * num_actors

"""Learning-rate schedules: each maps the rate in use and the progress to the next rate and entropy weight."""

from __future__ import annotations

from typing import Any


class RLScheduler:
    """What a schedule answers to. The base keeps both numbers as they are and has no state."""

    def update(
        self, current_lr: float, entropy_coef: float, epoch: int, frames: int, kl: float
    ) -> tuple[float, float]:
        """Return the next learning rate and entropy coefficient.

        Args:
            current_lr: learning rate in use.
            entropy_coef: weight of the entropy bonus in use.
            epoch: epochs trained.
            frames: environment steps trained on, over all workers.
            kl: mean KL divergence to the rollout policy, in nats.
        """
        return current_lr, entropy_coef

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedule has learned; empty where all of it follows from the configuration."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""


class IdentityScheduler(RLScheduler):
    """A constant learning rate (`lr_schedule: null`, `identity` or `constant`)."""


class AdaptiveScheduler(RLScheduler):
    """Steers the KL divergence of an update towards a threshold (`lr_schedule: adaptive`)."""

    def __init__(
        self, kl_threshold: float = 0.008, min_lr: float = 1e-6, max_lr: float = 1e-2, factor: float = 1.5
    ) -> None:
        """Set the rule: above twice the threshold divide by `factor`, below half of it multiply."""
        self.kl_threshold = kl_threshold
        self.min_lr = min_lr
        self.max_lr = max_lr
        self.factor = factor

    def update(
        self, current_lr: float, entropy_coef: float, epoch: int, frames: int, kl: float
    ) -> tuple[float, float]:
        """Return the rate moved one step towards the wanted KL; the entropy coefficient stays."""
        if kl > 2.0 * self.kl_threshold:
            current_lr = max(current_lr / self.factor, self.min_lr)
        elif kl < 0.5 * self.kl_threshold:
            current_lr = min(current_lr * self.factor, self.max_lr)
        return current_lr, entropy_coef


class LinearScheduler(RLScheduler):
    """Falls in a straight line to `min_lr` over the run (`lr_schedule: linear`)."""

    def __init__(
        self,
        start_lr: float,
        min_lr: float = 1e-6,
        max_steps: int = 1_000_000,
        use_epochs: bool = True,
        apply_to_entropy: bool = False,
        start_entropy_coef: float = 0.01,
        min_entropy_coef: float = 1e-4,
    ) -> None:
        """Set both ends of the line.

        Args:
            start_lr: rate at step 0.
            min_lr: rate at `max_steps` and after.
            max_steps: length of the run, in epochs or frames.
            use_epochs: count epochs; otherwise frames.
            apply_to_entropy: let the entropy coefficient fall likewise.
            start_entropy_coef: coefficient at step 0.
            min_entropy_coef: coefficient at `max_steps` and after.

        Raises:
            ValueError: if `max_steps` is not positive.
        """
        if max_steps <= 0:
            raise ValueError(f"a linear schedule needs max_epochs or max_frames above 0, not {max_steps}")
        self.start_lr = start_lr
        self.min_lr = min_lr
        self.max_steps = max_steps
        self.use_epochs = use_epochs
        self.apply_to_entropy = apply_to_entropy
        self.start_entropy_coef = start_entropy_coef
        self.min_entropy_coef = min_entropy_coef

    def update(
        self, current_lr: float, entropy_coef: float, epoch: int, frames: int, kl: float
    ) -> tuple[float, float]:
        """Return both numbers at this point of the line, whatever they were before."""
        steps = epoch if self.use_epochs else frames
        left = max(0, self.max_steps - steps) / self.max_steps
        if self.apply_to_entropy:
            entropy_coef = self.min_entropy_coef + (self.start_entropy_coef - self.min_entropy_coef) * left
        return self.min_lr + (self.start_lr - self.min_lr) * left, entropy_coef

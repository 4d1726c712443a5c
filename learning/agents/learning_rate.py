"""The learning rate in use, and when its schedule moves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from learning.agents.a2c_config import AgentConfig
from learning.agents.schedulers import AdaptiveScheduler, IdentityScheduler, LinearScheduler, RLScheduler
from learning.agents.tunables import Tunable
from learning.typed_config import ConfigError, show


def create_scheduler(config: AgentConfig) -> RLScheduler:
    """Return the schedule that `lr_schedule` names."""
    if config.lr_schedule == "adaptive" and config.kl_threshold is not None:
        return AdaptiveScheduler(config.kl_threshold, config.min_lr, config.max_lr, config.lr_multiplier)
    if config.lr_schedule == "linear":
        return LinearScheduler(
            config.learning_rate,
            min_lr=config.min_lr,
            max_steps=config.max_epochs or config.frame_limit or 0,
            use_epochs=config.max_epochs is not None,
            apply_to_entropy=config.schedule_entropy,
            start_entropy_coef=config.entropy_coef,
        )
    return IdentityScheduler()


class LearningRate:
    """Holds learning rate and entropy coefficient, and moves both at the times that the schedule wants.

    The adaptive schedule needs the KL divergence on the host; no other schedule makes the host wait for it.
    All workers hand in the same averaged divergence and so keep the same rate.

    Args:
        config: the agent's configuration.
        optimizer: whose rate to set.
    """

    def __init__(self, config: AgentConfig, optimizer: Optimizer) -> None:
        self._config = config
        self.value = config.learning_rate
        self.entropy_coef = config.entropy_coef
        self.scheduler = create_scheduler(config)
        self._optimizer = optimizer
        self._is_adaptive = config.lr_schedule == "adaptive"
        self._type = "legacy" if config.schedule_type == "per_minibatch" else config.schedule_type
        self._mini_epoch: list[Tensor] = []
        self._epoch: list[Tensor] = []

    def after_minibatch(self, kl: Tensor, epoch: int, frame: int) -> None:
        """Take note of a minibatch's divergence, before its optimizer step.

        The first minibatch of an epoch says nothing: there, the policy is still the one of the rollout.

        Args:
            kl: 0-dim mean KL divergence from the rollout's policy, nats.
            epoch: epochs so far.
            frame: environment steps so far.
        """
        if not self._is_adaptive:
            return
        is_first = not self._epoch
        self._epoch.append(kl)
        self._mini_epoch.append(kl)
        if self._type == "legacy" and not is_first:
            self._update(kl.item(), epoch, frame)

    def after_mini_epoch(self, epoch: int, frame: int) -> None:
        """A pass over the rollout ended."""
        if self._is_adaptive and self._type == "standard":
            self._update(_mean(self._mini_epoch), epoch, frame)
        self._mini_epoch = []

    def after_epoch(self, epoch: int, frame: int) -> None:
        """The update ended; schedules that follow the clock move here."""
        if not self._is_adaptive:
            self._update(0.0, epoch, frame)
        elif self._type == "standard_epoch":
            self._update(_mean(self._epoch), epoch, frame)
        self._epoch = []

    def set(self, value: float) -> None:
        """Set the learning rate, of all parameters but those in groups with a `constant_lr` of their own."""
        self.value = value
        for group in self._optimizer.param_groups:
            group["lr"] = group.get("constant_lr", value)

    def tunables(self) -> dict[str, Tunable]:
        """Return the settings that live here, by RL Games' names; see learning/agents/tunables.py."""
        return {
            "learning_rate": Tunable("learning_rate", lambda: self.value, self._use_rate),
            "entropy_coef": Tunable("entropy_coef", lambda: self.entropy_coef, self._use_entropy_coef),
            "kl_threshold": Tunable("kl_threshold", use=self._use_kl_threshold),
        }

    def _use_rate(self, value: float) -> None:
        if isinstance(self.scheduler, LinearScheduler):
            raise _moved("learning_rate", value, "lr_schedule=linear")
        self.set(value)

    def _use_entropy_coef(self, value: float) -> None:
        if isinstance(self.scheduler, LinearScheduler) and self.scheduler.apply_to_entropy:
            raise _moved("entropy_coef", value, "schedule_entropy=True")
        self.entropy_coef = value

    def _use_kl_threshold(self, value: float | None) -> None:
        if not isinstance(self.scheduler, AdaptiveScheduler) or value is None:
            raise ConfigError(
                f"set_param(kl_threshold): kl_threshold={show(value)}: only lr_schedule=adaptive reads it, a "
                f"number; here is lr_schedule={show(self._config.lr_schedule)}"
            )
        self.scheduler.kl_threshold = value

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {
            "last_lr": self.value,
            "entropy_coef": self.entropy_coef,
            "scheduler": self.scheduler.state_dict(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of `state_dict`, or from its `last_lr` alone.

        What no schedule moves keeps the value of the configuration, which the user may have changed
        meanwhile.
        """
        if not self._config.has_constant_lr:
            self.set(float(state["last_lr"]))
        else:
            self.set(self.value)
        if self._config.schedule_entropy:
            self.entropy_coef = float(state.get("entropy_coef", self.entropy_coef))
        self.scheduler.load_state_dict(state.get("scheduler", {}))

    def _update(self, kl: float, epoch: int, frame: int) -> None:
        value, self.entropy_coef = self.scheduler.update(self.value, self.entropy_coef, epoch, frame, kl)
        if value != self.value:
            self.set(value)


def _moved(name: str, value: float, schedule: str) -> ConfigError:
    return ConfigError(
        f"set_param({name}): {name}={value:g}: would be gone after this epoch, since {schedule} moves it; "
        "train with another schedule"
    )


def _mean(values: list[Tensor]) -> float:
    return sum(value.item() for value in values) / len(values)

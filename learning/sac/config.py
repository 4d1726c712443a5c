"""What `train.params.config` may hold for SAC, beside what any agent's may: RL Games' key names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from learning.agents.agent_config import (
    CONFIG_PATH,
    BaseAgentConfig,
    at_least,
    between_zero_and_one,
    positive,
)
from learning.rl_games.keys import without_ignored
from learning.typed_config import MISSING

SAC_IGNORED_KEYS = {
    "max_env_steps": "time-outs come from the environment",
    "num_seed_steps": "RL Games does not read it; num_warmup_steps counts",
    "ppo": "stands in IsaacGymEnvs' AntSAC.yaml",
}
"""RL Games keys that are accepted in a SAC file, do nothing, and why."""

Betas = tuple[float, float]


@dataclass
class SACConfig(BaseAgentConfig):
    """`train.params.config` of a SAC agent.

    An epoch takes `num_steps_per_episode` steps in every environment, then makes its updates. Batch, replay
    buffer and warm-up are totals that workers share (each worker's own under torchrun).
    """

    horizon_length: int = field(init=False, default=1)
    """`num_steps_per_episode`, by the name that rollouts know it."""
    num_steps_per_episode: int = 1
    """Steps an epoch takes in every environment (RL Games' name: episodes go on over epochs)."""
    save_best_after: int = 500
    """First epoch that may write the best checkpoint."""

    batch_size: int = MISSING  # type: ignore[assignment]
    """Transitions an update draws from the replay buffer."""
    replay_buffer_size: int = MISSING  # type: ignore[assignment]
    """Transitions that are kept to draw from."""
    save_replay_buffer: bool = True
    """Keep the replay buffer in last_replay.pth, so that a resumed run goes on exactly."""
    num_warmup_steps: int = 1000
    """Epochs at the start whose actions are random, and which only fill the replay buffer."""
    num_warmup_frames: int | None = None
    """The same in environment steps, rounded up to whole epochs; null = `num_warmup_steps` counts."""

    num_updates_per_step: int = 1
    """Updates for each of the `num_steps_per_episode` steps."""
    utd_ratio: float | None = None
    """Updates for each environment step, whatever the number of environments, in place of
    `num_updates_per_step`; null = that one counts."""
    policy_frequency: int = 2
    """Updates of the critics for each update of actor and temperature."""
    gamma: float = 0.99
    """Discount a step."""
    critic_tau: float = 0.005
    """Share by which the target critics follow the critics, each update."""

    actor_lr: float = MISSING  # type: ignore[assignment]
    """Step size of the actor's Adam."""
    critic_lr: float = MISSING  # type: ignore[assignment]
    """Step size of the critics' Adam."""
    alpha_lr: float = MISSING  # type: ignore[assignment]
    """Step size of the temperature's Adam, on log(alpha)."""
    actor_betas: Betas = (0.9, 0.999)
    """Decay rates of the actor's Adam."""
    critic_betas: Betas = (0.9, 0.999)
    """Decay rates of the critics' Adam."""
    alphas_betas: Betas = (0.9, 0.999)
    """Decay rates of the temperature's Adam."""
    critic_grad_clip: float | None = 5.0
    """Largest joint norm of both critics' gradients; null or 0 = any."""

    init_alpha: float = MISSING  # type: ignore[assignment]
    """Temperature at the start: shaped reward that a nat of entropy is worth."""
    learnable_temperature: bool = MISSING  # type: ignore[assignment]
    """Move the temperature so that the policy's entropy stays at its target."""
    target_entropy_coef: float = 1.0
    """The target entropy is minus this times the number of actions, nats, of actions in units of their
    space."""
    min_alpha: float = 0.01
    """Least temperature; 0 = any (RL Games' constant, and there the actor's loss alone knows it)."""

    @classmethod
    def from_params(cls, config: Mapping[str, Any] | BaseAgentConfig) -> Self:
        """Convert `train.params.config` once; see `BaseAgentConfig.from_params`."""
        if isinstance(config, Mapping):
            config = without_ignored(config, SAC_IGNORED_KEYS, CONFIG_PATH)
        return super().from_params(config)

    def __post_init__(self) -> None:
        """Check single values and the rules between them."""
        at_least(self, 1, "num_steps_per_episode", "num_updates_per_step", "policy_frequency")
        at_least(self, 1, "batch_size", "replay_buffer_size")
        at_least(self, 0, "num_warmup_steps", "num_warmup_frames", "critic_grad_clip", "min_alpha")
        positive(self, "utd_ratio", "critic_tau", "actor_lr", "critic_lr", "alpha_lr", "init_alpha")
        between_zero_and_one(self, "gamma", "critic_tau")
        for name in ("actor_betas", "critic_betas", "alphas_betas"):
            if not all(0.0 <= beta < 1.0 for beta in getattr(self, name)):
                raise ValueError(f"{name}={list(getattr(self, name))}: must be at least 0 and less than 1")
        if self.init_alpha < self.min_alpha:
            raise ValueError(
                f"init_alpha={self.init_alpha:g}: is less than min_alpha={self.min_alpha:g}; lower that one"
            )
        if not self.clip_actions:
            raise ValueError("clip_actions=False: SAC's actions never leave the action space; leave it out")
        self.horizon_length = self.num_steps_per_episode
        super().__post_init__()

    def warmup_epochs(self, epoch_frames: int, world_size: int = 1) -> int:
        """Return how many epochs are random.

        Args:
            epoch_frames: environment steps an epoch takes in one worker.
            world_size: number of workers.
        """
        if self.num_warmup_frames is None:
            return self.num_warmup_steps
        return math.ceil(self.num_warmup_frames / (epoch_frames * self.shares(world_size)))

    def updates_between(self, first_frame: int, last_frame: int) -> int:
        """Return the updates that an epoch makes.

        With a `utd_ratio` that gives no whole number an epoch, the fraction is kept for later epochs.

        Args:
            first_frame: environment steps before the epoch.
            last_frame: environment steps after it.
        """
        if self.utd_ratio is None:
            return self.num_updates_per_step * self.num_steps_per_episode
        return math.floor(self.utd_ratio * last_frame) - math.floor(self.utd_ratio * first_frame)

"""What `train.params.config` may hold for AMP, beside PPO's keys: IsaacGymEnvs' names, and some of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from learning.agents.a2c_config import AgentConfig
from learning.agents.agent_config import PlayerConfig
from learning.amp.discriminator import DiscLoss
from learning.amp.schedules import SchedulesConfig
from learning.amp.style_termination import StyleTerminationConfig


@dataclass
class AMPPlayerConfig(PlayerConfig):
    """`config.player`: how a trained policy is played and measured."""

    dump_rollouts: str | None = None
    """File.npz that gets the rollouts that were scored; null = none."""
    print_disc_prediction: bool = False
    """Say in every step what the discriminator thinks of the first environment's motion."""


@dataclass
class AMPConfig(AgentConfig):
    """`train.params.config` of an AMP agent.

    Sizes of batches and buffers are totals that workers share (each worker's own under torchrun), as
    `minibatch_size` is.
    """

    task_reward_w: float = 0.0
    """Weight of the task's (shaped) reward."""
    disc_reward_w: float = 1.0
    """Weight of the discriminator's reward."""
    disc_reward_scale: float = 2.0
    """Factor on the discriminator's reward."""

    disc_loss: DiscLoss = "bce"
    """How the discriminator learns and rewards; see learning/amp/discriminator.py."""
    disc_coef: float = 5.0
    """Weight of the discriminator's loss in the joint loss (no use with `disc_learning_rate`)."""
    disc_grad_penalty: float = 5.0
    """Weight of the gradient penalty: what matters most; 0.1 to 15, large for calm clips."""
    gp_on: Literal["demo", "both"] = "demo"
    """Where the gradient is penalised: at the clips' windows, or at all."""
    disc_logit_reg: float = 0.05
    """Weight of the output layer's squared weights."""
    disc_weight_decay: float = 1e-4
    """Weight of all the discriminator's squared weights."""
    disc_learning_rate: float | None = None
    """Step size of an Adam of the discriminator's own, which makes `disc_updates` steps after each of PPO's
    updates; null = its loss is part of PPO's, under one optimizer."""
    disc_updates: int = 4
    """Steps an epoch of the discriminator's own optimizer."""
    disc_batch_size: int = 512
    """Windows of the agent, half of them old ones, and as many of the clips, in each of these steps."""
    amp_minibatch_size: int = 4096
    """Windows of the rollout, as many old ones and as many of the clips, in a minibatch of the joint loss."""

    normalize_amp_input: bool = True
    """Normalise windows by the running moments of the agent's and the clips'."""
    amp_obs_demo_buffer_size: int = 200_000
    """Windows of the clips that are kept to draw from; filled at the start."""
    amp_batch_size: int = 512
    """New windows of the clips an epoch."""
    amp_replay_buffer_size: int = 1_000_000
    """Windows of the agent that are kept to draw from."""
    amp_replay_keep_prob: float = 0.01
    """Share of a rollout's windows that goes into the replay buffer, once that is full."""
    enable_eps_greedy: bool = False
    """Stands in IsaacGymEnvs' files; only off is known."""

    critic_learning_rate: float | None = None
    """Constant step size of the critic, whatever the actor's does; null = the actor's."""
    advantage_clip: float | None = None
    """Clamp normalised advantages to plus and minus this; null = not."""
    soft_bound: float = 1.0
    """Largest mean action without cost, where `bound_loss_type` is `bound`."""
    schedules: SchedulesConfig | None = None
    """Settings that follow the length of episodes; null = none."""

    style_termination: StyleTerminationConfig | None = None
    """End episodes that look nothing like the clips for a while; null = only the task ends them."""

    policy_ema_decay: float | None = None
    """Play, measure and keep as best an average of the weights over epochs that forgets at this rate; null =
    the newest weights."""
    eval_interval: int | None = None
    """Epochs between two measurements of the pose error, the last epoch included; null or 0 = none."""

    player: AMPPlayerConfig = field(default_factory=AMPPlayerConfig)
    """How the trained policy is played and measured."""

    def __post_init__(self) -> None:
        """Check PPO's rules, then AMP's."""
        super().__post_init__()
        counts = ("disc_updates", "disc_batch_size", "amp_minibatch_size", "amp_batch_size")
        for name in (*counts, "amp_obs_demo_buffer_size", "amp_replay_buffer_size"):
            _require(self, name, getattr(self, name) >= 1, "must be at least 1")
        weights = ("task_reward_w", "disc_reward_w", "disc_reward_scale", "disc_coef", "disc_grad_penalty")
        for name in (*weights, "disc_logit_reg", "disc_weight_decay"):
            _require(self, name, getattr(self, name) >= 0, "must be at least 0")
        for name in ("disc_learning_rate", "critic_learning_rate", "advantage_clip"):
            value = getattr(self, name)
            _require(self, name, value is None or value > 0, "must be greater than 0, or null")
        decay, interval = self.policy_ema_decay, self.eval_interval
        _require(self, "policy_ema_decay", decay is None or 0 < decay < 1, "must be between 0 and 1, or null")
        _require(self, "eval_interval", interval is None or interval >= 0, "must be at least 0, or null")
        keep = self.amp_replay_keep_prob
        _require(self, "amp_replay_keep_prob", 0 <= keep <= 1, "must be between 0 and 1")
        _require(self, "enable_eps_greedy", not self.enable_eps_greedy, "is not available; set it to false")


def _require(config: AMPConfig, name: str, is_met: bool, rule: str) -> None:
    if not is_met:
        raise ValueError(f"{name}={getattr(config, name)}: {rule}")

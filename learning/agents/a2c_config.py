"""What `train.params.config` may hold for PPO, beside any agent's keys (learning/agents/agent_config.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from learning.agents.agent_config import (
    CONFIG_PATH,
    BaseAgentConfig,
    at_least,
    between_zero_and_one,
    positive,
)
from learning.agents.symmetry import SymmetryConfig
from learning.central_value.config import CentralValueConfig
from learning.curiosity.config import RNDConfig
from learning.maths.moving_stats import MovingStatsKind
from learning.rollouts.value_heads import ValueHead
from learning.self_play.config import SelfPlayConfig
from learning.typed_config import MISSING, ConfigError

CONSTANT_SCHEDULES = (None, "None", "constant", "fixed", "identity")
"""Values of `lr_schedule` that leave the learning rate alone (RL Games takes every other name so)."""

MINIBATCH = "minibatch_size"
CENTRAL_MINIBATCH = "central_value_config.minibatch_size"
RND_MINIBATCH = "rnd_config.minibatch_size"


@dataclass(frozen=True)
class BatchShape:
    """What one worker collects and learns from in an epoch, counted in samples."""

    num_envs: int
    """Environments in this worker; in self play its matches."""
    batch_size: int
    """`horizon_length * num_envs`."""
    minibatch_size: int
    """Samples a gradient step takes from this worker."""

    @property
    def num_minibatches(self) -> int:
        """Gradient steps in one pass over the batch."""
        return self.batch_size // self.minibatch_size


@dataclass
class AgentConfig(BaseAgentConfig):
    """`train.params.config` of a PPO agent."""

    mini_epochs: int = MISSING  # type: ignore[assignment]
    """Passes over a rollout."""
    minibatch_size: int | None = None
    """Samples a gradient step; over all workers if `world_share`, else of each. Divides the batch."""
    minibatch_size_per_env: int | None = None
    """`minibatch_size` divided by `num_actors`; read where `minibatch_size` is null."""

    learning_rate: float = MISSING  # type: ignore[assignment]
    """Step size of Adam at the start."""
    lr_schedule: Literal["adaptive", "linear", "constant", "fixed", "identity", "None"] | None = None
    """`adaptive` follows the KL divergence, `linear` falls to `min_lr`, all others leave the rate alone."""
    schedule_type: Literal["legacy", "per_minibatch", "standard", "standard_epoch"] = "legacy"
    """When the adaptive rate moves: after every minibatch (`legacy` is the old name), mini-epoch or epoch."""
    kl_threshold: float | None = None
    """KL divergence from the rollout's policy, nats, that the adaptive rate aims at: it falls above twice
    this and rises below half of it."""
    min_lr: float = 1e-6
    """Lower bound of the learning rate."""
    max_lr: float = 1e-2
    """Upper bound of the learning rate."""
    lr_multiplier: float = 1.5
    """Factor by which the adaptive rate moves."""
    schedule_entropy: bool = False
    """With `linear`: let `entropy_coef` fall to 1e-4 as well."""
    weight_decay: float = 0.0
    """Adam's weight decay (added to the gradient)."""

    gamma: float = MISSING  # type: ignore[assignment]
    """Discount a step."""
    tau: float = MISSING  # type: ignore[assignment]
    """Lambda of generalised advantage estimation (RL Games' name for it)."""
    normalize_input: bool = MISSING  # type: ignore[assignment]
    """Normalise observations by their running moments."""
    normalize_value: bool = False
    """Let the critic predict returns normalised by their running moments."""
    normalize_advantage: bool = MISSING  # type: ignore[assignment]
    """Normalise advantages over the batch of all workers."""
    normalize_rms_advantage: bool = False
    """With `normalize_advantage`: normalise them by statistics that move over rollouts instead."""
    adv_rms_impl: MovingStatsKind = "mean_std"
    """Which statistics (learning/maths/moving_stats.py); RL Games knows only its default from a file."""
    adv_rms_momentum: float = 0.5
    """What a statistic keeps of its old value with each rollout."""

    ppo: bool = True
    """Clip the probability ratio; false is the plain policy gradient (A2C)."""
    e_clip: float = MISSING  # type: ignore[assignment]
    """How far the probability ratio may leave 1, and a clipped value its old value."""
    clip_value: bool = MISSING  # type: ignore[assignment]
    """Clip the critic's step as well."""
    use_smooth_clamp: bool = False
    """Use a smooth function in place of the clip."""
    critic_coef: float = MISSING  # type: ignore[assignment]
    """Weight of the critic's loss (halved, as in RL Games)."""
    entropy_coef: float = MISSING  # type: ignore[assignment]
    """Weight of the entropy bonus."""
    bounds_loss_coef: float | None = None
    """Weight of the loss that keeps the mean action in bounds; null = none."""
    bound_loss_type: Literal["bound", "regularisation"] | None = "bound"
    """`bound`: squared distance by which the mean leaves ±`soft_bound`; `regularisation`: squared mean."""
    soft_bound: float = 1.1
    """Largest mean action without cost, where `bound_loss_type` is `bound`."""
    truncate_grads: bool = False
    """Clip the gradient's norm to `grad_norm`."""
    grad_norm: float = MISSING  # type: ignore[assignment]
    """Largest joint norm of the gradient, if `truncate_grads`."""
    seq_length: int = 4
    """Recurrent networks: steps of a sequence; gradients flow no further. Divides `horizon_length`."""
    zero_rnn_on_done: bool = True
    """Recurrent networks: begin episodes with an empty memory."""
    central_value_config: CentralValueConfig | None = None
    """A critic of its own that sees the environment's `states`; null = the network's value head."""
    use_experimental_cv: bool = True
    """Beside a central critic: let the network's own value head learn too, which shapes a shared trunk."""
    rnd_config: RNDConfig | None = None
    """Curiosity: a reward for what is new (random network distillation); null = none."""
    self_play: bool | None = None
    """Multi-agent environments: learn by playing one row of each match against a league of past policies;
    null = if there is a `self_play_config`."""
    self_play_config: SelfPlayConfig | None = None
    """That league."""
    use_action_masks: bool = False
    """Discrete actions: ask the environment before every step which are allowed."""
    shuffle_minibatches: bool = True
    """Draw minibatches at random; false cuts the rollout into ranges of time steps."""
    symmetry_config: SymmetryConfig | None = None
    """Continuous actions: learn from mirrored samples too, or be asked to act alike; null = neither."""
    use_diagnostics: bool = False
    """Write `diagnostics/…` figures: how well values explain returns, how many samples are clipped."""

    def __post_init__(self) -> None:
        """Check single values and the rules between them."""
        super().__post_init__()
        at_least(
            self, 1, "mini_epochs", "lr_multiplier", "seq_length", "minibatch_size", "minibatch_size_per_env"
        )
        at_least(self, 0, "entropy_coef", "weight_decay", "critic_coef", "bounds_loss_coef", "soft_bound")
        positive(self, "learning_rate", "e_clip", "grad_norm", "kl_threshold", "min_lr", "max_lr")
        between_zero_and_one(self, "gamma", "tau")
        if not 0 <= self.adv_rms_momentum < 1:
            raise ValueError(f"adv_rms_momentum={self.adv_rms_momentum:g}: must be at least 0, less than 1")
        if self.normalize_rms_advantage and not self.normalize_advantage:
            raise ValueError("normalize_rms_advantage=True: needs normalize_advantage=True")
        if self.lr_schedule == "adaptive" and self.kl_threshold is None:
            raise ValueError("kl_threshold=null: lr_schedule=adaptive needs it; 0.008 is usual")
        if self.lr_schedule == "linear" and self.max_epochs is None and self.frame_limit is None:
            raise ValueError("lr_schedule=linear: needs an end; set max_epochs or max_frames")
        if self.minibatch_size is None and self.minibatch_size_per_env is None:
            raise ValueError("minibatch_size=null: give it, or minibatch_size_per_env")
        if self.min_lr > self.max_lr:
            raise ValueError(f"min_lr={self.min_lr:g}: must not exceed max_lr={self.max_lr:g}")
        if self.self_play and self.self_play_config is None:
            raise ValueError(
                "self_play=True: needs self_play_config; give it update_score and games_to_check"
            )

    @property
    def has_constant_lr(self) -> bool:
        """No schedule moves the learning rate."""
        return self.lr_schedule in CONSTANT_SCHEDULES

    @property
    def league(self) -> SelfPlayConfig | None:
        """`self_play_config`, if it is to be played."""
        return None if self.self_play is False else self.self_play_config

    @property
    def num_learners(self) -> int:
        """Environments that are learned from: all, or in self play one row of each match."""
        return self.num_actors // (1 if self.league is None else self.league.num_agents)

    @property
    def value_heads(self) -> tuple[ValueHead, ...]:
        """What the critic predicts: the return of the task's reward, and of curiosity's where it is apart."""
        task, rnd = ValueHead(self.gamma), self.rnd_config
        if rnd is None or rnd.value == "mixed":
            return (task,)
        return task, ValueHead(rnd.gamma, rnd.episodic)

    @property
    def value_size(self) -> int:
        """Number of value heads V."""
        return len(self.value_heads)

    @property
    def total_minibatch_size(self) -> int:
        """`minibatch_size`, or what `minibatch_size_per_env` makes of it."""
        return self.minibatch_size or (self.minibatch_size_per_env or 0) * self.num_learners

    def batch_shape(self, world_size: int = 1) -> BatchShape:
        """Return what each of `world_size` workers collects and learns from.

        Raises:
            ConfigError: the minibatch does not divide the batch, or workers cannot share evenly.
        """
        num_envs = self._num_learners(world_size)
        share = {key: self.minibatch_share(key, world_size) for key in self.minibatch_sizes()}
        return BatchShape(num_envs, self.horizon_length * num_envs, share[MINIBATCH])

    def minibatch_sizes(self) -> dict[str, int]:
        """Return samples of a minibatch by key: the agent's, a central critic's, curiosity's."""
        sizes = {MINIBATCH: self.total_minibatch_size}
        if self.central_value_config is not None:
            sizes[CENTRAL_MINIBATCH] = self.central_value_config.total_minibatch_size(self.num_learners)
        if self.rnd_config is not None:
            sizes[RND_MINIBATCH] = self.rnd_config.minibatch_size or self.total_minibatch_size
        return sizes

    def fitted_minibatch_size(self, key: str, world_size: int = 1) -> int:
        """Return the legal size nearest below one of `minibatch_sizes`, else the smallest legal one."""
        batch_size = self.horizon_length * self.num_learners
        return fit_minibatch_size(batch_size, self.minibatch_sizes()[key], self.shares(world_size))

    def with_minibatch_size(self, key: str, size: int) -> AgentConfig:
        """Return a copy with another size at one key of `minibatch_sizes`."""
        part, _, last = key.rpartition(".")
        changes = {last: size} if not part else {part: replace(getattr(self, part), **{last: size})}
        return replace(self, **changes)

    def minibatch_share(self, key: str, world_size: int = 1) -> int:
        """Return one worker's part of one of `minibatch_sizes`.

        Raises:
            ConfigError: it does not divide the batch, or workers cannot share it evenly.
        """
        size, shares = self.minibatch_sizes()[key], self.shares(world_size)
        batch_size = self.horizon_length * self.num_learners
        try_this = f"try {self.fitted_minibatch_size(key, world_size)}"
        if batch_size % size:
            raise ConfigError(
                f"{CONFIG_PATH}.{key}={size}: does not divide horizon_length * num_actors = "
                f"{self.horizon_length} * {self.num_learners} = {batch_size}; {try_this}"
            )
        if size % shares:
            raise ConfigError(
                f"{CONFIG_PATH}.{key}={size}: cannot be shared evenly by {shares} workers; {try_this}"
            )
        return size // shares

    def _num_learners(self, world_size: int) -> int:
        """Return the environments of each worker that are learned from."""
        num_envs = self.num_envs(world_size)
        if self.league is None:
            return num_envs
        players = self.league.num_agents
        if num_envs % players:
            shares = self.shares(world_size)
            fitting = max(1, num_envs // players) * players * shares
            raise ConfigError(
                f"{CONFIG_PATH}.num_actors={self.num_actors}: the {num_envs} rows of a worker are no whole "
                f"number of matches of {players} players; try {fitting}"
            )
        return num_envs // players


def fit_minibatch_size(batch_size: int, wanted: int, world_size: int = 1) -> int:
    """Return the largest minibatch size up to `wanted` that divides the batch and is shared evenly.

    Args:
        batch_size: samples of all workers together, a multiple of `world_size`.
        wanted: size asked for.
        world_size: workers that share.

    Returns:
        A multiple of `world_size` that divides `batch_size`; `world_size` itself if `wanted` is less.
    """
    per_worker = batch_size // world_size
    limit = max(1, min(wanted // world_size, per_worker))
    return next(size for size in range(limit, 0, -1) if per_worker % size == 0) * world_size

"""What `train.params.config` may hold: RL Games' key names, with a type, a default and a meaning each.

YAML holds values, these classes hold names and types, and the conversion happens once
(`AgentConfig.from_params`). Keys of RL Games that do nothing here are listed in learning/rl_games_keys.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, Literal, Self

import torch

from learning.rl_games_keys import IGNORED_KEYS, IGNORED_PLAYER_KEYS, refuse_unsupported, without_ignored
from learning.typed_config import MISSING, ConfigError, from_mapping

CONFIG_PATH = "train.params.config"

CONSTANT_SCHEDULES = (None, "None", "constant", "fixed", "identity")
"""Values of `lr_schedule` that leave the learning rate alone (RL Games takes every other name so)."""


@dataclass
class RewardShaperConfig:
    """`config.reward_shaper`: what is done to a reward before it is learned from."""

    scale_value: float = 1.0
    """Factor, applied after `shift_value`."""
    shift_value: float = 0.0
    """Added to the reward first."""
    min_val: float = -float("inf")
    """Lower bound, applied after scaling."""
    max_val: float = float("inf")
    """Upper bound, applied after scaling."""
    log_val: bool = False
    """Take the logarithm last."""
    is_torch: bool = True
    """Accepted for RL Games' sake; rewards are always tensors."""


@dataclass
class PlayerConfig:
    """`config.player`: how a trained policy is played."""

    deterministic: bool = True
    """Play the mean of the policy instead of sampling."""
    games_num: int | None = None
    """Episodes to play, rounded up to the same number in every environment; null = one in every
    environment."""
    max_steps: int | None = None
    """Control steps after which play ends even if episodes are still running; null = 27000 (RL Games'
    figure)."""
    print_stats: bool = True
    """Log the result."""

    def __post_init__(self) -> None:
        """Check single values."""
        _at_least(self, 1, "games_num", "max_steps")


@dataclass(frozen=True)
class BatchShape:
    """What one worker collects and learns from in an epoch, counted in samples."""

    num_envs: int
    """Environments in this worker."""
    batch_size: int
    """`horizon_length * num_envs`."""
    minibatch_size: int
    """Samples a gradient step takes from this worker."""

    @property
    def num_minibatches(self) -> int:
        """Gradient steps in one pass over the batch."""
        return self.batch_size // self.minibatch_size


@dataclass
class AgentConfig:
    """`train.params.config` of a PPO agent.

    An agent with keys of its own derives a dataclass from this one and names it in `config_class`.
    """

    name: str = MISSING
    """Stem of the checkpoint files."""
    env_name: str = MISSING
    """Registered environment to train in (`learning.vecenv.register`)."""
    num_actors: int = MISSING  # type: ignore[assignment]
    """Environments; over all workers if `world_share`, else in each."""
    horizon_length: int = MISSING  # type: ignore[assignment]
    """Steps a rollout takes in every environment."""
    mini_epochs: int = MISSING  # type: ignore[assignment]
    """Passes over a rollout."""
    minibatch_size: int | None = None
    """Samples a gradient step; over all workers if `world_share`, else of each. Divides the batch."""
    minibatch_size_per_env: int | None = None
    """`minibatch_size` divided by `num_actors`; read where `minibatch_size` is null."""
    world_share: bool = True
    """`num_actors` and `minibatch_size` are totals that workers share; false (torchrun): each worker's
    own."""

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
    value_bootstrap: bool = True
    """Episodes that end by time alone are valued on by the critic's value of their last observation; false
    takes them for failures."""
    normalize_input: bool = MISSING  # type: ignore[assignment]
    """Normalise observations by their running moments."""
    normalize_value: bool = False
    """Let the critic predict returns normalised by their running moments."""
    normalize_advantage: bool = MISSING  # type: ignore[assignment]
    """Normalise advantages over the batch of all workers."""
    reward_shaper: RewardShaperConfig = field(default_factory=RewardShaperConfig)
    """What is done to rewards before they are learned from."""

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
    mixed_precision: bool = False
    """Run the network in bfloat16 (distribution, losses and normalisers stay float32)."""
    shuffle_minibatches: bool = True
    """Draw minibatches at random; false cuts the rollout into ranges of time steps."""
    clip_actions: bool = True
    """Clamp actions to ±1 and scale them to the action space; false passes them on as sampled."""

    max_epochs: int | None = None
    """Stop after so many epochs; null = never."""
    max_frames: int | None = None
    """Stop after so many environment steps over all workers; null = never."""
    max_steps: int | None = None
    """Another name of `max_frames`; the larger counts."""
    score_to_win: float | None = None
    """Stop when the mean episode reward reaches this; null = never."""
    stop_fn: Callable[..., Any] | None = None
    """Stop when `stop_fn(agent)` is true after an epoch."""
    games_to_track: int = 100
    """Episodes that the mean reward and length look back over, at least."""
    epochs_between_resets: int = 0
    """Reset all environments every so many epochs; 0 = never."""
    print_stats: bool = True
    """Log a line an epoch."""

    save_frequency: int | None = None
    """Epochs between checkpoints `<name>_ep_<N>.pth`; null or 0 = none."""
    save_best_after: int = 100
    """First epoch that may write the best checkpoint."""
    save_last_interval: float | None = 60.0
    """Seconds after which last.pth is written anew, so that a killed run loses little; null = only with the
    others. Replay buffers go beside it, into last_replay.pth, with numbered checkpoints and at the end."""

    player: PlayerConfig = field(default_factory=PlayerConfig)
    """How the trained policy is played."""
    device: str | None = None
    """Where networks and rollouts live; null = where the environment's tensors are."""
    multi_gpu: bool = False
    """Workers were started by torchrun (train.py reads it)."""
    env_config: dict[str, Any] = field(default_factory=dict)
    """Passed on to the environment's creator."""
    vec_env: Any = None
    """A ready environment in place of one created from `env_name`."""
    observer: Any = None
    """The `AlgoObserver` that is told of progress; Runner sets it."""
    train_dir: str | None = None
    """Run directory to write into; null = write nothing."""
    result_info: dict[str, Any] = field(default_factory=dict)
    """Copied into result.json and checkpoints (task, train)."""

    @classmethod
    def from_params(cls, config: Mapping[str, Any] | AgentConfig) -> Self:
        """Convert `train.params.config` once; a configuration that is converted already passes through.

        Raises:
            ConfigError: unknown key, wrong type, missing value, or a broken rule.
        """
        if isinstance(config, cls):
            return config
        if isinstance(config, AgentConfig):
            raise ConfigError(
                f"{CONFIG_PATH}: holds a {type(config).__name__}, this agent needs a {cls.__name__}"
            )
        values = without_ignored(dict(config), IGNORED_KEYS, CONFIG_PATH)
        if isinstance(values.get("player"), Mapping):
            values["player"] = without_ignored(values["player"], IGNORED_PLAYER_KEYS, f"{CONFIG_PATH}.player")
        refuse_unsupported(values, CONFIG_PATH)
        for key in ("max_epochs", "max_frames", "max_steps"):  # RL Games writes -1 for "no limit"
            if values.get(key) == -1:
                values[key] = None
        return from_mapping(cls, values, CONFIG_PATH)

    def __post_init__(self) -> None:
        """Check single values and the rules between them."""
        _at_least(self, 1, "num_actors", "horizon_length", "mini_epochs", "games_to_track", "lr_multiplier")
        _at_least(
            self, 1, "minibatch_size", "minibatch_size_per_env", "max_epochs", "max_frames", "max_steps"
        )
        _at_least(self, 0, "save_frequency", "save_best_after", "epochs_between_resets", "entropy_coef")
        _at_least(self, 0, "weight_decay", "critic_coef", "bounds_loss_coef", "soft_bound")
        _at_least(self, 0, "save_last_interval")
        _positive(self, "learning_rate", "e_clip", "grad_norm", "kl_threshold", "min_lr", "max_lr")
        _between_zero_and_one(self, "gamma", "tau")
        if self.lr_schedule == "adaptive" and self.kl_threshold is None:
            raise ValueError("kl_threshold=null: lr_schedule=adaptive needs it; 0.008 is usual")
        if self.lr_schedule == "linear" and self.max_epochs is None and self.frame_limit is None:
            raise ValueError("lr_schedule=linear: needs an end; set max_epochs or max_frames")
        if self.minibatch_size is None and self.minibatch_size_per_env is None:
            raise ValueError("minibatch_size=null: give it, or minibatch_size_per_env")
        if self.min_lr > self.max_lr:
            raise ValueError(f"min_lr={self.min_lr:g}: must not exceed max_lr={self.max_lr:g}")

    @property
    def frame_limit(self) -> int | None:
        """Environment steps after which training stops, `max_frames` and `max_steps` in one."""
        limits = [limit for limit in (self.max_frames, self.max_steps) if limit is not None]
        return max(limits) if limits else None

    @property
    def has_constant_lr(self) -> bool:
        """No schedule moves the learning rate."""
        return self.lr_schedule in CONSTANT_SCHEDULES

    @property
    def total_minibatch_size(self) -> int:
        """`minibatch_size`, or what `minibatch_size_per_env` makes of it."""
        return self.minibatch_size or (self.minibatch_size_per_env or 0) * self.num_actors

    def batch_shape(self, world_size: int = 1) -> BatchShape:
        """Return what each of `world_size` workers collects and learns from.

        Raises:
            ConfigError: the minibatch does not divide the batch, or workers cannot share evenly.
        """
        shares = world_size if self.world_share else 1
        batch_size = self.horizon_length * self.num_actors
        minibatch_size = self.total_minibatch_size
        if self.num_actors % shares:
            raise ConfigError(
                f"{CONFIG_PATH}.num_actors={self.num_actors} cannot be shared evenly by {shares} workers; "
                f"try {self.num_actors - self.num_actors % shares or shares}, or another num_workers"
            )
        if batch_size % minibatch_size:
            raise ConfigError(
                f"{CONFIG_PATH}.minibatch_size={minibatch_size} does not divide horizon_length * num_actors "
                f"= {self.horizon_length} * {self.num_actors} = {batch_size}; "
                f"try {self.fitted_minibatch_size(shares)}"
            )
        if minibatch_size % shares:
            raise ConfigError(
                f"{CONFIG_PATH}.minibatch_size={minibatch_size} cannot be shared evenly by {shares} workers; "
                f"try {self.fitted_minibatch_size(shares)}"
            )
        return BatchShape(self.num_actors // shares, batch_size // shares, minibatch_size // shares)

    def fitted_minibatch_size(self, world_size: int = 1) -> int:
        """Return the legal minibatch size nearest below `minibatch_size`, else the smallest legal one."""
        return fit_minibatch_size(
            self.horizon_length * self.num_actors, self.total_minibatch_size, world_size
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them: no live objects, nothing of this machine."""
        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        for name in ("vec_env", "stop_fn", "env_config", "observer", "train_dir", "device"):
            plain.pop(name, None)
        return {key: _plain(value) for key, value in plain.items()}


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


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


def check_device(name: str) -> torch.device:
    """Return the torch device of that name.

    Raises:
        ConfigError: torch knows no such device.
    """
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f"{CONFIG_PATH}.device={name}: {str(error).splitlines()[0]}; try cpu or cuda:0"
        ) from error


def _at_least(config: object, bound: int, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and value < bound:
            raise ValueError(f"{name}={value}: must be at least {bound}")


def _positive(config: object, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and value <= 0:
            raise ValueError(f"{name}={value:g}: must be greater than 0")


def _between_zero_and_one(config: object, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value:g}: must be between 0 and 1")

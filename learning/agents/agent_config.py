"""What `train.params.config` may hold for any agent: RL Games' keys, with type, default and meaning.

YAML holds values, these classes hold names and types, and the conversion happens once
(`BaseAgentConfig.from_params`). Keys of RL Games that do nothing here stand in learning/rl_games/keys.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, Self

import torch

from learning.rl_games.keys import (
    IGNORED_KEYS,
    IGNORED_PLAYER_KEYS,
    refuse_unsupported,
    with_new_names,
    without_ignored,
)
from learning.typed_config import MISSING, ConfigError, from_mapping

CONFIG_PATH = "train.params.config"


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
        at_least(self, 1, "games_num", "max_steps")


@dataclass
class BaseAgentConfig:
    """`train.params.config` of any agent: environment, rollout, limits, checkpoints.

    An agent with keys of its own derives a dataclass from this one, or from another agent's, and names it in
    `config_class`.
    """

    name: str = MISSING
    """Stem of the checkpoint files."""
    env_name: str = MISSING
    """Registered environment to train in (`learning.vecenv.register`)."""
    num_actors: int = MISSING  # type: ignore[assignment]
    """Environments; over all workers if `world_share`, else in each."""
    horizon_length: int = MISSING  # type: ignore[assignment]
    """Steps a rollout takes in every environment."""
    world_share: bool = True
    """`num_actors` and sizes of batches are totals that workers share; false (torchrun): each
    worker's own."""

    normalize_input: bool = False
    """Normalise observations by their running moments."""
    reward_shaper: RewardShaperConfig = field(default_factory=RewardShaperConfig)
    """What is done to rewards before they are learned from."""
    value_bootstrap: bool = True
    """Episodes that end by time alone are valued on by the critic's value of their last observation; false
    takes them for failures."""
    mixed_precision: bool = False
    """Run the network in bfloat16 (distribution, losses and normalisers stay float32)."""
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
    def from_params(cls, config: Mapping[str, Any] | BaseAgentConfig) -> Self:
        """Convert `train.params.config` once; a configuration that is converted already passes through.

        Raises:
            ConfigError: unknown key, wrong type, missing value, or a broken rule.
        """
        if isinstance(config, cls):
            return config
        if isinstance(config, BaseAgentConfig):
            raise ConfigError(
                f"{CONFIG_PATH}: holds a {type(config).__name__}, this agent needs a {cls.__name__}"
            )
        values = without_ignored(with_new_names(config), IGNORED_KEYS, CONFIG_PATH)
        if isinstance(values.get("player"), Mapping):
            values["player"] = without_ignored(values["player"], IGNORED_PLAYER_KEYS, f"{CONFIG_PATH}.player")
        refuse_unsupported(values, CONFIG_PATH, [item.name for item in dataclasses.fields(cls)])
        for key in ("max_epochs", "max_frames", "max_steps"):  # RL Games writes -1 for "no limit"
            if values.get(key) == -1:
                values[key] = None
        return from_mapping(cls, values, CONFIG_PATH)

    def __post_init__(self) -> None:
        """Check single values."""
        at_least(self, 1, "num_actors", "horizon_length", "games_to_track")
        at_least(self, 1, "max_epochs", "max_frames", "max_steps")
        at_least(self, 0, "save_frequency", "save_best_after", "epochs_between_resets", "save_last_interval")

    @property
    def frame_limit(self) -> int | None:
        """Environment steps after which training stops, `max_frames` and `max_steps` in one."""
        limits = [limit for limit in (self.max_frames, self.max_steps) if limit is not None]
        return max(limits) if limits else None

    def shares(self, world_size: int) -> int:
        """Return how many workers share what is given as a total."""
        return world_size if self.world_share else 1

    def num_envs(self, world_size: int = 1) -> int:
        """Return the environments of each of `world_size` workers.

        Raises:
            ConfigError: workers cannot share them evenly.
        """
        shares = self.shares(world_size)
        if self.num_actors % shares:
            raise ConfigError(
                f"{CONFIG_PATH}.num_actors={self.num_actors} cannot be shared evenly by {shares} workers; "
                f"try {self.num_actors - self.num_actors % shares or shares}, or another num_workers"
            )
        return self.num_actors // shares

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them: no live objects, nothing of this machine."""
        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        for name in ("vec_env", "stop_fn", "env_config", "observer", "train_dir", "device"):
            plain.pop(name, None)
        return {key: _plain(value) for key, value in plain.items()}


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


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


def at_least(config: object, bound: int, *names: str) -> None:
    """Refuse values of the named keys below a bound; null passes."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < bound:
            raise ValueError(f"{name}={value}: must be at least {bound}")


def positive(config: object, *names: str) -> None:
    """Refuse values of the named keys that are not above 0; null passes."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value <= 0:
            raise ValueError(f"{name}={value:g}: must be greater than 0")


def between_zero_and_one(config: object, *names: str) -> None:
    """Refuse values of the named keys outside of [0, 1]."""
    for name in names:
        value = getattr(config, name)
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value:g}: must be between 0 and 1")

"""Keys of RL Games' configurations that have no effect here, so that its YAML files load.

Some can be ignored; some would change what is learned and are refused when they ask for something.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from learning.typed_config import ConfigError

logger = logging.getLogger(__name__)

IGNORED_PARAMS_KEYS: dict[str, str] = {
    "load_checkpoint": "RL Games does not read it",
    "load_path": "RL Games does not read it",
    "torch_threads": "threads are set by train.py",
}
"""The same as `IGNORED_KEYS`, for `params` itself."""

RENAMED_KEYS: dict[str, str] = {"seq_len": "seq_length"}
"""RL Games' old names, and the new ones, which count where both are given."""

IGNORED_KEYS: dict[str, str] = {
    "algo_observer": "observers are handed to Runner",
    "bptt_length": "RL Games reads it and does not use it",
    "capability_manifest": "opaque to training",
    "device_name": "the player uses `device` too",
    "env_info": "sizes come from the environment's spaces",
    "features": "observers are handed to Runner",
    "freeze_critic": "central_value_config.freeze_critic is what counts",
    "full_experiment_name": "the run directory comes from `experiment`",
    "ignore_dead_batches": "RL Games does not read it",
    "import_modules": "modules are imported by train.py",
    "is_train": "the mode comes from Runner.run",
    "log_path": "RL Games reads it and does not use it",
    "multi_gpu_sync_stats": "statistics are always in step",
    "multi_gpu_sync_stats_mode": "statistics are always pooled",
    "network_path": "RL Games reads it and does not use it",
    "pbt_idx": "there is no population",
    "torch_compile": "networks run eagerly",
    "vecenv_type": "environments are registered by name alone",
}
"""RL Games keys that are accepted, do nothing, and why; one warning names those found."""

UNSUPPORTED_KEYS: dict[str, str] = {
    "balance_env_rewards": "weighting environments in the player",
    "population_based_training": "population based training",
    "self_play": "self play",
    "self_play_config": "self play",
}
"""RL Games keys whose feature does not exist here, or not for every agent: off (false, null) passes, anything
else is an error."""

IGNORED_PLAYER_KEYS: dict[str, str] = {
    "device_name": "RL Games does not read it here",
    "dir_to_monitor": "there is no evaluation worker",
    "env_config": "the player plays the environment of the training configuration",
    "evaluation": "there is no evaluation worker",
    "n_game_life": "an episode is one game",
    "render": "drawing is the environment's business (headless, capture_video)",
    "render_sleep": "drawing is the environment's business",
    "update_checkpoint_freq": "there is no evaluation worker",
    "use_vecenv": "environments are always vectorised",
}
"""The same as `IGNORED_KEYS`, for `config.player`."""

IGNORED_CENTRAL_VALUE_KEYS: dict[str, str] = {
    "kl_threshold": "RL Games does not read it here",
    "mixed_precision": "the central critic runs in 32 bits",
    "schedule_type": "RL Games does not read it here",
}
"""The same as `IGNORED_KEYS`, for `config.central_value_config`."""

UNREAD_NETWORK_KEYS: dict[str, str] = {
    "joint_obs_actions": "RL Games does not use it",
    "regularizer": "RL Games does not read it",
    "value_shape": "RL Games does not read it",
}
"""The same for the `network` blocks of RL Games' own networks, at any depth."""

RL_GAMES_NETWORKS = ("actor_critic", "resnet_actor_critic", "soft_actor_critic")
"""Networks of which it is known what they read; another may read what these do not."""


def with_new_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by the names that count, see `RENAMED_KEYS`."""
    renamed = {new: values[old] for old, new in RENAMED_KEYS.items() if old in values}
    return renamed | {key: value for key, value in values.items() if key not in RENAMED_KEYS}


def without_ignored(values: Mapping[str, Any], ignored: Mapping[str, str], path: str) -> dict[str, Any]:
    """Return the values without ignored keys, and name those found in one warning."""
    found = [key for key in values if key in ignored]
    if found:
        reasons = "; ".join(f"{key} ({ignored[key]})" for key in found)
        logger.warning("%s: keys without effect: %s", path, reasons)
    return {key: value for key, value in values.items() if key not in ignored}


def refuse_unsupported(values: dict[str, Any], path: str, supported: Collection[str] = ()) -> None:
    """Take unsupported keys out of `values`.

    Args:
        values: what is configured.
        path: where it stands, for error messages.
        supported: keys that this agent knows though others do not.

    Raises:
        ConfigError: one of them asks for its feature.
    """
    for key, feature in UNSUPPORTED_KEYS.items():
        value = None if key in supported else values.pop(key, None)
        if value:
            raise ConfigError(
                f"{path}.{key}={value}: {feature} is not supported; leave it out or set it to null"
            )

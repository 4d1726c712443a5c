"""RL Games' `params` block as its YAML files write it, said as `Runner.load` takes it.

What RL Games writes for "none" and "no limit" becomes null, old names become the new ones, numbers that YAML
takes for text become numbers, and keys without effect are taken out and named. All else stays as it is, so
that the typed configurations find a misspelt key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from learning.rl_games.keys import (
    IGNORED_CENTRAL_VALUE_KEYS,
    IGNORED_KEYS,
    IGNORED_PARAMS_KEYS,
    IGNORED_PLAYER_KEYS,
    RL_GAMES_NETWORKS,
    UNREAD_NETWORK_KEYS,
    with_new_names,
)
from learning.sac.config import SAC_IGNORED_KEYS

NO_LIMIT = -1
"""How RL Games writes that there is no limit."""

LIMIT_KEYS = ("max_epochs", "max_frames", "max_steps")

# Numbers that YAML 1.1 takes for text, since it wants a dot and a signed exponent: 1e-5, 3E4.
_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")


def translate(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Say a `params` block of RL Games in our words.

    Args:
        params: the block, as `yaml.safe_load` returns it.

    Returns:
        The block for `Runner.load`, and the keys that have no effect here, `config.bptt_length`, each with
        the reason.
    """
    ignored: dict[str, str] = {}
    block = _without(plain(params), IGNORED_PARAMS_KEYS, "", ignored)
    if isinstance(block.get("config"), dict):
        block["config"] = _config(block["config"], _ignored_keys(block), ignored)
    return _network(block, "", ignored), ignored


def plain(value: Any) -> Any:
    """Return nested YAML values with `None`, which YAML takes for text, as null, and numbers as numbers."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if not isinstance(value, str):
        return value
    if value.lower() == "none":
        return None
    return float(value) if _EXPONENT.fullmatch(value) else value


def _ignored_keys(block: Mapping[str, Any]) -> dict[str, str]:
    is_sac = isinstance(block.get("algo"), Mapping) and block["algo"].get("name") == "sac"
    return IGNORED_KEYS | (SAC_IGNORED_KEYS if is_sac else {})


def _config(config: dict[str, Any], keys: Mapping[str, str], ignored: dict[str, str]) -> dict[str, Any]:
    config = _without(with_new_names(config), keys, "config.", ignored)
    if isinstance(config.get("player"), dict):
        config["player"] = _without(config["player"], IGNORED_PLAYER_KEYS, "config.player.", ignored)
    if isinstance(config.get("self_play_config"), dict):
        config["self_play_config"] = {"win_rate": False} | config["self_play_config"]  # RL Games' rule
    if isinstance(config.get("central_value_config"), dict):
        config["central_value_config"] = _central_value(config["central_value_config"], ignored)
    return {key: None if key in LIMIT_KEYS and value == NO_LIMIT else value for key, value in config.items()}


def _central_value(block: dict[str, Any], ignored: dict[str, str]) -> dict[str, Any]:
    path = "config.central_value_config."
    block = _network(_without(block, IGNORED_CENTRAL_VALUE_KEYS, path, ignored), path, ignored)
    if block.get("lr_schedule") == "adaptive":
        ignored[f"{path}lr_schedule"] = "there is no policy whose KL divergence it could follow"
        block["lr_schedule"] = None
    return block


def _without(
    values: Mapping[str, Any], keys: Mapping[str, str], path: str, found: dict[str, str]
) -> dict[str, Any]:
    """Return the values without `keys`, and put those that were there into `found`."""
    found.update({f"{path}{key}": reason for key, reason in keys.items() if key in values})
    return {key: value for key, value in values.items() if key not in keys}


def _network(block: dict[str, Any], path: str, ignored: dict[str, str]) -> dict[str, Any]:
    """Return a block without what its `network` holds that RL Games does not read."""
    network = block.get("network")
    if not isinstance(network, dict) or network.get("name") not in RL_GAMES_NETWORKS:
        return block
    return {**block, "network": _read_keys(network, f"{path}network.", ignored)}


def _read_keys(network: dict[str, Any], path: str, ignored: dict[str, str]) -> dict[str, Any]:
    kept = _without(network, UNREAD_NETWORK_KEYS, path, ignored)
    return {
        key: _read_keys(value, f"{path}{key}.", ignored) if isinstance(value, dict) else value
        for key, value in kept.items()
    }

"""Settings of an agent that may change while it trains: by a curriculum, or by who trains many agents.

`agent.get_param(name)` and `agent.set_param(name, value)` know them by RL Games' names. A new value is
checked as one in a configuration file is, and holds from the next use on; all workers have to set it alike.
A resumed run begins with its configuration's values: whoever changes them changes them again.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from torch.optim import Optimizer

from learning.typed_config import ConfigError, convert, suggest

if TYPE_CHECKING:
    from learning.agents.agent_base import AgentBase
    from learning.agents.agent_config import BaseAgentConfig

Config = TypeVar("Config", bound="BaseAgentConfig")


@dataclass(frozen=True)
class Tunable:
    """One setting."""

    key: str
    """Its key in `train.params.config`, where agents read it at every use."""
    in_use: Callable[[], Any] | None = None
    """Returns the value in use, where that is not the configuration's."""
    use: Callable[[Any], None] | None = None
    """Takes up a new value where it is kept besides; raises ConfigError if it cannot be set."""


def get_param(agent: AgentBase, name: str) -> Any:
    """Return a setting's value in use.

    Raises:
        ConfigError: the agent has none of this name.
    """
    tunable = _find(agent, name, f"get_param({name})")
    return getattr(agent.config, tunable.key) if tunable.in_use is None else tunable.in_use()


def set_param(agent: AgentBase, name: str, value: Any) -> None:
    """Change a setting.

    Raises:
        ConfigError: the agent has none of this name, the value breaks a rule of the configuration, or it
            could not last as a schedule moves it.
    """
    place = f"set_param({name})"
    tunable = _find(agent, name, place)
    config = with_value(agent.config, tunable.key, value, place)
    if tunable.use is not None:
        tunable.use(getattr(config, tunable.key))
    agent.config = config


def with_value(config: Config, key: str, value: Any, place: str) -> Config:
    """Return a configuration with another value, checked as if it stood in the file.

    Args:
        config: stays as it is.
        key: of `train.params.config`.
        value: for it.
        place: who sets it, for messages.

    Raises:
        ConfigError: wrong type, or a broken rule.
    """
    kind = typing.get_type_hints(type(config))[key]
    changes: dict[str, Any] = {key: convert(kind, value, f"{place}: {key}")}
    try:
        return dataclasses.replace(config, **changes)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from error


def of_config(keys: Mapping[str, str]) -> dict[str, Tunable]:
    """Return settings that only the configuration holds, by name, from their keys."""
    return {name: Tunable(key) for name, key in keys.items()}


def of_rate(key: str, optimizer: Optimizer) -> Tunable:
    """Return the setting of a learning rate that no schedule moves."""

    def use(value: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = value

    return Tunable(key, use=use)


def _find(agent: AgentBase, name: str, place: str) -> Tunable:
    tunables = agent.tunables()
    if name not in tunables:
        near = suggest(name, tunables)
        known = "" if near.startswith("known") else f" (known are {', '.join(sorted(tunables)) or 'none'})"
        raise ConfigError(f"{place}: {type(agent).__name__} has no such parameter; {near}{known}")
    return tunables[name]

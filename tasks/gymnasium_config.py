"""Keys of `task.env` for environments of Gymnasium, and what can be known to be wrong with them early."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from dataclasses import dataclass, field
from typing import Any, Literal

import gymnasium
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.vector import AutoresetMode

from tasks.toys import register_toys


@dataclass
class GymnasiumEnvConfig:
    """Keys of `task.env` for `name: Gymnasium`."""

    id: str
    """registered name of the environment; `module:Name-v0` imports the module that registers it first"""
    numEnvs: int = 1
    """environments in this process"""
    episodeLength: int | None = None
    """control steps after which an episode is cut off by time; null: as the environment was registered"""
    vectorization: Literal["auto", "sync", "async", "vector_entry_point"] = "auto"
    """`sync`: one after the other, in this process; `async`: a process each; `vector_entry_point`: the
    environment's own batched implementation; `auto`: that one, if it resets within the step, else `sync`"""
    backend: Literal["gymnasium", "envpool"] = "gymnasium"
    """who makes the environments: `gymnasium.make_vec`, or EnvPool (an extra package, C++ threads)"""
    kwargs: dict[str, Any] = field(default_factory=dict)
    """passed on to the environment's constructor"""

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: nobody registered the environment, it cannot be vectorised so, or EnvPool is missing.
        """
        if self.episodeLength is not None and self.episodeLength < 1:
            raise ValueError(f"episodeLength={self.episodeLength}: must be at least 1")
        if self.backend == "envpool":
            check_envpool()
            return
        spec = find_spec(self.id)
        has = {"vector_entry_point": spec.vector_entry_point, "sync": spec.entry_point}
        has["async"] = has["sync"]
        if self.vectorization != "auto" and has[self.vectorization] is None:
            there = "sync or async" if has["sync"] else "vector_entry_point"
            raise ValueError(f"vectorization={self.vectorization}: {self.id} cannot be made so; say {there}")


def find_spec(env_id: str) -> EnvSpec:
    """Return what is registered under an id.

    Raises:
        ValueError: its module cannot be imported, or nothing is registered under this name.
    """
    register_toys()
    module, _, name = env_id.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        return gymnasium.spec(name)
    except ImportError as error:
        raise ValueError(f"id={env_id}: {error}; the module before the colon has to be importable") from error
    except gymnasium.error.DeprecatedEnv as error:
        raise ValueError(f"id={env_id}: {error}") from error
    except gymnasium.error.Error as error:
        raise ValueError(
            f"id={env_id}: {error}; write module:{name} if a module has to be imported to register it"
        ) from error


def check_envpool() -> None:
    """Make sure that EnvPool is there.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec("envpool") is None:
        raise ValueError(
            "backend=envpool: EnvPool is not installed; pip install envpool (the extra 'envpool'), or say "
            "backend=gymnasium"
        )


def choose_vectorization(spec: EnvSpec, asked: str) -> str:
    """Return `sync`, `async` or `vector_entry_point`; `auto` decides by what resets within the step.

    A batch that resets in the step after an episode's end cannot be stepped as a whole without one row an
    episode that nothing can be learned from; Gymnasium's loop over single environments can.
    """
    if asked != "auto":
        return asked
    if spec.vector_entry_point is None:
        return "sync"
    resets_late = own_autoreset_mode(spec) in (AutoresetMode.NEXT_STEP, None)
    return "sync" if resets_late and spec.entry_point is not None else "vector_entry_point"


def own_autoreset_mode(spec: EnvSpec) -> AutoresetMode | None:
    """Return how an environment's own batched implementation begins new episodes; None: not known so far.

    One that takes `autoreset_mode` can be asked to do it within the step.
    """
    creator = vector_creator(spec)
    if takes_autoreset_mode(creator):
        return AutoresetMode.SAME_STEP
    return getattr(creator, "metadata", {}).get("autoreset_mode")


def vector_creator(spec: EnvSpec) -> Any:
    """Return the class or function that makes an environment's own batched implementation."""
    entry_point = spec.vector_entry_point
    return load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point


def takes_autoreset_mode(creator: Any) -> bool:
    """Tell whether a constructor can be told how new episodes begin."""
    try:
        return "autoreset_mode" in inspect.signature(creator).parameters
    except (TypeError, ValueError):  # built in C
        return False

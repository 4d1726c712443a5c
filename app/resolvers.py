"""Names that YAML files may use inside `${…}`: IsaacGymEnvs' four, and the three that pick default files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from app import choices


def register_resolvers() -> None:
    """Make the resolvers known to OmegaConf; calling it again changes nothing."""
    for name, resolver in _RESOLVERS.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


def eq(left: Any, right: Any) -> bool:
    """Compare as text, without regard to case."""
    return str(left).lower() == str(right).lower()


def contains(part: Any, whole: Any) -> bool:
    """Tell whether `part` occurs in `whole`, without regard to case."""
    return str(part).lower() in str(whole).lower()


def choose(condition: Any, if_true: Any, if_false: Any) -> Any:
    """Return `if_true` or `if_false`."""
    return if_true if condition else if_false


def resolve_default(default: Any, value: Any) -> Any:
    """Return `value`, or `default` where it is unset: null, or IsaacGymEnvs' empty string."""
    return default if value is None or value == "" else value


def default_train(*, _root_: DictConfig) -> str:
    """Return the train file that goes with the chosen task."""
    return choices.default_train(str(_root_.get("task")))


def default_hardware() -> str:
    """Return `gpu` where PyTorch can use CUDA, else `cpu`."""
    import torch  # two seconds that nobody pays who gives hardware= or asks for help

    return "gpu" if torch.cuda.is_available() else "cpu"


def overlay(*, _root_: DictConfig) -> str:
    """Return `<hardware>/<train>`, the file of cfg/overlay that suits both choices.

    Hydra resolves the defaults list against the choices that were given, so those that were not are made here
    once more.
    """
    hardware = _given(_root_, "hardware") or default_hardware()
    train = _given(_root_, "train") or default_train(_root_=_root_)
    return f"{hardware}/{train}"


def _given(root: DictConfig, group: str) -> str | None:
    return OmegaConf.to_container(root, resolve=False).get(group)  # type: ignore[union-attr]


_RESOLVERS: dict[str, Callable[..., Any]] = {
    "eq": eq,
    "contains": contains,
    "if": choose,
    "resolve_default": resolve_default,
    "default_train": default_train,
    "default_hardware": default_hardware,
    "overlay": overlay,
}

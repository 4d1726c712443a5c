"""A registry of builders by name: how algorithms, players, models and networks are found and extended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from learning.typed_config import suggest


class ObjectFactory:
    """Builds objects by the name under which their builder was registered."""

    def __init__(self, kind: str = "object") -> None:
        """Start empty; `kind` names in error messages what is built ("algorithm", "network")."""
        self.kind = kind
        self._builders: dict[str, Callable[..., Any]] = {}

    @property
    def names(self) -> list[str]:
        """The registered names, sorted."""
        return sorted(self._builders)

    def register_builder(self, name: str, builder: Callable[..., Any], override: bool = False) -> None:
        """Make `create(name, **kwargs)` return `builder(**kwargs)`.

        Args:
            name: the name that YAML uses.
            builder: a class or a function.
            override: replace what another caller registered under this name.

        Raises:
            ValueError: if the name belongs to another builder and `override` is false. The same builder may
                be registered again, so that a function that registers may be called twice.
        """
        known = self._builders.get(name)
        if known is not None and not override and not _same_builder(known, builder):
            raise ValueError(f"{self.kind} {name!r} is already registered; pass override=True to replace it")
        self._builders[name] = builder

    def create(self, name: str, **kwargs: object) -> Any:
        """Return what the builder of `name` builds from `kwargs`.

        Raises:
            ValueError: for an unknown name, with the nearest known name or all of them.
        """
        return self.get(name)(**kwargs)

    def get(self, name: str) -> Callable[..., Any]:
        """Return the builder of `name`; raise `ValueError` as `create` does."""
        if name not in self._builders:
            registered = ", ".join(self.names)
            hint = suggest(name, self._builders)
            raise ValueError(f"{name!r} is no {self.kind}; {hint} (registered: {registered})")
        return self._builders[name]


def _same_builder(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    # A lambda inside a function is a new object at each call of that function, but its code is the same one.
    code = getattr(one, "__code__", None)
    return one is other or (code is not None and code is getattr(other, "__code__", None))

"""Make `isaacgym` mean mjgym: an import finder, and the physics engine that new simulations use.

No package named `isaacgym` is shipped or installed. `install()` puts a finder before all others, which makes
`import isaacgym`, `isaacgym.gymapi` and the like give the very modules of mjgym. A process that is spawned
starts without it and must call `install()` again.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from mjgym.errors import near_names, not_built_message, unknown_name_message

PROVIDED: Final = ("gymapi", "gymtorch", "gymutil", "torch_utils", "terrain_utils")
"""Submodules of `isaacgym`."""

ENGINES: Final = ("mujoco", "mujoco_warp")
"""Physics engines by name; the first one is used where none is asked for."""

_PHYSX_REASON: Final = (
    "engine 'physx' is NVIDIA's own isaacgym, which mjgym does not run: its binaries are closed and end at "
    "Python 3.8; choose 'mujoco' or 'mujoco_warp' (or run the same script there with NVIDIA's package)"
)


def install(engine: str = ENGINES[0], fps: float | None = None) -> None:
    """Make `isaacgym` resolve to mjgym in this process; may be called again, also to change the engine.

    Args:
        engine: what simulations created from now on are stepped by, one of `ENGINES`.
        fps: how many frames a second `sync_frame_time` lets pass; None to wait for nothing.

    Raises:
        ValueError: if the engine is unknown or NVIDIA's PhysX, or `fps` is not positive.
        RuntimeError: if another package named `isaacgym` has been imported already.
    """
    _check_engine(engine)
    if fps is not None and not fps > 0:
        raise ValueError(f"fps = {fps} must be positive")
    imported = sys.modules.get("isaacgym")
    if imported is not None and imported.__name__ != "mjgym":
        raise RuntimeError(
            f"another isaacgym is imported already, from {getattr(imported, '__file__', None)}; call "
            "mjgym.install() before the first import of isaacgym"
        )
    finder = _installed_finder()
    if finder is None:
        finder = IsaacGymFinder()
        sys.meta_path.insert(0, finder)
    finder.engine, finder.fps = engine, fps


def default_engine() -> str:
    """Return the engine that `install()` chose, or the CPU engine if it was not called."""
    finder = _installed_finder()
    return ENGINES[0] if finder is None else finder.engine


def frame_rate() -> float | None:
    """Return the frames a second that `install()` was asked for, or None."""
    finder = _installed_finder()
    return None if finder is None else finder.fps


def _check_engine(engine: str) -> None:
    if engine in ENGINES:
        return
    if str(engine).lower() == "physx":
        raise ValueError(_PHYSX_REASON)
    message = unknown_name_message("physics engine", str(engine), ENGINES)
    raise ValueError(message if near_names(str(engine), ENGINES) else f"{message} (and physx, refused)")


def _installed_finder() -> IsaacGymFinder | None:
    return next((finder for finder in sys.meta_path if isinstance(finder, IsaacGymFinder)), None)


class IsaacGymFinder(MetaPathFinder):
    """Finds `isaacgym` and its submodules in mjgym, and refuses submodules that do not exist.

    Attributes:
        engine: the default engine; kept here so that it lives and ends with the installation.
        fps: frames a second, or None.
    """

    def __init__(self) -> None:
        self.engine: str = ENGINES[0]
        self.fps: float | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of mjgym for `isaacgym` names, None for all others.

        Raises:
            ModuleNotFoundError: for a submodule that is not there. (Left to the other finders, `isaacgym.x`
                would be loaded from mjgym's folder a second time, under another name.)
        """
        package, _, submodule = fullname.partition(".")
        if package != "isaacgym":
            return None
        real_name = f"mjgym.{submodule}" if submodule else "mjgym"
        if submodule and submodule not in PROVIDED:
            message = unknown_name_message("module", submodule, PROVIDED, "isaacgym")
            raise ModuleNotFoundError(message, name=fullname)
        if importlib.util.find_spec(real_name) is None:
            raise ModuleNotFoundError(not_built_message(fullname), name=fullname)
        return ModuleSpec(fullname, _AliasLoader(real_name), is_package=not submodule)


class _AliasLoader(Loader):
    """Loads a module by importing it under its real name."""

    def __init__(self, real_name: str) -> None:
        self._real_name = real_name
        self._real_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real_name)
        self._real_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just written the alias's spec over the module's own, which reload needs.
        module.__spec__ = self._real_spec

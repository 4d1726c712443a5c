"""Physics engines by name: ``mujoco`` (CPU) and ``mujoco_warp``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mjgym.engines.interface import Engine

if TYPE_CHECKING:
    import mujoco

ENGINE_NAMES: Final = ("mujoco", "mujoco_warp")

__all__ = ["ENGINE_NAMES", "Engine", "create_engine"]


def create_engine(name: str, model: mujoco.MjModel, num_envs: int, num_threads: int, device: str) -> Engine:
    """Build the engine called ``name``.

    Args:
        name: one of ``ENGINE_NAMES``.
        model: what every environment simulates.
        num_envs: number of simulations.
        num_threads: threads that step them, 0 for one a core (the CPU engine alone uses it).
        device: where its tensors lie, such as ``"cpu"`` or ``"cuda:0"``.

    Raises:
        ValueError: if no engine has this name or it cannot run on the device.
    """
    if name == "mujoco":
        from mjgym.engines.cpu import CpuEngine

        return CpuEngine(model, num_envs, num_threads, device)
    if name == "mujoco_warp":
        from mjgym.engines.warp import WarpEngine

        return WarpEngine(model, num_envs, device)
    raise ValueError(f"physics engine {name!r} is unknown; known engines: {', '.join(ENGINE_NAMES)}")

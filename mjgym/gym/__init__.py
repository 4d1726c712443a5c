"""`Gym`: the object through which scripts do everything, as in Isaac Gym.

Its calls are grouped by job: simulation, assets, scene, lookups, tensors, viewer. It holds no state but the
name of the physics engine; everything else belongs to the handles that it returns.
"""

from __future__ import annotations

from typing import Any

from mjgym.api_names import GYM_METHODS
from mjgym.engines import ENGINE_NAMES
from mjgym.errors import missing_name_error, unknown_name_message
from mjgym.gym.asset_calls import AssetCalls
from mjgym.gym.attractor_calls import AttractorCalls
from mjgym.gym.lookup_calls import LookupCalls
from mjgym.gym.scene_calls import SceneCalls
from mjgym.gym.simulation_calls import SimulationCalls
from mjgym.gym.tensor_calls import TensorCalls
from mjgym.gym.viewer_calls import ViewerCalls
from mjgym.install import default_engine

__all__ = ["Gym", "acquire_gym"]


class Gym(SimulationCalls, AssetCalls, SceneCalls, AttractorCalls, LookupCalls, TensorCalls, ViewerCalls):
    """Isaac Gym's calls on MuJoCo.

    A name that does not exist raises AttributeError with the names near it; one of Isaac Gym's that mjgym
    lacks raises NotImplementedError.
    """

    def __init__(self, engine: str) -> None:
        """Create simulations with the given physics engine.

        Raises:
            ValueError: if no engine has this name.
        """
        if engine not in ENGINE_NAMES:
            raise ValueError(unknown_name_message("physics engine", engine, ENGINE_NAMES))
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        """Refuse a call that does not exist (only asked when the ordinary look-up failed)."""
        if name.startswith("__"):
            raise AttributeError(name)
        known = [known for known in dir(type(self)) if not known.startswith("_")]
        raise missing_name_error("call", name, known, GYM_METHODS, "Gym")


def acquire_gym(engine: str | None = None) -> Gym:
    """Return a Gym object.

    Args:
        engine: the physics engine of its simulations (an extension of mjgym); None for the one that
            ``mjgym.install`` chose.
    """
    return Gym(default_engine() if engine is None else engine)

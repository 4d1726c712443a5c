"""Types of the `env` and `sim` blocks that every task has. Values live in `cfg/task/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field


class TaskError(ValueError):
    """What was asked of a task cannot be had, as turns out when it is built.

    The text begins with the key of `task.env` that is to blame, and names rule and fix.
    """


@dataclass
class PlaneConfig:
    """The ground: Coulomb friction and restitution (1 = elastic), without units."""

    staticFriction: float = 1.0
    dynamicFriction: float = 1.0
    restitution: float = 0.0


@dataclass
class AssetConfig:
    """Where the model file lies: `assetFileName` relative to `assetRoot` (relative to the repository)."""

    assetRoot: str = "assets"
    assetFileName: str = ""


@dataclass
class EnvConfig:
    """Keys of `task.env` that the base class reads."""

    numEnvs: int = 1
    """environments in this process"""
    envSpacing: float = 5.0
    """half the side of an environment's box [m]; only drawing sees it"""
    episodeLength: int = 1000
    """control steps after which an episode is cut off by time"""
    controlFrequencyInv: int = 1
    """simulation steps a control step"""
    clipActions: float = 1.0
    """actions are clamped to plus and minus this"""
    clipObservations: float = float("inf")
    """observations are clamped to plus and minus this"""
    enableDebugVis: bool = False
    """draw debug lines in the viewer"""
    cameraFollow: bool = True
    """the window's camera follows the first environment's robot"""
    enableCameraSensors: bool = False
    """create graphics for camera sensors although there is no viewer"""
    randomizeStart: bool = False
    """start the first episodes at random ages, so that time-outs do not all fall into the same step"""
    plane: PlaneConfig = field(default_factory=PlaneConfig)
    asset: AssetConfig = field(default_factory=AssetConfig)

    def __post_init__(self) -> None:
        """Turn nested mappings into their types, so that `EnvConfig(**mapping)` is enough."""
        if isinstance(self.plane, dict):
            self.plane = PlaneConfig(**self.plane)
        if isinstance(self.asset, dict):
            self.asset = AssetConfig(**self.asset)

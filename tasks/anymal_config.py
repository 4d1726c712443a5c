"""Types of `task.env` for Anymal, with IsaacGymEnvs' names; the values are in `cfg/task/Anymal.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.base.config import EnvConfig

JOINTS = ("HAA", "HFE", "KFE")
DEFAULT_ANGLES = {
    "LF": (0.03, 0.4, -0.8),
    "LH": (0.03, -0.4, 0.8),
    "RF": (-0.03, 0.4, -0.8),
    "RH": (-0.03, -0.4, 0.8),
}
"""leg → angles of its joints [rad]"""


@dataclass
class BaseInitState:
    """The base when an episode starts, in the world frame."""

    pos: tuple[float, float, float] = (0.0, 0.0, 0.62)
    """position [m]"""
    rot: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """quaternion xyzw"""
    vLinear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """velocity [m/s]"""
    vAngular: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """angular velocity [rad/s]"""


@dataclass
class CommandRanges:
    """What commands are drawn from, uniformly: the smallest and the largest, in the base's frame."""

    linear_x: tuple[float, float] = (-2.0, 2.0)
    """velocity forward [m/s]"""
    linear_y: tuple[float, float] = (-1.0, 1.0)
    """velocity to the left [m/s]"""
    yaw: tuple[float, float] = (-1.0, 1.0)
    """rate of turning to the left [rad/s]"""

    def __post_init__(self) -> None:
        """Refuse ranges that are the wrong way round."""
        for name, (low, high) in vars(self).items():
            if low > high:
                raise ValueError(f"{name}=[{low}, {high}]: the smallest comes first; swap them")


@dataclass
class ControlConfig:
    """The joints' drives."""

    stiffness: float = 85.0
    """torque a radian from the target [N m/rad]"""
    damping: float = 2.0
    """torque against the velocity [N m s/rad]"""
    actionScale: float = 0.5
    """change of the target at action 1 [rad]"""


@dataclass
class LearnConfig:
    """Weights of the reward's terms [1/s], and scales of observations."""

    linearVelocityXYRewardScale: float = 1.0
    """for the commanded horizontal velocity"""
    angularVelocityZRewardScale: float = 0.5
    """for the commanded rate of turning"""
    torqueRewardScale: float = -2.5e-5
    """for the sum of squared torques [1/(N m)²]"""
    linearVelocityScale: float = 2.0
    """of observed velocities"""
    angularVelocityScale: float = 0.25
    """of observed angular velocities"""
    dofPositionScale: float = 1.0
    """of observed DOF positions"""
    dofVelocityScale: float = 0.05
    """of observed DOF velocities"""


@dataclass
class AnymalEnvConfig(EnvConfig):
    """Keys of `task.env` for Anymal."""

    baseInitState: BaseInitState = field(default_factory=BaseInitState)
    """the base when an episode starts"""
    randomCommandVelocityRanges: CommandRanges = field(default_factory=CommandRanges)
    """what commands are drawn from"""
    control: ControlConfig = field(default_factory=ControlConfig)
    """the joints' drives"""
    defaultJointAngles: dict[str, float] = field(
        default_factory=lambda: {
            f"{leg}_{joint}": angle
            for leg, angles in DEFAULT_ANGLES.items()
            for joint, angle in zip(JOINTS, angles, strict=True)
        }
    )
    """joint → target at action 0 [rad]"""
    learn: LearnConfig = field(default_factory=LearnConfig)
    """reward and observation"""

    def __post_init__(self) -> None:
        """Turn nested mappings into their types."""
        super().__post_init__()
        if isinstance(self.baseInitState, dict):
            self.baseInitState = BaseInitState(**self.baseInitState)
        if isinstance(self.randomCommandVelocityRanges, dict):
            self.randomCommandVelocityRanges = CommandRanges(**self.randomCommandVelocityRanges)
        if isinstance(self.control, dict):
            self.control = ControlConfig(**self.control)
        if isinstance(self.learn, dict):
            self.learn = LearnConfig(**self.learn)

"""Types of `task.env` for HumanoidAMP; the values are in `cfg/task/HumanoidAMP.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tasks.amp.goals import GoalConfig, goal_class
from tasks.amp.motion import load_motion
from tasks.amp.motion_lib import motion_paths
from tasks.amp.starts import StateInit
from tasks.base.config import EnvConfig

MAX_AMP_OBS_STEPS = 10


@dataclass
class HumanoidAMPEnvConfig(GoalConfig, EnvConfig):
    """Keys of `task.env` that HumanoidAMP reads: IsaacGymEnvs' names, and our own."""

    episodeLength: int = 300
    controlFrequencyInv: int = 2
    pdControl: bool = True
    """actions are targets of the joints' drives; otherwise torques"""
    powerScale: float = 1.0
    """factor on every motor's effort, where actions are torques"""
    pdOffset: Literal["range", "motion"] = "range"
    """target of action 0: middle of the joint's range, or mean pose of the clips"""
    pdScale: float | None = None
    """change of the target at action 1, for every DOF [rad]; null: π, and 0.7 · range for hinges"""
    stateInit: StateInit = "Random"
    """where episodes start: default pose, first frame, random frame, or the last and the first mixed"""
    hybridInitProb: float = 0.5
    """share of the episodes that start at a random frame, for Hybrid"""
    numAMPObsSteps: int = 2
    """frames that the discriminator sees, the newest first"""
    localRootObs: bool | None = None
    """leave the heading out of the root's orientation; null: where there is a goal, whose characters turn"""
    keyBodies: list[str] = field(
        default_factory=lambda: ["right_hand", "left_hand", "right_foot", "left_foot"]
    )
    """bodies whose positions are observed"""
    contactBodies: list[str] = field(default_factory=lambda: ["right_foot", "left_foot"])
    """bodies that may touch the ground"""
    enableEarlyTermination: bool = True
    """end an episode that fell"""
    fallRule: Literal["ground", "contact_force"] = "ground"
    """ground: a body that may not touch the ground does; contact_force: IsaacGymEnvs' rule"""
    groundTolerance: float = 0.0
    """ground: a body touches when its lowest point is not higher than this [m]"""
    terminationHeight: float = 0.5
    """contact_force: a fall also needs a body that may not touch the ground below this height [m]"""
    motion_file: str = "walk"
    """a clip of assets/motions, a file, or a .yaml list of clips with weights"""
    goal: str = "none"
    """what to do beside imitation: none, heading, location, or one of your own (tasks/amp/goals.py)"""
    evalEpisodes: int = 32
    """episodes of an evaluation, over all workers"""
    evalSeconds: float = 20.0
    """length of an evaluation's episode [s]"""

    def __post_init__(self) -> None:
        """Refuse values that make no sense by themselves."""
        EnvConfig.__post_init__(self)
        GoalConfig.__post_init__(self)
        goal_class(self.goal)
        for path, _ in motion_paths(self.motion_file):
            load_motion(path)  # a clip that cannot be used is refused before anything is built
        if not 2 <= self.numAMPObsSteps <= MAX_AMP_OBS_STEPS:
            raise ValueError(
                f"numAMPObsSteps={self.numAMPObsSteps}: must lie between 2 and {MAX_AMP_OBS_STEPS}"
            )
        if not 0.0 <= self.hybridInitProb <= 1.0:
            raise ValueError(f"hybridInitProb={self.hybridInitProb}: must lie between 0 and 1")
        for key in ("pdScale", "powerScale", "evalSeconds", "evalEpisodes"):
            value = getattr(self, key)
            if value is not None and value <= 0:
                raise ValueError(f"{key}={value}: must be positive")

"""Goals beside imitation: what a character is told to do, how well it does it, and when the goal changes.

A goal adds columns to the policy's observation and replaces the task reward; the discriminator never sees
it. Rewards are those of Peng et al. 2021 (AMP): a character that moves backwards still gets what the
exponential leaves (some later systems give 0 there). Velocity is the root's, averaged over the last control
step, where the paper's heading task takes the centre of mass'.

To add one: extend `Goal`, call `register_goal("mine", Mine)` in a module that `import_modules` names, and say
`task.env.goal=mine`.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.amp.observations import heading_angle, root_heading, to_heading_frame


@dataclass
class GoalConfig:
    """Keys of `task.env` that goals read."""

    tarSpeedMin: float = 1.0
    """heading: slowest target speed [m/s]"""
    tarSpeedMax: float = 5.0
    """heading: fastest target speed [m/s]"""
    tarTurnMax: float = math.pi
    """heading: new directions are at most this far from where the character faces [rad]; pi: any direction"""
    tarSpeed: float = 1.0
    """location: speed towards the target that is enough [m/s]"""
    tarDistMax: float = 10.0
    """location: targets are at most this far away [m]"""
    tarChangeStepsMin: int = 50
    """shortest time to a new target [control steps]"""
    tarChangeStepsMax: int = 150
    """longest time to a new target [control steps]"""

    def __post_init__(self) -> None:
        """Refuse empty ranges."""
        if not 0.0 <= self.tarSpeedMin <= self.tarSpeedMax:
            raise ValueError(
                f"tarSpeedMin={self.tarSpeedMin}: must lie between 0 and tarSpeedMax={self.tarSpeedMax}"
            )
        if not 1 <= self.tarChangeStepsMin <= self.tarChangeStepsMax:
            raise ValueError(
                f"tarChangeStepsMin={self.tarChangeStepsMin}: must lie between 1 and "
                f"tarChangeStepsMax={self.tarChangeStepsMax}"
            )
        if not 0.0 <= self.tarTurnMax <= math.pi:
            raise ValueError(f"tarTurnMax={self.tarTurnMax}: must lie between 0 and pi, in radians")
        if self.tarDistMax <= 0.0:
            raise ValueError(f"tarDistMax={self.tarDistMax}: must be positive")


class Goal(ABC):
    """A target an environment, which changes at random times.

    A subclass states `num_obs` and `num_params`, and fills `sample`, `observe` and `rewards`.

    Args:
        cfg: ranges of targets and of the time between changes.
        num_envs: number of environments.
        device: where the states are.
    """

    num_obs: int
    """columns that the policy sees"""
    num_params: int
    """numbers that make up a target"""

    def __init__(self, cfg: GoalConfig, num_envs: int, device: str | torch.device = "cpu") -> None:
        self.cfg = cfg
        self.device = torch.device(device)
        self.targets = torch.zeros(num_envs, self.num_params, device=device)
        self.steps_left = torch.zeros(num_envs, dtype=torch.long, device=device)

    @abstractmethod
    def sample(self, root_states: Tensor) -> Tensor:
        """Draw a new target for each root state (n, 13): (n, num_params)."""

    @abstractmethod
    def observe(self, root_states: Tensor, targets: Tensor) -> Tensor:
        """What the policy sees of `targets` (n, num_params) from root states (n, 13): (n, num_obs)."""

    @abstractmethod
    def rewards(self, root_states: Tensor, root_vel_w: Tensor) -> dict[str, Tensor]:
        """Named terms (num_envs,) of the step that was just made.

        Args:
            root_states: (num_envs, 13) after the step.
            root_vel_w: (num_envs, 3) mean velocity of the root over the step, world axes [m/s].
        """

    def reset(self, env_ids: Tensor, root_states: Tensor) -> None:
        """New targets for the environments `env_ids` (n,), whose root states are `root_states` (n, 13)."""
        self.targets[env_ids] = self.sample(root_states)
        self.steps_left[env_ids] = self._sample_steps(len(env_ids))

    def update(self, root_states: Tensor) -> None:
        """Count a control step; new targets where the time is up. Call after the step's reward."""
        self.steps_left -= 1
        due = self.steps_left <= 0
        self.targets = torch.where(due.unsqueeze(-1), self.sample(root_states), self.targets)
        self.steps_left = torch.where(due, self._sample_steps(len(due)), self.steps_left)

    def state_buffers(self) -> dict[str, Tensor]:
        """What carries over from step to step."""
        return {"goal_targets": self.targets, "goal_steps_left": self.steps_left}

    def _sample_steps(self, n: int) -> Tensor:
        low, high = self.cfg.tarChangeStepsMin, self.cfg.tarChangeStepsMax
        return torch.randint(low, high + 1, (n,), device=self.device)


class HeadingGoal(Goal):
    """Move in a world direction at a target speed: targets are (direction x, direction y, speed)."""

    num_obs = 3
    num_params = 3

    def sample(self, root_states: Tensor) -> Tensor:
        """Uniform: direction within tarTurnMax of the root's heading, speed in [tarSpeedMin, tarSpeedMax]."""
        turn = _uniform(root_states, -self.cfg.tarTurnMax, self.cfg.tarTurnMax)
        angle = heading_angle(root_states[:, 3:7]) + turn
        speed = _uniform(root_states, self.cfg.tarSpeedMin, self.cfg.tarSpeedMax)
        return torch.stack((angle.cos(), angle.sin(), speed), dim=-1)

    def observe(self, root_states: Tensor, targets: Tensor) -> Tensor:
        """Direction in the heading frame (2), speed (1)."""
        direction = to_heading_frame(targets[:, None, 0:2], root_heading(root_states[:, 3:7]))
        return torch.cat((direction[:, 0], targets[:, 2:3]), dim=-1)

    def rewards(self, root_states: Tensor, root_vel_w: Tensor) -> dict[str, Tensor]:
        """AMP's target heading."""
        return {"heading": heading_reward(root_vel_w, self.targets[:, 0:2], self.targets[:, 2])}


class LocationGoal(Goal):
    """Go to a point on the ground: targets are its world coordinates (x, y) [m]."""

    num_obs = 2
    num_params = 2

    def sample(self, root_states: Tensor) -> Tensor:
        """Any direction from the root, distance uniform in [0, tarDistMax]."""
        angle = _uniform(root_states, -torch.pi, torch.pi)
        distance = _uniform(root_states, 0.0, self.cfg.tarDistMax)
        return root_states[:, 0:2] + distance.unsqueeze(-1) * torch.stack((angle.cos(), angle.sin()), dim=-1)

    def observe(self, root_states: Tensor, targets: Tensor) -> Tensor:
        """From the root to the target, in the heading frame [m]."""
        offset = (targets - root_states[:, 0:2]).unsqueeze(1)
        return to_heading_frame(offset, root_heading(root_states[:, 3:7]))[:, 0]

    def rewards(self, root_states: Tensor, root_vel_w: Tensor) -> dict[str, Tensor]:
        """AMP's target location."""
        return location_rewards(root_states[:, 0:2], root_vel_w, self.targets, self.cfg.tarSpeed)


def heading_reward(vel_w: Tensor, direction: Tensor, speed: Tensor) -> Tensor:
    """exp(−0.25 (v* − d·v)²), (n,) (AMP, target heading).

    Args:
        vel_w: (n, 2 or 3) velocity v, world axes [m/s].
        direction: (n, 2) unit vectors d.
        speed: (n,) target speeds v* [m/s].
    """
    along = (vel_w[:, 0:2] * direction).sum(dim=-1)
    return torch.exp(-0.25 * (speed - along).square())


def location_rewards(pos: Tensor, vel_w: Tensor, target: Tensor, speed: float) -> dict[str, Tensor]:
    """0.7 exp(−0.5 |x* − x|²) and 0.3 exp(−max(0, v* − d·v)²), each (n,) (AMP, target location).

    Args:
        pos: (n, 2) horizontal position x [m].
        vel_w: (n, 2 or 3) velocity v, world axes [m/s].
        target: (n, 2) point x* [m]; d is the unit vector from x to it.
        speed: v* [m/s]; being faster costs nothing.
    """
    offset = target - pos
    direction = torch.nn.functional.normalize(offset, dim=-1)
    lacking = torch.relu(speed - (vel_w[:, 0:2] * direction).sum(dim=-1))
    near = 0.7 * torch.exp(-0.5 * offset.square().sum(dim=-1))
    return {"near": near, "approach": 0.3 * torch.exp(-lacking.square())}


def _uniform(like: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(len(like), device=like.device)


_GOALS: dict[str, type[Goal]] = {"heading": HeadingGoal, "location": LocationGoal}


def register_goal(name: str, goal: type[Goal], *, override: bool = False) -> None:
    """Add a goal under `name`.

    Raises:
        ValueError: `name` is taken and `override` is false.
    """
    if name == "none" or (name in _GOALS and not override):
        raise ValueError(f"goal {name!r} is taken; choose another name, or pass override=True")
    _GOALS[name] = goal


def goal_class(name: str) -> type[Goal] | None:
    """The goal registered as `name`; None for "none".

    Raises:
        ValueError: no such goal; the message lists those there are.
    """
    if name == "none":
        return None
    if name not in _GOALS:
        known = ["none", *sorted(_GOALS)]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"goal={name}: must be one of {', '.join(known)}{hint}")
    return _GOALS[name]

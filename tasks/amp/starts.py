"""Where episodes start: states of motion clips (reference-state initialisation) or the default pose.

After Peng et al. 2018, "DeepMimic", section 6.1; the choices are those of IsaacGymEnvs' `stateInit`.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from tasks.amp.character import Character, forward_kinematics, local_rotations_from_dof_pos
from tasks.amp.motion_lib import MotionLib
from tasks.amp.observations import MotionFeatures

StateInit = Literal["Default", "Start", "Random", "Hybrid"]
DEFAULT_HEIGHT = 0.89  # of the root in the default pose [m]
# T-pose [rad]. IsaacGymEnvs has the signs the other way round, which crosses the arms inside the torso.
DEFAULT_DOF_POS = {"right_shoulder_x": -math.pi / 2, "left_shoulder_x": math.pi / 2}


class Start(NamedTuple):
    """States to start n episodes from."""

    root_states: Tensor  # (n, 13)
    dof_pos: Tensor  # (n, D)
    dof_vel: Tensor  # (n, D)
    frames: Tensor  # (n, num_frames, features.size): the motion up to the start, newest first


class EpisodeStarts:
    """Draws states to start from, and describes the motion that led to them.

    Args:
        motion_lib: the clips.
        character: their skeleton.
        features: what a frame is described by.
        key_bodies: (k,) bodies whose positions are features.
        dof_names: of the simulation, in order.
        num_frames: frames that the motion up to the start has.
        frame_dt: time between them [s].
        state_init: where episodes start.
        hybrid_prob: for Hybrid: share of episodes that start at a state of a clip.
    """

    def __init__(
        self,
        motion_lib: MotionLib,
        character: Character,
        features: MotionFeatures,
        key_bodies: Tensor,
        dof_names: list[str],
        num_frames: int,
        frame_dt: float,
        state_init: StateInit = "Random",
        hybrid_prob: float = 0.5,
    ) -> None:
        self.motion_lib, self.character, self.features = motion_lib, character, features
        self.key_bodies, self.state_init, self.hybrid_prob = key_bodies, state_init, hybrid_prob
        self.device = key_bodies.device
        self.frame_ages = torch.arange(num_frames, device=self.device) * frame_dt  # [s]
        self.history = (num_frames - 1) * frame_dt  # [s]
        self._default = self._make_default(dof_names)

    def sample(self, n: int) -> Start:
        """Draw n starts as `state_init` says."""
        if self.state_init == "Default":
            return self.default(n)
        if self.state_init == "Start":
            ids = self.motion_lib.sample_motions(n)
            return self.of_clips(ids, torch.zeros(n, device=self.device))
        start = self.anywhere(n)
        return self._mixed(start, self.default(n)) if self.state_init == "Hybrid" else start

    def anywhere(self, n: int) -> Start:
        """Draw n moments of clips: clips by weight, times uniformly, with frames of the clip before them."""
        ids = self.motion_lib.sample_motions(n)
        return self.of_clips(ids, self.motion_lib.sample_times(ids, self.history))

    def of_clips(self, motion_ids: Tensor, times: Tensor) -> Start:
        """The states of clips (n,) at `times` (n,) [s], and their frames then and up to some steps before."""
        n, num_frames = len(motion_ids), len(self.frame_ages)
        ids = motion_ids.unsqueeze(-1).expand(n, num_frames).reshape(-1)
        state = self.motion_lib.state(ids, (times.unsqueeze(-1) - self.frame_ages).reshape(-1))
        root = torch.cat((state.root_pos, state.root_rot, state.root_vel, state.root_ang_vel), dim=-1)
        frames = self._describe(root, state.local_rot, state.dof_pos, state.dof_vel)
        root, dof_pos, dof_vel, frames = (
            field.view(n, num_frames, -1) for field in (root, state.dof_pos, state.dof_vel, frames)
        )
        return Start(root[:, 0], dof_pos[:, 0], dof_vel[:, 0], frames)

    def default(self, n: int) -> Start:
        """Upright and at rest with arms spread, n times; the motion up to the start is this one frame."""
        return Start(*(field.expand(n, *field.shape[1:]) for field in self._default))

    def _mixed(self, of_clips: Start, default: Start) -> Start:
        from_clip = torch.rand(len(of_clips.dof_pos), device=self.device) < self.hybrid_prob
        pairs = zip(of_clips, default, strict=True)
        return Start(*(torch.where(from_clip.view(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))

    def _make_default(self, dof_names: list[str]) -> Start:
        root = torch.zeros(1, 13, device=self.device)
        root[:, 2], root[:, 6] = DEFAULT_HEIGHT, 1.0
        dof_pos = torch.zeros(1, len(dof_names), device=self.device)
        for name, value in DEFAULT_DOF_POS.items():
            dof_pos[:, dof_names.index(name)] = value
        dof_vel = torch.zeros_like(dof_pos)
        local_rot = local_rotations_from_dof_pos(self.character, dof_pos, root[:, 3:7])
        frame = self._describe(root, local_rot, dof_pos, dof_vel).unsqueeze(1)
        return Start(root, dof_pos, dof_vel, frame.expand(-1, len(self.frame_ages), -1))

    def _describe(self, root_states: Tensor, local_rot: Tensor, dof_pos: Tensor, dof_vel: Tensor) -> Tensor:
        body_pos, _ = forward_kinematics(self.character, root_states[:, 0:3], local_rot)
        return self.features.compute(root_states, dof_pos, dof_vel, body_pos[:, self.key_bodies])

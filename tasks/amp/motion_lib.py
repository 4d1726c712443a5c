"""Motion clips on the device, sampled for all environments at once."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch import Tensor

from tasks.amp.character import (
    REPOSITORY,
    Character,
    dof_pos_from_local_rotations,
    dof_vectors,
    forward_kinematics,
)
from tasks.amp.motion import Motion, MotionError, load_motion
from tasks.amp.rotations import (
    quat_apply,
    quat_conjugate,
    quat_mul,
    quat_to_exp_map,
    slerp,
    turn_between,
    yaw_quat,
)

MOTIONS = REPOSITORY / "assets" / "motions"
MIN_TURN = math.radians(2.0)  # less heading than this gained over a cycle is drift, and taken out


@dataclass
class MotionState:
    """States of a character at n moments of clips; world axes unless a name says otherwise."""

    root_pos: Tensor
    """(n, 3) [m]"""
    root_rot: Tensor
    """(n, 4) xyzw"""
    root_vel: Tensor
    """(n, 3) of the root's origin [m/s]"""
    root_ang_vel: Tensor
    """(n, 3) [rad/s]"""
    dof_pos: Tensor
    """(n, D) [rad]"""
    dof_vel: Tensor
    """(n, D) [rad/s], of spherical joints in the child's frame"""
    local_rot: Tensor
    """(n, B, 4) relative to the parent; the root's is its world rotation"""


class MotionLib:
    """Weighted clips of one character.

    Frames of all clips lie one after another in a few tensors. Between frames positions and velocities are
    interpolated linearly, rotations on the shorter arc. Velocities are central differences of the frames,
    over the wrap for clips that wrap, without any smoothing. A clip that wraps goes on for ever, both ways:
    each cycle begins where the one before ended, in position and heading; but less heading than `MIN_TURN`
    is taken out, evenly over the cycle, or what is meant to go straight would go in a wide circle. Any other
    clip holds its ends, at rest beyond them.

    Args:
        motions: the clips.
        weights: how often each is drawn, in proportion.
        character: whose bodies the clips move.
        device: where everything is kept and computed.

    Raises:
        MotionError: no clip, a weight that is negative or a sum of 0, or a clip of other bodies.
    """

    def __init__(
        self,
        motions: Sequence[Motion],
        weights: Sequence[float],
        character: Character,
        device: str | torch.device = "cpu",
    ) -> None:
        _check(motions, weights, character)
        self.device = torch.device(device)
        self.character = character.to(self.device)
        self.names = [motion.name for motion in motions]
        self.num_motions = len(motions)
        self.durations = self._tensor([motion.duration for motion in motions])
        self.weights = self._tensor(weights) / sum(weights)
        summed = self.weights.cumsum(0)
        self._shares = summed / summed[-1]  # ends in exactly 1, which no random number reaches
        self._fps = self._tensor([motion.fps for motion in motions])
        self._last = torch.tensor([motion.num_frames - 1 for motion in motions], device=self.device)
        self._first = torch.cat((self._last.new_zeros(1), (self._last + 1).cumsum(0)[:-1]))
        self._wraps = torch.tensor([motion.loop == "wrap" for motion in motions], device=self.device)
        on_cpu = character.to("cpu")
        clips = [_Clip(motion, on_cpu) for motion in motions]
        self._rot = torch.cat([clip.rot for clip in clips]).to(self.device)  # (F, B, 4)
        self._linear = torch.cat([clip.linear for clip in clips]).to(self.device)  # (F, 9 + D)
        self._cycle_turn = self._tensor([clip.turn for clip in clips])  # (M,)
        self._cycle_step = torch.stack([clip.step for clip in clips]).to(self.device)  # (M, 3)
        self._centre = torch.stack([clip.centre for clip in clips]).to(self.device)  # (M, 3)
        self._speeds = self._tensor([_planar_speed(motion) for motion in motions])
        self._turns = bool((self._cycle_turn != 0.0).any())

    def sample_motions(self, n: int) -> Tensor:
        """Draw n clips by weight: (n,) int64."""
        # torch.multinomial would wait for the device to check the weights
        return torch.searchsorted(self._shares, torch.rand(n, device=self.device), right=True)

    def sample_times(self, ids: Tensor, history: float = 0.0) -> Tensor:
        """Draw a time [s] in each clip, uniformly: (n,).

        Args:
            ids: (n,) clips.
            history: how much of the clip there has to be before it [s]; what wraps always has enough.
        """
        durations = self.durations[ids]
        earliest = torch.where(self._wraps[ids], 0.0, durations.clamp(max=history))
        return earliest + torch.rand(len(ids), device=self.device) * (durations - earliest)

    def state(self, ids: Tensor, times: Tensor) -> MotionState:
        """Return the states of clips (n,) at any times (n,) [s]."""
        frame, blend, cycles, inside = self._locate(ids, times)
        rot = slerp(self._rot[frame], self._rot[frame + 1], blend.view(-1, 1, 1))
        linear = torch.lerp(self._linear[frame], self._linear[frame + 1], blend.unsqueeze(-1))
        root_pos, velocities = linear[:, 0:3], linear[:, 3:] * inside.unsqueeze(-1)
        root_vel, root_ang_vel, dof_vel = velocities[:, 0:3], velocities[:, 3:6], velocities[:, 6:]
        root_pos = root_pos + cycles.unsqueeze(-1) * self._cycle_step[ids]
        if self._turns:
            turn, centre = yaw_quat(cycles * self._cycle_turn[ids]), self._centre[ids]
            root_pos = centre + quat_apply(turn, root_pos - centre)
            root_vel, root_ang_vel = quat_apply(turn, root_vel), quat_apply(turn, root_ang_vel)
            rot[:, 0] = quat_mul(turn, rot[:, 0])
        dof_pos = dof_pos_from_local_rotations(self.character, rot)
        return MotionState(root_pos, rot[:, 0], root_vel, root_ang_vel, dof_pos, dof_vel, rot)

    def body_positions(self, ids: Tensor, times: Tensor, bodies: Tensor | None = None) -> Tensor:
        """Return world positions (n, k, 3) [m] of all bodies, or of those listed (k,)."""
        state = self.state(ids, times)
        body_pos, _ = forward_kinematics(self.character, state.root_pos, state.local_rot)
        return body_pos if bodies is None else body_pos[:, bodies]

    def mean_dof_pos(self) -> Tensor:
        """Return the mean DOF positions (D,) over all clips, by weight [rad]."""
        dof_pos = dof_pos_from_local_rotations(self.character, self._rot)
        frames = self._last + (~self._wraps).long()  # a closing frame would count its pose twice
        means = [
            dof_pos[first : first + count].mean(dim=0)
            for first, count in zip(self._first.tolist(), frames.tolist(), strict=True)
        ]
        return (self.weights.unsqueeze(-1) * torch.stack(means)).sum(dim=0)

    def mean_speed(self, ids: Tensor) -> Tensor:
        """Return the planar speeds (n,) of clips (n,) [m/s]: a cycle's step, or a path's length, by time."""
        return self._speeds[ids]

    def _locate(self, ids: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Frame before each moment, share of the next one, whole cycles passed, and whether it is inside."""
        durations, wraps = self.durations[ids], self._wraps[ids]
        cycles = torch.where(wraps, torch.floor(times / durations), 0.0)
        phases = times - cycles * durations
        inside = wraps | ((phases >= 0.0) & (phases <= durations))
        position = phases * self._fps[ids]
        last = self._last[ids]
        frame = torch.minimum(position.long().clamp(min=0), last - 1)
        blend = (position - frame).clamp(0.0, 1.0)
        return self._first[ids] + frame, blend, cycles, inside

    def _tensor(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(list(values), dtype=torch.float32, device=self.device)


class _Clip:
    """A clip's frames and velocities, and how a cycle moves the root: a planar turn and step. On the CPU."""

    def __init__(self, motion: Motion, character: Character) -> None:
        pos = torch.from_numpy(motion.root_pos).double()
        rot = torch.from_numpy(motion.local_rot).double()
        wraps = motion.loop == "wrap"
        turn = float(turn_between(rot[0, 0], rot[-1, 0])) if wraps else 0.0
        if wraps and abs(turn) < MIN_TURN:
            rot[:, 0] = quat_mul(yaw_quat(-turn * torch.linspace(0.0, 1.0, len(rot)).double()), rot[:, 0])
            turn = 0.0
        spin = yaw_quat(torch.tensor(turn, dtype=torch.float64))
        planar = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
        # T(p) = R p + shift leads from one cycle to the next; with a turn it has a fixed point, the centre
        shift = (pos[-1] - quat_apply(spin, pos[0])) * planar
        centre = torch.zeros(3, dtype=torch.float64)
        if turn:
            matrix = torch.tensor(
                [[1.0 - math.cos(turn), math.sin(turn)], [-math.sin(turn), 1.0 - math.cos(turn)]]
            ).double()
            centre[:2] = torch.linalg.solve(matrix, shift[:2])
            shift = torch.zeros_like(shift)
        if not wraps:
            shift = torch.zeros_like(shift)
        if wraps:
            pos, rot = _with_neighbours(pos, rot, spin, centre, shift)
        velocities = _velocities(pos, rot, motion.fps, wraps, character)
        inner = slice(1, -1) if wraps else slice(None)
        self.rot = rot[inner].float()
        self.linear = torch.cat((pos[inner], *velocities), dim=-1).float()
        self.turn, self.step, self.centre = turn, shift.float(), centre.float()


def _planar_speed(motion: Motion) -> float:
    """Planar distance over time [m/s]; of a clip that wraps from end to end, of any other along its path."""
    planar = torch.from_numpy(motion.root_pos[:, :2]).double()
    points = planar[[0, -1]] if motion.loop == "wrap" else planar
    return float(torch.linalg.vector_norm(points.diff(dim=0), dim=-1).sum()) / motion.duration


def _with_neighbours(
    pos: Tensor, rot: Tensor, spin: Tensor, centre: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Put the frame before the first and the one after the last at the ends of a clip that wraps."""
    back = quat_conjugate(spin)
    before = centre + quat_apply(back, pos[-2] - shift - centre)
    after = centre + quat_apply(spin, pos[1] - centre) + shift
    rot_before, rot_after = rot[-2].clone(), rot[1].clone()
    rot_before[0], rot_after[0] = quat_mul(back, rot[-2, 0]), quat_mul(spin, rot[1, 0])
    return (
        torch.cat((before.unsqueeze(0), pos, after.unsqueeze(0))),
        torch.cat((rot_before.unsqueeze(0), rot, rot_after.unsqueeze(0))),
    )


def _velocities(
    pos: Tensor, rot: Tensor, fps: float, has_neighbours: bool, character: Character
) -> tuple[Tensor, Tensor, Tensor]:
    """Root velocity (T, 3), root angular velocity (T, 3), both world, and DOF velocities (T, D).

    Central differences; one-sided ones at the ends of a clip that does not wrap.
    """
    last = len(pos) - 1
    frames = torch.arange(1, last) if has_neighbours else torch.arange(len(pos))
    before, after = (frames - 1).clamp(min=0), (frames + 1).clamp(max=last)
    elapsed = ((after - before) / fps).unsqueeze(-1)
    root_vel = (pos[after] - pos[before]) / elapsed
    root_turn = quat_mul(rot[after, 0], quat_conjugate(rot[before, 0]))
    joint_turns = quat_mul(quat_conjugate(rot[before]), rot[after])  # in the child's frame
    ang_vel = quat_to_exp_map(joint_turns) / elapsed.unsqueeze(-1)
    return root_vel, quat_to_exp_map(root_turn) / elapsed, dof_vectors(character, ang_vel.float()).double()


def _check(motions: Sequence[Motion], weights: Sequence[float], character: Character) -> None:
    if not motions or len(motions) != len(weights):
        raise MotionError(
            f"{len(motions)} motions and {len(weights)} weights: must be as many, and at least one"
        )
    if min(weights) < 0.0 or sum(weights) <= 0.0:
        raise MotionError(f"weights {list(weights)}: must not be negative, and some must be positive")
    for motion in motions:
        if motion.body_names != character.body_names:
            raise MotionError(
                f"motion {motion.name!r} moves the bodies {', '.join(motion.body_names)}; "
                f"{character.name} has {', '.join(character.body_names)}"
            )


def motion_paths(motion_file: str, root: str | Path = MOTIONS) -> list[tuple[Path, float]]:
    """Return the clips and weights that a `motion_file` means.

    Args:
        motion_file: a name under `root` (`walk`), a path to an .npz file, or a .yaml file with
            `motions: [{file: walk, weight: 1.0}, …]` whose files are named likewise, also relative to itself.
        root: directory of the clips that ship.

    Raises:
        MotionError: no such clip; the message names the nearest one.
    """
    path = Path(motion_file)
    if path.suffix not in (".yaml", ".yml"):
        return [(_find(motion_file, Path(root), Path()), 1.0)]
    listing = path if path.is_file() else Path(root) / path
    try:
        entries = yaml.safe_load(listing.read_text())["motions"]
        return [
            (_find(str(entry["file"]), Path(root), listing.parent), float(entry.get("weight", 1.0)))
            for entry in entries
        ]
    except MotionError as error:
        raise MotionError(f"{listing}: {error}") from None
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise MotionError(
            f"motion_file={motion_file}: must hold 'motions:', a list of "
            f"{{file: NAME, weight: NUMBER}} ({error})"
        ) from None


def load_motion_lib(
    motion_file: str, character: Character, device: str | torch.device = "cpu", root: str | Path = MOTIONS
) -> MotionLib:
    """Load the clips that a `motion_file` means, see `motion_paths`.

    Raises:
        MotionError: a clip is missing or cannot be used.
    """
    paths = motion_paths(motion_file, root)
    return MotionLib(
        [load_motion(path) for path, _ in paths], [weight for _, weight in paths], character, device
    )


def _find(name: str, root: Path, beside: Path) -> Path:
    candidates = [beside / name, root / name, root / f"{name}.npz"]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        known = sorted(str(path.relative_to(root).with_suffix("")) for path in root.rglob("*.npz"))
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise MotionError(
            f"motion_file={name}: there is no such clip or file{hint} Known are {', '.join(known)}"
        )
    return found

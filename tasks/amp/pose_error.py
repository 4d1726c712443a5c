"""The pose error of AMP: how far a character's joints are from a clip's, after time warping.

Peng et al. 2021, "AMP: Adversarial Motion Priors for Stylized Physics-Based Character Control", Eq. 10.
Frames are compared by the mean distance of their joints relative to the root, the root itself left out, along
the axes of the world; trajectories by dynamic time warping (DTW) with that distance. All positions in m.

DTW is written here, for all episodes at once, one anti-diagonal of the cost matrix after the other. Libraries
that take a cost matrix and are fast enough compile themselves at the first call, for as long as a whole
evaluation takes; the tests compare with one that does not.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROOT = 0  # index of the root among the bodies


def root_relative(body_pos: Tensor) -> Tensor:
    """Joint positions relative to the root along world axes: (…, B, 3) → (…, B - 1, 3)."""
    return body_pos[..., ROOT + 1 :, :] - body_pos[..., ROOT : ROOT + 1, :]


def frame_distances(body_pos: Tensor, ref_body_pos: Tensor) -> Tensor:
    """Eq. 10's distance of frames that belong together: (…, B, 3) twice → (…)."""
    return (root_relative(body_pos) - root_relative(ref_body_pos)).norm(dim=-1).mean(dim=-1)


def cost_matrix(body_pos: Tensor, ref_body_pos: Tensor) -> Tensor:
    """Eq. 10's distance of every frame to every frame of the reference: (T, B, 3), (S, B, 3) → (T, S).

    One joint after the other: all at once would be 14 times as much memory, and slower for it.
    """
    joints = root_relative(body_pos).permute(1, 2, 0).contiguous()  # (B - 1, 3, T)
    ref_joints = root_relative(ref_body_pos).permute(1, 2, 0).contiguous()
    total = torch.zeros(len(body_pos), len(ref_body_pos), device=body_pos.device, dtype=body_pos.dtype)
    for joint, ref_joint in zip(joints, ref_joints, strict=True):
        x, y, z = joint.unsqueeze(-1) - ref_joint.unsqueeze(-2)  # (T, S) each
        total += x.square_().addcmul_(y, y).addcmul_(z, z).sqrt_()
    return total.div_(len(joints))


def dtw(costs: NDArray, lengths: NDArray) -> tuple[NDArray, NDArray]:
    """The cheapest warping path through each of n square cost matrices.

    A path leads from cell (0, 0) to cell (length - 1, length - 1) by the steps (1, 0), (0, 1) and (1, 1);
    every cell on it, ends included, costs what it holds. Of paths that cost the same the shortest counts.

    Args:
        costs: (n, T, T), not negative; what lies beyond a matrix' length is never read into a result.
        lengths: (n,) int, from 1 to T.

    Returns:
        Cost of the path, (n,) float64, and the number of its cells, (n,) int64.
    """
    n, size, _ = costs.shape
    diagonals = _anti_diagonals(costs)
    # Fronts hold (total cost, cells) of the best path to every cell (i, d - i) of anti-diagonal d, in slot
    # i + 1. Slot 0 and what lies outside of the matrix cannot be reached.
    before_last, last, front = np.full((3, 2, n, size + 1), np.inf)
    before_last[:, :, 0] = 0.0  # the empty path, from where (1, 1) leads to cell (0, 0)
    result = np.empty((2, n))
    for d, diagonal in enumerate(diagonals):
        _advance(diagonal, before_last, last, front)
        ends = np.flatnonzero(2 * (lengths - 1) == d)
        result[:, ends] = front[:, ends, lengths[ends]]
        before_last, last, front = last, front, before_last
    return result[0], result[1].astype(np.int64)


def _anti_diagonals(costs: NDArray) -> NDArray:
    """View (2 T - 1, n, T) whose [d, :, i] is costs[:, i, d - i], infinite where there is no such cell."""
    n, size, _ = costs.shape
    padded = np.full((n, size, 2 * size), np.inf, dtype=costs.dtype)
    padded[:, :, :size] = costs
    matrix, row, column = padded.strides
    # d - i < 0 runs into the padding of the row before, d - i >= T into the row's own; row 0 has none before
    # it and needs none.
    return np.lib.stride_tricks.as_strided(
        padded, (2 * size - 1, n, size), (column, matrix, row - column), writeable=False
    )


def _advance(diagonal: NDArray, before_last: NDArray, last: NDArray, front: NDArray) -> None:
    """Fill `front` (2, n, T + 1) from the two before it and the cells' costs `diagonal` (n, T)."""
    predecessors = (before_last[:, :, :-1], last[:, :, :-1], last[:, :, 1:])  # by (1, 1), (1, 0), (0, 1)
    diag, up, left = (cost for cost, _ in predecessors)
    best = np.minimum(np.minimum(diag, up), left)
    cells = np.minimum.reduce([np.where(cost == best, count, np.inf) for cost, count in predecessors])
    np.add(best, diagonal, out=front[0, :, 1:])
    np.add(cells, 1.0, out=front[1, :, 1:])
    front[:, :, 0] = np.inf


def pose_errors(body_pos: Tensor, ref_body_pos: Tensor, lengths: Tensor) -> Tensor:
    """Eq. 10 for n episodes: cost of the warping path divided by the number of its cells, in m.

    Args:
        body_pos: (n, T, B, 3) of the character, world.
        ref_body_pos: (n, T, B, 3) of the clip.
        lengths: (n,) int, how many of the T frames count, at least one each.

    Returns:
        (n,) float64 on the CPU.
    """
    if len(body_pos) == 0:
        return torch.zeros(0, dtype=torch.float64)
    counts = lengths.cpu().numpy()
    costs = torch.zeros(len(counts), counts.max(), counts.max())
    for episode, count in enumerate(counts):
        frames, ref_frames = body_pos[episode, :count], ref_body_pos[episode, :count]
        costs[episode, :count, :count] = cost_matrix(frames, ref_frames)
    total, cells = dtw(costs.numpy(), counts)
    return torch.from_numpy(total / cells)

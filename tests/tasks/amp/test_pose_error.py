"""Pose error: hand-computed frames and paths, and DTW against plain Python and against a library."""

import itertools
import math

import numpy as np
import pytest
import torch
from dtaidistance import dtw as library_dtw
from dtaidistance import innerdistance

from tasks.amp.pose_error import cost_matrix, dtw, frame_distances, pose_errors, root_relative


def best_by_enumeration(costs):
    """(cost, cells) of the best of all paths, shortest first among equals."""
    last = len(costs) - 1

    def paths(i, j):
        if i == j == last:
            return [(costs[i][j], 1)]
        steps = [(i + a, j + b) for a, b in ((1, 0), (0, 1), (1, 1)) if i + a <= last and j + b <= last]
        return [(costs[i][j] + cost, cells + 1) for step in steps for cost, cells in paths(*step)]

    return min(paths(0, 0))


def best_by_table(costs):
    """(cost, cells) by textbook dynamic programming, cell by cell."""
    n = len(costs)
    table = {(-1, -1): (0.0, 0)}
    for i, j in itertools.product(range(n), range(n)):
        before = [table[cell] for cell in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if cell in table]
        cost, cells = min(before)
        table[i, j] = (cost + float(costs[i][j]), cells + 1)
        table.pop((-1, -1), None)
    return table[n - 1, n - 1]


def best_by_library(costs):
    """(cost, cells) by dtaidistance, whose series are frame numbers here and whose distance looks them up."""

    class Lookup(innerdistance.CustomInnerDist):
        inner_dist = staticmethod(lambda i, j: float(costs[int(i), int(j)]))
        result = staticmethod(lambda total: total)
        inner_val = staticmethod(lambda total: total)

    frames = np.arange(float(len(costs)))
    total, table = library_dtw.warping_paths(frames, frames, inner_dist=Lookup, use_c=False)
    return total, len(library_dtw.best_path(table))


def one_joint(*x):
    """Frames (T, 2, 3) of a root that wanders and one joint at `x` [m] beside it."""
    body_pos = torch.zeros(len(x), 2, 3)
    body_pos[:] = torch.arange(len(x)).view(-1, 1, 1) * torch.tensor([3.0, -1.0, 0.5])
    body_pos[:, 1, 0] += torch.tensor(x)
    return body_pos


# ---------------------------------------------------------------- frames


def test_positions_are_relative_to_the_root_which_is_left_out():
    body_pos = torch.tensor([[[1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [0.0, 2.0, 3.0]]])
    assert root_relative(body_pos).tolist() == [[[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]]


def test_distance_of_frames_is_the_mean_over_joints():
    body_pos = torch.tensor([[0.0, 0.0, 0.0], [0.3, 0.4, 0.0], [0.0, 0.0, 1.0]])
    ref = torch.tensor([[5.0, 5.0, 5.0], [5.0, 5.0, 5.0], [5.0, 5.0, 5.8]])
    assert frame_distances(body_pos, ref).item() == pytest.approx((0.5 + 0.2) / 2)


def test_a_turned_character_is_off_because_axes_are_the_worlds():
    body_pos = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    turned = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert frame_distances(body_pos, turned).item() == pytest.approx(math.sqrt(2.0))


def test_cost_matrix_holds_the_distance_of_every_frame_to_every_frame():
    generator = torch.Generator().manual_seed(0)
    body_pos, ref = (torch.randn(n, 15, 3, generator=generator) for n in (5, 7))
    expected = [[frame_distances(a, b).item() for b in ref] for a in body_pos]
    np.testing.assert_allclose(cost_matrix(body_pos, ref), expected, rtol=1e-5)


# ---------------------------------------------------------------- warping


def test_a_path_by_hand():
    costs = np.array([[[1.0, 9.0, 9.0], [2.0, 9.0, 9.0], [9.0, 3.0, 4.0]]])
    total, cells = dtw(costs, np.array([3]))  # (0,0) (1,0) (2,1) (2,2)
    assert (total.item(), cells.item()) == (10.0, 4)


def test_a_diagonal_step_costs_one_cell_not_two():
    costs = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    total, cells = dtw(costs, np.array([2]))
    assert (total.item(), cells.item()) == (2.0, 2)


def test_of_equally_cheap_paths_the_shortest_counts():
    # Straight: 1 + 2 + 1 over three cells. Around: 1 + 1 + 0 + 1 + 1 over five. Both cost 4.
    costs = np.array([[[1.0, 1.0, 0.0], [9.0, 2.0, 1.0], [9.0, 9.0, 1.0]]])
    assert best_by_enumeration(costs[0].tolist()) == (4.0, 3)
    total, cells = dtw(costs, np.array([3]))
    assert (total.item(), cells.item()) == (4.0, 3)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_no_path_is_cheaper_than_the_one_found(size):
    # Small integers: costs are exact and ties are frequent.
    costs = np.random.default_rng(size).integers(0, 4, (20, size, size)).astype(float)
    total, cells = dtw(costs, np.full(20, size))
    expected = [best_by_enumeration(matrix.tolist()) for matrix in costs]
    assert list(zip(total.tolist(), cells.tolist(), strict=True)) == expected


def walks(generator, n, frames):
    """Cost matrices (n, T, T) of a wavy path and the same path at an uneven pace."""
    time = torch.linspace(0.0, 9.0, frames)
    uneven = time + 0.4 * torch.sin(time)
    wave = torch.arange(15 * 3).view(15, 3) * 1.7
    body_pos, ref = (torch.sin(t.view(-1, 1, 1) * 2.0 + wave) for t in (uneven, time))
    noise = 0.1 * torch.randn(n, frames, 15, 3, generator=generator)
    return torch.stack([cost_matrix(body_pos + one, ref) for one in noise]).numpy()


@pytest.mark.parametrize("reference", [best_by_table, best_by_library])
def test_dtw_agrees_with_others(reference):
    costs = walks(torch.Generator().manual_seed(1), n=3, frames=50)
    total, cells = dtw(costs, np.array([50, 50, 50]))
    expected = [reference(matrix) for matrix in costs]
    np.testing.assert_allclose(total, [cost for cost, _ in expected], rtol=1e-12)
    assert cells.tolist() == [count for _, count in expected]
    assert min(cells) > 50  # the pace differs: the diagonal is not the best path


def test_lengths_differ_and_what_lies_beyond_them_is_ignored():
    costs = walks(torch.Generator().manual_seed(2), n=3, frames=20)
    expected = [best_by_table(matrix[:n, :n]) for matrix, n in zip(costs, (20, 7, 1), strict=True)]
    costs[1, 7:] = costs[1, :, 7:] = costs[2, 1:] = np.nan
    total, cells = dtw(costs, np.array([20, 7, 1]))
    np.testing.assert_allclose(total, [cost for cost, _ in expected], rtol=1e-12)
    assert cells.tolist() == [count for _, count in expected]


# ---------------------------------------------------------------- Eq. 10


def test_pose_error_is_cost_over_cells():
    # Straight through costs |0 - 0| + |0.9 - 1| + |1.2 - 1.9|; one more cell on the way, at least 0.2 more.
    error = pose_errors(one_joint(0.0, 0.9, 1.2)[None], one_joint(0.0, 1.0, 1.9)[None], torch.tensor([3]))
    assert error.item() == pytest.approx((0.0 + 0.1 + 0.7) / 3)


def test_being_late_costs_only_what_warping_cannot_hide():
    # Cells (0,0) (1,0) (2,1) (3,2) (4,3) (4,4); only the last is off, by 1.
    body_pos, ref = one_joint(0.0, 0.0, 1.0, 2.0, 3.0), one_joint(0.0, 1.0, 2.0, 3.0, 4.0)
    error = pose_errors(body_pos[None], ref[None], torch.tensor([5]))
    assert error.item() == pytest.approx(1.0 / 6.0)


def test_every_episode_counts_up_to_its_length():
    body_pos, ref = one_joint(0.0, 1.0, 9.0).repeat(2, 1, 1, 1), one_joint(0.0, 1.2, 9.6).repeat(2, 1, 1, 1)
    body_pos[1, 2] = ref[1, 2] = torch.nan
    errors = pose_errors(body_pos, ref, torch.tensor([3, 2]))
    assert errors.tolist() == pytest.approx([(0.2 + 0.6) / 3, 0.2 / 2])


def test_no_episode_no_error():
    assert pose_errors(torch.zeros(0, 4, 15, 3), torch.zeros(0, 4, 15, 3), torch.zeros(0)).tolist() == []

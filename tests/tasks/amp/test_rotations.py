"""Quaternions and exponential maps, by hand and against scipy."""

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from tasks.amp.rotations import (
    exp_map_to_quat,
    quat_apply,
    quat_conjugate,
    quat_mul,
    quat_to_exp_map,
    slerp,
    turn_between,
    yaw_quat,
)

HALF = math.sqrt(0.5)
QUARTER_ABOUT_X = torch.tensor([HALF, 0.0, 0.0, HALF])
QUARTER_ABOUT_Z = torch.tensor([0.0, 0.0, HALF, HALF])


def test_a_quarter_turn_as_exponential_map_and_quaternion():
    exp_map = torch.tensor([math.pi / 2, 0.0, 0.0])
    torch.testing.assert_close(exp_map_to_quat(exp_map), QUARTER_ABOUT_X)
    torch.testing.assert_close(quat_to_exp_map(QUARTER_ABOUT_X), exp_map)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 1e-4, 1.0, math.pi - 1e-3, math.pi - 1e-6])
def test_exponential_maps_come_back_near_zero_and_near_half_a_turn(angle):
    exp_map = angle * torch.tensor([0.48, -0.6, 0.64], dtype=torch.float64)
    quat = exp_map_to_quat(exp_map)
    assert float(quat.norm()) == pytest.approx(1.0, abs=1e-12)
    torch.testing.assert_close(quat_to_exp_map(quat), exp_map, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(quat_to_exp_map(-quat), exp_map, atol=1e-9, rtol=1e-9)  # the same rotation


def test_single_precision_keeps_small_angles():
    exp_map = torch.tensor([3e-5, -2e-5, 1e-5])
    torch.testing.assert_close(quat_to_exp_map(exp_map_to_quat(exp_map)), exp_map, atol=1e-11, rtol=1e-5)


def test_more_than_half_a_turn_is_the_rest_the_other_way():
    exp_map = torch.tensor([0.0, math.pi + 0.5, 0.0])
    torch.testing.assert_close(
        quat_to_exp_map(exp_map_to_quat(exp_map)), torch.tensor([0.0, 0.5 - math.pi, 0.0])
    )


def test_products_and_rotated_vectors_agree_with_scipy():
    torch.manual_seed(0)
    a, b = (torch.nn.functional.normalize(torch.randn(20, 4, dtype=torch.float64), dim=-1) for _ in range(2))
    vectors = torch.randn(20, 3, dtype=torch.float64)
    ours, theirs = quat_mul(a, b), (Rotation.from_quat(a) * Rotation.from_quat(b)).as_quat()
    signs = torch.sign((ours * torch.from_numpy(theirs)).sum(-1, keepdim=True))
    torch.testing.assert_close(ours, signs * torch.from_numpy(theirs))
    torch.testing.assert_close(
        quat_apply(a, vectors), torch.from_numpy(Rotation.from_quat(a).apply(vectors.numpy()))
    )
    torch.testing.assert_close(quat_apply(quat_conjugate(a), quat_apply(a, vectors)), vectors)


def test_slerp_goes_evenly_along_the_shorter_arc():
    start, end = torch.tensor([0.0, 0.0, 0.0, 1.0]), QUARTER_ABOUT_Z
    third = torch.tensor([0.0, 0.0, math.sin(math.pi / 12), math.cos(math.pi / 12)])
    blend = torch.tensor([1.0 / 3.0])
    torch.testing.assert_close(slerp(start, end, blend), third)
    torch.testing.assert_close(slerp(start, -end, blend), third)


def test_slerp_between_nearly_equal_rotations_is_the_middle():
    start, end = yaw_quat(torch.tensor([0.0, 2e-5]))
    torch.testing.assert_close(
        slerp(start, end, torch.tensor([0.5])), yaw_quat(torch.tensor(1e-5)), atol=1e-9, rtol=0
    )
    torch.testing.assert_close(slerp(start, start, torch.tensor([0.3])), start)


def test_turns_are_found_whatever_way_a_body_points():
    turn = torch.tensor(-0.7)
    upside_down = torch.tensor([0.0, 1.0, 0.0, 0.0])
    x_axis_up = torch.tensor([0.0, -HALF, 0.0, HALF])  # where a heading of the x-axis is not defined
    for rotation in (upside_down, x_axis_up, QUARTER_ABOUT_X):
        turned = quat_mul(yaw_quat(turn), rotation)
        torch.testing.assert_close(turn_between(rotation, turned), turn)
        torch.testing.assert_close(turn_between(rotation, -turned), turn)

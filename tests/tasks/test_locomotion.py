import math

import pytest
import torch

from tasks.locomotion import heading_reward, observe_torso, progress_towards, scale_to_limits

TARGET = torch.tensor([1000.0, 0.0])


def root(quat=(0.0, 0.0, 0.0, 1.0), pos=(0.0, 0.0, 1.0), lin=(0.0, 0.0, 0.0), ang=(0.0, 0.0, 0.0)):
    return torch.tensor([[*pos, *quat, *lin, *ang]])


def about_z(angle):
    return (0.0, 0.0, math.sin(angle / 2), math.cos(angle / 2))


def test_progress_is_the_speed_of_approach():
    prev, pos = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.1, 0.0]])
    assert progress_towards(TARGET, prev, pos, dt=0.05).item() == pytest.approx(2.0, rel=1e-5)


def test_progress_keeps_its_precision_far_from_the_target():
    # 0.1 mm in 1/60 s: a difference of two float32 distances near 1000 m could not see it (spacing 0.06 mm).
    prev, pos = torch.tensor([[1.0, 0.5]]), torch.tensor([[1.0001, 0.5]])
    step = (pos - prev)[0, 0].double().item()
    assert progress_towards(TARGET, prev, pos, dt=1 / 60).item() == pytest.approx(step * 60, rel=1e-4)


def test_progress_sideways_is_next_to_nothing():
    prev, pos = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    expected = 1000.0 - math.hypot(1000.0, 1.0)
    assert progress_towards(TARGET, prev, pos, dt=1.0).item() == pytest.approx(expected, rel=1e-3)


def test_upright_torso_facing_the_target():
    torso = observe_torso(root(), TARGET)
    assert torso.up_proj.item() == 1.0
    assert torso.heading_proj.item() == 1.0
    assert torso.yaw.item() == torso.roll.item() == 0.0
    assert torso.angle_to_target.item() == pytest.approx(math.atan2(-1.0, 1000.0))


@pytest.mark.parametrize("angle", [0.1, -0.1, 1.5, -3.0])
def test_turned_torso_sees_its_yaw_and_its_own_velocity(angle):
    torso = observe_torso(root(quat=about_z(angle), lin=(1.0, 0.0, 0.0), ang=(0.0, 0.0, 2.0)), TARGET)
    assert torso.yaw.item() == pytest.approx(angle, abs=1e-5)
    assert torso.heading_proj.item() == pytest.approx(math.cos(angle), abs=1e-5)
    assert torso.lin_vel_b[0].tolist() == pytest.approx([math.cos(angle), -math.sin(angle), 0.0], abs=1e-5)
    assert torso.ang_vel_b[0].tolist() == pytest.approx([0.0, 0.0, 2.0], abs=1e-5)


def test_a_torso_on_its_side_is_not_up():
    on_its_side = (math.sin(math.pi / 4), 0.0, 0.0, math.cos(math.pi / 4))
    torso = observe_torso(root(quat=on_its_side), TARGET)
    assert torso.up_proj.item() == pytest.approx(0.0, abs=1e-6)
    assert torso.roll.item() == pytest.approx(math.pi / 2, abs=1e-5)


def test_limits_scale_to_minus_one_and_one():
    lower, upper = torch.tensor([-1.0, 0.0]), torch.tensor([3.0, 2.0])
    assert scale_to_limits(torch.tensor([[-1.0, 2.0]]), lower, upper).tolist() == [[-1.0, 1.0]]
    assert scale_to_limits(torch.tensor([[1.0, 0.5]]), lower, upper).tolist() == [[0.0, -0.5]]


def test_heading_reward_is_full_within_the_cone_and_linear_below():
    proj = torch.tensor([1.0, 0.8, 0.4, -0.8])
    assert heading_reward(proj, 0.5).tolist() == pytest.approx([0.5, 0.5, 0.25, -0.5])

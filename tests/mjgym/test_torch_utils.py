import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mjgym import torch_utils as tu

HALF = math.sqrt(0.5)
ABOUT_Z = torch.tensor([0.0, 0.0, HALF, HALF])  # a quarter turn: x to y
X, Y, Z = torch.eye(3)


def close(a, b, atol=1e-6):
    torch.testing.assert_close(a, torch.as_tensor(b, dtype=a.dtype), atol=atol, rtol=1e-5)


@pytest.fixture
def rotations():
    rotation = Rotation.random(500, random_state=0)
    return rotation, torch.tensor(rotation.as_quat())  # float64, xyzw


def test_all_25_are_there():
    assert len(tu.__all__) == 25
    assert all(callable(getattr(tu, name)) for name in tu.__all__)


def test_to_torch_copies():
    source = torch.ones(2)
    copied = tu.to_torch(source, device="cpu")
    copied[0] = 5
    assert source[0] == 1
    assert tu.to_torch([1, 2], dtype=torch.long, device="cpu").tolist() == [1, 2]
    assert tu.to_torch(np.float64(0.5), device="cpu").dtype == torch.float32
    assert tu.to_torch([1.0], device="cpu", requires_grad=True).requires_grad


def test_normalize_and_quat_unit():
    close(tu.normalize(torch.tensor([[3.0, 4.0, 0.0]])), [[0.6, 0.8, 0.0]])
    close(tu.normalize(torch.zeros(3)), [0.0, 0.0, 0.0])
    close(tu.quat_unit(torch.tensor([0.0, 0.0, 0.0, 2.0])), [0.0, 0.0, 0.0, 1.0])


def test_hand_numbers():
    close(tu.quat_rotate(ABOUT_Z, X), Y)
    close(tu.quat_rotate_inverse(ABOUT_Z, Y), X)
    close(tu.quat_apply(ABOUT_Z, Y), -X)
    close(tu.get_basis_vector(ABOUT_Z, Z), Z)
    close(tu.quat_mul(ABOUT_Z, ABOUT_Z), [0.0, 0.0, 1.0, 0.0])
    close(tu.quat_conjugate(ABOUT_Z), [0.0, 0.0, -HALF, HALF])


def test_products_and_rotations_match_scipy(rotations):
    rotation, q = rotations
    other, p = rotation[::-1], q.flip(0)
    vectors = torch.randn(500, 3, dtype=torch.float64)
    product = tu.quat_mul(q, p)
    expected = torch.tensor((rotation * other).as_quat())
    assert (product * expected).sum(-1).abs().min() > 1 - 1e-12
    close(tu.quat_rotate(q, vectors), rotation.apply(vectors.numpy()))
    close(tu.quat_rotate_inverse(q, vectors), rotation.inv().apply(vectors.numpy()))


def test_batch_dimensions_broadcast():
    q = ABOUT_Z.expand(2, 5, 4)
    assert tu.quat_rotate(q, X).shape == (2, 5, 3)
    assert tu.quat_mul(q, ABOUT_Z).shape == (2, 5, 4)
    assert tu.quat_rotate_inverse(ABOUT_Z, torch.ones(7, 3)).shape == (7, 3)
    assert tu.get_euler_xyz(q)[0].shape == (2, 5)


def test_flat_quaternions_turn_grouped_vectors_one_by_one():
    # As tasks on terrain call it: two robots, three points each, the quaternions repeated and flattened.
    base = torch.stack((ABOUT_Z, torch.tensor([0.0, 0.0, 0.0, 1.0])))
    points = torch.stack((X, Y, Z)).repeat(2, 1, 1)
    turned = tu.quat_apply(base.repeat(1, 3).view(-1, 4), points)
    close(turned, torch.stack((torch.stack((Y, -X, Z)), torch.stack((X, Y, Z)))))
    single = tu.quat_apply(base, X.expand(2, 1, 3))
    close(single, torch.stack((Y, X))[:, None])
    close(tu.quat_apply(ABOUT_Z[None], X), Y)
    assert tu.quat_apply(base[:, None], points[:1]).shape == (2, 3, 3)  # as many dimensions: they broadcast


def test_angle_axis():
    q = tu.quat_from_angle_axis(
        torch.tensor([math.pi / 2, math.pi]), torch.tensor([[0.0, 0.0, 5.0], [2.0, 0, 0]])
    )
    close(q, [[0.0, 0.0, HALF, HALF], [1.0, 0.0, 0.0, 0.0]])
    assert tu.quat_from_angle_axis(torch.zeros(6), Z).shape == (6, 4)
    assert tu.quat_from_angle_axis(torch.tensor(0.1), torch.ones(6, 3)).shape == (6, 4)


def test_euler_angles_match_scipy(rotations):
    rotation, q = rotations
    expected = torch.tensor(rotation.as_euler("xyz")).remainder(2 * math.pi)
    roll, pitch, yaw = tu.get_euler_xyz(q)
    close(torch.stack((roll, pitch, yaw), -1), expected)
    back = tu.quat_from_euler_xyz(roll, pitch, yaw)
    assert (back * q).sum(-1).abs().min() > 1 - 1e-12


def test_euler_angles_lie_in_one_turn():
    quarter_back = torch.tensor([0.0, 0.0, -HALF, HALF])
    close(tu.get_euler_xyz(quarter_back)[2], 1.5 * math.pi)
    tiny = tu.quat_from_euler_xyz(torch.tensor(-1e-10), torch.tensor(-1e-10), torch.tensor(-1e-10))
    for angle in tu.get_euler_xyz(tiny):
        assert 0 <= angle < 2 * math.pi


def test_euler_pitch_at_the_pole():
    up = torch.tensor([0.0, HALF + 1e-7, 0.0, HALF + 1e-7])
    close(tu.get_euler_xyz(up)[1], math.pi / 2)


def test_normalize_angle():
    close(tu.normalize_angle(torch.tensor([0.5, 3.5, -3.5])), [0.5, 3.5 - 2 * math.pi, 2 * math.pi - 3.5])


def test_poses():
    t = torch.tensor([1.0, 0.0, 0.0])
    close(tu.tf_apply(ABOUT_Z, t, X), [1.0, 1.0, 0.0])
    close(tu.tf_vector(ABOUT_Z, X), Y)
    q2, t2 = tu.tf_combine(ABOUT_Z, t, ABOUT_Z, t)
    close(t2, [1.0, 1.0, 0.0])
    close(q2, [0.0, 0.0, 1.0, 0.0])
    q_id, t_id = tu.tf_combine(*tu.tf_inverse(ABOUT_Z, t), ABOUT_Z, t)
    close(q_id, [0.0, 0.0, 0.0, 1.0])
    close(t_id, torch.zeros(3))


def test_get_axis_params():
    assert tu.get_axis_params(0.34, 2) == [0.0, 0.0, 0.34]
    assert tu.get_axis_params(1.0, 1, x_value=0.5) == [0.5, 1.0, 0.0]
    assert tu.get_axis_params(-1.0, 3, n_dims=4) == [0.0, 0.0, 0.0, -1.0]
    with pytest.raises(ValueError, match="axis_idx = 3"):
        tu.get_axis_params(1.0, 3)


def test_copysign():
    assert tu.copysign(2.0, torch.tensor([-1.0, 3.0])).tolist() == [-2.0, 2.0]


def test_random_numbers_keep_their_range():
    torch.manual_seed(0)
    drawn = tu.torch_rand_float(-2.0, 3.0, (1000, 2), "cpu")
    assert drawn.shape == (1000, 2)
    assert -2.0 <= drawn.min() < -1.9 and 2.9 < drawn.max() < 3.0
    for shape in ((50, 1), (50,)):
        directions = tu.torch_random_dir_2(shape, "cpu")
        assert directions.shape == (50, 2)
        close(directions.norm(dim=-1), torch.ones(50))


def test_clamp_scale_unscale():
    low, high = torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 4.0])
    x = torch.tensor([[-5.0, 5.0], [0.5, 1.0]])
    close(tu.tensor_clamp(x, low, high), [[-1.0, 4.0], [0.5, 1.0]])
    close(tu.scale(torch.tensor([0.0, 1.0]), low, high), [0.0, 4.0])
    close(tu.unscale(torch.tensor([0.0, 4.0]), low, high), [0.0, 1.0])
    assert tu.unscale_np(np.array([0.0, 1.0]), low.numpy(), high.numpy()).tolist() == [0.0, -0.5]

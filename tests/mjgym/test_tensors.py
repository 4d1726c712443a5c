import math

import torch

from mjgym import tensors

HALF = math.sqrt(0.5)
TURN_Z = torch.tensor([[HALF, 0.0, 0.0, HALF]], dtype=torch.float64)  # wxyz, a quarter turn about z


def test_rotate_and_its_inverse():
    x = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    y = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(tensors.rotate(TURN_Z, x), y)
    torch.testing.assert_close(tensors.rotate_inverse(TURN_Z, y), x)


def test_quaternion_orders_and_normalisation():
    torch.testing.assert_close(tensors.to_wxyz(torch.tensor([[0.0, 0.0, 3.0, 3.0]])), TURN_Z.float())
    out = torch.zeros(1, 4)
    tensors.write_rotation(TURN_Z, out)
    torch.testing.assert_close(out, torch.tensor([[0.0, 0.0, HALF, HALF]]))


def test_root_state_and_free_joint_are_inverse():
    root = torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0, HALF, HALF, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]])
    qpos, qvel = tensors.free_joint_state(root.double())
    torch.testing.assert_close(qpos[0, 3:7], TURN_Z[0], rtol=1e-6, atol=1e-6)
    # World (7, 8, 9) seen from axes turned by 90 degrees about z: (8, -7, 9).
    torch.testing.assert_close(qvel[0], torch.tensor([4.0, 5, 6, 8, -7, 9]).double(), rtol=1e-6, atol=1e-6)
    back = torch.zeros(1, 13)
    tensors.write_free_root(qpos, qvel, back)
    torch.testing.assert_close(back, root)


def test_body_velocity_moves_from_the_centre_of_mass_to_the_origin():
    xpos, com = torch.tensor([[[2.0, 0.0, 0.0]]]), torch.tensor([[[0.0, 1.0, 0.0]]])
    cvel = torch.tensor([[[0.0, 0.0, 3.0, 10.0, 20.0, 30.0]]])
    out = torch.zeros(1, 1, 13)
    tensors.write_body_states(xpos, torch.tensor([[[1.0, 0, 0, 0]]]), cvel, com, out)
    # (0, 0, 3) x (2, -1, 0) = (3, 6, 0).
    expected = torch.tensor([2.0, 0, 0, 0, 0, 0, 1, 13, 26, 30, 0, 0, 3])
    torch.testing.assert_close(out[0, 0], expected)


def test_wrench_moves_to_the_sensor_and_into_its_axes():
    wrench = torch.tensor([[[1.0, 2.0, 3.0, 0.0, 0.0, 10.0]]])
    com, origin = torch.tensor([[[0.0, 0.5, 0.0]]]), torch.zeros(1, 1, 3)
    turned = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # x to y, y to -x
    out = torch.zeros(1, 1, 6)
    tensors.write_sensor_wrenches(wrench, com, origin, turned.expand(1, 1, 3, 3), out)
    # Torque (1, 2, 3) + (0, 0.5, 0) x (0, 0, 10) = (6, 2, 3), whose components along y and -x are 2 and -6.
    torch.testing.assert_close(out[0, 0], torch.tensor([0.0, 0.0, 10.0, 2.0, -6.0, 3.0]))
    # The same where the sensor's axes are a part of what an engine of 32 bits holds.
    all_axes = torch.stack((torch.eye(3), turned, turned)).repeat(2, 1, 1, 1)
    four = torch.zeros(2, 2, 6)
    repeated = (field.expand(2, 2, -1) for field in (wrench, com, origin))
    tensors.write_sensor_wrenches(*repeated, all_axes[:, 1:3], four)
    torch.testing.assert_close(four, out.expand(2, 2, 6))

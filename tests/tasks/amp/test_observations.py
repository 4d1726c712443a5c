import math
from types import SimpleNamespace

import pytest
import torch
from scipy.spatial.transform import Rotation

from tasks.amp.observations import (
    MotionFeatures,
    exp_map_tangent_normal,
    root_heading,
    tangent_normal,
    to_heading_frame,
)

HALF = math.sqrt(0.5)


def joint(body, start, stop):
    return SimpleNamespace(body=body, dof=slice(start, stop), axis=None)


# A spherical joint, a hinge, a fixed joint, a spherical joint: 7 DOFs.
JOINTS = (joint(1, 0, 3), joint(2, 3, 4), joint(3, 4, 4), joint(4, 4, 7))


def test_tangent_normal_of_a_quarter_turn_about_y():
    # About y by 90 degrees, x turns to −z and z to x.
    quat = torch.tensor([[0.0, HALF, 0.0, HALF]])
    assert tangent_normal(quat)[0].flatten().tolist() == pytest.approx([0, 0, -1, 1, 0, 0], abs=1e-6)


def test_exponential_maps_turn_the_axes_as_scipy_does():
    generator = torch.Generator().manual_seed(0)
    exp_map = torch.randn(50, 3, generator=generator)
    exp_map[0] = 0.0
    exp_map[1] = torch.tensor([1e-5, 0.0, 0.0])
    matrix = Rotation.from_rotvec(exp_map.numpy().astype(float)).as_matrix()
    expected = torch.from_numpy(matrix[:, :, [0, 2]]).float().transpose(1, 2).flatten(1)
    found = torch.stack(exp_map_tangent_normal(*exp_map.unbind(-1)), dim=-1)
    assert torch.allclose(found, expected, atol=1e-6)


def test_heading_frame_of_a_root_that_faces_y():
    heading = root_heading(torch.tensor([[0.0, 0.0, HALF, HALF]]))
    ahead = to_heading_frame(torch.tensor([[[0.0, 2.0, 5.0], [1.0, 0.0, 0.0]]]), heading)
    assert ahead[0].flatten().tolist() == pytest.approx([2.0, 0.0, 5.0, 0.0, -1.0, 0.0], abs=1e-6)


def test_a_root_on_its_back_has_the_heading_of_its_x_axis():
    # Pitched by −60 degrees: the x-axis still points to +x, at (0.5, 0, 0.87).
    quat = torch.tensor([[0.0, -math.sin(math.pi / 6), 0.0, math.cos(math.pi / 6)]])
    heading = root_heading(quat)
    assert heading.cos.item() == pytest.approx(1.0) and heading.sin.item() == pytest.approx(0.0, abs=1e-6)


def features_by_hand(local_root):
    features = MotionFeatures(JOINTS, num_key_bodies=2, local_root=local_root)
    root = torch.tensor([[10.0, 20.0, 0.9, 0.0, 0.0, HALF, HALF, 0.0, 3.0, 1.0, 2.0, 0.0, 7.0]])  # faces y
    dof_pos = torch.tensor([[0.0, math.pi / 2, 0.0, 0.3, 0.0, 0.0, math.pi / 2]])
    dof_vel = torch.arange(7.0).unsqueeze(0)
    key_pos = torch.tensor([[[10.0, 21.0, 1.0], [11.0, 20.0, 0.0]]])
    row = features.compute(root, dof_pos, dof_vel, key_pos)[0]
    return {name: row[columns].tolist() for name, columns in features.blocks.slices.items()}, features


@pytest.mark.parametrize(
    ("local_root", "root_rotation"), [(False, [0, 1, 0, 0, 0, 1]), (True, [1, 0, 0, 0, 0, 1])]
)
def test_features_by_hand(local_root, root_rotation):
    blocks, features = features_by_hand(local_root)
    expected = {
        "root_height": [0.9],
        "root_rotation": root_rotation,
        "root_lin_vel_h": [3.0, 0.0, 1.0],
        "root_ang_vel_h": [0.0, -2.0, 7.0],
        # quarter turn about y, the hinge's angle, quarter turn about z
        "joint_rotations": [0, 0, -1, 1, 0, 0, 0.3, 0, 1, 0, 0, 0, 1],
        "dof_vel": [0, 1, 2, 3, 4, 5, 6],
        "key_body_pos_h": [1.0, 0.0, 0.1, 0.0, -1.0, -0.9],
    }
    assert blocks.keys() == expected.keys() and features.size == sum(map(len, expected.values()))
    for name, values in expected.items():
        assert blocks[name] == pytest.approx(values, abs=1e-5), name


def test_turning_and_moving_the_whole_scene_changes_only_the_global_root_rotation():
    generator = torch.Generator().manual_seed(1)
    root = torch.randn(20, 13, generator=generator)
    root[:, 3:7] = torch.nn.functional.normalize(root[:, 3:7], dim=-1)
    dof_pos, dof_vel = torch.randn(2, 20, 7, generator=generator)
    key_pos = torch.randn(20, 4, 3, generator=generator)
    turn = Rotation.from_euler("z", 2.0)
    moved = root.clone()
    moved[:, 0:3] = torch.from_numpy(turn.apply(root[:, 0:3].numpy())).float() + torch.tensor([5.0, -3.0, 0])
    moved[:, 3:7] = torch.from_numpy((turn * Rotation.from_quat(root[:, 3:7].numpy())).as_quat()).float()
    moved[:, 7:10] = torch.from_numpy(turn.apply(root[:, 7:10].numpy())).float()
    moved[:, 10:13] = torch.from_numpy(turn.apply(root[:, 10:13].numpy())).float()
    moved_key = torch.from_numpy(turn.apply(key_pos.reshape(-1, 3).numpy())).float().view(20, 4, 3)
    moved_key += torch.tensor([5.0, -3.0, 0.0])
    for local_root in (True, False):
        features = MotionFeatures(JOINTS, 4, local_root)
        still = features.compute(root, dof_pos, dof_vel, key_pos)
        turned = features.compute(moved, dof_pos, dof_vel, moved_key)
        differs = (still - turned).abs().amax(dim=0) > 1e-4
        where = torch.zeros(features.size, dtype=torch.bool)
        where[features.blocks["root_rotation"]] = not local_root
        assert not (differs & ~where).any() and (differs.any() == (not local_root))


def test_a_joint_of_two_dofs_is_refused():
    with pytest.raises(ValueError, match="joint of body 1 has 2 DOFs: must be 0, 1 or 3"):
        MotionFeatures((joint(1, 0, 2),), 0)

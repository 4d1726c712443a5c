"""Skeletons: read from MJCF, forward kinematics, rotations to DOF positions and back."""

import math

import mujoco
import pytest
import torch

from tasks.amp.character import (
    HUMANOID_MJCF,
    Character,
    dof_pos_from_local_rotations,
    forward_kinematics,
    local_rotations_from_dof_pos,
)
from tests.tasks.amp.skeletons import arm
from tools.character_model import load_model, qpos_of

HUMANOID_PARENTS = (-1, 0, 1, 1, 3, 4, 1, 6, 7, 0, 9, 10, 0, 12, 13)


def test_the_humanoid_is_read_from_its_model():
    humanoid = Character.from_mjcf(HUMANOID_MJCF)
    assert (humanoid.num_bodies, humanoid.num_dofs) == (15, 28)
    assert humanoid.parents == HUMANOID_PARENTS
    assert humanoid.body_names[:4] == ("pelvis", "torso", "head", "right_upper_arm")
    assert humanoid.offsets[humanoid.body_index("right_shin")].tolist() == pytest.approx([0, 0, -0.421546])
    widths = [joint.dof.stop - joint.dof.start for joint in humanoid.joints]
    assert widths == [3, 3, 3, 1, 0, 3, 1, 0, 3, 1, 3, 3, 1, 3]
    knee = humanoid.joints[humanoid.body_index("left_shin") - 1]
    assert (knee.dof, knee.axis) == (slice(24, 25), (0.0, 1.0, 0.0))


def test_a_body_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'tail' is no body of arm; known are base, upper"):
        arm().body_index("tail")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><mujoco/>', "XML entities"),
        ("<mujoco><worldbody/></mujoco>", "holds no body"),
        (
            '<mujoco><worldbody><body name="a"><body name="b"><joint axis="0 1 0"/><joint axis="1 0 0"/>'
            "</body></body></worldbody></mujoco>",
            "'b' has 2 joints",
        ),
    ],
)
def test_models_that_are_no_character_are_refused(tmp_path, xml, message):
    path = tmp_path / "model.xml"
    path.write_text(xml)
    with pytest.raises(ValueError, match=message):
        Character.from_mjcf(path)


def test_forward_kinematics_of_a_two_link_arm():
    # Shoulder a quarter turn about z: the upper arm points along y. Elbow a quarter turn about its own y,
    # which now is -x in the world: the lower arm, along x before, points down.
    dof_pos = torch.tensor([[0.0, 0.0, math.pi / 2, math.pi / 2]])
    local_rot = local_rotations_from_dof_pos(arm(), dof_pos)
    body_pos, _ = forward_kinematics(arm(), torch.tensor([[1.0, 2.0, 3.0]]), local_rot)
    expected = [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [1.0, 3.0, 4.0], [1.0, 3.0, 3.5]]
    torch.testing.assert_close(body_pos[0], torch.tensor(expected), atol=1e-6, rtol=0)


def test_the_root_turns_everything():
    root_rot = torch.tensor([[0.0, 0.0, 1.0, 0.0]])  # half a turn about z
    local_rot = local_rotations_from_dof_pos(arm(), torch.zeros(1, 4), root_rot)
    body_pos, body_rot = forward_kinematics(arm(), torch.zeros(1, 3), local_rot)
    torch.testing.assert_close(body_pos[0, 3], torch.tensor([-1.5, 0.0, 1.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(body_rot, root_rot.expand(1, 4, 4))


def test_bodies_come_in_their_own_order_whatever_their_depth():
    humanoid = Character.from_mjcf(HUMANOID_MJCF)
    rest = local_rotations_from_dof_pos(humanoid, torch.zeros(2, 28))
    body_pos, _ = forward_kinematics(humanoid, torch.zeros(2, 3), rest)
    for body, parent in enumerate(HUMANOID_PARENTS[1:], start=1):
        torch.testing.assert_close(
            body_pos[:, body] - body_pos[:, parent], humanoid.offsets[body].expand(2, 3)
        )


def test_forward_kinematics_agrees_with_mujoco():
    torch.manual_seed(1)
    humanoid, model = Character.from_mjcf(HUMANOID_MJCF), load_model()
    data = mujoco.MjData(model)
    root_pos, root_rot = torch.randn(5, 3), torch.nn.functional.normalize(torch.randn(5, 4), dim=-1)
    local_rot = local_rotations_from_dof_pos(humanoid, torch.randn(5, 28), root_rot)
    body_pos, body_rot = forward_kinematics(humanoid, root_pos, local_rot)
    for frame, qpos in enumerate(qpos_of(humanoid, root_pos.numpy(), local_rot.numpy())):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        xpos, xquat = torch.from_numpy(data.xpos[1:]).float(), torch.from_numpy(data.xquat[1:]).float()
        torch.testing.assert_close(body_pos[frame], xpos, atol=1e-5, rtol=0)
        same = (body_rot[frame] * xquat.roll(-1, dims=-1)).sum(-1).abs()  # q and -q are one rotation
        torch.testing.assert_close(same, torch.ones(15), atol=1e-5, rtol=0)


def test_dof_positions_come_back_from_rotations():
    torch.manual_seed(0)
    humanoid = Character.from_mjcf(HUMANOID_MJCF)
    dof_pos = torch.randn(50, 28).clamp(-1.7, 1.7)  # every exponential map shorter than π
    local_rot = local_rotations_from_dof_pos(humanoid, dof_pos)
    torch.testing.assert_close(
        dof_pos_from_local_rotations(humanoid, local_rot), dof_pos, atol=1e-5, rtol=1e-5
    )
    torch.testing.assert_close(
        dof_pos_from_local_rotations(humanoid, -local_rot), dof_pos, atol=1e-5, rtol=1e-5
    )


def test_no_environments_have_no_poses():
    body_pos, body_rot = forward_kinematics(arm(), torch.zeros(0, 3), torch.zeros(0, 4, 4))
    assert body_pos.shape == (0, 4, 3) and body_rot.shape == (0, 4, 4)

"""Heights of the lowest points of a character's shapes."""

import math

import pytest
import torch

from tasks.amp.character import HUMANOID_MJCF, Character, forward_kinematics, local_rotations_from_dof_pos
from tasks.amp.ground import ShapePoints, lowest_heights
from tests.tasks.amp.skeletons import about

MODEL = """<mujoco><worldbody><body name="block">
  <geom type="box" size="0.1 0.2 0.05" pos="0 0 0.3"/>
  <body name="rod" pos="0 0 -0.1"><joint axis="0 1 0"/>
    <geom type="capsule" fromto="0 0 0 0 0 -0.3" size="0.04"/><geom type="sphere" size="0.06" pos="0 0 0.1"/>
  </body></body></worldbody></mujoco>"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.xml"
    path.write_text(MODEL)
    character = Character.from_mjcf(path)
    return character, ShapePoints.from_mjcf(path, character)


def heights(model, root_rot):
    character, shapes = model
    local_rot = local_rotations_from_dof_pos(character, torch.zeros(1, 1), torch.tensor([root_rot]))
    return lowest_heights(shapes, *forward_kinematics(character, torch.tensor([[5.0, 5.0, 1.0]]), local_rot))


def test_upright(model):
    # block: 1 + 0.3 - 0.05; rod: 1 - 0.1 - 0.3 - 0.04
    torch.testing.assert_close(heights(model, [0.0, 0.0, 0.0, 1.0]), torch.tensor([[1.25, 0.56]]))


def test_lying(model):
    # about x: the block is 0.4 m high around the root's height; the rod level, its sphere the thicker part
    lowest = heights(model, about("x", math.pi / 2))
    torch.testing.assert_close(lowest, torch.tensor([[0.8, 0.94]]), atol=1e-6, rtol=0)


def test_a_box_stands_on_its_edge(model):
    # about y by 45°: its lowest corner is (0.1, ·, -0.05) around a centre 0.3 m up, turned with it
    lowest = heights(model, about("y", math.pi / 4))[0, 0]
    assert float(lowest) == pytest.approx(1.0 + math.sqrt(0.5) * (0.3 - 0.05 - 0.1))


def test_the_humanoid_standing_at_rest_touches_with_its_soles():
    character = Character.from_mjcf(HUMANOID_MJCF)
    shapes = ShapePoints.from_mjcf(HUMANOID_MJCF, character)
    rest = local_rotations_from_dof_pos(character, torch.zeros(1, 28))
    body_pos, body_rot = forward_kinematics(character, torch.zeros(1, 3), rest)
    lowest = lowest_heights(shapes, body_pos, body_rot)
    # thigh, shin, and a sole half a box under a centre 0.0225 m below the ankle
    sole = -0.421546 - 0.409870 - 0.0225 - 0.0275
    foot = character.body_index("left_foot")
    assert int(lowest.argmin()) in (foot, character.body_index("right_foot"))
    assert float(lowest[0, foot]) == pytest.approx(sole, abs=1e-6)


@pytest.mark.parametrize(
    ("geom", "message"),
    [
        ("", "'block' has no shape"),
        ('<geom name="can" type="cylinder" size="1 1"/>', "'can' is a cylinder"),
        ('<geom name="crate" type="box" size="1 1 1" quat="0 1 0 0"/>', "'crate' is a box"),
    ],
)
def test_shapes_that_are_not_known_are_named(tmp_path, geom, message):
    path = tmp_path / "model.xml"
    path.write_text(
        f'<mujoco><worldbody><body name="block">{geom}<body name="rod"><joint axis="0 1 0"/>'
        '<geom size="0.1"/></body></body></worldbody></mujoco>'
    )
    with pytest.raises(ValueError, match=message):
        ShapePoints.from_mjcf(path, Character.from_mjcf(path))

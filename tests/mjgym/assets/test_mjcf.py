import math

import numpy as np
import pytest

from mjgym import gymapi
from mjgym.assets import AssetError, load_asset
from tests.mjgym.models import BALL, ENTITY_BOMB, HINGE, LIMBS, SLIDER
from tests.mjgym.scenes import options, write


def load(tmp_path, xml, **values):
    return load_asset(*write(tmp_path, xml), options(**values))


def test_bodies_dofs_and_shapes_are_depth_first_and_the_world_is_none(tmp_path):
    asset = load(tmp_path, LIMBS)
    assert asset.body_names == ["trunk", "left", "tip", "right"]
    assert asset.dof_names == ["a", "b", "c"]
    assert len(asset.shape_geoms) == 4  # the floor is dropped
    assert not asset.fixed_base


def test_undefined_materials_are_dropped_and_floors_too(tmp_path):
    asset = load(tmp_path, LIMBS)
    assert asset.model.ngeom == 4
    assert asset.model.nmat == 0


def test_dof_properties_come_from_the_joints(tmp_path):
    props = load(tmp_path, LIMBS).dof_properties
    assert props["hasLimits"].all()
    np.testing.assert_allclose(props["lower"], [-math.pi / 6, 0.0, -math.pi / 2], rtol=1e-6)
    np.testing.assert_allclose(props["upper"], [math.pi / 3, math.pi / 2, math.pi / 2], rtol=1e-6)
    assert props["stiffness"].tolist() == [2.0, 0.0, 0.0]
    assert props["damping"].tolist() == [0.5, 0.0, 0.0]
    # Joints a and c have motors, b has none.
    modes = [gymapi.DOF_MODE_EFFORT, gymapi.DOF_MODE_NONE, gymapi.DOF_MODE_EFFORT]
    assert props["driveMode"].tolist() == modes


def test_default_drive_mode_holds_for_dofs_without_an_actuator(tmp_path):
    props = load(tmp_path, LIMBS, default_dof_drive_mode=gymapi.DOF_MODE_POS).dof_properties
    assert props["driveMode"][1] == gymapi.DOF_MODE_POS


def test_actuators_are_in_the_order_of_the_file(tmp_path):
    asset = load(tmp_path, LIMBS)
    assert [a.joint for a in asset.actuators] == ["c", "a"]
    assert [a.properties.motor_effort for a in asset.actuators] == [3.0, 5.0]


def test_servos_become_drives(tmp_path):
    servo = '<actuator><position joint="x" kp="30" kv="4" forcerange="-6 6"/></actuator>'
    props = load(tmp_path, SLIDER.format(joint="", actuator=servo), fix_base_link=True).dof_properties[0]
    assert (props["driveMode"], props["stiffness"], props["damping"], props["effort"]) == (1, 30.0, 4.0, 6.0)


def test_body_properties(tmp_path):
    ball = load(tmp_path, BALL).body_properties()[0]
    assert (ball.mass, ball.invMass) == (2.0, 0.5)
    assert ball.inertia.x.x == pytest.approx(0.4 * 2.0 * 0.1**2)
    rod = load(tmp_path, HINGE).body_properties()[1]
    assert rod.com.as_tuple() == pytest.approx((0.2, 0.0, 0.0))


def test_density_option_holds_where_the_file_gives_none(tmp_path):
    xml = '<mujoco><worldbody><body name="b"><geom type="box" size=".5 .5 .5"/></body></worldbody></mujoco>'
    assert load(tmp_path, xml, density=3.0).body_properties()[0].mass == pytest.approx(3.0)
    dense = xml.replace("<geom", '<geom density="7"')
    assert load(tmp_path, dense, density=3.0).body_properties()[0].mass == pytest.approx(7.0)


def test_armature_option_holds_where_the_file_gives_none(tmp_path):
    xml = SLIDER.format(joint="", actuator="")
    assert load(tmp_path, xml, armature=0.3).dof_properties["armature"][0] == pytest.approx(0.3)
    assert load(tmp_path, HINGE, armature=0.3).dof_properties["armature"][0] == pytest.approx(0.02)


def test_a_root_without_joints_floats_unless_it_is_fixed(tmp_path):
    xml = SLIDER.format(joint="", actuator="")
    assert not load(tmp_path, xml).fixed_base
    assert load(tmp_path, xml, fix_base_link=True).fixed_base
    hinged_root = xml.replace('<body name="base">', '<body name="base"><joint name="h"/>')
    asset = load(tmp_path, hinged_root)
    assert asset.fixed_base and asset.dof_names == ["h", "x"]


def test_free_joint_is_taken_away_from_a_fixed_base(tmp_path):
    asset = load(tmp_path, LIMBS, fix_base_link=True)
    assert asset.fixed_base and asset.model.nq == 3


def test_included_files_are_found_and_checked(tmp_path):
    (tmp_path / "part.xml").write_text(
        '<mujoco><worldbody><body name="p"><geom size="1"/></body></worldbody></mujoco>'
    )
    assert load(tmp_path, '<mujoco><include file="part.xml"/></mujoco>').body_names == ["p"]
    (tmp_path / "part.xml").write_text(ENTITY_BOMB)
    with pytest.raises(AssetError, match="part.xml.*ENTITY"):
        load(tmp_path, '<mujoco><include file="part.xml"/></mujoco>')


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (ENTITY_BOMB, "model.xml:1: <!DOCTYPE> and <!ENTITY> are not allowed"),
        ("<mujoco><worldbody></mujoco>", "model.xml:1: not well-formed XML"),
        ("<scene/>", "outermost element is <scene>"),
        ("<mujoco><worldbody/></mujoco>", "must hold exactly one body, the actor's root; it holds none"),
        (BALL.replace("</worldbody>", '<body name="b2"><geom size="1"/></body></worldbody>'), "'ball', 'b2'"),
        (
            BALL.replace("<freejoint/>", '<joint type="ball" name="s"/>'),
            "joint 's' of body 'ball': ball joints",
        ),
        (BALL.replace('size="0.1"', 'size="-1"'), "model.xml"),
        (BALL.replace("<geom", "<gem"), "gem"),
        ('<mujoco><include file="model.xml"/></mujoco>', "leads back"),
    ],
)
def test_bad_files_are_refused_with_file_and_element(tmp_path, xml, text):
    with pytest.raises(AssetError) as caught:
        load(tmp_path, xml)
    assert text in str(caught.value)
    assert "model.xml" in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.xml does not exist"):
        load_asset(str(tmp_path), "none.xml")

import math

import numpy as np
import pytest

from mjgym import gymapi
from mjgym.assets import AssetError, load_asset
from mjgym.assets.inertia import Frame, Inertial, combine
from tests.mjgym.models import ENTITY_BOMB, URDF_ARM
from tests.mjgym.scenes import make_world, options, transform, write


def load(tmp_path, text=URDF_ARM, **values):
    return load_asset(*write(tmp_path, text, "robot.urdf"), options(**{"fix_base_link": True, **values}))


def test_bodies_and_dofs_follow_the_names_of_the_joints(tmp_path):
    asset = load(tmp_path)
    assert asset.body_names == ["base", "early", "upper", "tool"]
    assert asset.dof_names == ["a_slide", "z_shoulder"]
    assert asset.joint_names == ["a_slide", "z_shoulder", "wrist"]
    assert asset.dof_type(0) == gymapi.DOF_TRANSLATION
    assert asset.dof_type(1) == gymapi.DOF_ROTATION


def test_dof_properties(tmp_path):
    slide, turn = load(tmp_path).dof_properties
    assert (slide["lower"], slide["upper"], slide["effort"], slide["velocity"]) == (0.0, 1.0, 5.0, 1.0)
    assert turn["lower"] == pytest.approx(-1.0) and turn["upper"] == pytest.approx(2.0)
    assert (turn["effort"], turn["velocity"], turn["damping"]) == (30.0, 4.0, 0.5)
    assert turn["driveMode"] == gymapi.DOF_MODE_NONE


def test_inertia_that_the_file_lacks_comes_from_the_collision_shapes(tmp_path):
    asset = load(tmp_path)
    upper = asset.body_properties()[2]
    # A box of 0.2 x 0.4 x 1.0 m and 3 kg: I = m (b^2 + c^2) / 12, and so on.
    assert upper.mass == pytest.approx(3.0)
    assert upper.com.as_tuple() == pytest.approx((0.0, 0.0, 0.5))
    assert upper.inertia.x.x == pytest.approx(3.0 * (0.16 + 1.0) / 12)
    assert upper.inertia.y.y == pytest.approx(3.0 * (0.04 + 1.0) / 12)
    assert upper.inertia.z.z == pytest.approx(3.0 * (0.04 + 0.16) / 12)


def test_mass_that_the_file_lacks_is_volume_times_density(tmp_path):
    ball = load(tmp_path, density=500.0).body_properties()[3]
    assert ball.mass == pytest.approx(500.0 * 4 / 3 * math.pi * 0.001)


def test_given_inertia_is_kept(tmp_path):
    early = load(tmp_path).body_properties()[1].inertia
    assert (early.x.x, early.y.y, early.z.z) == pytest.approx((1.0, 2.0, 2.5))


def test_collapsed_fixed_joints_merge_bodies_and_masses(tmp_path):
    asset = load(tmp_path, collapse_fixed_joints=True)
    assert asset.body_names == ["base", "early", "upper"]
    assert asset.joint_names == ["a_slide", "z_shoulder"]
    tool = 1000.0 * 4 / 3 * math.pi * 0.001
    upper = asset.body_properties()[2]
    assert upper.mass == pytest.approx(3.0 + tool)
    assert upper.com.z == pytest.approx((3.0 * 0.5 + tool * 1.0) / (3.0 + tool))
    kept = URDF_ARM.replace('name="wrist"', 'name="wrist" dont_collapse="true"')
    assert load(tmp_path, kept, collapse_fixed_joints=True).num_bodies == 4


def test_links_are_where_the_origins_say(tmp_path):
    robot = URDF_ARM.replace("<mujoco", "<robot")
    world = make_world(
        tmp_path, robot, asset_options=options(fix_base_link=True), pose=transform(z=1.0), gravity=0.0
    )
    body = world.tensor("rigid_body_state")
    world.refresh("rigid_body_state")
    tool = body.view(2, 4, 13)[0, 3]
    assert tool[:3].tolist() == pytest.approx([0.0, 0.0, 2.1], abs=1e-6)
    half = math.sqrt(0.5)
    assert tool[3:7].tolist() == pytest.approx([0.0, 0.0, half, half], abs=1e-6)


def test_cylinders_may_become_capsules(tmp_path):
    text = URDF_ARM.replace('<sphere radius="0.1"/>', '<cylinder radius="0.1" length="0.6"/>')
    cylinder = 1000.0 * math.pi * 0.01 * 0.6
    assert load(tmp_path, text).body_properties()[3].mass == pytest.approx(cylinder)
    rounded = load(tmp_path, text, replace_cylinder_with_capsule=True).body_properties()[3].mass
    assert rounded == pytest.approx(cylinder + 1000.0 * 4 / 3 * math.pi * 0.001)


def test_meshes_are_found_by_package_path(tmp_path):
    (tmp_path / "parts").mkdir()
    points = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    faces = [
        "1 2 4",
        "1 4 3",
        "5 7 8",
        "5 8 6",
        "1 5 6",
        "1 6 2",
        "3 4 8",
        "3 8 7",
        "1 3 7",
        "1 7 5",
        "2 6 8",
        "2 8 4",
    ]
    lines = [f"v {x} {y} {z}" for x, y, z in points] + [f"f {face}" for face in faces]
    (tmp_path / "parts" / "cube.obj").write_text("\n".join(lines))
    mesh = '<mesh filename="package://parts/cube.obj" scale="0.1 0.1 0.1"/>'
    asset = load(tmp_path, URDF_ARM.replace('<sphere radius="0.1"/>', mesh))
    assert asset.body_properties()[3].mass == pytest.approx(1.0, rel=1e-3)
    with pytest.raises(AssetError, match="'tool'.*cube.dae.*does not exist"):
        load(tmp_path, URDF_ARM.replace('<sphere radius="0.1"/>', mesh.replace(".obj", ".dae")))


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('type="revolute"', 'type="planar"', "<joint name='z_shoulder'>: type 'planar'"),
        (
            '<child link="tool"/>',
            '<child link="tol"/>',
            "<joint name='wrist'>: child link 'tol' does not exist",
        ),
        ('<mass value="3"/>', '<mass value="three"/>', "<link name='upper'>: <mass value='three'>"),
        ('<mass value="3"/>', "", "<inertial> lacks <mass>"),
        ('radius="0.1"', 'radius="-0.1"', "must be positive"),
        ('lower="-1" upper="2"', 'lower="3" upper="2"', "lower limit 3.0 exceeds upper limit 2.0"),
        (
            '<axis xyz="0 1 0"/>',
            '<axis xyz="0 0 0"/>',
            "<joint name='z_shoulder'>: <axis xyz='[0.0, 0.0, 0.0]'> is the zero vector",
        ),
        (
            '<parent link="upper"/><child link="tool"/>',
            '<parent link="tool"/><child link="upper"/>',
            "two parents",
        ),
        ("<robot", '<!DOCTYPE robot [<!ENTITY x SYSTEM "file:///etc/passwd">]><robot', "not allowed"),
    ],
)
def test_bad_files_are_refused_with_file_and_element(tmp_path, old, new, text):
    assert old in URDF_ARM
    with pytest.raises(AssetError) as caught:
        load(tmp_path, URDF_ARM.replace(old, new))
    assert text in str(caught.value)
    assert "robot.urdf" in str(caught.value)


def test_parallel_axis_theorem():
    # Two point-like masses of 1 kg at x = -1 and 1 m: I_y = I_z = 2 kg m^2 about their middle.
    still = np.zeros((3, 3))
    both = combine(
        [Inertial(1.0, np.array([-1.0, 0, 0]), still), Inertial(1.0, np.array([1.0, 0, 0]), still)]
    )
    assert both.mass == 2.0
    np.testing.assert_allclose(both.inertia, np.diag([0.0, 2.0, 2.0]))
    moved = both.moved(Frame.from_rpy((0, 0, 5), (0, 0, math.pi / 2)))
    np.testing.assert_allclose(moved.center, [0, 0, 5])
    np.testing.assert_allclose(moved.inertia, np.diag([2.0, 0.0, 2.0]), atol=1e-12)


def test_entities_are_refused(tmp_path):
    with pytest.raises(AssetError, match="ENTITY"):
        load(tmp_path, ENTITY_BOMB)

"""The shipped models against the figures that their tasks were published with.

The MJCF files are read here with plain MuJoCo; how mjgym reads them is tested with mjgym.
"""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np
import pytest

ASSETS = Path(__file__).parents[2] / "assets"

# body: (parent, position in the parent's frame [m], mass [kg], principal moments of inertia [kg m2])
BODIES = {
    "ant": {
        "torso": ("world", (0, 0, 0.75), 0.4839, (0.01359, 0.01112, 0.01112)),
        "front_left_leg": ("torso", (0.2, 0.2, 0), 0.0392, (0.000568, 0.000568, 0.0001184)),
        "front_left_foot": ("front_left_leg", (0.2, 0.2, 0), 0.0676, (0.002675, 0.002675, 0.0002094)),
        "front_right_leg": ("torso", (-0.2, 0.2, 0), 0.0392, (0.000568, 0.000568, 0.0001184)),
        "front_right_foot": ("front_right_leg", (-0.2, 0.2, 0), 0.0676, (0.002675, 0.002675, 0.0002094)),
        "left_back_leg": ("torso", (-0.2, -0.2, 0), 0.0392, (0.000568, 0.000568, 0.0001184)),
        "left_back_foot": ("left_back_leg", (-0.2, -0.2, 0), 0.0676, (0.002675, 0.002675, 0.0002094)),
        "right_back_leg": ("torso", (0.2, -0.2, 0), 0.0392, (0.000568, 0.000568, 0.0001184)),
        "right_back_foot": ("right_back_leg", (0.2, -0.2, 0), 0.0676, (0.002675, 0.002675, 0.0002094)),
    },
    "humanoid": {
        "torso": ("world", (0, 0, 1.5), 5.8538, (0.05127, 0.03197, 0.03115)),
        "head": ("torso", (0, 0, 0.19), 3.0536, (0.009894, 0.009894, 0.009894)),
        "lower_waist": ("torso", (-0.01, 0, -0.26), 2.2619, (0.009853, 0.009853, 0.003746)),
        "pelvis": ("lower_waist", (0, 0, -0.165), 6.6162, (0.05232, 0.05232, 0.02432)),
        "right_thigh": ("pelvis", (0, -0.1, -0.04), 4.7518, (0.07495, 0.07495, 0.008227)),
        "right_shin": ("right_thigh", (0, 0.01, -0.403), 2.7557, (0.03261, 0.03261, 0.00319)),
        "right_foot": ("right_shin", (0, 0, -0.39), 1.1311, (0.006446, 0.005944, 0.000903)),
        "left_thigh": ("pelvis", (0, 0.1, -0.04), 4.7518, (0.07495, 0.07495, 0.008227)),
        "left_shin": ("left_thigh", (0, -0.01, -0.403), 2.7557, (0.03261, 0.03261, 0.00319)),
        "left_foot": ("left_shin", (0, 0, -0.39), 1.1311, (0.006446, 0.005944, 0.000903)),
        "right_upper_arm": ("torso", (0, -0.17, 0.06), 1.6611, (0.01591, 0.01591, 0.001286)),
        "right_lower_arm": ("right_upper_arm", (0.18, -0.18, -0.18), 0.9615, (0.008402, 0.008402, 0.00045)),
        "right_hand": ("right_lower_arm", (0.18, 0.18, 0.18), 0.2681, (0.0001716, 0.0001716, 0.0001716)),
        "left_upper_arm": ("torso", (0, 0.17, 0.06), 1.6611, (0.01591, 0.01591, 0.001286)),
        "left_lower_arm": ("left_upper_arm", (0.18, 0.18, -0.18), 0.9615, (0.008402, 0.008402, 0.00045)),
        "left_hand": ("left_lower_arm", (0.18, -0.18, 0.18), 0.2681, (0.0001716, 0.0001716, 0.0001716)),
    },
}

# The AMP humanoid's; body: (parent, position in the parent's frame [m], mass [kg])
AMP_BODIES = {
    "pelvis": ("world", (0, 0, 1), 9.996),
    "torso": ("pelvis", (0, 0, 0.236151), 12.011),
    "head": ("torso", (0, 0, 0.223894), 3.882),
    "right_upper_arm": ("torso", (-0.02405, -0.18311, 0.2435), 1.499),
    "right_lower_arm": ("right_upper_arm", (0, 0, -0.274788), 1.0),
    "right_hand": ("right_lower_arm", (0, 0, -0.258947), 0.5),
    "left_upper_arm": ("torso", (-0.02405, 0.18311, 0.2435), 1.499),
    "left_lower_arm": ("left_upper_arm", (0, 0, -0.274788), 1.0),
    "left_hand": ("left_lower_arm", (0, 0, -0.258947), 0.5),
    "right_thigh": ("pelvis", (0, -0.084887, 0), 4.502),
    "right_shin": ("right_thigh", (0, 0, -0.421546), 3.0),
    "right_foot": ("right_shin", (0, 0, -0.40987), 1.0),
    "left_thigh": ("pelvis", (0, 0.084887, 0), 4.502),
    "left_shin": ("left_thigh", (0, 0, -0.421546), 3.0),
    "left_foot": ("left_shin", (0, 0, -0.40987), 1.0),
}
# joint group: (body, ranges by axis [degrees], gear [N m], stiffness, damping, armature)
AMP_JOINTS = {
    "abdomen": ("torso", {"x": (-60, 60), "y": (-60, 90), "z": (-50, 50)}, 125, 600, 60, 0.025),
    "neck": ("head", {"x": (-50, 50), "y": (-40, 60), "z": (-45, 45)}, 20, 50, 5, 0.017),
    "right_shoulder": (
        "right_upper_arm", {"x": (-180, 45), "y": (-180, 60), "z": (-90, 90)}, 70, 200, 20, 0.02,
    ),
    "right_elbow": ("right_lower_arm", {"": (-160, 0)}, 60, 150, 15, 0.015),
    "left_shoulder": (
        "left_upper_arm", {"x": (-45, 180), "y": (-180, 60), "z": (-90, 90)}, 70, 200, 20, 0.02,
    ),
    "left_elbow": ("left_lower_arm", {"": (-160, 0)}, 60, 150, 15, 0.015),
    "right_hip": ("right_thigh", {"x": (-60, 15), "y": (-140, 60), "z": (-60, 35)}, 125, 300, 30, 0.02),
    "right_knee": ("right_shin", {"": (0, 160)}, 100, 300, 30, 0.02),
    "right_ankle": ("right_foot", {"x": (-30, 30), "y": (-55, 55), "z": (-40, 40)}, 50, 200, 20, 0.01),
    "left_hip": ("left_thigh", {"x": (-15, 60), "y": (-140, 60), "z": (-35, 60)}, 125, 300, 30, 0.02),
    "left_knee": ("left_shin", {"": (0, 160)}, 100, 300, 30, 0.02),
    "left_ankle": ("left_foot", {"x": (-30, 30), "y": (-55, 55), "z": (-40, 40)}, 50, 200, 20, 0.01),
}  # fmt: skip

# joint: (body, axis in the body's frame, range [degrees], stiffness, damping, armature)
JOINTS = {
    "ant": {
        "hip_1": ("front_left_leg", (0, 0, 1), (-40, 40), 0, 0.1, 0.01),
        "ankle_1": ("front_left_foot", (-0.7071, 0.7071, 0), (30, 100), 0, 0.1, 0.01),
        "hip_2": ("front_right_leg", (0, 0, 1), (-40, 40), 0, 0.1, 0.01),
        "ankle_2": ("front_right_foot", (0.7071, 0.7071, 0), (-100, -30), 0, 0.1, 0.01),
        "hip_3": ("left_back_leg", (0, 0, 1), (-40, 40), 0, 0.1, 0.01),
        "ankle_3": ("left_back_foot", (-0.7071, 0.7071, 0), (-100, -30), 0, 0.1, 0.01),
        "hip_4": ("right_back_leg", (0, 0, 1), (-40, 40), 0, 0.1, 0.01),
        "ankle_4": ("right_back_foot", (0.7071, 0.7071, 0), (30, 100), 0, 0.1, 0.01),
    },
    "humanoid": {
        "abdomen_z": ("lower_waist", (0, 0, 1), (-45, 45), 20, 5, 0.02),
        "abdomen_y": ("lower_waist", (0, 1, 0), (-75, 30), 20, 5, 0.01),
        "abdomen_x": ("pelvis", (1, 0, 0), (-35, 35), 10, 5, 0.01),
        "right_hip_x": ("right_thigh", (1, 0, 0), (-45, 15), 10, 5, 0.01),
        "right_hip_z": ("right_thigh", (0, 0, 1), (-60, 35), 10, 5, 0.01),
        "right_hip_y": ("right_thigh", (0, 1, 0), (-120, 45), 20, 5, 0.01),
        "right_knee": ("right_shin", (0, -1, 0), (-160, 2), 5, 0.1, 0.007),
        "right_ankle_y": ("right_foot", (0, 1, 0), (-50, 50), 2, 1, 0.006),
        "right_ankle_x": ("right_foot", (0.8944, 0, 0.4472), (-50, 50), 2, 1, 0.006),
        "left_hip_x": ("left_thigh", (-1, 0, 0), (-45, 15), 10, 5, 0.01),
        "left_hip_z": ("left_thigh", (0, 0, -1), (-60, 35), 10, 5, 0.01),
        "left_hip_y": ("left_thigh", (0, 1, 0), (-120, 45), 20, 5, 0.01),
        "left_knee": ("left_shin", (0, -1, 0), (-160, 2), 5, 0.1, 0.007),
        "left_ankle_y": ("left_foot", (0, 1, 0), (-50, 50), 2, 1, 0.006),
        "left_ankle_x": ("left_foot", (0.8944, 0, 0.4472), (-50, 50), 2, 1, 0.006),
        "right_shoulder1": ("right_upper_arm", (0.8165, 0.4082, 0.4082), (-90, 70), 10, 5, 0.01),
        "right_shoulder2": ("right_upper_arm", (0, -0.7071, 0.7071), (-90, 70), 10, 5, 0.01),
        "right_elbow": ("right_lower_arm", (0, -0.7071, 0.7071), (-90, 50), 2, 1, 0.006),
        "left_shoulder1": ("left_upper_arm", (-0.8165, 0.4082, -0.4082), (-90, 70), 10, 5, 0.01),
        "left_shoulder2": ("left_upper_arm", (0, -0.7071, -0.7071), (-90, 70), 10, 5, 0.01),
        "left_elbow": ("left_lower_arm", (0, -0.7071, -0.7071), (-90, 50), 2, 1, 0.006),
    },
}

# Joint offsets in the body's frame [m]; joints that are not here sit at the body's origin.
JOINT_OFFSETS = {
    "abdomen_z": (0, 0, 0.065),
    "abdomen_y": (0, 0, 0.065),
    "abdomen_x": (0, 0, 0.1),
    **{f"{side}_knee": (0, 0, 0.02) for side in ("right", "left")},
    **{f"{side}_ankle_{axis}": (0, 0, 0.08) for side in ("right", "left") for axis in "xy"},
}

# Motors in file order: (joint, gear [N m])
HUMANOID_LEG = (
    ("hip_x", 45),
    ("hip_z", 45),
    ("hip_y", 135),
    ("knee", 90),
    ("ankle_x", 22.5),
    ("ankle_y", 22.5),
)
HUMANOID_ARM = (("shoulder1", 67.5), ("shoulder2", 67.5), ("elbow", 45))
MOTORS = {
    "ant": [(f"{part}_{leg}", 15) for leg in (4, 1, 2, 3) for part in ("hip", "ankle")],
    "humanoid": [("abdomen_y", 67.5), ("abdomen_z", 67.5), ("abdomen_x", 67.5)]
    + [(f"{side}_{part}", gear) for side in ("right", "left") for part, gear in HUMANOID_LEG]
    + [(f"{side}_{part}", gear) for side in ("right", "left") for part, gear in HUMANOID_ARM],
}

TOTAL_MASS = {"ant": 0.911, "humanoid": 40.844}
# Every geom of a model alike: (sliding, torsional and rolling friction, condim, margin [m])
CONTACT = {"ant": ((1.5, 0.1, 0.1), 3, 0.01), "humanoid": ((1, 0.05, 0.05), 1, 0)}
TIMESTEP = {"ant": 0.016, "humanoid": 0.00555}


@pytest.fixture(scope="module", params=["ant", "humanoid"])
def named_model(request: pytest.FixtureRequest) -> tuple[str, mujoco.MjModel]:
    return request.param, mujoco.MjModel.from_xml_path(str(ASSETS / "mjcf" / f"{request.param}.xml"))


def test_bodies(named_model):
    name, model = named_model
    assert [model.body(i).name for i in range(1, model.nbody)] == list(BODIES[name])
    for body_name, (parent, pos, mass, inertia) in BODIES[name].items():
        body = model.body(body_name)
        assert model.body(body.parentid[0]).name == parent
        np.testing.assert_allclose(body.pos, pos, atol=1e-6, err_msg=body_name)
        assert body.mass[0] == pytest.approx(mass, abs=5.1e-5), body_name  # given to four decimals
        np.testing.assert_allclose(body.inertia, inertia, rtol=1e-3, err_msg=body_name)
    assert model.body_mass.sum() == pytest.approx(TOTAL_MASS[name], abs=5e-4)
    assert model.opt.timestep == TIMESTEP[name]


def test_joints(named_model):
    name, model = named_model
    root = model.joint(0)
    assert (root.name, root.type[0]) == ("root", mujoco.mjtJoint.mjJNT_FREE)
    assert model.dof_armature[:6].sum() == model.dof_damping[:6].sum() == root.stiffness[0] == 0
    assert [model.joint(i).name for i in range(1, model.njnt)] == list(JOINTS[name])
    for joint_name, (body, axis, limits, stiffness, damping, armature) in JOINTS[name].items():
        joint = model.joint(joint_name)
        assert joint.type[0] == mujoco.mjtJoint.mjJNT_HINGE
        assert model.body(joint.bodyid[0]).name == body
        assert joint.limited[0]
        np.testing.assert_allclose(joint.pos, JOINT_OFFSETS.get(joint_name, (0, 0, 0)), atol=1e-9)
        np.testing.assert_allclose(joint.axis, axis, atol=1e-4, err_msg=joint_name)
        np.testing.assert_allclose(joint.range, np.deg2rad(limits), rtol=1e-9, err_msg=joint_name)
        actual = (joint.stiffness[0], joint.damping[0], joint.armature[0])
        assert actual == (stiffness, damping, armature), joint_name


def test_motors(named_model):
    name, model = named_model
    motors = [model.actuator(i) for i in range(model.nu)]
    assert [(model.joint(motor.trnid[0]).name, motor.gear[0]) for motor in motors] == MOTORS[name]
    # A pure torque source: force = control * gear.
    assert np.all(model.actuator_gainprm[:, 0] == 1) and not model.actuator_biasprm.any()


def test_geoms(named_model):
    name, model = named_model
    friction, condim, margin = CONTACT[name]
    assert model.ngeom == {"ant": 13, "humanoid": 19}[name]
    assert not (model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE).any(), "the simulation adds the floor"
    assert np.all(model.geom_bodyid > 0), "a geom of the world would be shared by all environments"
    np.testing.assert_allclose(model.geom_friction, np.tile(friction, (model.ngeom, 1)))
    assert np.all(model.geom_condim == condim) and np.all(model.geom_margin == margin)


@pytest.mark.parametrize(
    ("model_name", "geom_name", "radius", "half_length", "pos"),
    [
        ("ant", "aux_3_geom", 0.08, 0.14142, (-0.1, -0.1, 0)),
        ("ant", "third_ankle_geom", 0.08, 0.28284, (-0.2, -0.2, 0)),
        ("humanoid", "butt", 0.09, 0.07, (-0.02, 0, 0)),
        ("humanoid", "left_right_foot", 0.027, 0.10548, (0.035, 0.01, 0)),
        ("humanoid", "right_thigh", 0.06, 0.17007, (0, 0.005, -0.17)),
        ("humanoid", "left_upper_arm", 0.04, 0.13856, (0.08, 0.08, -0.08)),
    ],
)
def test_capsules(model_name, geom_name, radius, half_length, pos):
    geom = mujoco.MjModel.from_xml_path(str(ASSETS / "mjcf" / f"{model_name}.xml")).geom(geom_name)
    assert geom.type[0] == mujoco.mjtGeom.mjGEOM_CAPSULE
    np.testing.assert_allclose(geom.size[:2], (radius, half_length), atol=1e-5)
    np.testing.assert_allclose(geom.pos, pos, atol=1e-9)


def test_humanoid_stands_in_its_default_pose():
    """The soles are level, so that the start height of a task is the same over both feet."""
    model = mujoco.MjModel.from_xml_path(str(ASSETS / "mjcf" / "humanoid.xml"))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.body("left_foot").xpos[2] == pytest.approx(data.body("right_foot").xpos[2])
    assert data.ncon == 0, "no part of the body touches another"


@pytest.fixture(scope="module")
def amp_model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_path(str(ASSETS / "mjcf" / "amp_humanoid.xml"))


def test_amp_humanoids_bodies(amp_model):
    assert [amp_model.body(i).name for i in range(1, amp_model.nbody)] == list(AMP_BODIES)
    for name, (parent, pos, mass) in AMP_BODIES.items():
        body = amp_model.body(name)
        assert amp_model.body(body.parentid[0]).name == parent
        np.testing.assert_allclose(body.pos, pos, atol=1e-9, err_msg=name)
        assert body.mass[0] == pytest.approx(mass, abs=5.1e-4), name  # given to three decimals
    assert amp_model.body_mass.sum() == pytest.approx(48.891, abs=5e-4)
    assert (amp_model.nq, amp_model.nv, amp_model.nu) == (35, 34, 28)


def test_amp_humanoids_joints(amp_model):
    expected = [
        (f"{group}_{axis}" if axis else group, axis or "y", group, limits)
        for group, figures in AMP_JOINTS.items()
        for axis, limits in figures[1].items()
    ]
    assert [amp_model.joint(i).name for i in range(1, amp_model.njnt)] == [name for name, *_ in expected]
    for name, axis, group, limits in expected:
        body, _, gear, stiffness, damping, armature = AMP_JOINTS[group]
        joint, motor = amp_model.joint(name), amp_model.actuator(name)
        assert amp_model.body(joint.bodyid[0]).name == body
        assert joint.type[0] == mujoco.mjtJoint.mjJNT_HINGE and not joint.pos.any()
        np.testing.assert_array_equal(joint.axis, np.eye(3)["xyz".index(axis)], err_msg=name)
        np.testing.assert_allclose(joint.range, np.deg2rad(limits), rtol=1e-9, err_msg=name)
        actual = (joint.stiffness[0], joint.damping[0], joint.armature[0], motor.gear[0])
        assert actual == (stiffness, damping, armature, gear), name


def test_amp_humanoids_motors_of_hips_are_in_the_order_x_z_y(amp_model):
    names = [amp_model.actuator(i).name for i in range(amp_model.nu)]
    assert names[14:17] == ["right_hip_x", "right_hip_z", "right_hip_y"]
    assert names[21:24] == ["left_hip_x", "left_hip_z", "left_hip_y"]


def test_amp_humanoids_contacts(amp_model):
    assert amp_model.ngeom == 18
    assert np.all(amp_model.geom_condim == 1) and np.all(amp_model.geom_bodyid > 0)
    np.testing.assert_allclose(amp_model.geom_friction, np.tile((1, 0.05, 0.05), (18, 1)))


def test_amp_humanoid_stands_without_touching_itself(amp_model):
    """Both soles are level, 0.881 m below the pelvis' origin."""
    data = mujoco.MjData(amp_model)
    mujoco.mj_forward(amp_model, data)
    for side in ("right", "left"):
        sole = data.geom(f"{side}_foot").xpos[2] - amp_model.geom(f"{side}_foot").size[2]
        assert data.body("pelvis").xpos[2] - sole == pytest.approx(0.421546 + 0.40987 + 0.0225 + 0.0275)
    assert data.ncon == 0, "no part of the body touches another"


def test_cartpole_urdf():
    robot = ElementTree.parse(ASSETS / "urdf" / "cartpole.urdf").getroot()
    links = {link.get("name"): link for link in robot.findall("link")}
    assert list(links) == ["slider", "cart", "pole"]
    boxes = {name: link.find("collision/geometry/box").get("size") for name, link in links.items()}
    assert boxes == {"slider": "0.03 8 0.03", "cart": "0.2 0.25 0.2", "pole": "0.04 0.06 1.0"}
    assert links["slider"].find("inertial") is None
    assert [links[name].find("inertial/mass").get("value") for name in ("cart", "pole")] == ["1", "1"]
    assert links["pole"].find("inertial/origin").get("xyz") == "0 0 0.47"
    assert robot.findall(".//inertia") == [], "the inertia is computed from the boxes"

    joints = {joint.get("name"): joint for joint in robot.findall("joint")}
    assert [(n, j.get("type")) for n, j in joints.items()] == [
        ("slider_to_cart", "prismatic"),
        ("cart_to_pole", "continuous"),
    ]
    assert joints["slider_to_cart"].find("axis").get("xyz") == "0 1 0"
    assert joints["cart_to_pole"].find("axis").get("xyz") == "1 0 0"
    assert joints["cart_to_pole"].find("origin").get("xyz") == "0.12 0 0"
    limit = joints["slider_to_cart"].find("limit")
    limits = [float(limit.get(key)) for key in ("lower", "upper", "effort", "velocity")]
    assert limits == [-4, 4, 1000, 100]
    assert math.isclose(float(joints["cart_to_pole"].find("limit").get("velocity")), 8)

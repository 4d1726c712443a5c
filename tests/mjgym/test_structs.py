import copy
import math
import pickle

import numpy as np
import pytest
import torch

from mjgym import structs
from mjgym.structs import (
    ALL_CONSTANTS,
    DOF_PROPERTIES_DTYPE,
    AssetOptions,
    ContactCollection,
    DofDriveMode,
    PhysXParams,
    Quat,
    RigidBodyProperties,
    SimParams,
    Transform,
    UpAxis,
    Vec3,
)


def approx(vector, expected):
    assert vector.as_tuple() == pytest.approx(expected, abs=1e-7)


def test_vec3_arithmetic():
    a, b = Vec3(1, 2, 3), Vec3(4, 5, 6)
    assert a + b == Vec3(5, 7, 9)
    assert a - b == Vec3(-3, -3, -3)
    assert a * 2 == 2 * a == Vec3(2, 4, 6)
    assert a / 2 == Vec3(0.5, 1, 1.5)
    assert -a == Vec3(-1, -2, -3)
    assert a.dot(b) == 32
    assert a.cross(b) == Vec3(-3, 6, -3)
    assert Vec3(3, 4, 0).length() == 5
    assert Vec3(3, 4, 0).length_sq() == 25
    assert Vec3(0, 4, 0).normalize() == Vec3(0, 1, 0)
    assert Vec3().normalize() == Vec3(0, 0, 0)


def test_vec3_takes_numpy_and_torch_scalars():
    v = Vec3(np.float32(1), torch.tensor(2.0), np.array([3.0], dtype=np.float32)[0])
    assert v == Vec3(1, 2, 3)
    assert type(v.y) is float


def test_vec3_from_buffer_is_a_view():
    raw = np.arange(6, dtype=np.float32)
    view = Vec3.from_buffer(raw)
    raw[3] = 9
    assert view["x"].tolist() == [0.0, 9.0]


def test_quat_axis_angle_and_rotate():
    q = Quat.from_axis_angle(Vec3(0, 0, 2), math.pi / 2)
    half = math.sqrt(0.5)
    approx(q, (0, 0, half, half))
    approx(q.rotate(Vec3(1, 0, 0)), (0, 1, 0))
    approx(q.inverse().rotate(Vec3(0, 1, 0)), (1, 0, 0))
    approx((q * q).rotate(Vec3(1, 0, 0)), (-1, 0, 0))


def test_quat_product_applies_the_right_factor_first():
    about_x = Quat.from_axis_angle(Vec3(1, 0, 0), math.pi / 2)
    about_z = Quat.from_axis_angle(Vec3(0, 0, 1), math.pi / 2)
    approx((about_z * about_x).rotate(Vec3(0, 1, 0)), (0, 0, 1))
    approx((about_x * about_z).rotate(Vec3(0, 1, 0)), (-1, 0, 0))


def test_euler_zyx_matches_scipy_and_comes_back():
    from scipy.spatial.transform import Rotation

    angles = (0.3, -0.7, 1.9)
    q = Quat.from_euler_zyx(*angles)
    expected = Rotation.from_euler("xyz", angles).as_quat()
    approx(q, expected)
    assert q.to_euler_zyx() == pytest.approx(angles)


def test_zero_quaternion_has_no_inverse():
    with pytest.raises(ValueError, match="no inverse"):
        Quat(0, 0, 0, 0).inverse()


def test_transform_composition_and_inverse():
    a = Transform(Vec3(1, 0, 0), Quat.from_axis_angle(Vec3(0, 0, 1), math.pi / 2))
    b = Transform(p=Vec3(2, 0, 0))
    approx((a * b).p, (1, 2, 0))
    approx((a * a.inverse()).p, (0, 0, 0))
    approx(a.inverse().transform_point(a.transform_point(Vec3(3, 4, 5))), (3, 4, 5))
    approx(a.transform_vector(Vec3(1, 0, 0)), (0, 1, 0))


def test_transform_points_agrees_with_transform_point():
    pose = Transform(Vec3(1, 2, 3), Quat.from_euler_zyx(0.1, 0.2, 0.3))
    points = np.array([(1, 2, 3), (4, 5, 6)], dtype=Vec3.dtype)
    moved = pose.transform_points(points)
    assert moved.dtype == Vec3.dtype
    approx(pose.transform_point(Vec3(4, 5, 6)), [pytest.approx(v, abs=1e-5) for v in moved[1].tolist()])
    assert pose.transform_vectors(points)[0].tolist() == pytest.approx(
        pose.transform_vector(Vec3(1, 2, 3)).as_tuple(), abs=1e-5
    )


def test_poses_are_edited_in_place_and_not_shared():
    pose, other = Transform(), Transform()
    pose.p.z = 2.0
    assert (pose.p.z, other.p.z) == (2.0, 0.0)


def test_defaults_of_isaac_gym():
    options = AssetOptions()
    assert len(AssetOptions.__dataclass_fields__) == 25 + 1  # and hinges_as_spherical
    assert (options.angular_damping, options.density, options.max_angular_velocity) == (0.5, 1000.0, 64.0)
    params = SimParams()
    assert params.dt == pytest.approx(1 / 60)
    assert (params.substeps, params.up_axis, params.gravity) == (2, UpAxis.UP_AXIS_Y, Vec3(0, -9.8, 0))
    assert params.physx.contact_collection is ContactCollection.CC_ALL_SUBSTEPS


def test_unknown_field_names_the_near_ones():
    params = PhysXParams()
    with pytest.raises(AttributeError, match="'solver_typ' is no field of PhysXParams; near it: solver_type"):
        params.solver_typ = 1
    with pytest.raises(AttributeError, match="near it: fix_base_link"):
        _ = AssetOptions().fix_base_lnk
    assert not hasattr(params, "nothing")


def test_wrong_types_are_refused_with_the_value():
    with pytest.raises(TypeError, match=r"SimParams.dt = '0.1': must be float"):
        SimParams().dt = "0.1"
    with pytest.raises(TypeError, match=r"substeps = 1.5: must be int"):
        SimParams().substeps = 1.5
    with pytest.raises(TypeError, match="must be bool"):
        AssetOptions().fix_base_link = "yes"
    with pytest.raises(TypeError, match="must be Vec3"):
        SimParams().gravity = (0, 0, -9.81)
    with pytest.raises(TypeError, match="must be UpAxis"):
        SimParams().up_axis = 5


def test_enums_take_plain_numbers():
    params = SimParams()
    params.up_axis = 1
    params.physx.contact_collection = ContactCollection(1)
    assert params.up_axis is UpAxis.UP_AXIS_Z
    options = AssetOptions()
    options.default_dof_drive_mode = 3  # legged_gym's number for effort
    assert options.default_dof_drive_mode is DofDriveMode.DOF_MODE_EFFORT == 4


def test_structs_copy_and_pickle():
    params = SimParams()
    params.gravity.z = -3.721
    for twin in (copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert twin == params
        twin.gravity.z = 0.0
        assert params.gravity.z == -3.721


def test_properties_can_be_scaled_by_name():
    body = RigidBodyProperties(mass=2.0)
    body.mass = getattr(body, "mass") * 1.5  # noqa: B009
    assert body.mass == 3.0


def test_dof_properties_dtype():
    props = np.zeros(2, dtype=DOF_PROPERTIES_DTYPE)
    assert len(props.dtype.names) == 10
    props["driveMode"].fill(DofDriveMode.DOF_MODE_POS)
    props["stiffness"][:] = [600, 50]
    assert props[1]["stiffness"] == 50
    assert props["driveMode"].tolist() == [1, 1]


def test_constants():
    expected = {
        "DOF_MODE_NONE": 0, "DOF_MODE_POS": 1, "DOF_MODE_VEL": 2, "DOF_MODE_EFFORT": 4, "INVALID_HANDLE": -1,
        "AXIS_TRANSLATION": 7, "AXIS_ROTATION": 56, "AXIS_ALL": 63, "STATE_NONE": 0, "STATE_POS": 1,
        "STATE_VEL": 2, "STATE_ALL": 3, "UP_AXIS_Y": 0, "UP_AXIS_Z": 1, "CC_NEVER": 0, "CC_ALL_SUBSTEPS": 2,
    }  # fmt: skip
    assert {name: ALL_CONSTANTS[name] for name in expected} == expected
    keys = ("SIM_PHYSX", "KEY_ESCAPE", "KEY_V", "IMAGE_COLOR", "DOMAIN_SIM", "MESH_VISUAL_AND_COLLISION")
    assert set(keys) <= set(ALL_CONSTANTS)
    assert ALL_CONSTANTS["KEY_R"] == ord("R")


def test_all_lists_what_is_there():
    assert all(hasattr(structs, name) for name in structs.__all__)

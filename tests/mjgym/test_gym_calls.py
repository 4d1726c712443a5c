import math

import numpy as np
import pytest
import torch

from mjgym import gymapi, gymtorch
from mjgym.scene import quat_between_z_and
from tests.mjgym.models import BALL, BOX, HINGE, LIMBS, SLIDER
from tests.mjgym.scenes import ids, make_world, options, sim_params, transform, unwrap, with_dofs


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path, LIMBS, num_envs=3)


def test_unknown_calls_name_their_neighbours():
    gym = gymapi.acquire_gym()
    with pytest.raises(AttributeError, match="refresh_dof_state_tensor"):
        gym.refresh_dof_state_tensors(None)
    with pytest.raises(NotImplementedError, match=r"Gym.acquire_particle_state_tensor.*docs/mjgym.md"):
        gym.acquire_particle_state_tensor(None)
    with pytest.raises(AttributeError, match="AssetOptions"):
        gymapi.AssetOption  # noqa: B018
    assert not hasattr(gym, "no_such_thing_at_all")


def test_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="mujoco_warp"):
        gymapi.acquire_gym("mujoco_wrap")


@pytest.mark.parametrize(
    ("tensor", "error", "text"),
    [
        (torch.zeros(3, 13, dtype=torch.float64), TypeError, "torch.float64; it must be torch.float32"),
        (torch.zeros(2, 13), ValueError, r"\(2, 13\) has 26 elements; it must have 39"),
        (torch.zeros(3, 13, device="meta"), ValueError, "lies on meta"),
    ],
)
def test_state_tensors_are_checked(world, tensor, error, text):
    with pytest.raises(error, match=text) as caught:
        world.gym.set_actor_root_state_tensor(world.sim, unwrap(tensor))
    assert "set_actor_root_state_tensor" in str(caught.value)


def test_raw_tensors_and_strided_tensors_are_refused(world):
    with pytest.raises(TypeError, match="unwrap_tensor"):
        world.gym.set_dof_actuation_force_tensor(world.sim, torch.zeros(9))
    strided = gymtorch.unwrap_tensor(torch.zeros(9, 2)[:, :1].contiguous())
    strided.torch = torch.zeros(9, 2)[:, 0]
    with pytest.raises(ValueError, match="not contiguous"):
        world.gym.set_dof_actuation_force_tensor(world.sim, strided)


@pytest.mark.parametrize(
    ("indices", "count", "error", "text"),
    [
        (torch.tensor([0, 1]), 2, TypeError, "torch.int64; it must be torch.int32"),
        (torch.tensor([0, 3], dtype=torch.int32), 2, IndexError, "actor index 3 is out of range.*3 actors"),
        (torch.tensor([-1], dtype=torch.int32), 1, IndexError, "actor index -1"),
        (torch.tensor([0], dtype=torch.int32), 2, ValueError, "count is 2.*holds 1"),
    ],
)
def test_index_tensors_are_checked(world, indices, count, error, text):
    dof = world.tensor("dof_state")
    with pytest.raises(error, match=text):
        world.gym.set_dof_state_tensor_indexed(world.sim, unwrap(dof), unwrap(indices), count)


def test_an_empty_index_list_changes_nothing(world):
    dof = world.tensor("dof_state")
    dof += 1.0
    world.gym.set_dof_state_tensor_indexed(world.sim, unwrap(dof), ids(), 0)
    world.refresh("dof_state")
    assert not dof.any()


def test_lookups(world):
    gym, env = world.gym, world.envs[1]
    assert (gym.get_env_count(world.sim), gym.get_actor_count(env)) == (3, 1)
    assert (gym.get_sim_actor_count(world.sim), gym.get_sim_dof_count(world.sim)) == (3, 9)
    assert (gym.get_env_rigid_body_count(env), gym.get_env_dof_count(env)) == (4, 3)
    assert gym.find_actor_rigid_body_handle(env, 0, "tip") == 2
    assert gym.find_actor_rigid_body_handle(env, 0, "nose") == -1
    assert gym.find_actor_rigid_body_index(env, 0, "tip", gymapi.DOMAIN_SIM) == 6
    assert gym.find_actor_dof_handle(env, 0, "c") == 2
    assert gym.find_actor_dof_index(env, 0, "c", gymapi.DOMAIN_SIM) == 5
    assert gym.get_actor_index(env, 0, gymapi.DOMAIN_SIM) == 1
    assert gym.find_actor_handle(env, "actor") == 0
    assert gym.find_actor_handle(env, "other") == -1
    assert gym.get_actor_name(env, 0) == "actor"
    assert gym.get_actor_joint_dict(env, 0) == {"a": 0, "b": 1, "c": 2}
    asset = world.assets[0]
    assert gym.get_asset_rigid_body_dict(asset) == {"trunk": 0, "left": 1, "tip": 2, "right": 3}
    assert gym.find_asset_dof_index(asset, "b") == 1
    assert gym.get_asset_actuator_joint_name(asset, 0) == "c"
    with pytest.raises(IndexError, match="body 4 does not exist; there are 4"):
        gym.get_asset_rigid_body_name(asset, 4)
    with pytest.raises(IndexError, match="none with handle 1"):
        gym.get_actor_name(env, 1)


def test_environments_stand_in_a_grid(world):
    origins = [world.gym.get_env_origin(env).as_tuple() for env in world.envs]
    assert origins == [(0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.0, 2.0, 0.0)]


def test_rigid_transform_is_current(world):
    root = world.tensor("actor_root_state")
    root[1, :3] = torch.tensor([1.0, 2.0, 3.0])
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
    place = world.gym.get_rigid_transform(world.envs[1], 1)
    assert place.p.as_tuple() == pytest.approx((1.0, 2.2, 3.0))


def test_calls_out_of_order_are_refused(tmp_path):
    world = make_world(tmp_path, BALL, prepare=False)
    with pytest.raises(RuntimeError, match="acquire_dof_state_tensor: call prepare_sim"):
        world.tensor("dof_state")
    world.prepare()
    with pytest.raises(RuntimeError, match="create_actor: the simulation is prepared already"):
        world.gym.create_actor(world.envs[0], world.assets[0], transform(), "late")
    with pytest.raises(TypeError, match="sim must be what create_sim returned, not NoneType"):
        world.gym.simulate(None)


def test_sims_without_environments_and_bad_steps_are_refused():
    gym = gymapi.acquire_gym()
    with pytest.raises(ValueError, match="no environments"):
        gym.prepare_sim(gym.create_sim(0, 0, gymapi.SIM_PHYSX, sim_params()))
    with pytest.raises(ValueError, match=r"dt = 0\.0 must be positive"):
        gym.create_sim(0, 0, gymapi.SIM_PHYSX, sim_params(dt=0.0))


def test_environments_may_differ_in_pose_and_properties(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_rigid_body_properties(env, handle)
        props[1].mass = 2.0 + 2.0 * env.index
        gym.set_actor_rigid_body_properties(env, handle, props)
        with_dofs(driveMode=gymapi.DOF_MODE_EFFORT)(gym, env, handle, asset)

    xml = SLIDER.format(joint="", actuator="")
    world = make_world(tmp_path, xml, asset_options=options(fix_base_link=True), setup=setup, num_envs=3)
    dof = world.tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.full((3,), 12.0)))
    world.simulate()
    world.refresh("dof_state")
    torch.testing.assert_close(dof[:, 1], torch.tensor([12 / 2, 12 / 4, 12 / 6]) * 0.01)


def test_centre_of_mass_can_be_moved(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=options(fix_base_link=True), prepare=False)
    gym = world.gym
    props = gym.get_actor_rigid_body_properties(world.envs[0], 0)
    props[1].com = gymapi.Vec3(0.4, 0.0, 0.0)
    gym.set_actor_rigid_body_properties(world.envs[0], 0, props)
    world.prepare()
    dof = world.tensor("dof_state")
    world.simulate()
    world.refresh("dof_state")
    # Angular acceleration m g l / (I + m l^2 + armature) about y, over 0.01 s, to first order in the step.
    expected = [1.5 * 10 * arm / (0.02 + 1.5 * arm**2 + 0.02) * 0.01 for arm in (0.4, 0.2)]
    torch.testing.assert_close(dof[:, 1], torch.tensor(expected), rtol=1e-2, atol=0)


def test_bodies_without_gravity_float_in_their_environment_before_and_after_prepare_sim(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_rigid_body_properties(env, handle)
        assert props[0].flags == gymapi.RIGID_BODY_NONE
        props[0].flags = (gymapi.RIGID_BODY_NONE, gymapi.RIGID_BODY_DISABLE_GRAVITY)[env.index]
        gym.set_actor_rigid_body_properties(env, handle, props)

    world = make_world(tmp_path, BALL, setup=setup)
    gym, root = world.gym, world.tensor("actor_root_state")
    world.simulate(10)
    world.refresh("actor_root_state")
    torch.testing.assert_close(root[:, 9], torch.tensor([-1.0, 0.0]))
    for env, flag in zip(
        world.envs, (gymapi.RIGID_BODY_DISABLE_GRAVITY, gymapi.RIGID_BODY_NONE), strict=True
    ):
        props = gym.get_actor_rigid_body_properties(env, 0)
        props[0].flags = flag
        gym.set_actor_rigid_body_properties(env, 0, props)
    world.simulate(10)
    world.refresh("actor_root_state")
    torch.testing.assert_close(root[:, 9], torch.tensor([-1.0, -1.0]))
    props[0].flags = gymapi.RIGID_BODY_DISABLE_SIMULATION
    with pytest.raises(NotImplementedError, match="RIGID_BODY_DISABLE_SIMULATION is not built"):
        gym.set_actor_rigid_body_properties(world.envs[0], 0, props)


def test_assets_without_gravity_say_so_and_an_actor_may_have_it_all_the_same(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_rigid_body_properties(env, handle)
        assert props[0].flags == gymapi.RIGID_BODY_DISABLE_GRAVITY
        if env.index == 1:
            props[0].flags = gymapi.RIGID_BODY_NONE
            gym.set_actor_rigid_body_properties(env, handle, props)

    world = make_world(tmp_path, BALL, asset_options=options(disable_gravity=True), setup=setup)
    root = world.tensor("actor_root_state")
    world.simulate(10)
    world.refresh("actor_root_state")
    torch.testing.assert_close(root[:, 9], torch.tensor([0.0, -1.0]))


def test_filters_of_an_assets_single_shapes_are_refused(tmp_path):
    world = make_world(tmp_path, BALL, prepare=False)
    props = world.gym.get_asset_rigid_shape_properties(world.assets[0])
    props[0].filter = 3
    with pytest.raises(NotImplementedError, match="filters of single shapes are not built"):
        world.gym.set_asset_rigid_shape_properties(world.assets[0], props)


def test_gravity_can_be_changed_and_off_for_an_asset(tmp_path):
    world = make_world(tmp_path, BALL)
    root = world.tensor("actor_root_state")
    params = world.gym.get_sim_params(world.sim)
    params.gravity = gymapi.Vec3(0.0, 0.0, 5.0)
    world.gym.set_sim_params(world.sim, params)
    world.simulate()
    world.refresh("actor_root_state")
    assert root[0, 9] == pytest.approx(0.05)
    params.dt = 0.5
    with pytest.raises(ValueError, match="cannot change after prepare_sim"):
        world.gym.set_sim_params(world.sim, params)
    floating = make_world(tmp_path, BALL, asset_options=options(disable_gravity=True))
    root = floating.tensor("actor_root_state")
    floating.simulate(10)
    floating.refresh("actor_root_state")
    assert abs(float(root[0, 9])) < 1e-7


def test_damping_of_the_base(tmp_path):
    world = make_world(
        tmp_path, BALL, gravity=0.0, asset_options=options(linear_damping=2.0, angular_damping=3.0)
    )
    root = world.tensor("actor_root_state")
    root[:, 7:13] = 1.0
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
    world.simulate(100)  # 1 s in 200 implicit steps
    world.refresh("actor_root_state")
    assert float(root[0, 7]) == pytest.approx(math.exp(-2.0), rel=0.02)
    assert float(root[0, 10]) == pytest.approx(math.exp(-3.0), rel=0.03)


def test_primitive_assets(tmp_path):
    gym = gymapi.acquire_gym()
    box = gym.create_box(None, 1.0, 2.0, 3.0, options(density=10.0))
    assert box.body_properties()[0].mass == pytest.approx(60.0)
    ball = gym.create_sphere(None, 0.5, options(density=10.0))
    assert ball.body_properties()[0].mass == pytest.approx(10 * math.pi / 6)
    pill = gym.create_capsule(None, 0.5, 2.0, options(density=10.0)).body_properties()[0]
    assert pill.mass == pytest.approx(10 * (math.pi / 6 + 2.0 * math.pi / 4))
    assert pill.inertia.x.x < pill.inertia.z.z  # it lies along x
    with pytest.raises(ValueError, match="must be positive"):
        gym.create_sphere(None, 0.0)


def test_viewer_calls_do_nothing_without_a_display(world):
    gym = world.gym
    assert gym.create_viewer(world.sim, gymapi.CameraProperties()) is None
    gym.viewer_camera_look_at(None, None, gymapi.Vec3(3, 0, 1), gymapi.Vec3())
    gym.step_graphics(world.sim)
    gym.sync_frame_time(world.sim)
    gym.set_rigid_body_color(world.envs[0], 0, 0, gymapi.MESH_VISUAL, gymapi.Vec3(1, 0, 0))
    assert gym.query_viewer_has_closed(None) is False


def test_colors_reach_the_model(tmp_path):
    def paint(gym, env, handle, asset):
        gym.set_rigid_body_color(env, handle, 0, gymapi.MESH_VISUAL, gymapi.Vec3(0.25, 0.5 * env.index, 0.75))

    world = make_world(tmp_path, BOX, setup=paint)
    model, data = world.gym.get_env_model_data(world.sim, 1)
    np.testing.assert_allclose(model.geom_rgba[-1], [0.25, 0.5, 0.75, 1.0])
    first, _ = world.gym.get_env_model_data(world.sim, 0)
    np.testing.assert_allclose(first.geom_rgba[-1], [0.25, 0.0, 0.75, 1.0])
    world.gym.set_rigid_body_color(world.envs[1], 0, 0, gymapi.MESH_VISUAL, gymapi.Vec3(1, 0, 0))
    model, _ = world.gym.get_env_model_data(world.sim, 1)
    np.testing.assert_allclose(model.geom_rgba[-1], [1.0, 0.0, 0.0, 1.0])  # after prepare_sim, too
    assert data.xpos[1].tolist() == [0.0, 0.0, 1.0]


def test_quaternion_that_turns_z_to_a_normal():
    half = math.sqrt(0.5)
    assert quat_between_z_and((0, 0, 5)) == pytest.approx((1, 0, 0, 0))
    assert quat_between_z_and((2, 0, 0)) == pytest.approx((half, 0, half, 0))
    assert quat_between_z_and((0, 3, 0)) == pytest.approx((half, -half, 0, 0))
    assert quat_between_z_and((0, 0, -1)) == pytest.approx((0, 1, 0, 0))
    with pytest.raises(ValueError, match="must point away"):
        quat_between_z_and((0, 0, 0))

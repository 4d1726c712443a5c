import math

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BALL, BOX, FISTS
from tests.mjgym.scenes import make_world, options, transform, unwrap

WEIGHT = 2.0 * 10.0


def with_sensor(pose=None, **properties):
    def on_asset(gym, asset):
        props = gymapi.ForceSensorProperties()
        for name, value in properties.items():
            setattr(props, name, value)
        assert gym.create_asset_force_sensor(asset, 0, pose or gymapi.Transform(), props) == 0

    return on_asset


def standing_box(tmp_path, **kw):
    return make_world(tmp_path, BOX, pose=transform(z=0.1), ground=True, **kw)


def test_force_sensor_of_a_standing_box_reads_its_weight(tmp_path):
    world = standing_box(tmp_path, on_asset=with_sensor())
    sensors = world.tensor("force_sensor")
    assert sensors.shape == (2, 6)
    world.simulate(200)
    world.refresh("force_sensor")
    torch.testing.assert_close(sensors[0], torch.tensor([0, 0, WEIGHT, 0, 0, 0]), atol=1e-2, rtol=0)


def test_force_sensor_reports_in_its_own_frame_about_its_own_origin(tmp_path):
    # At 0.1 m along x, its z axis turned to the world's -y... (a quarter turn about x takes z to -y).
    pose = transform(0.1, 0.0, 0.0, gymapi.Quat.from_axis_angle(gymapi.Vec3(1, 0, 0), math.pi / 2))
    world = standing_box(tmp_path, on_asset=with_sensor(pose))
    sensors = world.tensor("force_sensor")
    world.simulate(200)
    world.refresh("force_sensor")
    # In world axes: force (0, 0, W), torque (-0.1, 0, 0) x (0, 0, W) = (0, 0.1 W, 0). The sensor's axes are
    # x, world z, world -y.
    expected = torch.tensor([0.0, WEIGHT, 0.0, 0.0, 0.0, -0.1 * WEIGHT])
    torch.testing.assert_close(sensors[0], expected, atol=1e-2, rtol=0)


def test_force_sensor_in_world_axes(tmp_path):
    pose = transform(0.1, 0.0, 0.0, gymapi.Quat.from_axis_angle(gymapi.Vec3(1, 0, 0), math.pi / 2))
    world = standing_box(tmp_path, on_asset=with_sensor(pose, use_world_frame=True))
    sensors = world.tensor("force_sensor")
    world.simulate(200)
    world.refresh("force_sensor")
    expected = torch.tensor([0.0, 0.0, WEIGHT, 0.0, 0.1 * WEIGHT, 0.0])
    torch.testing.assert_close(sensors[0], expected, atol=1e-2, rtol=0)


def test_net_contact_force_holds_the_weight_and_leaves_applied_forces_out(tmp_path):
    world = standing_box(tmp_path)
    contacts = world.tensor("net_contact_force")
    assert contacts.shape == (2, 3)
    push = torch.zeros(2, 3)
    push[1, 2] = -5.0
    for _ in range(200):
        world.gym.apply_rigid_body_force_tensors(world.sim, unwrap(push), None, gymapi.ENV_SPACE)
        world.simulate()
    world.refresh("net_contact_force")
    expected = torch.tensor([[0.0, 0.0, WEIGHT], [0.0, 0.0, WEIGHT + 5.0]])
    torch.testing.assert_close(contacts, expected, atol=2e-2, rtol=0)
    world.simulate(200)  # the push lasted one step
    world.refresh("net_contact_force")
    torch.testing.assert_close(contacts[:, 2], torch.tensor([WEIGHT, WEIGHT]), atol=2e-2, rtol=0)


def test_forces_after_a_reset_are_those_of_the_new_state(tmp_path):
    world = standing_box(tmp_path, on_asset=with_sensor())
    root, sensors = world.tensor("actor_root_state"), world.tensor("force_sensor")
    contacts = world.tensor("net_contact_force")
    world.simulate(200)
    world.refresh("actor_root_state", "force_sensor", "net_contact_force")
    kept = sensors[0].clone()
    root[1, 2] = 3.0
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
    world.refresh("force_sensor", "net_contact_force")
    assert sensors[1].tolist() == [0.0] * 6
    assert contacts[1].tolist() == [0.0] * 3
    torch.testing.assert_close(sensors[0], kept, atol=1e-2, rtol=0)


def test_local_forces_turn_with_the_body(tmp_path):
    turned = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), math.pi / 2)
    world = make_world(tmp_path, BALL, pose=transform(z=1.0, r=turned), gravity=0.0)
    root = world.tensor("actor_root_state")
    push = torch.zeros(2, 3)
    push[:, 0] = 4.0
    world.gym.apply_rigid_body_force_tensors(world.sim, unwrap(push), None, gymapi.LOCAL_SPACE)
    world.simulate(3)
    world.refresh("actor_root_state")
    # 4 N on 2 kg for one step of 0.01 s, along the body's x, which is the world's y.
    torch.testing.assert_close(root[0, 7:10], torch.tensor([0.0, 0.02, 0.0]), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("actor_filter", "touching"), [(0, True), (1, False), (-1, True)])
def test_filter_zero_lets_an_actor_touch_itself(tmp_path, actor_filter, touching):
    world = make_world(
        tmp_path, FISTS, asset_options=options(fix_base_link=True), filter=actor_filter, gravity=0.0
    )
    dof = world.tensor("dof_state")
    world.simulate(50)
    world.refresh("dof_state")
    gap = float(dof[1, 0] - dof[0, 0]) + 0.15  # the fists' radii are 0.1 m each
    assert (gap > 0.19) == touching


@pytest.mark.parametrize(
    ("groups", "filters", "touching"),
    [((0, 0), (0, 0), True), ((0, 1), (0, 0), False), ((0, 0), (1, 1), False), ((0, 0), (1, 2), True),
     ((0, -1), (0, 0), True)],
)  # fmt: skip
def test_groups_and_filters_between_actors(tmp_path, groups, filters, touching):
    world = make_world(tmp_path, BALL, num_envs=1, prepare=False, gravity=0.0)
    env, gym = world.envs[0], world.gym
    env.actors.clear()
    for index in range(2):
        place = transform(0.15 * index, 0.0, 1.0)  # radii 0.1 m: they overlap by 0.05 m
        gym.create_actor(env, world.assets[0], place, f"ball{index}", groups[index], filters[index], 0)
    world.prepare()
    root = world.tensor("actor_root_state")
    world.simulate(20)
    world.refresh("actor_root_state")
    assert (float(root[1, 0] - root[0, 0]) > 0.16) == touching


def test_markers_in_a_group_of_their_own_still_stand_on_the_ground(tmp_path):
    world = make_world(tmp_path, BALL, pose=transform(z=0.3), ground=True, filter=1)
    root = world.tensor("actor_root_state")
    world.simulate(300)
    world.refresh("actor_root_state")
    torch.testing.assert_close(root[:, 2], torch.tensor([0.1, 0.1]), atol=2e-3, rtol=0)


@pytest.mark.parametrize("thickness", [0.0, 0.1])
def test_shapes_rest_where_they_touch_whatever_their_thickness(tmp_path, thickness):
    # Decided: FleX alone keeps AssetOptions.thickness between shapes (docs/mjgym.md).
    world = make_world(
        tmp_path, BOX, pose=transform(z=0.15), ground=True, asset_options=options(thickness=thickness)
    )
    root = world.tensor("actor_root_state")
    world.simulate(100)
    world.refresh("actor_root_state")
    assert float(root[0, 2]) == pytest.approx(0.1, abs=2e-3)


def test_ground_with_another_normal_and_distance(tmp_path):
    world = make_world(tmp_path, BALL, pose=transform(y=1.0), prepare=False)
    plane = gymapi.PlaneParams()
    plane.normal, plane.distance = gymapi.Vec3(0.0, 2.0, 0.0), -0.8  # 2 y = 0.8
    world.gym.add_ground(world.sim, plane)
    world.sim.params.gravity = gymapi.Vec3(0.0, -10.0, 0.0)
    world.prepare()
    root = world.tensor("actor_root_state")
    world.simulate(300)
    world.refresh("actor_root_state")
    assert float(root[0, 1]) == pytest.approx(0.5, abs=2e-3)


def test_friction_of_shapes_decides_whether_a_box_slides(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_rigid_shape_properties(env, handle)
        props[0].friction = (0.0, 0.9)[env.index]
        gym.set_actor_rigid_shape_properties(env, handle, props)

    world = make_world(tmp_path, BOX, pose=transform(z=0.1), setup=setup, prepare=False)
    plane = gymapi.PlaneParams()
    plane.normal, plane.static_friction, plane.dynamic_friction = gymapi.Vec3(0, 0, 1), 0.0, 0.0
    world.gym.add_ground(world.sim, plane)
    world.prepare()
    root = world.tensor("actor_root_state")
    world.simulate(20)
    root[:, 7] = 1.0
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
    world.simulate(50)
    world.refresh("actor_root_state")
    assert float(root[0, 7]) > 0.95
    assert abs(float(root[1, 7])) < 0.05

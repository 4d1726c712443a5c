"""Contacts and forces of single things: a box of 2 kg at 10 m/s^2 weighs 20 N."""

import numpy as np
import pytest

from mjgym import gymapi
from tests.mjgym.models import BALL, BOX, HINGE
from tests.mjgym.scenes import make_world, options, transform, with_dofs
from tests.mjgym.test_contacts import WEIGHT, with_sensor


def standing_box(tmp_path, **kw):
    world = make_world(tmp_path, BOX, pose=transform(0.5, 0.0, 0.1), ground=True, **kw)
    world.simulate(200)
    return world


def xyz(vectors):
    return np.stack([vectors[axis] for axis in "xyz"], axis=-1)


def test_contacts_of_a_standing_box(tmp_path):
    world = standing_box(tmp_path)
    contacts = world.gym.get_env_rigid_contacts(world.envs[1])
    assert contacts.dtype == gymapi.RigidContact.dtype
    assert len(contacts) == 4  # its corners
    assert contacts["env0"].tolist() == [-1] * 4
    assert contacts["env1"].tolist() == [1] * 4
    assert contacts["body0"].tolist() == [-1] * 4  # the ground
    assert contacts["body1"].tolist() == [0] * 4
    assert contacts["lambda"].sum() == pytest.approx(WEIGHT, abs=0.05)
    np.testing.assert_allclose(xyz(contacts["normal"]), [[0, 0, 1]] * 4, atol=1e-5)
    np.testing.assert_allclose(np.abs(xyz(contacts["localPos1"])), [[0.1, 0.1, 0.1]] * 4, atol=1e-3)
    np.testing.assert_allclose(xyz(contacts["localPos0"])[:, 2], np.zeros(4), atol=1e-4)
    np.testing.assert_allclose(np.sort(contacts["localPos0"]["x"]), [0.4, 0.4, 0.6, 0.6], atol=1e-3)
    assert (contacts["friction"] == 1.0).all()
    assert len(world.gym.get_rigid_contacts(world.sim)) == 8


def test_contacts_between_two_bodies_of_an_environment(tmp_path):
    world = make_world(tmp_path, BALL, num_envs=1, prepare=False, gravity=0.0)
    env = world.envs[0]
    world.gym.create_actor(env, world.assets[0], transform(0.15, 0.0, 1.0), "second", 0, 0)
    world.prepare()
    (contact,) = world.gym.get_env_rigid_contacts(env)  # radii of 0.1 m: 0.05 m of overlap
    assert {int(contact["body0"]), int(contact["body1"])} == {0, 1}
    assert (contact["env0"], contact["env1"]) == (0, 0)
    assert contact["initialOverlap"] == pytest.approx(0.05, abs=1e-5)
    assert contact["lambda"] > 0
    side = 1.0 if contact["body0"] == 0 else -1.0
    assert contact["normal"]["x"] == pytest.approx(side, abs=1e-5)
    assert contact["localPos0"]["x"] == pytest.approx(0.1 * side, abs=1e-5)
    assert contact["localPos1"]["x"] == pytest.approx(-0.1 * side, abs=1e-5)


def test_what_touches_nothing_has_no_contacts(tmp_path):
    world = make_world(tmp_path, BALL, prepare=False)
    for _ in range(2):  # before and after the first step
        assert world.gym.get_rigid_contacts(world.sim).shape == (0,)
        assert xyz(world.gym.get_rigid_contact_forces(world.sim)).tolist() == [[0.0] * 3] * 2
        world.simulate()


def test_net_contact_forces(tmp_path):
    world = standing_box(tmp_path, num_envs=3)
    gym, envs = world.gym, world.envs
    gym.set_rigid_transform(envs[1], 0, transform(z=3.0))
    for forces in (gym.get_rigid_contact_forces(world.sim), gym.get_vec_env_rigid_contact_forces(envs)):
        assert forces.dtype == gymapi.Vec3.dtype
        np.testing.assert_allclose(forces["z"], [WEIGHT, 0.0, WEIGHT], atol=1e-2)
    np.testing.assert_allclose(gym.get_env_rigid_contact_forces(envs[2])["z"], [WEIGHT], atol=1e-2)
    net = world.tensor("net_contact_force")
    assert not net.any()  # not refreshed yet
    world.refresh("net_contact_force")
    np.testing.assert_allclose(net[:, 2], gym.get_rigid_contact_forces(world.sim)["z"], atol=1e-5)


def test_a_push_that_is_still_to_act_is_no_contact_force(tmp_path):
    world = standing_box(tmp_path)
    gym, env = world.gym, world.envs[1]
    gym.apply_body_forces(env, 0, gymapi.Vec3(0, 0, -5.0))
    gym.set_rigid_linear_velocity(env, 0, gymapi.Vec3())  # so that forces are computed anew
    # MuJoCo's contacts give way a little before they hold the push.
    forces = gym.get_rigid_contact_forces(world.sim)["z"]
    np.testing.assert_allclose(forces, [WEIGHT, WEIGHT + 5.0], atol=0.5)
    assert gym.get_env_rigid_contacts(env)["lambda"].sum() == pytest.approx(WEIGHT + 5.0, abs=0.5)


def test_force_sensors_of_an_actor(tmp_path):
    place = transform(z=0.1)
    world = make_world(tmp_path, BOX, pose=place, ground=True, on_asset=with_sensor(), prepare=False)
    gym, env = world.gym, world.envs[1]
    assert gym.get_actor_force_sensor_count(env, 0) == 1
    assert gym.get_sim_force_sensor_count(world.sim) == 2
    sensor = gym.get_actor_force_sensor(env, 0, 0)
    assert isinstance(sensor, gymapi.ForceSensor)
    assert sensor.get_global_index() == 1
    assert sensor.get_forces().force.as_tuple() == (0.0, 0.0, 0.0)
    world.simulate(200)
    read = sensor.get_forces()
    assert read.force.as_tuple() == pytest.approx((0.0, 0.0, WEIGHT), abs=1e-2)
    assert read.torque.as_tuple() == pytest.approx((0.0, 0.0, 0.0), abs=1e-2)
    with pytest.raises(IndexError, match="force sensor 1 does not exist; there are 1"):
        gym.get_actor_force_sensor(env, 0, 1)


def test_forces_on_the_dofs_of_an_actor(tmp_path):
    def setup(gym, env, handle, asset):
        with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=1000.0, damping=100.0)(gym, env, handle, asset)
        gym.enable_actor_dof_force_sensors(env, handle)

    world = make_world(tmp_path, HINGE, asset_options=options(fix_base_link=True), setup=setup, prepare=False)
    gym, env = world.gym, world.envs[1]
    assert gym.get_actor_dof_forces(env, 0).tolist() == [0.0]
    world.simulate(300)
    # 1.5 kg hang 0.2 m from the hinge; turning about y by the right hand takes x down, so the drive holds up.
    assert gym.get_actor_dof_forces(env, 0)[0] == pytest.approx(-1.5 * 10 * 0.2, abs=1e-2)
    forces = world.tensor("dof_force")
    world.refresh("dof_force")
    assert gym.get_actor_dof_forces(env, 0)[0] == forces[1]


def test_dof_forces_that_were_not_enabled_are_zero(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=options(fix_base_link=True))
    world.simulate(3)
    assert world.gym.get_actor_dof_forces(world.envs[0], 0).tolist() == [0.0]

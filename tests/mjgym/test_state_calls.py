"""States of single things: read as they are now, set at once, the same as the tensors show."""

import logging
import math

import numpy as np
import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BALL, BOX, HINGE, LIMBS
from tests.mjgym.scenes import make_world, options, transform, unwrap

# Two links of 1 m that turn about z, so that the second one's origin is on a circle about the first's.
ARM = """<mujoco model="arm"><worldbody><body name="base"><geom size="0.05" mass="1"/>
  <body name="upper"><joint name="shoulder" axis="0 0 1"/>
    <geom type="capsule" fromto="0 0 0 1 0 0" size="0.02" mass="1"/>
    <body name="fore" pos="1 0 0"><joint name="elbow" axis="0 0 1"/>
      <geom type="capsule" fromto="0 0 0 1 0 0" size="0.02" mass="1"/>
  </body></body></body></worldbody></mujoco>"""
FIXED = options(fix_base_link=True)


def arm(tmp_path, **kw):
    return make_world(tmp_path, ARM, pose=transform(0.5, 0.0, 1.0), asset_options=FIXED, gravity=0.0, **kw)


def dof_states(*rows):
    return np.array(list(rows), dtype=gymapi.DofState.dtype)


@pytest.mark.parametrize("prepare", [True, False])
def test_dof_states_are_set_and_read_at_once(tmp_path, prepare):
    world = arm(tmp_path, prepare=prepare)
    gym, env = world.gym, world.envs[1]
    assert gym.set_actor_dof_states(env, 0, dof_states((0.5, 2.0), (-0.25, 3.0)), gymapi.STATE_ALL)
    states = gym.get_actor_dof_states(env, 0, gymapi.STATE_ALL)
    assert states.dtype == np.dtype([("pos", "<f4"), ("vel", "<f4")])
    assert states.tolist() == [(0.5, 2.0), (-0.25, 3.0)]
    assert (gym.get_dof_position(env, 1), gym.get_dof_velocity(env, 0)) == (-0.25, 2.0)
    assert gym.get_actor_dof_states(world.envs[0], 0, gymapi.STATE_ALL).tolist() == [(0.0, 0.0)] * 2
    if not prepare:
        world.prepare()
    dof = world.tensor("dof_state")
    world.refresh("dof_state")
    torch.testing.assert_close(dof[2:], torch.tensor([[0.5, 2.0], [-0.25, 3.0]]))
    assert not dof[:2].any()


def test_flags_choose_what_is_set_and_asked(tmp_path):
    world = arm(tmp_path)
    gym, env = world.gym, world.envs[0]
    gym.set_actor_dof_states(env, 0, dof_states((0.5, 2.0), (0.25, 3.0)), gymapi.STATE_VEL)
    gym.set_actor_dof_states(env, 0, dof_states((1.0, 9.0), (1.5, 9.0)), gymapi.STATE_POS)
    assert gym.get_actor_dof_states(env, 0, gymapi.STATE_ALL).tolist() == [(1.0, 2.0), (1.5, 3.0)]
    assert gym.get_actor_dof_states(env, 0, gymapi.STATE_POS).tolist() == [(1.0, 0.0), (1.5, 0.0)]
    gym.set_actor_dof_states(env, 0, dof_states((7.0, 7.0), (7.0, 7.0)), gymapi.STATE_NONE)
    assert gym.get_actor_dof_states(env, 0, gymapi.STATE_VEL).tolist() == [(0.0, 2.0), (0.0, 3.0)]
    with pytest.raises(ValueError, match="get_actor_dof_states: flags = 4 must be STATE_NONE"):
        gym.get_actor_dof_states(env, 0, 4)


def test_dof_states_set_through_the_tensor_are_seen(tmp_path):
    world = arm(tmp_path)
    dof = world.tensor("dof_state")
    dof[3] = torch.tensor([0.75, -1.0])
    world.gym.set_dof_state_tensor(world.sim, unwrap(dof))
    assert world.gym.get_actor_dof_states(world.envs[1], 0, gymapi.STATE_ALL)[1].item() == (0.75, -1.0)


@pytest.mark.parametrize("prepare", [True, False])
def test_body_states_follow_the_dofs(tmp_path, prepare):
    world = arm(tmp_path, prepare=prepare)
    gym, env = world.gym, world.envs[1]
    gym.set_actor_dof_states(env, 0, dof_states((math.pi / 2, 2.0), (0.0, 1.0)), gymapi.STATE_ALL)
    states = gym.get_actor_rigid_body_states(env, 0, gymapi.STATE_ALL)
    assert states.dtype == gymapi.RigidBodyState.dtype
    # A quarter turn takes the elbow from x to y; turning at 2 rad/s it moves along -x at 2 m/s.
    fore = states[2]
    np.testing.assert_allclose(fore["pose"]["p"].tolist(), (0.5, 1.0, 1.0), atol=1e-6)
    np.testing.assert_allclose(fore["pose"]["r"].tolist(), (0, 0, math.sqrt(0.5), math.sqrt(0.5)), atol=1e-6)
    np.testing.assert_allclose(fore["vel"]["linear"].tolist(), (-2.0, 0.0, 0.0), atol=1e-6)
    np.testing.assert_allclose(fore["vel"]["angular"].tolist(), (0.0, 0.0, 3.0), atol=1e-6)
    assert gym.get_rigid_transform(env, 2).p.as_tuple() == pytest.approx((0.5, 1.0, 1.0), abs=1e-6)
    assert gym.get_rigid_linear_velocity(env, 2).as_tuple() == pytest.approx((-2.0, 0.0, 0.0), abs=1e-6)
    assert gym.get_rigid_angular_velocity(env, 2).as_tuple() == pytest.approx((0.0, 0.0, 3.0), abs=1e-6)
    assert gym.get_rigid_transform(world.envs[0], 2).p.as_tuple() == pytest.approx((1.5, 0.0, 1.0))
    if not prepare:
        world.prepare()
    bodies = world.tensor("rigid_body_state")
    world.refresh("rigid_body_state")
    flat = torch.from_numpy(gym.get_sim_rigid_body_states(world.sim, gymapi.STATE_ALL).view(np.float32))
    torch.testing.assert_close(flat.view(-1, 13), bodies)
    np.testing.assert_allclose(bodies[5, :3], (0.5, 1.0, 1.0), atol=1e-6)
    only_poses = gym.get_env_rigid_body_states(env, gymapi.STATE_POS)
    assert len(only_poses) == 3
    assert only_poses["pose"][2] == fore["pose"]
    assert only_poses["vel"][2].item() == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def test_body_states_of_now_leave_tensors_as_they_were_refreshed(tmp_path):
    world = make_world(tmp_path, BALL)
    bodies = world.tensor("rigid_body_state")
    world.refresh("rigid_body_state")
    before = bodies.clone()
    for step in range(1, 4):
        world.simulate()
        # Free fall from rest at 10 m/s^2.
        speed = world.gym.get_rigid_linear_velocity(world.envs[1], 0).z
        assert speed == pytest.approx(-0.1 * step, rel=1e-5)
    assert torch.equal(bodies, before)
    world.refresh("rigid_body_state")
    assert bodies[1, 9] == pytest.approx(-0.3, rel=1e-5)


@pytest.mark.parametrize("prepare", [True, False])
def test_single_setters_of_a_free_root(tmp_path, prepare):
    world = make_world(tmp_path, BALL, prepare=prepare, gravity=0.0)
    gym, env = world.gym, world.envs[1]
    turned = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), math.pi / 2)
    gym.set_rigid_linear_velocity(env, 0, gymapi.Vec3(1.0, 2.0, 3.0))
    gym.set_rigid_transform(env, 0, transform(4.0, 5.0, 6.0, turned))
    gym.set_rigid_angular_velocity(env, 0, gymapi.Vec3(0.5, 0.0, 0.0))
    assert gym.get_rigid_linear_velocity(env, 0).as_tuple() == pytest.approx((1.0, 2.0, 3.0))
    assert gym.get_rigid_transform(env, 0).r.as_tuple() == pytest.approx(turned.as_tuple())
    world.simulate()  # prepares, if nothing has
    root = world.tensor("actor_root_state")
    world.refresh("actor_root_state")
    expected = [4.01, 5.02, 6.03, *turned.as_tuple(), 1.0, 2.0, 3.0, 0.5, 0.0, 0.0]
    torch.testing.assert_close(root[1], torch.tensor(expected), atol=5e-3, rtol=0)
    assert root[0, :3].tolist() == [0.0, 0.0, 1.0]


def test_a_pose_may_be_a_record(tmp_path):
    world = make_world(tmp_path, BALL)
    states = world.gym.get_actor_rigid_body_states(world.envs[0], 0, gymapi.STATE_POS)
    states["pose"]["p"].fill((1.0, 2.0, 3.0))
    world.gym.set_rigid_transform(world.envs[1], 0, states["pose"][0])
    assert world.gym.get_rigid_transform(world.envs[1], 0).p.as_tuple() == (1.0, 2.0, 3.0)
    attractor = gymapi.AttractorProperties()
    attractor.target = states["pose"][0]
    assert attractor.target.p.as_tuple() == (1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match="set_rigid_transform: 3 must be a Transform"):
        world.gym.set_rigid_transform(world.envs[1], 0, 3)


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("scope", ["actor", "env", "sim"])
def test_saved_body_states_bring_free_bodies_back(tmp_path, scope, prepare):
    world = make_world(tmp_path, BOX, num_envs=3, prepare=False)
    gym = world.gym
    for env in world.envs:
        gym.create_actor(env, world.assets[0], transform(2.0, 0.0, 5.0), "second", env.index, 0)
    if prepare:
        world.prepare()
    saved = np.copy(gym.get_sim_rigid_body_states(world.sim, gymapi.STATE_ALL))
    saved["vel"]["linear"].fill((1.0, 0.0, 0.0))
    world.simulate(10)
    moved = gym.get_sim_rigid_body_states(world.sim, gymapi.STATE_ALL)
    assert (moved["pose"]["p"]["z"] < saved["pose"]["p"]["z"] - 0.01).all()
    if scope == "sim":
        gym.set_sim_rigid_body_states(world.sim, saved, gymapi.STATE_ALL)
        chosen = slice(None)
    elif scope == "env":
        gym.set_env_rigid_body_states(world.envs[1], saved[2:4], gymapi.STATE_ALL)
        chosen = slice(2, 4)
    else:
        gym.set_actor_rigid_body_states(world.envs[1], 1, saved[3:4], gymapi.STATE_ALL)
        chosen = slice(3, 4)
    expected = moved.copy()
    expected[chosen] = saved[chosen]
    now = gym.get_sim_rigid_body_states(world.sim, gymapi.STATE_ALL)
    np.testing.assert_allclose(now.view(np.float32), expected.view(np.float32), atol=1e-6)


def test_links_follow_their_root_and_are_not_set(tmp_path, caplog):
    world = make_world(tmp_path, LIMBS, gravity=0.0)
    gym, env = world.gym, world.envs[0]
    states = gym.get_actor_rigid_body_states(env, 0, gymapi.STATE_ALL)
    states["pose"]["p"]["x"] = [1.0, 50.0, 50.0, 50.0]
    with caplog.at_level(logging.WARNING):
        gym.set_actor_rigid_body_states(env, 0, states, gymapi.STATE_ALL)
        gym.set_actor_rigid_body_states(env, 0, states, gymapi.STATE_ALL)
    assert [record.message for record in caplog.records] == [
        "set_actor_rigid_body_states: sets roots; rows of other links are ignored, set them with "
        "set_actor_dof_states"
    ]
    places = gym.get_actor_rigid_body_states(env, 0, gymapi.STATE_POS)["pose"]["p"]["x"]
    np.testing.assert_allclose(places, [1.0] * 4, atol=1e-6)
    with pytest.raises(ValueError, match="body 'tip' moves on joints; only the state of an actor's root"):
        gym.set_rigid_transform(env, 2, transform())


def test_a_fixed_base_can_be_put_elsewhere_and_has_no_velocity(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=FIXED)
    gym, env = world.gym, world.envs[0]
    gym.set_rigid_transform(env, 0, transform(1.0, 2.0, 3.0))
    assert gym.get_rigid_transform(env, 1).p.as_tuple() == pytest.approx((1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="set_rigid_linear_velocity: body 'base' is a fixed base"):
        gym.set_rigid_linear_velocity(env, 0, gymapi.Vec3(1, 0, 0))


@pytest.mark.parametrize("prepare", [True, False])
def test_one_body_or_actor_of_several_environments(tmp_path, prepare):
    world = arm(tmp_path, num_envs=3, prepare=prepare)
    gym, envs = world.gym, world.envs
    gym.set_actor_dof_states(envs[2], 0, dof_states((math.pi / 2, 2.0), (0.0, 0.0)), gymapi.STATE_ALL)
    places = gym.get_vec_rigid_transform([envs[2], envs[0]], 2)
    assert places.dtype == gymapi.Transform.dtype
    np.testing.assert_allclose(
        np.stack([places["p"][axis] for axis in "xyz"], axis=1), [[0.5, 1, 1], [1.5, 0, 1]], atol=1e-6
    )
    speeds = gym.get_vec_rigid_linear_velocity([envs[2], envs[0]], [2, 1])
    np.testing.assert_allclose(speeds["x"], [-2.0, 0.0], atol=1e-6)
    assert gym.get_vec_rigid_angular_velocity(envs, 1)["z"].tolist() == [0.0, 0.0, 2.0]
    states = gym.get_vec_actor_dof_states(envs, [0, 0, 0], gymapi.STATE_VEL)
    assert states["vel"].tolist() == [0.0, 0.0, 0.0, 0.0, 2.0, 0.0]
    with pytest.raises(ValueError, match="get_vec_rigid_transform: 2 handles were given for 3 environments"):
        gym.get_vec_rigid_transform(envs, [0, 1])


def test_environments_made_later_start_where_they_are_told(tmp_path):
    """Older examples set states and targets of an actor before they create the next environment."""
    world = arm(tmp_path, num_envs=1, prepare=False)
    gym = world.gym
    gym.set_actor_dof_states(world.envs[0], 0, dof_states((0.5, 0.0), (0.0, 0.0)), gymapi.STATE_POS)
    env = gym.create_env(world.sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 2), 2)
    gym.create_actor(env, world.assets[0], transform(), "arm", 1, 0)
    gym.simulate(world.sim)
    assert gym.get_dof_position(world.envs[0], 0) == pytest.approx(0.5)
    assert gym.get_dof_position(env, 0) == 0.0
    with pytest.raises(RuntimeError, match="create_actor: the simulation is prepared already"):
        gym.create_actor(env, world.assets[0], transform(), "late", 1, 0)


@pytest.mark.parametrize(
    ("states", "error", "text"),
    [
        (np.zeros((2, 2), np.float32), TypeError, "states are float32; they must be a numpy array of dtype"),
        ([0.0, 1.0], TypeError, "states are list"),
        (dof_states((0.0, 0.0)), ValueError, "1 states were given; there must be 2"),
    ],
)
def test_states_are_checked(tmp_path, states, error, text):
    world = arm(tmp_path)
    with pytest.raises(error, match=f"set_actor_dof_states: {text}"):
        world.gym.set_actor_dof_states(world.envs[0], 0, states, gymapi.STATE_ALL)


def test_handles_are_checked(tmp_path):
    world = arm(tmp_path)
    with pytest.raises(IndexError, match="get_rigid_transform: body 3 does not exist; environment 1 has 3"):
        world.gym.get_rigid_transform(world.envs[1], 3)
    with pytest.raises(IndexError, match="get_dof_position: DOF -1 does not exist"):
        world.gym.get_dof_position(world.envs[1], -1)
    with pytest.raises(TypeError, match="get_env_rigid_body_states: env must be what create_env returned"):
        world.gym.get_env_rigid_body_states(world.sim, gymapi.STATE_ALL)


def test_the_gpu_pipeline_refuses_calls_for_single_things(tmp_path, monkeypatch):
    """Isaac Gym's documentation: the GPU pipeline takes states and commands through tensors alone."""
    world = arm(tmp_path)
    monkeypatch.setattr(world.sim.running.engine, "device", torch.device("cuda"))
    for call in (
        lambda gym, env: gym.get_actor_dof_states(env, 0, gymapi.STATE_ALL),
        lambda gym, env: gym.get_rigid_transform(env, 0),
        lambda gym, env: gym.set_dof_target_position(env, 0, 1.0),
        lambda gym, env: gym.apply_body_forces(env, 0, gymapi.Vec3(1, 0, 0)),
        lambda gym, env: gym.get_env_rigid_contacts(env),
    ):
        with pytest.raises(RuntimeError, match="runs on a GPU .* use acquire_"):
            call(world.gym, world.envs[0])

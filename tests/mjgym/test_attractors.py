"""Attractors: their force, how stiff they may be, targets and offsets, and what is refused."""

import math

import numpy as np
import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BALL, LIMBS
from tests.mjgym.scenes import make_world, transform, unwrap

BODY_INERTIA = 0.4 * 2.0 * 0.1**2  # kg m^2: BALL, a sphere of 2 kg and 0.1 m
# BallBalance's legs [m]: see its task in IsaacGymEnvs.
LEG_RADIUS, LEG_OUTER, LEG_ANGLES = 0.02, 0.4, (0.0, 2 * math.pi / 3, 4 * math.pi / 3)
LEG_LENGTH = LEG_OUTER - 2 * LEG_RADIUS
TRAY_HEIGHT = LEG_LENGTH * math.sqrt(2.0) + 2 * LEG_RADIUS + 0.01


def pull(
    gym, env, body=0, axes=gymapi.AXIS_TRANSLATION, stiffness=100.0, damping=0.0, target=None, offset=None
):
    props = gymapi.AttractorProperties()
    props.rigid_handle, props.axes, props.stiffness, props.damping = body, axes, stiffness, damping
    props.target, props.offset = target or transform(z=1.0), offset or transform()
    return gym.create_rigid_body_attractor(env, props)


def pulling(**values):
    def setup(gym, env, handle, asset):
        assert pull(gym, env, **values) == 0

    return setup


def test_soft_attractor_swings_at_the_root_of_stiffness_over_mass(tmp_path):
    # Gravity shifts the middle of the swing to m g / k below the target.
    world = make_world(tmp_path, BALL, setup=pulling(stiffness=200.0), dt=1e-3, substeps=1, gravity=-10.0)
    roots = world.tensor("actor_root_state")
    heights = []
    for _ in range(int(2 * math.pi / 10.0 / 1e-3)):  # one period: k = 200 N/m, m = 2 kg
        world.simulate()
        world.refresh("actor_root_state")
        heights.append(float(roots[0, 2]))
    sag = 2.0 * 10.0 / 200.0
    times = np.arange(1, len(heights) + 1) * 1e-3
    expected = 1.0 - sag + sag * np.cos(10.0 * times)
    # The step's own damping takes some k h^2 / 2m a step: 3 % in a period.
    np.testing.assert_allclose(heights, expected, atol=0.04 * sag)


@pytest.mark.parametrize(("stiffness", "damping", "axes"), [
    (5e7, 5e3, gymapi.AXIS_TRANSLATION), (5e7, 0.0, gymapi.AXIS_ALL), (300.0, 40.0, gymapi.AXIS_ALL),
    (1e-3, 1e-2, gymapi.AXIS_TRANSLATION),
])  # fmt: skip
def test_force_is_that_of_a_spring_and_damper_at_the_end_of_each_step(tmp_path, stiffness, damping, axes):
    setup = pulling(stiffness=stiffness, damping=damping, axes=axes)
    world = make_world(tmp_path, BALL, setup=setup, dt=0.01, substeps=1, gravity=0.0)
    roots = world.tensor("actor_root_state")
    roots[:, 0], roots[:, 8] = 0.3, 0.5
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    error, rate, step = np.array([0.3, 0.0]), np.array([0.0, 0.5]), 0.01
    for _ in range(20):
        world.simulate()
        # m (v' - v) = -h (K (x + h v') + D v'), solved for v'.
        rate = (2.0 * rate - step * stiffness * error) / (2.0 + step * (damping + step * stiffness))
        error = error + step * rate
    world.refresh("actor_root_state")
    np.testing.assert_allclose(roots[0, 0:2].numpy(), error, atol=2e-6)


def test_turned_body_is_pulled_back_by_a_torque_of_the_same_stiffness(tmp_path):
    setup = pulling(axes=gymapi.AXIS_ALL, stiffness=0.5, damping=0.02)
    world = make_world(tmp_path, BALL, setup=setup, dt=1e-3, substeps=1, gravity=0.0)
    roots = world.tensor("actor_root_state")
    roots[:, 3], roots[:, 6] = math.sin(0.05), math.cos(0.05)  # 0.1 rad about x
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    angle, rate, step = 0.1, 0.0, 1e-3
    for _ in range(100):
        world.simulate()
        rate = (BODY_INERTIA * rate - step * 0.5 * angle) / (BODY_INERTIA + step * (0.02 + step * 0.5))
        angle += step * rate
    world.refresh("actor_root_state")
    # MuJoCo's error is the sine of half the angle, twice: 0.04 % less at 0.1 rad.
    assert 2 * math.asin(float(roots[0, 3])) == pytest.approx(angle, rel=2e-3)


def test_frame_of_the_offset_comes_to_the_target_and_follows_it(tmp_path):
    turn = gymapi.Quat.from_axis_angle(gymapi.Vec3(0.0, 0.0, 1.0), math.pi / 2)
    setup = pulling(
        axes=gymapi.AXIS_ALL, stiffness=1e4, damping=1e3, offset=transform(x=0.2, r=turn),
        target=transform(0.2, 0.1, 1.0, turn),
    )  # fmt: skip
    world = make_world(tmp_path, BALL, setup=setup, gravity=0.0)
    roots, gym = world.tensor("actor_root_state"), world.gym
    gym.set_attractor_target(world.envs[1], 0, transform(0.2, -0.4, 1.3))
    assert gym.get_attractor_properties(world.envs[1], 0).target.p.as_tuple() == (0.2, -0.4, 1.3)
    world.simulate(200)
    world.refresh("actor_root_state")
    # Environment 0: where the body was, but for 0.1 m in y. Environment 1: turned back by 90 degrees about z,
    # so that the offset of 0.2 m along its x is one along -y.
    half = math.sqrt(0.5)
    expected = torch.tensor([[0.0, 0.1, 1.0, 0.0, 0.0, 0.0, 1.0], [0.2, -0.2, 1.3, 0.0, 0.0, -half, half]])
    torch.testing.assert_close(roots[:, 0:7], expected, atol=1e-4, rtol=0)


def test_axes_that_are_not_named_stay_free_in_the_targets_frame(tmp_path):
    # The target's x is the environment's y.
    turn = gymapi.Quat.from_axis_angle(gymapi.Vec3(0.0, 0.0, 1.0), math.pi / 2)
    setup = pulling(
        axes=gymapi.AXIS_X | gymapi.AXIS_SWING_2,
        stiffness=1e4,
        damping=1e3,
        target=transform(5.0, 0.3, 5.0, turn),
    )
    world = make_world(tmp_path, BALL, setup=setup, gravity=0.0)
    roots = world.tensor("actor_root_state")
    world.simulate(200)
    world.refresh("actor_root_state")
    half = math.sqrt(0.5)
    expected = torch.tensor([0.0, 0.3, 1.0, 0.0, 0.0, half, half])
    torch.testing.assert_close(roots[0, 0:7], expected, atol=1e-4, rtol=0)


def test_targets_and_gains_differ_between_environments_before_and_after_prepare_sim(tmp_path):
    def setup(gym, env, handle, asset):
        pull(gym, env, stiffness=(400.0, 800.0)[env.index], damping=60.0, target=transform(x=env.index))

    world = make_world(tmp_path, BALL, setup=setup, dt=0.01, gravity=-10.0)
    roots = world.tensor("actor_root_state")
    world.simulate(400)
    world.refresh("actor_root_state")
    # At rest the spring carries 2 kg at 10 m/s^2.
    expected = torch.tensor([[0.0, 0.0, -20.0 / 400.0], [1.0, 0.0, -20.0 / 800.0]])
    torch.testing.assert_close(roots[:, 0:3], expected, atol=1e-4, rtol=0)
    props = world.gym.get_attractor_properties(world.envs[0], 0)
    props.stiffness = 1600.0
    world.gym.set_attractor_properties(world.envs[0], 0, props)
    world.simulate(400)
    world.refresh("actor_root_state")
    torch.testing.assert_close(roots[:, 2], torch.tensor([-20.0 / 1600.0, -20.0 / 800.0]), atol=1e-4, rtol=0)


def test_mass_changed_later_hangs_by_the_same_spring(tmp_path):
    world = make_world(tmp_path, BALL, setup=pulling(stiffness=400.0, damping=60.0), gravity=-10.0)
    roots, gym = world.tensor("actor_root_state"), world.gym
    props = gym.get_actor_rigid_body_properties(world.envs[0], 0)
    props[0].mass = 8.0
    gym.set_actor_rigid_body_properties(world.envs[0], 0, props, True)
    world.simulate(1500)
    world.refresh("actor_root_state")
    torch.testing.assert_close(roots[:, 2], torch.tensor([1 - 80 / 400, 1 - 20 / 400]), atol=1e-4, rtol=0)


def test_contact_forces_leave_out_what_attractors_exert(tmp_path):
    # The ball of 20 N rests on the ground; a spring of 100 N/m that ends 0.1 m above it bears 10 N of it.
    setup = pulling(stiffness=100.0, damping=20.0, target=transform(z=0.2))
    world = make_world(tmp_path, BALL, setup=setup, gravity=-10.0, ground=True, pose=transform(z=0.1))
    contacts = world.tensor("net_contact_force")
    world.simulate(300)
    world.refresh("net_contact_force")
    torch.testing.assert_close(contacts[0], torch.tensor([0.0, 0.0, 10.0]), atol=0.1, rtol=0)


def wxyz(*angles):
    r = gymapi.Quat.from_euler_zyx(*angles)
    return f"{r.w} {r.x} {r.y} {r.z}"


def balance_bot():
    """Return the MJCF of BallBalance's tray on three legs, whose knees bend and whose feet are points."""
    legs, half, along = "", LEG_LENGTH / 2, LEG_LENGTH / 2 * math.sqrt(0.5)
    capsule = f'<geom type="capsule" size="{LEG_RADIUS} {half}" density="1000"/>'
    for index, angle in enumerate(LEG_ANGLES):
        middle = LEG_OUTER - along
        pos = f"{middle * math.cos(angle)} {middle * math.sin(angle)} {-LEG_RADIUS - 0.01 - along}"
        legs += f"""<body name="upper{index}" pos="{pos}" quat="{wxyz(0, -0.75 * math.pi, angle)}">
          <joint axis="0 1 0" pos="0 0 {-half}" range="-45 45" limited="true"/>{capsule}
          <body name="lower{index}" pos="{-half} 0 {half}" quat="{wxyz(0, -0.5 * math.pi, 0)}">
            <joint axis="0 1 0" pos="0 0 {-half}" range="-70 90" limited="true"/>{capsule}</body></body>"""
    return f"""<mujoco model="bot"><compiler angle="degree"/><worldbody><body name="tray"><freejoint/>
      <geom type="cylinder" size="0.5 0.01" density="100"/>{legs}</body></worldbody></mujoco>"""


def pin_feet(gym, env, handle, asset):
    """Drive the knees at 4000/100 and pin the feet with attractors of 5e7/5e3, as BallBalance does."""
    props = gym.get_actor_dof_properties(env, handle)
    props["driveMode"][1::2], props["stiffness"][1::2], props["damping"][1::2] = gymapi.DOF_MODE_POS, 4e3, 1e2
    gym.set_actor_dof_properties(env, handle, props)
    for index, angle in enumerate(LEG_ANGLES):
        body = gym.find_actor_rigid_body_handle(env, handle, f"lower{index}")
        foot = transform(LEG_OUTER * math.cos(angle), LEG_OUTER * math.sin(angle), LEG_RADIUS)
        pull(gym, env, body, stiffness=5e7, damping=5e3, target=foot, offset=transform(z=LEG_LENGTH / 2))


def test_tray_stands_on_three_pinned_feet(tmp_path):
    world = make_world(
        tmp_path, balance_bot(), pose=transform(z=TRAY_HEIGHT), setup=pin_feet, ground=True,
        dt=0.01, substeps=1, gravity=-9.81, num_envs=1,
    )  # fmt: skip
    gym, env, roots = world.gym, world.envs[0], world.tensor("actor_root_state")

    def feet():
        handles = [gym.find_actor_rigid_body_handle(env, 0, f"lower{index}") for index in range(3)]
        tip = gymapi.Vec3(0.0, 0.0, LEG_LENGTH / 2)
        return np.array([gym.get_rigid_transform(env, h).transform_point(tip).as_tuple() for h in handles])

    pinned = [(LEG_OUTER * math.cos(a), LEG_OUTER * math.sin(a), LEG_RADIUS) for a in LEG_ANGLES]
    np.testing.assert_allclose(feet(), pinned, atol=1e-6)
    slip = 0.0
    for step in range(300):
        if step == 100:  # a push of the tray, as by a falling ball
            roots[:, 7:10] = torch.tensor([0.5, 0.3, -0.5])
            gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
        world.simulate()
        world.refresh("actor_root_state")
        slip = max(slip, float(np.abs(feet() - pinned).max()))
    assert slip < 1e-3
    assert float(roots[0, 2]) == pytest.approx(TRAY_HEIGHT, abs=0.02)
    assert float(roots[0, 7:13].abs().max()) < 1e-3
    assert gym.get_sim_warnings(world.sim).tolist() == [0]


@pytest.mark.parametrize(("values", "error", "text"), [
    ({"body": 4}, IndexError, "rigid_handle = 4 is no body"),
    ({"stiffness": -1.0}, ValueError, "stiffness = -1.0 must be 0 or more"),
    ({"damping": math.nan}, ValueError, "damping = nan"),
    ({"axes": 64}, ValueError, "axes = 64 must be a sum of AXIS_. flags"),
])  # fmt: skip
def test_bad_properties_are_refused(tmp_path, values, error, text):
    world = make_world(tmp_path, LIMBS, prepare=False, num_envs=1)
    with pytest.raises(error, match=text):
        pull(world.gym, world.envs[0], **values)


def test_what_a_prepared_simulation_holds_fast_is_refused(tmp_path):
    world = make_world(tmp_path, LIMBS, setup=pulling(body=1), num_envs=1)
    props = world.gym.get_attractor_properties(world.envs[0], 0)
    props.rigid_handle = 2
    with pytest.raises(ValueError, match="rigid_handle = 2 and axes = 7 cannot change after prepare_sim"):
        world.gym.set_attractor_properties(world.envs[0], 0, props)
    with pytest.raises(IndexError, match="attractor 1 does not exist; there are 1"):
        world.gym.set_attractor_target(world.envs[0], 1, transform())


def test_environments_must_pull_at_the_same_bodies(tmp_path):
    def setup(gym, env, handle, asset):
        pull(gym, env, body=env.index)

    with pytest.raises(NotImplementedError, match="environment 1 holds .* attractors"):
        make_world(tmp_path, LIMBS, setup=setup)

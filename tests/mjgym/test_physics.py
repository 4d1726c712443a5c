"""Mechanics that can be worked out by hand, built and measured through Isaac Gym's calls.

Steps and gains are those of the tasks of IsaacGymEnvs. Contacts are soft, as in MuJoCo: things sink in by
less than a millimetre, and what friction holds on a slope creeps by some millimetres a second.
"""

import math

import pytest
import torch

from mjgym import gymapi, gymtorch
from tests.mjgym.scenes import make_world, options, sim_params, unwrap, with_dofs

G = 9.81
Y, Z = gymapi.Vec3(0.0, 1.0, 0.0), gymapi.Vec3(0.0, 0.0, 1.0)
RADIUS, LENGTH = 0.1, 0.4
ACROSS = gymapi.Quat.from_axis_angle(Z, math.pi / 2)


def sphere(gym, sim, chosen):
    return gym.create_sphere(sim, RADIUS, chosen)


def capsule(gym, sim, chosen):
    return gym.create_capsule(sim, RADIUS, LENGTH, chosen)


def cube(gym, sim, chosen):
    return gym.create_box(sim, 2 * RADIUS, 2 * RADIUS, 2 * RADIUS, chosen)


def plate(gym, sim, chosen):
    return gym.create_box(sim, 0.4, 0.4, 2 * RADIUS, chosen)


def on_plane(
    shape, slope=0.0, friction=1.0, turn=None, count=1, gap=0.0, chosen=None, velocity=(0.0,) * 6, seconds=2.0
):
    """Simulate things of height 2 RADIUS, stacked on a plane that falls towards +x; (steps, count, 13).

    Positions and velocities are turned so that x points down the slope and z away from the plane. ``turn`` is
    about the plane's normal, ``gap`` [m] the height that the lowest one is dropped from.
    """
    gym = gymapi.acquire_gym("mujoco")
    params = sim_params(dt=1 / 60, substeps=2, gravity=-G)
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params)
    plane = gymapi.PlaneParams()
    normal = plane.normal = gymapi.Vec3(math.sin(slope), 0.0, math.cos(slope))
    plane.static_friction = plane.dynamic_friction = friction
    gym.add_ground(sim, plane)
    free = options(max_angular_velocity=100.0)  # by default nothing turns faster than 64 rad/s
    asset = shape(gym, sim, chosen or free)
    surface = gym.get_asset_rigid_shape_properties(asset)
    for prop in surface:
        prop.friction = friction
    gym.set_asset_rigid_shape_properties(asset, surface)
    env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    tilt = gymapi.Quat.from_axis_angle(Y, slope)
    for index in range(count):
        place = normal * ((2 * index + 1) * RADIUS + gap)
        gym.create_actor(env, asset, gymapi.Transform(place, tilt * (turn or gymapi.Quat())), "thing", 0, 0)
    gym.prepare_sim(sim)
    roots = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
    roots[:, 7:13] = torch.tensor(velocity)
    gym.set_actor_root_state_tensor(sim, unwrap(roots))
    states = []
    for _ in range(round(seconds / params.dt)):
        gym.simulate(sim)
        gym.fetch_results(sim, True)
        gym.refresh_actor_root_state_tensor(sim)
        states.append(roots.clone())
    states = torch.stack(states)
    down = torch.tensor([math.cos(slope), 0.0, -math.sin(slope)])
    up = torch.tensor([math.sin(slope), 0.0, math.cos(slope)])
    for vector in (states[..., 0:3], states[..., 7:10], states[..., 10:13]):
        vector[:] = torch.stack((vector @ down, vector[..., 1], vector @ up), dim=-1)
    return states


# ---- slopes


@pytest.mark.parametrize("slope", [0.1, 0.3, 0.5])
def test_a_sphere_rolls_down_at_five_sevenths(slope):
    end = on_plane(sphere, slope)[-1, 0]
    # I = 2/5 m r^2 takes part in every change of speed: a = g sin(slope) / (1 + 2/5).
    acceleration = 5 / 7 * G * math.sin(slope)
    assert float(end[7]) == pytest.approx(acceleration * 2.0, rel=0.005)
    assert float(end[0]) == pytest.approx(acceleration * 2.0**2 / 2, rel=0.01)
    assert float(end[11]) * RADIUS == pytest.approx(float(end[7]), rel=0.005)  # it rolls and does not slip


@pytest.mark.parametrize("slope", [0.1, 0.5])
def test_a_capsule_that_lies_across_rolls_down(slope):
    end = on_plane(capsule, slope, turn=ACROSS)[-1, 0]
    # A cylinder (m r^2 / 2) between two half spheres (2/5 m r^2) of the same material.
    tube, ends = math.pi * RADIUS**2 * LENGTH, 4 / 3 * math.pi * RADIUS**3
    acceleration = G * math.sin(slope) / (1 + (tube / 2 + ends * 2 / 5) / (tube + ends))
    assert float(end[7]) == pytest.approx(acceleration * 2.0, rel=0.005)
    assert float(end[11]) * RADIUS == pytest.approx(float(end[7]), rel=0.005)


@pytest.mark.parametrize(("slope", "friction"), [(0.3, 0.2), (0.5, 0.2), (0.5, 0.5)])
def test_a_plate_slides_where_friction_is_less_than_the_slope(slope, friction):
    assert friction < math.tan(slope)
    end = on_plane(plate, slope, friction)[-1, 0]
    acceleration = G * (math.sin(slope) - friction * math.cos(slope))
    # The distance: a sliding plate rocks a little, which shows in its speed at a moment.
    assert float(end[0]) == pytest.approx(acceleration * 2.0**2 / 2, rel=0.02)


@pytest.mark.parametrize(("slope", "friction"), [(0.1, 0.2), (0.1, 0.5), (0.3, 0.5), (0.5, 1.0)])
@pytest.mark.parametrize("shape", [cube, plate])
def test_a_box_stays_where_friction_is_more_than_the_slope(shape, slope, friction):
    assert friction > math.tan(slope)
    states = on_plane(shape, slope, friction)
    assert states[-1, 0, 0].abs() < 0.01  # without friction: 2 to 9 m
    assert states[60:, 0, 7:13].abs().max() < 0.005


@pytest.mark.parametrize(("slope", "friction"), [(0.3, 0.35), (0.5, 0.6)])
@pytest.mark.parametrize("shape", [cube, plate])
def test_a_box_creeps_where_friction_is_a_tenth_more_than_the_slope(shape, slope, friction):
    assert 1.0 < friction / math.tan(slope) < 1.15
    moved = float(on_plane(shape, slope, friction)[-1, 0, 0])
    # It rocks on its edges, because MuJoCo's friction cone is a pyramid here. Without friction: 6 and 9 m.
    assert 0.0 < moved < 0.08


# ---- on the flat


@pytest.mark.parametrize(
    ("shape", "turn"), [(sphere, None), (cube, None), (capsule, None), (capsule, ACROSS)]
)
def test_what_is_dropped_on_the_flat_comes_to_rest(shape, turn):
    states = on_plane(shape, turn=turn, gap=0.05, chosen=gymapi.AssetOptions())
    assert states[60:, 0, 7:13].abs().max() < 1e-6
    assert float(states[-1, 0, 2]) == pytest.approx(RADIUS, abs=5e-4)
    assert states[-1, 0, 0:2].abs().max() < 1e-6


@pytest.mark.parametrize("friction", [0.2, 0.5])
def test_a_sliding_plate_comes_to_rest_after_its_braking_distance(friction):
    end = on_plane(plate, friction=friction, velocity=(2.0, 0, 0, 0, 0, 0))[-1, 0]
    # v^2 / (2 mu g), less half a step of 1/120 s at 2 m/s.
    assert float(end[0]) == pytest.approx(2.0**2 / (2 * friction * G), abs=0.015)
    assert end[7:13].abs().max() < 1e-6


def test_a_sliding_sphere_begins_to_roll_with_five_sevenths_of_its_speed():
    end = on_plane(sphere, friction=0.3, velocity=(2.0, 0, 0, 0, 0, 0))[-1, 0]
    # Angular momentum about the point of contact: m r v = (m r^2 + 2/5 m r^2) v' / r.
    assert float(end[7]) == pytest.approx(2.0 * 5 / 7, rel=0.005)
    assert float(end[11]) * RADIUS == pytest.approx(float(end[7]), rel=0.005)


@pytest.mark.parametrize(("angular", "linear"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.3)])
def test_a_rolling_sphere_slows_by_the_damping_of_its_asset_alone(angular, linear):
    chosen = options(angular_damping=angular, linear_damping=linear)
    rolling = (1.0, 0, 0, 0, 1.0 / RADIUS, 0)
    end = on_plane(sphere, chosen=chosen, velocity=rolling, seconds=5.0)[-1, 0]
    # (m + I / r^2) v' = -(linear m + angular I / r^2) v, with I = 2/5 m r^2.
    rate = (linear + angular * 0.4) / 1.4
    assert float(end[7]) == pytest.approx(math.exp(-rate * 5.0), rel=0.005)


def test_a_tower_of_five_boxes_stands_for_ten_seconds():
    states = on_plane(cube, count=5, chosen=gymapi.AssetOptions(), seconds=10.0)
    assert states[300:, :, 7:13].abs().max() < 1e-4
    assert states[-1, :, 0:2].abs().max() < 1e-4
    heights = [RADIUS * (2 * index + 1) for index in range(5)]
    assert states[-1, :, 2].tolist() == pytest.approx(heights, abs=3e-3)


# ---- pendulum

PENDULUM = """<mujoco model="pendulum"><worldbody><body name="base">
  <geom size="0.02" mass="1" contype="0" conaffinity="0"/>
  <body name="rod"><joint name="turn" axis="0 1 0"/>
    <geom type="capsule" fromto="0 0 0 0 0 -1" size="0.02" mass="1"/></body></body></worldbody></mujoco>"""


@pytest.mark.parametrize("start", [0.5, 1.5, 3.0])
def test_a_pendulum_keeps_its_energy_for_ten_seconds(tmp_path, start):
    fixed = options(fix_base_link=True)
    world = make_world(
        tmp_path, PENDULUM, num_envs=1, asset_options=fixed, gravity=-G, dt=1 / 120, substeps=2
    )
    dof = world.tensor("dof_state")
    dof[0, 0] = start
    world.gym.set_dof_state_tensor(world.sim, unwrap(dof))
    rod = world.gym.get_actor_rigid_body_properties(world.envs[0], 0)[1]
    inertia = rod.inertia.y.y + rod.mass * 0.5**2  # about the hinge, 0.5 m above the centre of mass
    energies = []
    for _ in range(1200):
        world.simulate()
        world.refresh("dof_state")
        angle, rate = dof[0].tolist()
        energies.append(inertia * rate**2 / 2 + rod.mass * G * 0.5 * (1 - math.cos(angle)))
    expected = rod.mass * G * 0.5 * (1 - math.cos(start))
    # Within a swing the integrator's energy goes up and down by 0.8 %; from swing to swing it stays.
    assert (min(energies), max(energies)) == pytest.approx((expected, expected), rel=0.01)
    assert max(energies[-240:]) == pytest.approx(max(energies[:240]), rel=0.002)


# ---- stiff drives at the tasks' own steps

# One of Quadcopter's arms: a rotor of 50 g on two hinges, of 2e-5 kg m^2 about the second one.
ROTOR = """<mujoco model="rotor"><worldbody><body name="chassis">
  <geom type="cylinder" size="0.1 0.015" density="50"/>
  <body name="arm" pos="0.1025 0 0"><joint name="pitch" axis="0 1 0" limited="true" range="-30 30"/>
    <geom type="sphere" size="0.01" density="200"/>
    <body name="rotor" pos="0.0425 0 0"><joint name="roll" axis="1 0 0" limited="true" range="-30 30"/>
      <geom type="cylinder" size="0.04 0.005" density="1000"/></body></body></body></worldbody></mujoco>"""

# One of BallBalance's legs: the upper joint swings freely, the lower one is driven.
LEG = """<mujoco model="leg"><worldbody><body name="tray">
  <geom type="cylinder" size="0.5 0.01" density="100"/>
  <body name="upper" pos="0.4 0 -0.03" euler="0 45 0"><joint name="hip" axis="0 1 0" range="-45 45"/>
    <geom type="capsule" fromto="0 0 0 0 0 -0.36" size="0.02" density="1000"/>
    <body name="lower" pos="0 0 -0.36" euler="0 -90 0"><joint name="knee" axis="0 1 0" range="-70 90"/>
      <geom type="capsule" fromto="0 0 0 0 0 -0.36" size="0.02" density="1000"/>
    </body></body></body></worldbody></mujoco>"""


def follow(world, targets, steps):
    """Command each set of targets for some steps; return the DOF states, (sets, steps, DOFs, 2)."""
    dof = world.tensor("dof_state")
    states = torch.zeros(len(targets), steps, *dof.shape)
    for rows, target in zip(states, targets, strict=True):
        world.gym.set_dof_position_target_tensor(world.sim, unwrap(torch.tensor(target)))
        for row in rows:
            world.simulate()
            world.refresh("dof_state")
            row.copy_(dof)
    assert world.gym.get_sim_warnings(world.sim).tolist() == [0]  # none diverged and was put back
    return states


@pytest.mark.parametrize("fixed", [True, False])
def test_drives_of_1000_and_0_hold_a_light_rotor(tmp_path, fixed):
    setup = with_dofs(driveMode=gymapi.DOF_MODE_POS, stiffness=1000.0, damping=0.0)
    world = make_world(
        tmp_path, ROTOR, num_envs=1, asset_options=options(fix_base_link=fixed), gravity=-G, dt=0.01,
        substeps=2, setup=setup, filter=1,
    )  # fmt: skip
    targets = torch.tensor([[0.4, -0.3], [-0.5, 0.5], [0.0, 0.0]])
    states = follow(world, targets.tolist(), 100)
    error = (states[..., 0] - targets[:, None]).abs()
    assert error[:, 0].max() < 0.01  # undamped gains act within a step, as if the rotor were glued to them
    assert error[:, 3:].max() < 1e-4  # the sag of 50 g at 42.5 mm on 1000 N m/rad is 2e-5 rad
    assert states[:, 3:, :, 1].abs().max() < 1e-3


def test_drives_of_4000_and_100_hold_a_leg(tmp_path):
    def setup(gym, env, handle, asset):
        props = gym.get_actor_dof_properties(env, handle)
        props["driveMode"][:] = gymapi.DOF_MODE_NONE, gymapi.DOF_MODE_POS
        props["stiffness"][:], props["damping"][:] = (0.0, 4000.0), (0.0, 100.0)
        gym.set_actor_dof_properties(env, handle, props)

    fixed = options(fix_base_link=True)
    world = make_world(
        tmp_path, LEG, num_envs=1, asset_options=fixed, gravity=-G, dt=0.01, substeps=1, setup=setup, filter=1
    )
    targets = torch.tensor([0.3, -1.0, 1.2])
    states = follow(world, [[0.0, float(target)] for target in targets], 200)
    error = states[..., 1, 0] - targets[:, None]
    start = torch.tensor([0.3, 1.3, 2.2])
    # With gains that act implicitly the time constant is (100 + 0.01 * 4000) / 4000 = 35 ms.
    assert (error[:, 9].abs() / start).tolist() == pytest.approx([math.exp(-0.1 / 0.035)] * 3, abs=0.03)
    # What is left are the leg's weight and the swinging hip: some 5 N m on 4000 N m/rad.
    assert error[:, 49:].abs().max() < 2e-3
    overshoot = error * torch.tensor([1.0, -1.0, 1.0])[:, None]
    assert overshoot.max() < 2e-3

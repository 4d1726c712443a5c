"""Scripts in the manner of Isaac Gym's older examples: no tensors, no `prepare_sim`, and no viewer here."""

import math
import runpy
import sys

import pytest

from mjgym.install import IsaacGymFinder, install

# As joint_monkey.py: sweep every joint through its range and look where its axis is.
JOINT_MONKEY = """
import math
import numpy as np
from isaacgym import gymapi, gymutil

gym = gymapi.acquire_gym()
sim_params = gymapi.SimParams()
sim_params.dt = dt = 1.0 / 60.0
sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, sim_params)
gym.add_ground(sim, gymapi.PlaneParams())

asset_options = gymapi.AssetOptions()
asset_options.fix_base_link = True
asset = gym.load_asset(sim, ROOT, "monkey.xml", asset_options)
num_dofs = gym.get_asset_dof_count(asset)
dof_states = np.zeros(num_dofs, dtype=gymapi.DofState.dtype)
dof_props = gym.get_asset_dof_properties(asset)
dof_types = [gym.get_asset_dof_type(asset, i) for i in range(num_dofs)]
dof_positions = dof_states["pos"]
lower, upper = dof_props["lower"], dof_props["upper"]
speeds = np.array([t == gymapi.DOF_ROTATION and math.pi or 1.0 for t in dof_types], dtype=np.float32)
kinds = [gym.get_dof_type_string(t) for t in dof_types]

envs, actor_handles = [], []
for i in range(4):
    env = gym.create_env(sim, gymapi.Vec3(-1, 0, -1), gymapi.Vec3(1, 2, 1), 2)
    envs.append(env)
    pose = gymapi.Transform()
    pose.p = gymapi.Vec3(0.0, 1.32, 0.0)
    actor_handle = gym.create_actor(env, asset, pose, "actor", i, 1)
    actor_handles.append(actor_handle)
    gym.set_actor_dof_states(env, actor_handle, dof_states, gymapi.STATE_ALL)

axes = []
for frame in range(100):
    gym.simulate(sim)
    gym.fetch_results(sim, True)
    dof_positions[:] = np.minimum(dof_positions + speeds * dt, upper)
    for i in range(4):
        gym.set_actor_dof_states(envs[i], actor_handles[i], dof_states, gymapi.STATE_POS)
        dof_handle = gym.get_actor_dof_handle(envs[i], actor_handles[i], 1)
        dof_frame = gym.get_dof_frame(envs[i], dof_handle)
    gym.step_graphics(sim)
axis = dof_frame.axis
"""

MONKEY = """<mujoco model="monkey"><compiler angle="radian"/><worldbody><body name="trunk">
  <geom size="0.1" mass="1"/><body name="arm"><joint name="lift" axis="0 0 1" range="-1 1.5707963267948966"/>
    <geom size="0.05" mass="1"/><body name="hand" pos="0.5 0 0"><joint name="bend" axis="0 1 0" range="-1 1"/>
      <geom size="0.05" mass="1"/></body></body></body></worldbody></mujoco>"""

# As projectiles.py: throw boxes by their body states, and put everything back.
PROJECTILES = """
import numpy as np
from isaacgym import gymapi

gym = gymapi.acquire_gym()
sim_params = gymapi.SimParams()
sim_params.dt, sim_params.substeps = 1.0 / 60.0, 2
sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, sim_params)
gym.add_ground(sim, gymapi.PlaneParams())
asset_options = gymapi.AssetOptions()
asset_options.density = 10.0
box_asset = gym.create_box(sim, 0.2, 0.2, 0.2, asset_options)

env = gym.create_env(sim, gymapi.Vec3(-4, 0, -4), gymapi.Vec3(4, 4, 4), 1)
pose = gymapi.Transform()
pose.p = gymapi.Vec3(0.0, 0.1, 0.0)
target = gym.create_actor(env, box_asset, pose, "target", 0, 0)
projectiles = []
for i in range(3):
    pose.p = gymapi.Vec3(-2.0, 0.1, 1.0 + i)
    projectiles.append(gym.create_actor(env, box_asset, pose, f"projectile{i}", 0, 0))
initial_state = np.copy(gym.get_sim_rigid_body_states(sim, gymapi.STATE_ALL))

for frame in range(100):
    if frame == 10:
        state = gym.get_actor_rigid_body_states(env, projectiles[1], gymapi.STATE_NONE)
        state["pose"]["p"].fill((-0.5, 0.15, 0.0))
        state["pose"]["r"].fill((0.0, 0.0, 0.0, 1.0))
        state["vel"]["linear"].fill((6.0, 0.0, 0.0))
        state["vel"]["angular"].fill((0.0, 0.0, 0.0))
        gym.set_actor_rigid_body_states(env, projectiles[1], state, gymapi.STATE_ALL)
    gym.simulate(sim)
    gym.fetch_results(sim, True)
    if frame == 0:
        contacts = gym.get_env_rigid_contacts(env)
final_state = np.copy(gym.get_sim_rigid_body_states(sim, gymapi.STATE_ALL))
gym.set_sim_rigid_body_states(sim, initial_state, gymapi.STATE_ALL)
restored = gym.get_sim_rigid_body_states(sim, gymapi.STATE_ALL)
"""

# As dof_controls.py: each environment is commanded before the next is made, each in its own mode.
DOF_CONTROLS = """
from isaacgym import gymapi

gym = gymapi.acquire_gym()
sim_params = gymapi.SimParams()
sim_params.dt, sim_params.substeps = 1.0 / 60.0, 2
sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, sim_params)
asset_options = gymapi.AssetOptions()
asset_options.fix_base_link = True
asset = gym.load_asset(sim, ROOT, "cart.xml", asset_options)
modes = (gymapi.DOF_MODE_POS, gymapi.DOF_MODE_VEL, gymapi.DOF_MODE_EFFORT)
envs, carts = [], []
for mode in modes:
    env = gym.create_env(sim, gymapi.Vec3(-1, 0, -1), gymapi.Vec3(1, 2, 1), 2)
    actor = gym.create_actor(env, asset, gymapi.Transform(gymapi.Vec3(0, 2, 0)), "cart", 0, 1)
    props = gym.get_actor_dof_properties(env, actor)
    props["driveMode"].fill(mode)
    props["stiffness"].fill(1000.0 if mode == gymapi.DOF_MODE_POS else 0.0)
    props["damping"].fill(0.0 if mode == gymapi.DOF_MODE_EFFORT else 200.0)
    gym.set_actor_dof_properties(env, actor, props)
    cart = gym.find_actor_dof_handle(env, actor, "x")
    if mode == gymapi.DOF_MODE_POS:
        gym.set_dof_target_position(env, cart, 0.5)
    elif mode == gymapi.DOF_MODE_VEL:
        gym.set_dof_target_velocity(env, cart, 1.0)
    envs.append(env)
    carts.append(cart)
for frame in range(100):
    gym.simulate(sim)
    gym.fetch_results(sim, True)
    if gym.get_dof_position(envs[1], carts[1]) >= 0.5:
        gym.set_dof_target_velocity(envs[1], carts[1], -1.0)
    gym.apply_dof_effort(envs[2], carts[2], -20.0 * gym.get_dof_position(envs[2], carts[2]) + 2.0)
positions = [gym.get_dof_position(env, cart) for env, cart in zip(envs, carts)]
speeds = [gym.get_dof_velocity(env, cart) for env, cart in zip(envs, carts)]
"""

CART = """<mujoco model="cart"><worldbody><body name="base"><geom size="0.02" mass="1"/>
  <body name="cart"><joint name="x" type="slide" axis="1 0 0"/><geom size="0.1" mass="2"/></body>
  </body></worldbody></mujoco>"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a script's text as `python -m mjgym` does, with models beside it, and return its names."""
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if not isinstance(f, IsaacGymFinder)])
    install()

    def run_script(text, **models):
        for name, xml in models.items():
            (tmp_path / f"{name}.xml").write_text(xml)
        script = tmp_path / "script.py"
        script.write_text(text)
        return runpy.run_path(str(script), init_globals={"ROOT": str(tmp_path)})

    yield run_script
    for name in [name for name in sys.modules if name.partition(".")[0] == "isaacgym"]:
        monkeypatch.delitem(sys.modules, name)


def test_sweeping_joints(run):
    found = run(JOINT_MONKEY, monkey=MONKEY)
    assert found["kinds"] == ["Rotation", "Rotation"]
    # Both joints end at their upper limits: a quarter turn takes the axis of the hand from y to -x.
    assert found["dof_positions"] == pytest.approx([math.pi / 2, 1.0], abs=1e-6)
    assert found["axis"].as_tuple() == pytest.approx((-1.0, 0.0, 0.0), abs=1e-5)
    assert found["dof_frame"].origin.as_tuple() == pytest.approx((0.0, 1.82, 0.0), abs=1e-5)


def test_throwing_boxes(run):
    found = run(PROJECTILES)
    assert len(found["contacts"]) == 16  # four boxes stand on four corners each
    start, end = found["initial_state"]["pose"]["p"], found["final_state"]["pose"]["p"]
    assert end["x"][0] > 0.1  # the target was hit
    assert end["x"][2] > -0.5  # by this one
    assert end["x"][[1, 3]] == pytest.approx([-2.0, -2.0], abs=1e-2)
    assert found["restored"]["pose"]["p"]["x"] == pytest.approx(start["x"], abs=1e-6)
    assert not found["restored"]["vel"]["linear"]["x"].any()


def test_commanding_carts_in_their_modes(run):
    found = run(DOF_CONTROLS, cart=CART)
    assert found["positions"][0] == pytest.approx(0.5, abs=1e-3)
    assert found["speeds"][1] == pytest.approx(-1.0, abs=1e-3)
    # 2 kg on a spring of 20 N/m that rests at 0.1 m: it swings between 0 and 0.2 m.
    assert -0.05 < found["positions"][2] < 0.25


PUSH = """
gym.apply_body_force_at_pos(envs[1], 1, gymapi.Vec3(0, 3, 0), gymapi.Vec3(0.5, 1.4, 0))
gym.simulate(sim)
states = gym.get_env_rigid_body_states(envs[1], gymapi.STATE_ALL).view(np.float32)
frames = gym.get_actor_dof_frames(envs[1], actor_handles[1]).view(np.float32)
"""


@pytest.mark.warp
@pytest.mark.slow
def test_the_warp_engine_answers_as_the_cpu_engine_does(run):
    pytest.importorskip("mujoco_warp", reason="the warp extra is not installed")
    answers = []
    for engine in ("mujoco", "mujoco_warp"):
        install(engine)
        answers.append(run(JOINT_MONKEY + PUSH, monkey=MONKEY))
        assert answers[-1]["sim"].engine == engine
    on_cpu, on_warp = answers
    assert on_warp["states"] == pytest.approx(on_cpu["states"], abs=1e-4)
    assert on_warp["frames"] == pytest.approx(on_cpu["frames"], abs=1e-5)

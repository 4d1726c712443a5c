"""The Warp engine against the CPU engine: on Warp's CPU device, and on a GPU, where there is one."""

import copy
from pathlib import Path

import mujoco
import pytest
import torch

from mjgym.engines import create_engine
from mjgym.engines.cpu import CpuEngine
from mjgym.structs import (
    ALL_CONSTANTS,
    AssetOptions,
    CameraProperties,
    ImageType,
    PlaneParams,
    SimParams,
    Transform,
    UpAxis,
    Vec3,
)
from tests.mjgym.scenes import skip_without_opengl

pytest.importorskip("mujoco_warp", reason="the warp extra is not installed")
pytestmark = [pytest.mark.warp, pytest.mark.slow]

ANT = Path(__file__).parents[2] / "assets" / "mjcf" / "ant.xml"
CARTPOLE = """
<mujoco model="cartpole">
  <worldbody>
    <body name="cart" pos="0 0 2">
      <joint name="slide" type="slide" axis="0 1 0" range="-4 4" limited="true"/>
      <geom type="box" size="0.1 0.2 0.1" mass="1" contype="0" conaffinity="0"/>
      <body name="pole">
        <joint name="hinge" axis="1 0 0"/>
        <geom type="capsule" size="0.04" fromto="0 0 0 0 0 1" mass="0.5" contype="0" conaffinity="0"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""
STANCE = (0.0, 1.0, 0.0, -1.0, 0.0, -1.0, 0.0, 1.0)
BODY_FIELDS = ("xpos", "xquat", "cvel", "subtree_com", "cdof", "M")
DEVICES = [
    "cpu",
    pytest.param("cuda:0", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


@pytest.fixture(scope="module")
def ant_model():
    spec = mujoco.MjSpec.from_file(str(ANT))
    spec.option.timestep = 1.0 / 120.0
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.worldbody.add_geom(name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0, 0, 1))
    spec.worldbody.add_site(name="switch")
    site = mujoco.mjtObj.mjOBJ_SITE
    spec.add_sensor(name="switch", type=mujoco.mjtSensor.mjSENS_FORCE, objtype=site, objname="switch")
    return spec.compile()


@pytest.fixture(scope="module", params=DEVICES)
def device(request):
    return request.param


@pytest.fixture(scope="module")
def shared_warp(ant_model, device):
    engine = create_engine("mujoco_warp", ant_model, 3, 0, device)
    for name in (*BODY_FIELDS, "cfrc_ext"):
        engine.derived(name)
    engine.enable_contact_forces()
    engine.start = engine.save_state()
    return engine


@pytest.fixture
def warp(shared_warp):
    shared_warp.load_state(shared_warp.start)
    place(shared_warp)
    return shared_warp


def place(engine):
    engine.state("qpos")[:, 2] = torch.tensor([0.6, 0.65, 0.7])
    engine.state("qpos")[:, 7:] = torch.tensor(STANCE)
    engine.state("ctrl")[:, 0] = torch.tensor([0.0, 0.01, -0.02])


def close(a, b, atol):
    torch.testing.assert_close(a.double().cpu(), b.double().cpu(), atol=atol, rtol=1e-4)


def test_ant_falls_and_lands_as_on_the_cpu_engine(warp, ant_model):
    cpu = CpuEngine(copy.copy(ant_model), 3, 1)
    cpu.enable_contact_forces()
    for name in (*BODY_FIELDS, "cfrc_ext"):
        cpu.derived(name)
    place(cpu)
    touched = 0.0
    for _ in range(8):
        warp.step(2, True)
        cpu.step(2, True)
        touched = max(touched, float(cpu.derived("cfrc_ext").abs().max()))
    assert touched > 5.0  # N: the feet did land
    for name in ("qpos", "qvel", "time"):
        close(warp.state(name), cpu.state(name), atol=1e-4)
    for name in BODY_FIELDS:
        close(warp.derived(name), cpu.derived(name), atol=1e-4)
    close(warp.derived("cfrc_ext"), cpu.derived("cfrc_ext"), atol=5e-3)
    cpu.close()


def test_tensors_are_the_engines_memory(warp):
    assert warp.state("qpos").dtype == torch.float32
    pointers = {name: warp.state(name).data_ptr() for name in ("qpos", "qvel", "ctrl")}
    before = warp.state("qpos")
    warp.step(1, True)
    assert warp.state("qpos") is before
    assert pointers == {name: warp.state(name).data_ptr() for name in pointers}


def test_forward_of_a_subset_leaves_the_others(warp):
    warp.forward(None)
    before = {name: warp.derived(name).clone() for name in BODY_FIELDS}
    state = warp.state("qpos").clone()
    warp.state("qpos")[:, 2] += 1.0
    warp.forward(torch.tensor([1]))
    moved = warp.derived("xpos")[:, 1, 2] - before["xpos"][:, 1, 2]
    close(moved, torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)
    for name in BODY_FIELDS:
        assert torch.equal(warp.derived(name)[[0, 2]], before[name][[0, 2]])
    close(warp.state("qpos")[:, 2] - state[:, 2], torch.ones(3), atol=1e-6)


def test_saved_state_goes_on_bit_identically(warp):
    for _ in range(4):
        warp.step(2, True)
    saved = warp.save_state()
    warp.step(2, True)
    expected = warp.save_state()
    warp.load_state(saved)
    warp.step(2, True)
    after = warp.save_state()
    assert all(torch.equal(after[name], expected[name]) for name in expected)
    with pytest.raises(ValueError, match="saved state's qpos"):
        warp.load_state(saved | {"qpos": torch.zeros(2, 15)})


def test_a_diverged_environment_starts_again_and_is_counted(warp):
    warp.state("qvel")[1, 3] = float("nan")
    warp.step(1, True)
    assert warp.warning_counts().tolist() == [0, 1, 0]
    assert torch.isfinite(warp.state("qpos")).all()
    close(warp.state("qpos")[1, :3], warp.start["qpos"][1, :3], atol=1e-6)
    assert torch.isfinite(warp.derived("xpos")).all()


def test_model_fields_differ_between_environments(ant_model, device):
    engine = create_engine("mujoco_warp", ant_model, 3, 0, device)
    engine.derived("xpos")
    place(engine)
    engine.state("qpos")[:, 2] = 3.0
    engine.model_field("opt.gravity")[2] = 0.0
    engine.model_field("body_mass")[1] *= 2.0
    engine.set_const(None)
    weights = engine._m.body_subtreemass.numpy()[:, 1]
    assert weights[1] == pytest.approx(2 * weights[0])
    model, data = engine.env_model_data(1)
    assert model.body_mass[1] == pytest.approx(2 * ant_model.body_mass[1])
    assert data.qpos[2] == 3.0
    engine.step(4, False)
    fallen = 3.0 - engine.state("qpos")[:, 2]
    assert fallen[0] > 1e-3
    assert fallen[2].abs() < 1e-5
    engine.model_field("jnt_limited")[0, 1] = True  # as it is
    engine.step(1, False)
    engine.model_field("jnt_limited")[0, 1] = False
    with pytest.raises(NotImplementedError, match="jnt_limited was changed after prepare_sim"):
        engine.step(1, False)
    engine.close()


def test_wrong_names_and_devices(warp, ant_model):
    with pytest.raises(ValueError, match="'qfoo' is not one of"):
        warp.state("qfoo")
    with pytest.raises(ValueError, match="no field 'body_mas'"):
        warp.model_field("body_mas")
    with pytest.raises(ValueError, match="no device 'cuda:7' here"):
        create_engine("mujoco_warp", ant_model, 1, 0, "cuda:7")


def run_cartpole(engine_name, folder, device="cpu", velocities=None):
    """Push two carts through Isaac Gym's calls and return what the tensors show."""
    from mjgym import gymtorch
    from mjgym.gymapi import acquire_gym

    gym = acquire_gym(engine_name)
    params = SimParams(dt=1 / 60, substeps=2, up_axis=UpAxis.UP_AXIS_Z, gravity=Vec3(0.0, 0.0, -9.81))
    params.use_gpu_pipeline = device != "cpu"
    sim = gym.create_sim(0, -1, ALL_CONSTANTS["SIM_PHYSX"], params)
    gym.add_ground(sim, PlaneParams(normal=Vec3(0.0, 0.0, 1.0)))
    asset = gym.load_asset(sim, str(folder), "cartpole.xml", AssetOptions(fix_base_link=True))
    for index in range(2):
        env = gym.create_env(sim, Vec3(-1, -1, 0), Vec3(1, 1, 2), 2)
        actor = gym.create_actor(env, asset, Transform(p=Vec3(0, 0, 2)), "cartpole", index, 1, 0)
        props = gym.get_actor_dof_properties(env, actor)
        props["driveMode"][:] = [ALL_CONSTANTS["DOF_MODE_EFFORT"], ALL_CONSTANTS["DOF_MODE_NONE"]]
        props["stiffness"].fill(0.0)
        props["damping"].fill(0.0)
        if velocities is not None:
            props["velocity"][:] = velocities
        gym.set_actor_dof_properties(env, actor, props)
    gym.prepare_sim(sim)
    states = gymtorch.wrap_tensor(gym.acquire_dof_state_tensor(sim))
    bodies = gymtorch.wrap_tensor(gym.acquire_rigid_body_state_tensor(sim))
    states.view(2, 2, 2)[1, 1, 0] = 0.3
    ids = gymtorch.unwrap_tensor(torch.tensor([1], dtype=torch.int32, device=device))
    gym.set_dof_state_tensor_indexed(sim, gymtorch.unwrap_tensor(states), ids, 1)
    for _ in range(20):
        efforts = torch.tensor([10.0, 0.0, -5.0, 0.0], device=device)
        gym.set_dof_actuation_force_tensor(sim, gymtorch.unwrap_tensor(efforts))
        gym.simulate(sim)
    gym.refresh_dof_state_tensor(sim)
    gym.refresh_rigid_body_state_tensor(sim)
    result = states.clone(), bodies.clone()
    gym.destroy_sim(sim)
    return result


def test_cartpole_through_isaac_gyms_calls(tmp_path, device):
    (tmp_path / "cartpole.xml").write_text(CARTPOLE)
    ours_and_reference = run_cartpole("mujoco_warp", tmp_path, device), run_cartpole("mujoco", tmp_path)
    for ours, reference in zip(*ours_and_reference, strict=True):
        assert ours.device == torch.device(device)
        assert ours.dtype == torch.float32
        assert reference.abs().max() > 1.0
        close(ours, reference, atol=1e-4)


def test_velocity_limits_through_isaac_gyms_calls(tmp_path, device):
    (tmp_path / "cartpole.xml").write_text(CARTPOLE)
    limits = (0.5, 1.0)  # m/s, rad/s
    ours, _ = run_cartpole("mujoco_warp", tmp_path, device, limits)
    reference, _ = run_cartpole("mujoco", tmp_path, velocities=limits)
    close(ours, reference, atol=1e-4)
    assert ours[:, 1].abs().max() == 1.0
    assert ours[0, 1] == 0.5


def test_cameras_see_what_warp_simulates(tmp_path, device):
    from mjgym import gymtorch
    from mjgym.gymapi import acquire_gym

    skip_without_opengl()
    box = '<body><freejoint/><geom type="box" size="0.1 0.1 0.1"/></body>'
    (tmp_path / "box.xml").write_text(f"<mujoco><worldbody>{box}</worldbody></mujoco>")
    gym = acquire_gym("mujoco_warp")
    params = SimParams(gravity=Vec3(), use_gpu_pipeline=device != "cpu")
    sim = gym.create_sim(0, 0, params=params)
    asset, envs = gym.load_asset(sim, str(tmp_path), "box.xml", AssetOptions()), []
    for index in range(2):
        envs.append(gym.create_env(sim, Vec3(-1, -1, -1), Vec3(1, 1, 1), 2))
        gym.create_actor(envs[-1], asset, Transform(Vec3(0.6, 0, 0)), "box", index, 0, 4)
        gym.create_camera_sensor(envs[-1], CameraProperties(width=64, height=48))
    gym.prepare_sim(sim)
    sim.running.engine.model_field("geom_size")[1] = 0.05
    segments, depth = (
        [gymtorch.wrap_tensor(gym.get_camera_image_gpu_tensor(sim, env, 0, kind)) for env in envs]
        for kind in (ImageType.IMAGE_SEGMENTATION, ImageType.IMAGE_DEPTH)
    )
    gym.render_all_camera_sensors(sim)
    # 64 pixels a metre at 0.5 m, 32 / 0.55 at 0.55 m: faces of 12.8 and 5.8 pixels, from the middle.
    assert [int((image == 4).sum()) for image in segments] == [12 * 12, 6 * 6]
    assert [float(image[24, 32]) for image in depth] == pytest.approx([-0.5, -0.55], rel=1e-4)
    assert segments[0].device == depth[0].device == torch.device(device)
    gym.destroy_sim(sim)

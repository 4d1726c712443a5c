import gc
import weakref

import mujoco
import pytest
import torch

from mjgym.engines import create_engine
from tests.mjgym.models import BALL, BOX
from tests.mjgym.scenes import make_world


def ball_engine(num_envs=3, threads=1):
    model = mujoco.MjModel.from_xml_string(BALL)
    model.opt.timestep = 0.01
    return create_engine("mujoco", model, num_envs, threads, "cpu")


def test_state_is_live_both_ways():
    engine = ball_engine()
    qpos, qvel = engine.state("qpos"), engine.state("qvel")
    assert (qpos.shape, qpos.dtype) == ((3, 7), torch.float64)
    qpos[1, 2] = 50.0
    engine.step(1, current=False)
    assert qpos[1, 2] == pytest.approx(50.0 - 9.81e-4)
    assert qvel[1, 2] == pytest.approx(-0.0981)
    assert qpos[0, 2] == pytest.approx(7.0 - 9.81e-4)


def test_derived_fields_are_a_substep_behind_unless_current_ones_are_asked_for():
    engine = ball_engine()
    qpos, xpos = engine.state("qpos"), engine.derived("xpos")
    engine.step(2, current=False)
    assert xpos[0, 1, 2] == pytest.approx(7.0 - 9.81e-4)
    engine.step(2, current=True)
    assert torch.equal(xpos[:, 1], qpos[:, :3])


def test_forward_moves_neither_time_nor_environments_that_are_not_listed():
    engine = ball_engine()
    xpos = engine.derived("xpos")
    engine.step(3, current=True)
    engine.state("qpos")[:, 0] = 4.0
    before = {name: engine.state(name).clone() for name in ("time", "qpos", "qvel", "qacc_warmstart")}
    engine.forward(torch.tensor([1]))
    assert xpos[:, 1, 0].tolist() == [0.0, 4.0, 0.0]
    assert all(torch.equal(engine.state(name), value) for name, value in before.items())


def test_model_fields_differ_between_environments():
    engine = ball_engine()
    engine.model_field("opt.gravity")[:, 2] = torch.tensor([-1.0, -2.0, 3.0], dtype=torch.float64)
    engine.step(1, current=False)
    torch.testing.assert_close(engine.state("qvel")[:, 2], torch.tensor([-0.01, -0.02, 0.03]).double())


def test_wrong_devices_fields_and_names_are_refused():
    engine = ball_engine()
    with pytest.raises(ValueError, match="'xpos' is not one of time, qpos"):
        engine.state("xpos")
    with pytest.raises(ValueError, match="'qpos' is not one of xpos"):
        engine.derived("qpos")
    with pytest.raises(ValueError, match="simulates on the CPU, not on 'cuda:0'"):
        create_engine("mujoco", engine.model, 1, 1, "cuda:0")
    with pytest.raises(ValueError, match="known engines: mujoco, mujoco_warp"):
        create_engine("bullet", engine.model, 1, 1, "cpu")


def test_a_destroyed_simulation_frees_its_engine(tmp_path):
    world = make_world(tmp_path, BOX, ground=True)
    world.tensor("actor_root_state")
    world.tensor("rigid_body_state")
    world.simulate()
    engine = weakref.ref(world.sim.running.engine)
    batch = weakref.ref(world.sim.running.engine._batch)
    world.gym.destroy_sim(world.sim)
    gc.collect()
    assert engine() is None and batch() is None

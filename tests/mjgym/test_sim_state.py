import io

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BOX, LIMBS
from tests.mjgym.scenes import make_world, transform, unwrap, with_dofs

KINDS = ("actor_root_state", "dof_state", "rigid_body_state", "net_contact_force", "dof_force")


def busy_world(tmp_path, num_envs=3):
    def setup(gym, env, handle, asset):
        with_dofs(driveMode=gymapi.DOF_MODE_EFFORT)(gym, env, handle, asset)
        gym.enable_actor_dof_force_sensors(env, handle)

    world = make_world(tmp_path, LIMBS, num_envs=num_envs, ground=True, pose=transform(z=0.15), setup=setup)
    return world, [world.tensor(kind) for kind in KINDS]


def drive(world, seed, steps):
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        forces = torch.randn(world.gym.get_sim_dof_count(world.sim), generator=random)
        world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(forces))
        world.simulate()
    world.refresh(*KINDS)


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("fresh", [False, True])
def test_continuation_is_bit_exact_here_and_in_a_fresh_simulation(tmp_path, fresh):
    world, tensors = busy_world(tmp_path)
    drive(world, seed=1, steps=20)
    tensors[0][0, 5] = 9.0  # what a task wrote into a buffer is part of the state
    state = through_a_file(world.gym.get_sim_state(world.sim))
    buffers = [tensor.clone() for tensor in tensors]
    drive(world, seed=2, steps=20)
    expected = [tensor.clone() for tensor in tensors]
    if fresh:
        world, tensors = busy_world(tmp_path)
    world.gym.set_sim_state(world.sim, state)
    assert world.gym.get_frame_count(world.sim) == 20
    assert all(torch.equal(a, b) for a, b in zip(tensors, buffers, strict=True))
    drive(world, seed=2, steps=20)
    assert all(torch.equal(a, b) for a, b in zip(tensors, expected, strict=True))


def test_efforts_are_part_of_the_state(tmp_path):
    world, _ = busy_world(tmp_path)
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.ones(9)))
    state = world.gym.get_sim_state(world.sim)
    world.simulate()
    expected = world.state("qvel").clone()
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.zeros(9)))
    world.gym.set_sim_state(world.sim, state)
    world.simulate()
    assert torch.equal(world.state("qvel"), expected)


def test_a_state_of_another_shape_is_refused(tmp_path):
    world, _ = busy_world(tmp_path)
    other, _ = busy_world(tmp_path, num_envs=2)
    with pytest.raises(ValueError, match="3 environments.*2 of"):
        other.gym.set_sim_state(other.sim, world.gym.get_sim_state(world.sim))


def test_diverged_environments_are_counted_each_time_and_the_others_go_on(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = make_world(tmp_path, BOX, num_envs=3)
    root = world.tensor("actor_root_state")
    for times in (1, 2):
        root[1, 7] = float("nan")
        world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
        world.simulate()
        world.refresh("actor_root_state")
        assert torch.isfinite(root).all()
        assert world.gym.get_sim_warnings(world.sim).tolist() == [0, times, 0]
    assert float(root[0, 9]) == pytest.approx(-0.2)
    assert capfd.readouterr().err == ""
    assert not (tmp_path / "MUJOCO_LOG.TXT").exists()


def test_body_properties_of_one_environment_are_part_of_the_state(tmp_path):
    world, tensors = busy_world(tmp_path)
    props = world.gym.get_actor_rigid_body_properties(world.envs[1], 0)
    props[0].mass = 9.0
    world.gym.set_actor_rigid_body_properties(world.envs[1], 0, props)
    drive(world, seed=1, steps=5)
    state = through_a_file(world.gym.get_sim_state(world.sim))
    drive(world, seed=2, steps=5)
    expected = [tensor.clone() for tensor in tensors]
    fresh, tensors = busy_world(tmp_path)
    fresh.gym.set_sim_state(fresh.sim, state)
    drive(fresh, seed=2, steps=5)
    assert all(torch.equal(a, b) for a, b in zip(tensors, expected, strict=True))


def test_threads_do_not_change_results(tmp_path):
    results = []
    for threads in (1, 2):
        world = make_world(tmp_path, LIMBS, num_envs=5, ground=True, pose=transform(z=0.2), threads=threads)
        world.simulate(50)
        results.append(world.state("qpos").clone())
    assert torch.equal(*results)

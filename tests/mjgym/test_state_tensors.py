import math

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.models import BALL, HINGE, LIMBS
from tests.mjgym.scenes import ids, make_world, options, transform, unwrap

ROOT, DOF, BODY = "actor_root_state", "dof_state", "rigid_body_state"


def test_tensors_have_isaac_gyms_shapes_and_start_at_the_pose_of_create_actor(tmp_path):
    turned = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), math.pi / 2)
    world = make_world(tmp_path, LIMBS, num_envs=3, pose=transform(1.0, 2.0, 3.0, turned))
    root, dof, body = (world.tensor(kind) for kind in (ROOT, DOF, BODY))
    assert (root.shape, dof.shape, body.shape) == ((3, 13), (9, 2), (12, 13))
    assert root.dtype == dof.dtype == body.dtype == torch.float32
    half = math.sqrt(0.5)
    expected = torch.tensor([1.0, 2.0, 3.0, 0.0, 0.0, half, half, 0, 0, 0, 0, 0, 0])
    torch.testing.assert_close(root, expected.expand(3, 13))


def test_free_fall_after_one_step(tmp_path):
    world = make_world(tmp_path, BALL, dt=0.02, substeps=2, gravity=-10.0)
    root = world.tensor(ROOT)
    world.simulate()
    assert root[0, 2] == 1.0  # nothing shows before the refresh
    world.refresh(ROOT)
    # Two semi-implicit Euler steps of h = 0.01 s: v = -2 g h, z = 1 - g h^2 (1 + 2).
    torch.testing.assert_close(root[:, 2], torch.full((2,), 1.0 - 10.0 * 1e-4 * 3.0))
    torch.testing.assert_close(root[:, 9], torch.full((2,), -0.2))


def test_buffers_alias_for_life_and_refresh_overwrites_in_place(tmp_path):
    world = make_world(tmp_path, LIMBS)
    root, dof, body = (world.tensor(kind) for kind in (ROOT, DOF, BODY))
    addresses = [t.data_ptr() for t in (root, dof, body)]
    view = dof.view(2, 3, 2)[..., 0]
    view[0, 1] = 0.7
    assert dof[1, 0] == 0.7
    world.simulate(2)
    assert dof[1, 0] == 0.7
    world.refresh(ROOT, DOF, BODY)
    assert dof[1, 0] != 0.7
    assert addresses == [world.tensor(kind).data_ptr() for kind in (ROOT, DOF, BODY)]


def test_indexed_setter_takes_effect_at_once_and_leaves_others_bit_identical(tmp_path):
    world = make_world(tmp_path, LIMBS, num_envs=4)
    root, dof, body = (world.tensor(kind) for kind in (ROOT, DOF, BODY))
    world.simulate(5)
    world.refresh(ROOT, DOF, BODY)
    kept = {name: world.state(name).clone() for name in ("qpos", "qvel", "qacc_warmstart")}
    bodies_before = body.clone()
    root.view(4, 13)[1, :3] = torch.tensor([4.0, 5.0, 6.0])
    dof.view(4, 3, 2)[1] = torch.tensor([[0.1, 1.0], [0.2, 2.0], [0.3, 3.0]])
    root[3, 0] = 77.0  # edited in the buffer, but not listed
    world.gym.set_actor_root_state_tensor_indexed(world.sim, unwrap(root), ids(1), 1)
    world.gym.set_dof_state_tensor_indexed(world.sim, unwrap(dof), ids(1, 1), 2)
    world.refresh(ROOT, DOF, BODY)
    for name, before in kept.items():
        others = [0, 2, 3]
        assert torch.equal(world.state(name)[others], before[others])
    assert torch.equal(world.state("qacc_warmstart")[1], torch.zeros_like(kept["qacc_warmstart"][1]))
    torch.testing.assert_close(root[1, :3], torch.tensor([4.0, 5.0, 6.0]))
    torch.testing.assert_close(dof.view(4, 3, 2)[1, :, 1], torch.tensor([1.0, 2.0, 3.0]))
    assert root[3, 0] != 77.0
    bodies = body.view(4, 4, 13)
    assert torch.equal(bodies[[0, 2, 3]], bodies_before.view(4, 4, 13)[[0, 2, 3]])
    torch.testing.assert_close(bodies[1, 0], root[1])


def test_body_states_are_fresh_right_after_a_reset(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=options(fix_base_link=True), pose=transform(z=1.0))
    dof, body = world.tensor(DOF), world.tensor(BODY)
    world.simulate(3)
    dof[:] = 0.0
    dof[1] = torch.tensor([math.pi / 2, 2.0])  # turned by 90 degrees about y: x points down
    world.gym.set_dof_state_tensor_indexed(world.sim, unwrap(dof), ids(1), 1)
    world.refresh(BODY)
    rod = body.view(2, 2, 13)[1, 1]
    torch.testing.assert_close(rod[:3], torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(rod[3:7], torch.tensor([0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5)]))
    torch.testing.assert_close(rod[10:13], torch.tensor([0.0, 2.0, 0.0]))


def test_body_velocity_is_that_of_the_frames_origin(tmp_path):
    world = make_world(tmp_path, LIMBS, gravity=0.0)
    root, body = world.tensor(ROOT), world.tensor(BODY)
    # The whole creature spins about z at 3 rad/s around the trunk, which moves along x at 1 m/s.
    root[:, 7:13] = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0, 3.0])
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
    world.refresh(BODY)
    left = body.view(2, 4, 13)[0, 1]  # 0.2 m along y: velocity 1 - 3 * 0.2 along x
    torch.testing.assert_close(left[7:10], torch.tensor([0.4, 0.0, 0.0]), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(left[10:13], torch.tensor([0.0, 0.0, 3.0]), atol=1e-6, rtol=1e-6)


def test_angular_velocity_is_in_world_axes(tmp_path):
    turned = gymapi.Quat.from_axis_angle(gymapi.Vec3(1, 0, 0), math.pi / 2)
    world = make_world(tmp_path, BALL, pose=transform(z=1.0, r=turned), gravity=0.0)
    root, body = world.tensor(ROOT), world.tensor(BODY)
    root[:, 12] = 2.0  # about the world's z, which is the body's -y... whatever the body's axes are
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(root))
    torch.testing.assert_close(world.state("qvel")[0, 3:6].float(), torch.tensor([0.0, 2.0, 0.0]))
    world.simulate()
    world.refresh(ROOT, BODY)
    spin = torch.tensor([0.0, 0.0, 2.0]).expand(2, 3)
    torch.testing.assert_close(root[:, 10:13], spin, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(body[:, 10:13], spin, atol=1e-6, rtol=1e-6)


def test_fixed_base_can_be_moved_and_carries_its_links(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=options(fix_base_link=True))
    root, body = world.tensor(ROOT), world.tensor(BODY)
    root[1, :3] = torch.tensor([1.0, 2.0, 3.0])
    world.gym.set_actor_root_state_tensor_indexed(world.sim, unwrap(root), ids(1), 1)
    world.simulate()
    world.refresh(ROOT, BODY)
    torch.testing.assert_close(root[:, :3], torch.tensor([[0.0, 0.0, 1.0], [1.0, 2.0, 3.0]]))
    torch.testing.assert_close(body.view(2, 2, 13)[1, 1, :3], torch.tensor([1.0, 2.0, 3.0]))


def test_several_actors_keep_creation_order(tmp_path):
    world = make_world(tmp_path, BALL, num_envs=3, gravity=0.0, prepare=False)
    hinge_path = tmp_path / "hinge.xml"
    hinge_path.write_text(HINGE)
    arm = world.gym.load_asset(world.sim, str(tmp_path), "hinge.xml", options(fix_base_link=True))
    handles = [world.gym.create_actor(e, arm, transform(5.0), "arm", e.index, 0, 0) for e in world.envs]
    world.prepare()
    gym, env = world.gym, world.envs[2]
    assert handles == [1, 1, 1]
    assert gym.get_actor_index(env, 1, gymapi.DOMAIN_SIM) == 5
    assert gym.find_actor_rigid_body_handle(env, 1, "rod") == 2
    assert gym.find_actor_rigid_body_index(env, 1, "rod", gymapi.DOMAIN_SIM) == 8
    root, dof, body = (world.tensor(kind) for kind in (ROOT, DOF, BODY))
    assert (root.shape, dof.shape, body.shape) == ((6, 13), (3, 2), (9, 13))
    root[3, 0], root[4, 0], dof[1, 0] = 6.0, 0.5, 0.25
    gym.set_actor_root_state_tensor_indexed(world.sim, unwrap(root), ids(4, 3), 2)
    gym.set_dof_state_tensor_indexed(world.sim, unwrap(dof), ids(3), 1)
    world.refresh(ROOT, DOF, BODY)
    assert root[:, 0].tolist() == [0.0, 5.0, 0.0, 6.0, 0.5, 5.0]
    assert dof[:, 0].tolist() == [0.0, 0.25, 0.0]
    assert body.view(3, 3, 13)[:, 1, 0].tolist() == [5.0, 6.0, 5.0]


@pytest.mark.parametrize("threads", [1, 2])
def test_two_sims_live_side_by_side(tmp_path, threads):
    first = make_world(tmp_path, BALL, gravity=-10.0, threads=threads)
    second = make_world(tmp_path, BALL, num_envs=3, gravity=5.0, threads=threads)
    roots = first.tensor(ROOT), second.tensor(ROOT)
    first.simulate()
    second.simulate()
    first.gym.destroy_sim(first.sim)
    second.simulate()
    second.refresh(ROOT)
    assert roots[1].shape == (3, 13)
    torch.testing.assert_close(roots[1][:, 9], torch.full((3,), 5.0 * 0.02))
    with pytest.raises(RuntimeError, match="destroyed"):
        first.simulate()

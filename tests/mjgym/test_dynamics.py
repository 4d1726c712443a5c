"""Jacobians and mass matrices, against MuJoCo's own, against the bodies' velocities, and by hand."""

import mujoco
import numpy as np
import pytest
import torch

from tests.mjgym.models import HINGE, HINGE_INERTIA, LIMBS, SLIDER
from tests.mjgym.scenes import make_world, options, transform, unwrap

FIXED = options(fix_base_link=True)
# A slide, a hinge off its body's origin, and three hinges that are one spherical joint.
ARM = """<mujoco model="arm"><compiler angle="radian"/><worldbody><body name="base">
  <geom size="0.05" mass="1" contype="0" conaffinity="0"/>
  <body name="cart" pos="0.1 0 0.2"><joint name="s" type="slide" axis="0 0.6 0.8" armature="0.3"/>
    <geom type="box" size="0.1 0.05 0.1" mass="2" contype="0" conaffinity="0"/>
    <body name="upper" pos="0 0.1 0"><joint name="h" axis="0 1 0" pos="0 0 0.2"/>
      <geom type="capsule" fromto="0 0 0 0 0 0.3" size="0.02" mass="0.7" contype="0" conaffinity="0"/>
      <body name="hand" pos="0.3 0 0">
        <joint name="x" axis="1 0 0"/><joint name="y" axis="0 1 0"/><joint name="z" axis="0 0 1"/>
        <inertial pos="0.05 0.02 0.1" mass="0.4" diaginertia="0.01 0.02 0.025"/></body></body></body>
  <body name="other" pos="0 0.5 0"><joint name="o" axis="0 0 1"/><geom size="0.1" mass="1"/></body>
  </body></worldbody></mujoco>"""


def moving_world(tmp_path, xml, **kw):
    """Return a world of two environments in which everything has moved for a while."""
    world = make_world(tmp_path, xml, gravity=-3.0, **kw)
    torch.manual_seed(3)
    roots, dofs = world.tensor("actor_root_state"), world.tensor("dof_state")
    roots[:, 7:13] = torch.randn(roots.shape[0], 6)
    dofs[:] = torch.randn_like(dofs) * 0.5
    world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
    world.gym.set_dof_state_tensor(world.sim, unwrap(dofs))
    return world


def acquire(world, kind, name="actor"):
    descriptor = getattr(world.gym, f"acquire_{kind}_tensor")(world.sim, name)
    getattr(world.gym, f"refresh_{kind}_tensors")(world.sim)
    return descriptor.torch


def in_world_axes(matrix, data, floats):
    """Turn the columns of MuJoCo's free joint for angular velocity from the root's axes into the world's."""
    if floats:
        root = next(b for b in range(1, data.xmat.shape[0]))
        matrix[:, 3:6] = matrix[:, 3:6] @ data.xmat[root].reshape(3, 3).T
    return matrix


@pytest.mark.parametrize(("xml", "fixed"), [(ARM, True), (ARM, False), (LIMBS, False), (LIMBS, True)])
def test_jacobians_and_mass_matrices_are_those_of_mujoco(tmp_path, xml, fixed):
    world = moving_world(tmp_path, xml, asset_options=options(fix_base_link=fixed))
    jacobian, mass = acquire(world, "jacobian"), acquire(world, "mass_matrix")
    world.simulate(7)
    world.gym.refresh_jacobian_tensors(world.sim)
    world.gym.refresh_mass_matrix_tensors(world.sim)
    bodies = world.gym.get_actor_rigid_body_count(world.envs[0], 0)
    dofs = world.gym.get_actor_dof_count(world.envs[0], 0)
    rows, columns = (bodies - 1, dofs) if fixed else (bodies, 6 + dofs)
    assert tuple(jacobian.shape) == (2, rows, 6, columns)
    assert tuple(mass.shape) == (2, columns, columns)
    for env in range(2):
        model, data = world.gym.get_env_model_data(world.sim, env)
        for row in range(rows):
            body, expected = 1 + fixed + row, np.zeros((6, model.nv))
            mujoco.mj_jacBody(model, data, expected[:3], expected[3:], body)
            in_world_axes(expected, data, not fixed)
            np.testing.assert_allclose(jacobian[env, row].numpy(), expected, atol=1e-5)
        full = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, data, full)
        expected = in_world_axes(in_world_axes(full, data, not fixed).T.copy(), data, not fixed)
        np.testing.assert_allclose(mass[env].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("fixed", [True, False])
def test_jacobian_times_velocities_is_the_velocity_of_every_body(tmp_path, fixed):
    world = moving_world(tmp_path, ARM, asset_options=options(fix_base_link=fixed))
    jacobian, bodies = acquire(world, "jacobian"), world.tensor("rigid_body_state").view(2, -1, 13)
    roots, dofs = world.tensor("actor_root_state"), world.tensor("dof_state").view(2, -1, 2)
    world.simulate(5)
    world.refresh("actor_root_state", "dof_state", "rigid_body_state")
    world.gym.refresh_jacobian_tensors(world.sim)
    speeds = dofs[..., 1] if fixed else torch.cat((roots[:, 7:13], dofs[..., 1]), dim=1)
    expected = bodies[:, 1:, 7:13] if fixed else bodies[..., 7:13]
    torch.testing.assert_close(
        (jacobian @ speeds[:, None, :, None]).squeeze(-1), expected, atol=1e-5, rtol=1e-5
    )


def test_hinge_and_slider_by_hand(tmp_path):
    hinge = make_world(tmp_path, HINGE, asset_options=FIXED)
    torch.testing.assert_close(acquire(hinge, "mass_matrix"), torch.full((2, 1, 1), HINGE_INERTIA))
    expected = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    torch.testing.assert_close(acquire(hinge, "jacobian"), expected.view(1, 1, 6, 1).repeat(2, 1, 1, 1))
    slider = make_world(tmp_path, SLIDER.format(joint="", actuator=""), asset_options=FIXED)
    torch.testing.assert_close(acquire(slider, "mass_matrix"), torch.full((2, 1, 1), 2.0))
    expected = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    torch.testing.assert_close(acquire(slider, "jacobian"), expected.view(1, 1, 6, 1).repeat(2, 1, 1, 1))


def test_setters_show_at_the_next_refresh_and_masses_of_each_environment_count(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=FIXED)
    jacobian, mass, dofs = (
        acquire(world, "jacobian"),
        acquire(world, "mass_matrix"),
        world.tensor("dof_state"),
    )
    props = world.gym.get_actor_dof_properties(world.envs[1], 0)
    props["armature"] = 0.5
    world.gym.set_actor_dof_properties(world.envs[1], 0, props)
    dofs[:, 0] = 1.0
    world.gym.set_dof_state_tensor(world.sim, unwrap(dofs))
    world.gym.refresh_mass_matrix_tensors(world.sim)
    torch.testing.assert_close(mass.view(2), torch.tensor([HINGE_INERTIA, HINGE_INERTIA - 0.02 + 0.5]))
    assert jacobian.data_ptr() == acquire(world, "jacobian").data_ptr()


def test_an_actor_among_others_has_its_own_columns(tmp_path):
    def setup(gym, env, handle, asset):
        gym.create_actor(env, asset, transform(x=2.0), "second", env.index, 0, 0)

    world = make_world(tmp_path, HINGE, asset_options=FIXED, setup=setup)
    dofs = world.tensor("dof_state")
    dofs.view(2, 2, 2)[:, 1, 0] = torch.pi / 2
    world.gym.set_dof_state_tensor(world.sim, unwrap(dofs))
    assert tuple(acquire(world, "jacobian", "second").shape) == (2, 1, 6, 1)
    torch.testing.assert_close(acquire(world, "mass_matrix", "second"), torch.full((2, 1, 1), HINGE_INERTIA))


def test_name_must_be_that_of_an_actor(tmp_path):
    world = make_world(tmp_path, HINGE, asset_options=FIXED)
    with pytest.raises(ValueError, match="name = 'robot' must be that of one actor .* has 'actor'"):
        world.gym.acquire_jacobian_tensor(world.sim, "robot")

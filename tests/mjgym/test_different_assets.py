"""Environments of one simulation that hold different assets.

Isaac Gym lets environments differ; its tensors have one shape for all, so tasks give each as many bodies and
DOFs.
"""

import pytest
import torch

from mjgym import gymapi
from tests.mjgym.scenes import make_mixed, options, transform, unwrap

SPHERE = '<geom size="0.1" density="100"/>'
BOX = '<geom type="box" size="0.2 0.15 0.3"/>'
DUMBBELL = """
    <geom type="capsule" size="0.05 0.2" euler="0 90 0"/>
    <geom type="box" size="0.1 0.1 0.1" pos="0.2 0 0" contype="0" conaffinity="0" rgba="1 0 0 1"/>
    <geom size="0.05" pos="-0.2 0 0"/>
"""


def free_body(geoms, assets=""):
    return f"""
        <mujoco><asset>{assets}</asset><worldbody>
          <body name="thing"><freejoint/>{geoms}</body>
        </worldbody></mujoco>"""


def arm(length, mass):
    """A link that turns about y: MuJoCo's rod from the joint downwards."""
    return f"""
        <mujoco><worldbody>
          <body name="base"><geom size="0.02" mass="1"/>
            <body name="link"><joint name="turn" axis="0 1 0"/>
              <geom type="capsule" size="0.01" fromto="0 0 0 0 0 -{length}" mass="{mass}"/>
            </body>
          </body>
        </worldbody></mujoco>"""


def cube(half):
    """Vertices of a cube as MuJoCo's files give a mesh."""
    corners = [(x, y, z) for x in (-half, half) for y in (-half, half) for z in (-half, half)]
    return " ".join(f"{value}" for corner in corners for value in corner)


def test_each_environment_stands_on_its_own_shape(tmp_path):
    world = make_mixed(
        tmp_path, [free_body(g) for g in (SPHERE, BOX, DUMBBELL)], 6, ground=True, dt=0.005
    ).prepare()
    roots = world.tensor("actor_root_state")
    forces = world.tensor("net_contact_force")
    world.simulate(300)
    world.refresh("actor_root_state", "net_contact_force")
    torch.testing.assert_close(roots[:, 2], torch.tensor([0.1, 0.3, 0.05] * 2), atol=2e-3, rtol=0)
    weight = 100 * 4 / 3 * torch.pi * 0.1**3 * 10
    torch.testing.assert_close(forces[0::3, 2], torch.full((2,), weight), rtol=1e-2, atol=0)


@pytest.mark.parametrize("geoms", [SPHERE, BOX, DUMBBELL])
def test_it_flies_as_it_does_among_its_likes(tmp_path, geoms):
    mixed = make_mixed(tmp_path, [free_body(g) for g in (SPHERE, geoms, DUMBBELL)], 3).prepare()
    alike = make_mixed(tmp_path, [free_body(geoms)], 1).prepare()
    spins = [0.0] * 6 + [1.0] + [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    ends = []
    for world in (mixed, alike):
        roots = world.tensor("actor_root_state")
        roots[:] = torch.tensor(spins)
        world.gym.set_actor_root_state_tensor(world.sim, unwrap(roots))
        world.simulate(50)
        world.refresh("actor_root_state")
        ends.append(roots)
    torch.testing.assert_close(ends[0][1], ends[1][0], rtol=1e-5, atol=1e-5)


def test_meshes_of_different_shape(tmp_path):
    mesh = '<geom type="mesh" mesh="cube" material="paint"/>'
    paint = '<material name="paint" rgba="{} 0 0 1"/>'
    texts = [
        free_body(SPHERE),
        free_body(mesh, f'<mesh name="cube" vertex="{cube(0.1)}"/>' + paint.format(1)),
        free_body(mesh, f'<mesh name="cube" vertex="{cube(0.2)} 0 0 0.25"/>' + paint.format(0.5)),
    ]
    world = make_mixed(tmp_path, texts, 3, ground=True, dt=0.005).prepare()
    roots = world.tensor("actor_root_state")
    world.simulate(300)
    world.refresh("actor_root_state")
    torch.testing.assert_close(roots[:, 2], torch.tensor([0.1, 0.1, 0.2]), atol=2e-3, rtol=0)
    models = [world.sim.running.engine.env_model_data(env)[0] for env in range(3)]
    assert [int(model.geom_dataid[1]) for model in models] == [-1, 0, 1]
    assert [float(model.mat_rgba[model.geom_matid[1], 0]) for model in models[1:]] == [1.0, 0.5]


def test_joints_and_drives_are_each_environments_own(tmp_path):
    fixed = options(fix_base_link=True)
    world = make_mixed(tmp_path, [arm(0.4, 1.0), arm(0.8, 2.0)], 4, asset_options=fixed)
    for env in world.envs:
        props = world.gym.get_actor_dof_properties(env, 0)
        props["driveMode"][:] = gymapi.DOF_MODE_EFFORT
        props["armature"][:] = 0.1 * (env.index // 2)
        world.gym.set_actor_dof_properties(env, 0, props)
    dofs = world.prepare().tensor("dof_state")
    world.gym.set_dof_actuation_force_tensor(world.sim, unwrap(torch.ones(4)))
    world.simulate()
    world.refresh("dof_state")
    inertia = []
    for env in range(4):
        model = world.assets[env % 2].model
        about_joint = model.body_inertia[2][1] + model.body_mass[2] * model.body_ipos[2][2] ** 2
        inertia.append(about_joint + 0.1 * (env // 2))
    torch.testing.assert_close(
        dofs[:, 1], 0.01 / torch.tensor(inertia, dtype=torch.float32), rtol=2e-3, atol=0
    )


def test_shape_properties_reach_the_right_shapes(tmp_path):
    world = make_mixed(tmp_path, [free_body(g) for g in (SPHERE, BOX, DUMBBELL)], 3).prepare()
    props = world.gym.get_actor_rigid_shape_properties(world.envs[2], 0)
    assert len(props) == 2
    props[0].friction, props[1].friction = 0.25, 0.5
    world.gym.set_actor_rigid_shape_properties(world.envs[2], 0, props)
    friction = world.sim.running.engine.model_field("geom_friction")[2, :, 0].tolist()
    model = world.sim.running.engine.env_model_data(2)[0]
    touching = [geom for geom in range(model.ngeom) if model.geom_conaffinity[geom]]
    assert [friction[geom] for geom in touching] == [0.25, 0.5]


def test_scale_applies_to_the_asset_that_an_environment_holds(tmp_path):
    world = make_mixed(tmp_path, [free_body(g) for g in (DUMBBELL, BOX, SPHERE)], 3, ground=True, dt=0.005)
    for env in world.envs:
        world.gym.set_actor_scale(env, 0, 1.5)
    roots = world.prepare().tensor("actor_root_state")
    world.simulate(300)
    world.refresh("actor_root_state")
    torch.testing.assert_close(roots[:, 2], 1.5 * torch.tensor([0.05, 0.3, 0.1]), atol=2e-3, rtol=0)
    masses = [world.gym.get_actor_rigid_body_properties(env, 0)[0].mass for env in world.envs]
    expected = [1.5**3 * asset.model.body_mass[1] for asset in world.assets]
    assert masses == pytest.approx(expected)


def test_other_bodies_joints_or_actors_are_refused(tmp_path):
    two_bodies = free_body(SPHERE + f'<body name="child">{SPHERE}</body>')
    with pytest.raises(NotImplementedError, match="environment 1 holds .* with other bodies"):
        make_mixed(tmp_path, [free_body(SPHERE), two_bodies], 2).prepare()
    slide = arm(0.4, 1.0).replace('axis="0 1 0"', 'type="slide"')
    with pytest.raises(NotImplementedError, match="with other joints"):
        make_mixed(tmp_path, [arm(0.4, 1.0), slide], 2).prepare()
    world = make_mixed(tmp_path, [free_body(SPHERE)], 2)
    world.gym.create_actor(world.envs[1], world.assets[0], transform(2.0), "second", 1, 0, 0)
    with pytest.raises(NotImplementedError, match="environment 1 holds 2 actors, environment 0 1"):
        world.prepare()


def test_collision_groups_may_differ_between_environments(tmp_path):
    world = make_mixed(tmp_path, [free_body(SPHERE)], 2, ground=True, dt=0.005)
    for index, env in enumerate(world.envs):
        world.gym.create_actor(env, world.assets[0], transform(z=0.1), "below", index + 2 * index, 0, 0)
    roots = world.prepare().tensor("actor_root_state").view(2, 2, 13)
    world.simulate(300)
    world.refresh("actor_root_state")
    # Groups 0 and 0 touch, so that the spheres cannot be in one place; groups 1 and 3 do not.
    assert (roots[0, 0, :3] - roots[0, 1, :3]).norm() > 0.19
    assert (roots[1, 0, :3] - roots[1, 1, :3]).norm() < 0.01

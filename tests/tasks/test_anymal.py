"""Anymal: formulas by hand, the model's figures, where episodes start and what ends them."""

import math

import pytest
import torch

import tasks
from learning.typed_config import ConfigError, from_mapping
from tasks.anymal import (
    BaseObservation,
    command_errors,
    command_rewards,
    observe_base,
    scale_observations,
    touched,
)
from tasks.anymal_config import AnymalEnvConfig, LearnConfig
from tasks.base.config import TaskError
from tests.tasks.task_configs import task_config

WEIGHT = 53.16426 * 9.81  # masses of ANYmal C's links [N]


@pytest.fixture
def make():
    made = []

    def _make(num_envs=2, **env):
        task = tasks.create(
            "Anymal", task_config("Anymal", num_envs, **env), sim_device="cpu", rl_device="cpu"
        )
        made.append(task)
        return task

    yield _make
    for task in made:
        task.close()


def base(lin=(0.0, 0.0, 0.0), ang=(0.0, 0.0, 0.0), gravity=(0.0, 0.0, -1.0)):
    return BaseObservation(torch.tensor([lin]), torch.tensor([ang]), torch.tensor([gravity]))


def test_base_sees_velocities_and_gravity_in_its_own_frame():
    half = math.sqrt(0.5)
    turned_left = [0.0, 0.0, 0.5, 0.0, 0.0, half, half, 1.0, 2.0, 3.0, 0.1, 0.2, 0.3]  # by 90° about z
    rolled_right = [0.0, 0.0, 0.5, half, 0.0, 0.0, half, 1.0, 2.0, 3.0, 0.1, 0.2, 0.3]  # by 90° about x
    seen = observe_base(torch.tensor([turned_left, rolled_right]))
    assert seen.lin_vel_b.flatten().tolist() == pytest.approx([2.0, -1.0, 3.0, 1.0, 3.0, -2.0], abs=1e-6)
    assert seen.ang_vel_b.flatten().tolist() == pytest.approx([0.2, -0.1, 0.3, 0.1, 0.3, -0.2], abs=1e-6)
    assert seen.gravity_b.flatten().tolist() == pytest.approx([0.0, 0.0, -1.0, 0.0, -1.0, 0.0], abs=1e-6)


def test_observations_are_scaled_and_commands_as_what_they_ask_for():
    commands = torch.tensor([[1.0, -0.5, 0.8]])
    offset, velocity = torch.full((1, 12), 0.3), torch.full((1, 12), 10.0)
    seen = scale_observations(
        base((0.5, 1.0, -1.5), (4.0, 2.0, -1.0)), commands, offset, velocity, LearnConfig()
    )
    assert seen["lin_vel_b"].tolist() == [[1.0, 2.0, -3.0]]
    assert seen["ang_vel_b"].tolist() == [[1.0, 0.5, -0.25]]
    assert seen["gravity_b"].tolist() == [[0.0, 0.0, -1.0]]
    assert seen["commands"][0].tolist() == pytest.approx([2.0, -1.0, 0.2])
    assert seen["dof_pos"][0].tolist() == pytest.approx([0.3] * 12)
    assert seen["dof_vel"][0].tolist() == pytest.approx([0.5] * 12)


def test_errors_are_of_the_horizontal_velocity_and_the_rate_of_turning():
    errors = command_errors(torch.tensor([[1.0, 0.5, -0.4]]), base((0.7, 0.1, 9.0), (9.0, 9.0, 0.6)))
    assert [error.item() for error in errors] == pytest.approx([0.5, 1.0])


def test_rewards_by_hand():
    # errors 0.5 and 1, as above: exp(-1) and exp(-4); 12 torques of 10 N m; times 0.02 s
    commands, seen = torch.tensor([[1.0, 0.5, -0.4]]), base((0.7, 0.1, 9.0), (9.0, 9.0, 0.6))
    terms = command_rewards(commands, seen, torch.full((1, 12), 10.0), LearnConfig(), 0.02)
    expected = {"lin_vel": math.exp(-1) * 0.02, "yaw_rate": 0.5 * math.exp(-4) * 0.02}
    expected["torque"] = -2.5e-5 * 1200 * 0.02
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected)


def test_torques_cost_no_more_than_the_command_earns():
    terms = command_rewards(torch.zeros(1, 3), base(), torch.full((1, 12), 80.0), LearnConfig(), 0.02)
    assert terms["torque"].item() == pytest.approx(-0.03)  # not -2.5e-5 · 12 · 80² · 0.02 = -0.0384
    assert sum(terms.values()).item() == 0.0


def test_a_body_is_touched_by_more_than_a_newton_from_any_side():
    forces = torch.zeros(3, 5, 3)
    forces[1, 4] = torch.tensor([-0.8, 0.0, 0.8])
    forces[2, 0, 2] = 0.99
    assert touched(forces).tolist() == [False, True, False]


def test_bodies_joints_and_mass_are_those_of_the_robot(make):
    task = make()
    parts = [f"{leg}_{part}" for leg in ("LF", "LH", "RF", "RH") for part in ("HIP", "THIGH", "SHANK")]
    assert task.body_names == ["base", *parts]
    assert task.dof_names == [f"{leg}_{j}" for leg in ("LF", "LH", "RF", "RH") for j in ("HAA", "HFE", "KFE")]
    assert [task.body_names[i] for i in task.fall_bodies] == ["base", *(p for p in parts if "THIGH" in p)]
    model, data = task.gym.get_env_model_data(task.sim, 0)
    assert model.body_mass.sum() * 9.81 == pytest.approx(WEIGHT)
    assert model.actuator("0/LF_HAA").id == 0
    # Legs straight down: the soles, 3 cm below the feet's centres, hang 0.285 + 0.33797 - 0.0225 + 0.03 lower
    feet = [g for g in range(model.ngeom) if model.geom_size[g][0] == 0.03 and model.geom_contype[g]]
    assert len(feet) == 4
    heights = data.geom_xpos[feet, 2] - data.xpos[1, 2]
    assert heights.tolist() == pytest.approx([-(0.285 + 0.33797 - 0.0225)] * 4)


def test_it_stands_on_its_feet_at_the_default_pose(make):
    torch.manual_seed(0)
    task = make()
    task.reset()
    for _ in range(60):
        _, _, dones, extras = task.step(torch.zeros(2, 12))
        assert not dones.any()
    forces = task.contact_forces[:, :, 2]
    feet = [i for i, name in enumerate(task.body_names) if "SHANK" in name]
    assert forces[:, feet].min() > 50.0
    assert forces.sum(dim=1).tolist() == pytest.approx([WEIGHT] * 2, rel=0.1)
    # who stands still misses the command by all of it
    asked = task.commands[:, 0:2].norm(dim=-1).mean().item()
    assert extras["episode"]["tracking/lin_vel_error"].item() == pytest.approx(asked, abs=0.05)
    assert extras["episode"]["tracking/yaw_rate_error"].item() == pytest.approx(
        task.commands[:, 2].abs().mean().item(), abs=0.05
    )


def test_targets_are_around_the_default_pose(make):
    task = make()
    task.reset()
    task.step(torch.tensor([[1.0] * 12, [-5.0] * 12]))  # the second is clamped to -1
    right_hind = [-0.03, -0.4, 0.8]
    assert task.targets[0, 9:].tolist() == pytest.approx([angle + 0.5 for angle in right_hind])
    assert task.targets[1, 9:].tolist() == pytest.approx([angle - 0.5 for angle in right_hind])


def test_episodes_start_with_new_commands_near_the_default_pose(make):
    task = make(num_envs=256)
    torch.manual_seed(0)
    task.reset()
    ratio = task.dof_pos / task.default_dof_pos
    assert 0.5 <= ratio.min() < 0.51 and 1.49 < ratio.max() <= 1.5
    assert task.dof_vel.abs().max() <= 0.1 and task.dof_vel.abs().max() > 0.09
    assert torch.equal(task.root_states[:, 0:3], torch.tensor([[0.0, 0.0, 0.62]]).repeat(256, 1))
    assert task.root_states[:, 7:].abs().max() == 0.0
    largest = torch.tensor([2.0, 1.0, 1.0])
    assert (task.commands.max(dim=0).values <= largest).all()
    assert (task.commands.max(dim=0).values > 0.95 * largest).all()
    assert (task.commands.min(dim=0).values >= -largest).all()
    assert (task.commands.min(dim=0).values < -0.95 * largest).all()


def test_lying_on_its_back_ends_the_episode(make):
    task = make(baseInitState={"pos": [0.0, 0.0, 0.11], "rot": [1.0, 0.0, 0.0, 0.0]})  # 1 cm above the ground
    task.reset()
    ended = torch.zeros(2, dtype=torch.bool)
    for _ in range(5):
        ended |= task.step(torch.zeros(2, 12))[3]["terminate"]
    assert ended.all()


def test_wrong_values_are_refused():
    with pytest.raises(
        ConfigError, match=r"randomCommandVelocityRanges.yaw=\[1.0, -1.0\]: the smallest comes first"
    ):
        from_mapping(AnymalEnvConfig, {"randomCommandVelocityRanges": {"yaw": [1.0, -1.0]}}, "task.env")
    with pytest.raises(ConfigError, match=r"did you mean torqueRewardScale\?"):
        from_mapping(AnymalEnvConfig, {"learn": {"torqeRewardScale": 0.0}}, "task.env")


def test_default_angles_must_name_the_models_joints(make):
    angles = AnymalEnvConfig().defaultJointAngles
    angles["LF_KNEE"] = angles.pop("LF_KFE")
    with pytest.raises(TaskError, match="LF_KFE, LF_KNEE: must name every joint of urdf/anymal.urdf"):
        make(defaultJointAngles=angles)

"""Anymal in the mirror: signs by hand, and the physics agrees."""

import pytest
import torch
from isaacgym import gymtorch

import tasks
from tasks.anymal import Anymal
from tasks.anymal_symmetry import FRONT_HIND, JOINT_NAMES, LEFT_RIGHT, mirrored
from tests.tasks.task_configs import task_config

FIRST_JOINT = {"LF": 0, "LH": 3, "RF": 6, "RH": 9}
"""leg → place of its first joint"""


def test_a_walk_to_the_left_becomes_one_to_the_right():
    obs = torch.zeros(1, 48)
    obs[0, :12] = torch.arange(1.0, 13.0)
    assert LEFT_RIGHT.obs(obs)[0, :12].tolist() == [1, -2, 3, -4, 5, -6, 7, -8, 9, 10, -11, -12]
    assert FRONT_HIND.obs(obs)[0, :12].tolist() == [-1, 2, 3, 4, -5, -6, -7, 8, 9, -10, 11, -12]


@pytest.mark.parametrize(
    "mirror, leg, signs", [(LEFT_RIGHT, "RF", [-1.0, 2.0, 3.0]), (FRONT_HIND, "LH", [1.0, -2.0, -3.0])]
)
def test_a_leg_takes_the_other_ones_place(mirror, leg, signs):
    actions = torch.zeros(1, 12)
    actions[0, :3] = torch.tensor([1.0, 2.0, 3.0])  # hip outward, hip, knee of the left front leg
    expected = torch.zeros(1, 12)
    expected[0, FIRST_JOINT[leg] : FIRST_JOINT[leg] + 3] = torch.tensor(signs)
    assert torch.equal(mirror.actions(actions), expected)
    obs = torch.cat((torch.zeros(1, 12), actions, actions * 2, actions * 3), dim=1)
    assert (
        mirror.obs(obs)[0, 12:].tolist() == torch.cat((expected, expected * 2, expected * 3), 1)[0].tolist()
    )


def test_the_given_come_first_and_twice_in_a_mirror_is_once():
    obs, actions = torch.randn(5, 48), torch.randn(5, 12)
    all_obs, all_actions = mirrored(None, obs, actions)
    assert all_obs.shape == (20, 48) and all_actions.shape == (20, 12)
    assert torch.equal(all_obs[:5], obs) and torch.equal(all_actions[:5], actions)
    for mirror in (LEFT_RIGHT, FRONT_HIND):
        assert torch.equal(mirror.obs(mirror.obs(obs)), obs)
        assert torch.equal(mirror.actions(mirror.actions(actions)), actions)
    assert mirrored(None, None, actions)[0] is None and mirrored(None, obs, None)[1] is None


def test_robots_that_are_mirrored_move_as_in_a_mirror():
    torch.manual_seed(0)
    task = tasks.create("Anymal", task_config("Anymal", 4), sim_device="cpu", rl_device="cpu")
    try:
        assert task.dof_names == JOINT_NAMES
        task.reset()
        offset, commands = task.dof_pos[0:1] - task.default_dof_pos, task.commands[0:1]
        start = torch.cat((torch.zeros(1, 9), commands, offset, task.dof_vel[0:1], torch.zeros(1, 12)), dim=1)
        images, _ = mirrored(None, start, None)
        task.dof_pos[:] = images[:, Anymal.blocks["dof_pos"]] + task.default_dof_pos
        task.dof_vel[:] = images[:, Anymal.blocks["dof_vel"]]
        task.commands[:] = images[:, Anymal.blocks["commands"]]
        task.gym.set_dof_state_tensor(task.sim, gymtorch.unwrap_tensor(task.dof_state))
        for _ in range(8):  # from 0.62 m down to the ground
            _, actions = mirrored(None, None, torch.randn(1, 12) * 0.5)
            obs = task.step(actions)[0]["obs"]
        images, _ = mirrored(None, obs[0:1], None)
        moved = obs[0, Anymal.blocks["dof_vel"]].abs().max()
        assert moved > 0.2
        # The robot is not symmetric to the last gram.
        assert (obs - images).abs().max() < 0.06
    finally:
        task.close()

import math

import pytest
import torch

from tasks.amp.goals import (
    Goal,
    GoalConfig,
    HeadingGoal,
    LocationGoal,
    goal_class,
    heading_reward,
    location_rewards,
    register_goal,
)

FACES_Y = [0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)]


def roots(n, x=0.0, y=0.0):
    states = torch.zeros(n, 13)
    states[:, 0], states[:, 1], states[:, 3:7] = x, y, torch.tensor(FACES_Y)
    return states


def test_heading_reward_by_hand():
    vel = torch.tensor([[0.0, 2.0, 9.0], [0.0, -1.0, 0.0], [3.0, 0.0, 0.0]])
    direction = torch.tensor([[0.0, 1.0]] * 3)
    reward = heading_reward(vel, direction, torch.tensor([2.0, 1.0, 2.0]))
    # at the target speed; 1 m/s backwards instead of forwards; sideways
    assert reward.tolist() == pytest.approx([1.0, math.exp(-1.0), math.exp(-1.0)])


def test_location_rewards_by_hand():
    pos = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
    vel = torch.tensor([[0.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.25, 0.0]])
    target = torch.tensor([[1.0, 0.0], [3.0, 4.0], [3.0, 6.0]])
    terms = location_rewards(pos, vel, target, speed=1.0)
    # the second stands on its target: no direction, so the whole speed lacks
    assert terms["near"].tolist() == pytest.approx(
        [0.7 * math.exp(-0.5), 0.7, 0.7 * math.exp(-2.0)], abs=1e-6
    )
    assert terms["approach"].tolist() == pytest.approx(
        [0.3 * math.exp(-1.0), 0.3 * math.exp(-1.0), 0.3 * math.exp(-0.5625)], abs=1e-6
    )


def test_being_too_fast_costs_nothing_on_the_way_to_a_location():
    terms = location_rewards(torch.zeros(1, 2), torch.tensor([[4.0, 0.0]]), torch.tensor([[8.0, 0.0]]), 1.0)
    assert terms["approach"].item() == pytest.approx(0.3)


def test_heading_is_observed_in_the_heading_frame():
    goal = HeadingGoal(GoalConfig(), num_envs=1)
    observed = goal.observe(roots(1), torch.tensor([[0.0, 1.0, 2.5]]))
    assert observed[0].tolist() == pytest.approx([1.0, 0.0, 2.5], abs=1e-6)


def test_location_is_observed_in_the_heading_frame():
    goal = LocationGoal(GoalConfig(), num_envs=1)
    observed = goal.observe(roots(1, x=1.0, y=1.0), torch.tensor([[1.0, 4.0]]))
    assert observed[0].tolist() == pytest.approx([3.0, 0.0], abs=1e-6)


def test_targets_lie_within_their_ranges():
    torch.manual_seed(0)
    cfg = GoalConfig(tarSpeedMin=1.0, tarSpeedMax=3.5, tarDistMax=4.0)
    heading = HeadingGoal(cfg, 500).sample(roots(500))
    assert torch.allclose(heading[:, 0:2].norm(dim=-1), torch.ones(500))
    assert 1.0 <= heading[:, 2].min() < 1.1 and 3.4 < heading[:, 2].max() <= 3.5
    distance = (LocationGoal(cfg, 500).sample(roots(500, x=7.0)) - torch.tensor([7.0, 0.0])).norm(dim=-1)
    assert distance.min() < 0.1 and 3.9 < distance.max() <= 4.0


def test_new_directions_lie_around_where_the_character_faces():
    torch.manual_seed(0)
    x, y = HeadingGoal(GoalConfig(tarTurnMax=0.5), 500).sample(roots(500))[:, 0:2].unbind(-1)
    from_y = torch.atan2(-x, y)  # to the left
    assert -0.5 <= from_y.min() < -0.45 and 0.45 < from_y.max() <= 0.5


def test_a_target_changes_when_its_time_is_up_and_not_before():
    torch.manual_seed(0)
    goal = HeadingGoal(GoalConfig(tarChangeStepsMin=2, tarChangeStepsMax=2), 3)
    goal.reset(torch.arange(3), roots(3))
    goal.steps_left[1] = 1
    before = goal.targets.clone()
    goal.update(roots(3))
    assert torch.equal(goal.targets[[0, 2]], before[[0, 2]]) and not torch.equal(goal.targets[1], before[1])
    assert goal.steps_left.tolist() == [1, 2, 1]


def test_a_reset_changes_only_the_listed_environments():
    torch.manual_seed(0)
    goal = LocationGoal(GoalConfig(), 3)
    goal.reset(torch.tensor([0, 2]), roots(2))
    assert goal.targets[1].tolist() == [0.0, 0.0] and (goal.targets[[0, 2]] != 0).all()
    assert 50 <= goal.steps_left[0] <= 150 and goal.steps_left[1] == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tarTurnMax": 180.0}, "tarTurnMax=180.0: must lie between 0 and pi, in radians"),
        ({"tarSpeedMin": 6.0}, "tarSpeedMin=6.0: must lie between 0 and tarSpeedMax=5.0"),
        ({"tarChangeStepsMin": 0}, "tarChangeStepsMin=0: must lie between 1 and tarChangeStepsMax=150"),
        ({"tarDistMax": 0.0}, "tarDistMax=0.0: must be positive"),
    ],
)
def test_empty_ranges_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        GoalConfig(**values)


def test_an_unknown_goal_names_the_nearest():
    with pytest.raises(ValueError, match="goal=headin: must be one of none, heading, .*mean heading?"):
        goal_class("headin")


def test_a_user_adds_a_goal(monkeypatch):
    monkeypatch.setattr("tasks.amp.goals._GOALS", {"heading": HeadingGoal})

    class Mine(HeadingGoal):
        pass

    register_goal("mine", Mine)
    assert goal_class("mine") is Mine and issubclass(Mine, Goal) and goal_class("none") is None
    with pytest.raises(ValueError, match="'mine' is taken"):
        register_goal("mine", Mine)

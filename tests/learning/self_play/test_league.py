"""The league, the scores of matches against it, and the verdict."""

import pytest
import torch
from torch import nn, tensor

from learning.distributed import Distributed
from learning.self_play.config import SelfPlayConfig
from learning.self_play.league import Judge, League, Scoreboard
from learning.typed_config import ConfigError, from_mapping


def league_config(**changes):
    values = {"update_score": 0.6, "games_to_check": 4, **changes}
    return from_mapping(SelfPlayConfig, values, "self_play_config")


def set_to(model, value):
    with torch.no_grad():
        model.weight.fill_(value)


def league_of(*values, size=3):
    model = nn.Linear(1, 1, bias=False)
    league = League(model, size)
    for value in values:
        set_to(model, value)
        league.add()
    return model, league


def weights(league):
    return [member.weight.item() for member in league.members]


def test_members_keep_their_weights_and_the_oldest_leave():
    model, league = league_of(1.0, 2.0)
    set_to(model, 9.0)
    assert weights(league) == [1.0, 2.0] and league.generation == 2
    assert not any(member.weight.requires_grad or member.training for member in league.members)
    for value in (3.0, 4.0):
        set_to(model, value)
        league.add()
    assert weights(league) == [2.0, 3.0, 4.0] and league.generation == 4


def test_the_newest_plays_where_it_must_and_chance_decides_elsewhere():
    torch.manual_seed(0)
    _, league = league_of(1.0, 2.0, 3.0)
    assert league.draw(5, 5).tolist() == [2] * 5
    drawn = league.draw(3000, 1500).bincount(minlength=3)
    assert drawn.sum() == 3000
    assert all(400 < count < 600 for count in drawn[:2].tolist()) and 1900 < drawn[2] < 2100


def test_a_league_goes_on_and_a_smaller_one_keeps_the_newest():
    _, league = league_of(1.0, 2.0, 3.0)
    state = league.state_dict()
    for size, kept in ((3, [1.0, 2.0, 3.0]), (2, [2.0, 3.0]), (5, [1.0, 2.0, 3.0])):
        _, other = league_of(size=size)
        other.load_state_dict(state)
        assert weights(other) == kept and other.generation == 3


def test_wins_draws_and_losses_by_hand():
    board, alone = Scoreboard(4, torch.device("cpu")), Distributed()
    no, yes = torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)
    board.step(tensor([1.0, 1.0, -1.0, 2.0]), no, None)
    assert board.harvest(alone) == {"won": 0.0, "reward": 0.0, "scores": 0.0, "matches": 0.0}
    ended = tensor([True, True, True, False])
    board.step(tensor([1.0, -1.0, 0.0, 0.0]), ended, tensor([7.0, 8.0, 9.0, 10.0]))
    # Returns 2, 0 and -1: a win, a draw and a loss; the fourth match goes on.
    assert board.harvest(alone) == {"won": 1.5, "reward": 1.0, "scores": 24.0, "matches": 3.0}
    board.step(tensor([0.0, 0.0, 0.0, -3.0]), yes, None)  # 0, 0, 0 and 2 - 3
    assert board.harvest(alone) == {"won": 1.5, "reward": -1.0, "scores": -1.0, "matches": 4.0}


def test_matches_in_which_the_opponent_changed_do_not_count():
    board = Scoreboard(2, torch.device("cpu"))
    board.step(tensor([1.0, 1.0]), tensor([False, False]), None)
    board.opponents_changed()
    board.step(tensor([1.0, 1.0]), tensor([True, False]), None)
    other = Scoreboard(2, torch.device("cpu"))
    other.load_state_dict(board.state_dict())
    other.step(tensor([1.0, 1.0]), tensor([True, True]), None)
    assert other.harvest(Distributed()) == {"won": 1.0, "reward": 1.0, "scores": 1.0, "matches": 1.0}
    other.opponents_changed()
    other.restart()
    other.step(tensor([1.0, 1.0]), tensor([True, True]), None)
    assert other.harvest(Distributed())["matches"] == 2


@pytest.mark.parametrize(
    ("changes", "verdicts"),
    [
        ({}, [None, True]),  # 2.5 of 4 won
        ({"update_score": 0.625}, [None, False]),
        ({"win_rate": False, "update_score": 1.0}, [None, False]),  # mean reward 1
        ({"win_rate": False, "update_score": 0.9}, [None, True]),
        ({"check_scores": True, "update_score": 20.0}, [None, True]),  # mean score 21
        ({"games_to_check": 3}, [True, True]),
        ({"games_to_check": 5}, [None, None]),
    ],
)
def test_the_verdict_waits_for_enough_matches(changes, verdicts):
    judge = Judge(league_config(**changes))
    assert judge.verdict() is None and judge.mean("won") is None
    judge.add({"won": 2.0, "reward": 6.0, "scores": 60.0, "matches": 3.0})
    first = judge.verdict()
    judge.add({"won": 0.5, "reward": -2.0, "scores": 24.0, "matches": 1.0})
    assert [first, judge.verdict()] == verdicts


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"update_score": 1.0}, r"update_score=1: is a share of matches won, .* set win_rate: False"),
        ({"update_scor": 0.5}, r"update_scor=0\.5: unknown key; did you mean update_score"),
        ({"games_to_check": 0}, r"games_to_check=0: must be at least 1"),
        ({"num_agents": 1}, r"num_agents=1: must be at least 2"),
    ],
)
def test_wrong_values_are_refused(changes, text):
    with pytest.raises(ConfigError, match=text):
        league_config(**changes)

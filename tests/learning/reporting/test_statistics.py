import torch

from learning.distributed import Distributed
from learning.reporting.statistics import EpisodeMeters, MeanMeter

ALONE = Distributed()


def step(meters, rewards, dones):
    rewards = torch.tensor(rewards)
    meters.step(rewards, 0.1 * rewards, torch.tensor(dones))


def test_returns_and_lengths_of_ended_episodes():
    meters = EpisodeMeters(2, 100, torch.device("cpu"))
    assert meters.mean_reward is None and meters.count == 0
    step(meters, [1.0, 5.0], [False, False])
    step(meters, [2.0, 6.0], [True, False])  # ends with 3 after 2 steps
    step(meters, [4.0, 7.0], [True, True])  # ends with 4 after 1 step, and with 18 after 3
    meters.harvest(ALONE)
    assert meters.count == 3
    assert abs(meters.mean_reward - 25 / 3) < 1e-6
    assert abs(meters.mean_shaped_reward - 2.5 / 3) < 1e-6
    assert meters.mean_length == 2.0
    assert meters.current.abs().sum() == 0


def test_means_look_back_over_whole_epochs_that_hold_enough_games():
    meters = EpisodeMeters(3, 3, torch.device("cpu"))
    for reward in (1.0, 2.0):  # three games each
        step(meters, [reward] * 3, [True] * 3)
        meters.harvest(ALONE)
    assert (meters.count, meters.mean_reward) == (3, 2.0)
    step(meters, [8.0] * 3, [True, False, False])  # one game: the epoch before is still needed
    meters.harvest(ALONE)
    assert (meters.count, meters.mean_reward) == (4, 3.5)
    meters.harvest(ALONE)  # nothing ended
    assert (meters.count, meters.mean_reward) == (4, 3.5)


def test_ended_episodes_survive_a_round_trip_and_clear():
    meters, other = (EpisodeMeters(1, 10, torch.device("cpu")) for _ in range(2))
    step(meters, [5.0], [True])
    meters.harvest(ALONE)
    other.load_state_dict(meters.state_dict())
    assert other.mean_reward == 5.0
    other.clear()
    assert other.mean_reward is None
    step(meters, [5.0], [False])
    meters.restart()
    assert meters.current.abs().sum() == 0


def test_mean_meter_averages_by_name_and_begins_anew():
    meter = MeanMeter()
    live = torch.tensor(1.0)
    meter.add({"a": live, "b": torch.tensor([2.0, 4.0])})
    live.fill_(3.0)  # a live buffer: its first value has to be kept
    meter.add({"a": live})
    means = meter.harvest()
    assert means["a"] == 2.0 and means["b"] == 3.0
    assert meter.harvest() == {}

import time

import pytest

from mjgym import gymapi, pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(pace, "_last", 0.0)
    return now


@pytest.fixture
def sim():
    return gymapi.acquire_gym().create_sim(0, -1, gymapi.SIM_PHYSX, gymapi.SimParams())


def test_sync_frame_time_lets_so_many_frames_a_second_pass(monkeypatch, clock, sim):
    monkeypatch.setattr(pace, "frame_rate", lambda: 20.0)
    gym = gymapi.acquire_gym()
    gym.sync_frame_time(sim)
    assert clock[0] == 100.0
    for _ in range(20):
        gym.sync_frame_time(sim)
    assert clock[0] == pytest.approx(101.0)
    clock[0] = 101.03  # the frame's own work took 30 of its 50 ms
    gym.sync_frame_time(sim)
    assert clock[0] == pytest.approx(101.05)


def test_without_a_frame_rate_nothing_waits(monkeypatch, clock, sim):
    monkeypatch.setattr(pace, "frame_rate", lambda: None)
    for _ in range(5):
        gymapi.acquire_gym().sync_frame_time(sim)
    assert clock[0] == 100.0

"""The arithmetic of the benchmarks; nothing is timed here."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
from mujoco.batch import Batch

from benchmarks.common import EpochClock, PhysicsClock, bare_copy, rounded
from benchmarks.throughput import replay
from benchmarks.training import Clock, summarise_metrics
from benchmarks.vs_rl_games import middle, ratios

ANT = Path(__file__).parents[2] / "assets" / "mjcf" / "ant.xml"


class Env:
    def step(self, actions):
        return actions + 1


def test_epoch_clock_splits_an_epoch_into_parts():
    env = Env()
    clock = EpochClock(PhysicsClock(), env)
    assert env.step(1) == 2 and clock.watch.seconds["step"] > 0
    clock.marks = [
        {"wall": 100.0, "physics": 1.0, "step": 2.0, "play": 3.0, "epoch": 5.0},  # warm-up
        {"wall": 110.0, "physics": 4.0, "step": 6.0, "play": 8.0, "epoch": 14.0},
        {"wall": 120.0, "physics": 7.0, "step": 10.0, "play": 13.0, "epoch": 23.0},
    ]
    summary = clock.summary(warmup=1, frames_per_epoch=1000)
    assert summary["epochs"] == 2
    assert summary["frames_per_s"] == pytest.approx(100.0)
    assert summary["seconds"] == pytest.approx(
        {"physics": 3.0, "observation_and_reward": 1.0, "inference": 1.0, "update": 4.0, "other": 1.0}
    )
    assert sum(summary["share"].values()) == pytest.approx(1.0)


def test_what_amp_adds_is_a_share_of_the_epoch():
    clock = Clock(PhysicsClock(), Env())
    plain = {"physics": 0.0, "step": 0.0, "play": 0.0, "epoch": 0.0}
    clock.marks = [
        {"wall": 10.0, "amp/disc_rewards": 1.0, "amp/disc_update": 2.0, **plain},
        {"wall": 20.0, "amp/disc_rewards": 2.0, "amp/disc_update": 4.5, **plain},
    ]
    assert clock.summary(1, 1000)["amp"] == pytest.approx({"disc_rewards": 0.1, "disc_update": 0.25})


def test_workers_are_read_from_their_metrics():
    lines = [
        {"wall_time": 5.0, "frame": 100, "step_time": 4.0, "play_time": 4.0, "update_time": 1.0},
        {"wall_time": 7.0, "frame": 200, "step_time": 0.5, "play_time": 1.0, "update_time": 0.8},
        {"wall_time": 9.0, "frame": 300, "step_time": 0.7, "play_time": 1.0, "update_time": 0.8},
    ]
    summary = summarise_metrics(lines, warmup=1)
    assert summary["frames_per_s"] == pytest.approx(50.0)
    assert summary["seconds"] == pytest.approx({"step": 0.6, "inference": 0.4, "update": 0.8, "other": 0.2})


def test_ratios_leave_out_what_is_not_compared():
    def side(rate, seconds, **parts):
        return {"frames_per_s": rate, "seconds_per_epoch": seconds, "seconds": parts}

    report = {
        "rl_games": side(100.0, 10.0, physics=4.0, observation_and_reward=1.0),
        "one_process": side(125.0, 8.0, physics=4.0, observation_and_reward=1.0),
        "default": side(200.0, 5.0, step=2.0),
    }
    assert list(ratios(report).values()) == pytest.approx([1.25, 6 / 4, 2.0, 5 / 3])


def test_of_several_rounds_the_slower_middle_one_counts():
    rounds = [{"frames_per_s": rate, "seconds": rate} for rate in (4.0, 1.0, 3.0, 2.0)]
    assert middle(rounds) == {
        "frames_per_s": 2.0,
        "seconds": 2.0,
        "frames_per_s_of_rounds": [4.0, 1.0, 3.0, 2.0],
    }


def test_a_replayed_batch_does_the_same_physics():
    model = mujoco.MjModel.from_xml_path(str(ANT))
    batch = Batch(model, 2, 1)
    batch.expand("opt.gravity")[1] = (0, 0, 1)
    batch.bind("xpos")
    ctrl = batch.bind("ctrl")
    untouched = Batch.step
    with PhysicsClock() as physics:
        physics.recording = []
        for control in (0.5, -1.0):
            ctrl[:] = control
            batch.step(nstep=3)
        assert physics.batch is batch and physics.seconds > 0
    assert Batch.step is untouched
    assert [(step.nstep, step.stage) for step in physics.recording] == [(3, 0), (3, 0)]
    bare = bare_copy(batch)
    replay(bare, physics.recording, plain=True)
    np.testing.assert_array_equal(bare.state, batch.state)
    np.testing.assert_array_equal(bare.bind("xpos"), batch.bind("xpos"))


def test_rounding_keeps_significant_digits():
    assert rounded({"a": [123456.789, 0.000123456], "b": 7}, 3) == {"a": [123000.0, 0.000123], "b": 7}

"""The evaluation: who plays which episode, what counts of it, and that training does not notice."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import tasks
from tasks.amp import evaluation as evaluation_module
from tasks.amp.evaluation import MotionEvaluation, check_dump_path, spread_starts, unroll
from tests.tasks.task_configs import SIM

DT = 1.0 / 30.0
SPEEDS = torch.tensor([1.5, 3.0])  # of the clips' roots along y [m/s]


class Clips:
    """Two clips whose joints swing with the clip's period about a root that moves straight on."""

    names = ("slow", "fast")
    durations = torch.tensor([1.2, 0.8])

    def __init__(self, *weights):
        self.weights = torch.tensor(weights)

    def body_positions(self, ids, times):
        joint = torch.arange(45.0).view(15, 3)
        angle = 2.0 * torch.pi * (times / self.durations[ids]).view(-1, 1, 1)
        body_pos = 0.3 * torch.sin(angle + joint)
        body_pos[:, 0] = 0.0
        body_pos[..., 1] += (SPEEDS[ids] * times).unsqueeze(-1)
        return body_pos


class FollowingTask:
    """Does what the clip does, `late` steps late; environment `i` falls in step `falls[i]`."""

    auto_reset = True
    control_dt = DT
    character = SimpleNamespace(body_names=tuple(f"body_{i}" for i in range(15)))

    def __init__(self, num_envs, weights=(1.0,), late=0, falls=None):
        self.motion_lib = Clips(*weights, *[0.0] * (2 - len(weights)))
        self.late, self.falls = late, falls or {}
        self.num_envs, self.resets, self.closed = num_envs, 0, False
        self.body_pos = torch.zeros(num_envs, 15, 3)
        self.terminate_buf = torch.zeros(num_envs, dtype=torch.bool)

    def reset_to(self, motion_ids, times):
        assert not self.auto_reset
        self.motion_ids, self.times, self.steps = motion_ids, times, 0
        self.resets += 1
        self._move()
        return {"obs": torch.zeros(self.num_envs, 2)}

    def step(self, actions):
        assert not torch.is_grad_enabled()
        self.steps += 1
        self._move()
        for env, step in self.falls.items():
            self.terminate_buf[env] = self.steps == step  # only in that step, as in a task that goes on
        noise = torch.rand(self.num_envs, 2) + random.random() + np.random.rand()
        return {"obs": noise.float()}, None, None, {}

    def _move(self):
        times = self.times + max(self.steps - self.late, 0) * DT
        self.body_pos.copy_(self.motion_lib.body_positions(self.motion_ids, times))
        for env, step in self.falls.items():
            if self.steps > step:
                self.body_pos[env] = 1e3  # whatever comes after a fall must not count

    def close(self):
        self.closed = True


def evaluate(num_episodes=4, rank=0, world_size=1, seconds=2.0, **kwargs):
    return MotionEvaluation(lambda n: FollowingTask(n, **kwargs), num_episodes, rank, world_size, seconds)


def no_policy(obs):
    return torch.zeros(len(obs["obs"]), 1)


# ---------------------------------------------------------------- figures


def test_a_character_that_follows_its_clip_has_no_error():
    figures = evaluate().run(no_policy)
    assert figures["pose_error"].tolist() == pytest.approx([0.0] * 4, abs=1e-6)
    assert figures["fell"].tolist() == [0.0] * 4
    assert figures["speed"].tolist() == figures["clip_speed"].tolist() == pytest.approx([1.5] * 4, rel=1e-5)
    assert figures["length"].tolist() == [60.0] * 4


def test_being_late_is_mostly_absorbed():
    evaluation = evaluate(late=3)
    late = evaluation.run(no_policy)["pose_error"]
    frames, ref = evaluation._rollout.body_pos, evaluation._rollout.ref_body_pos
    unaligned = evaluation_module.pose_errors(frames[:, -1:], ref[:, -1:], torch.ones(4, dtype=torch.long))
    assert (late > 0.0).all()  # the ends are fixed: the last frames have nothing to wait for
    assert (late < 0.1 * unaligned).all()


def test_a_fall_ends_what_is_scored():
    evaluation = evaluate(falls={1: 13})
    figures = evaluation.run(no_policy)
    assert figures["fell"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert figures["length"].tolist() == [60.0, 13.0, 60.0, 60.0]
    assert figures["pose_error"].tolist() == pytest.approx([0.0] * 4, abs=1e-6)
    assert figures["speed"].tolist() == pytest.approx([1.5] * 4, rel=1e-5)
    finite = evaluation._rollout.body_pos[1].isfinite().all(dim=-1).all(dim=-1)
    assert finite.tolist() == [True] * 14 + [False] * 47  # the start, 13 steps, then nothing


def test_it_stops_when_everybody_fell():
    evaluation = evaluate(num_episodes=2, seconds=20.0, falls={0: 2, 1: 31})
    assert evaluation.run(no_policy)["length"].tolist() == [2.0, 31.0]
    assert evaluation._task.steps == 60  # asked every 30 steps


def test_a_fall_in_the_last_step_is_one():
    assert evaluate(num_episodes=1, falls={0: 60}).run(no_policy)["fell"].tolist() == [1.0]


# ---------------------------------------------------------------- starts


def test_phases_are_spread_evenly():
    ids, phases = spread_starts(torch.tensor([1.0]), 4)
    assert ids.tolist() == [0, 0, 0, 0]
    assert phases.tolist() == [0.0, 0.25, 0.5, 0.75]


def test_clips_get_episodes_by_weight():
    ids, phases = spread_starts(torch.tensor([1.0, 0.0, 3.0]), 8)
    assert ids.tolist() == [0, 0, 2, 2, 2, 2, 2, 2]
    assert phases.tolist() == pytest.approx([0.0, 0.5] + [k / 6 for k in range(6)])


def test_workers_share_the_episodes():
    whole = evaluate(num_episodes=5, weights=(2.0, 3.0))
    whole.run(no_policy)
    parts = [evaluate(num_episodes=5, rank=rank, world_size=2, weights=(2.0, 3.0)) for rank in (0, 1)]
    speeds = [part.run(no_policy)["clip_speed"].tolist() for part in parts]
    assert speeds == [pytest.approx([1.5, 3.0, 3.0], rel=1e-5), pytest.approx([1.5, 3.0], rel=1e-5)]
    for rank, part in enumerate(parts):
        torch.testing.assert_close(part._times, whole._times[rank::2])


def test_a_worker_without_episodes_builds_nothing():
    evaluation = evaluate(num_episodes=1, rank=1, world_size=2)
    assert {name: len(values) for name, values in evaluation.run(no_policy).items()} == dict.fromkeys(
        ("pose_error", "fell", "speed", "clip_speed", "length"), 0
    )
    assert evaluation._task is None


def test_the_clip_is_unrolled_from_the_phase():
    clips = Clips(1.0, 1.0)
    ids, times = torch.tensor([0, 1]), torch.tensor([0.3, 0.5])
    body_pos = unroll(clips, ids, times, 3, DT)
    assert body_pos.shape == (2, 3, 15, 3)
    torch.testing.assert_close(body_pos[1, 2], clips.body_positions(ids, times + 2 * DT)[1])


# ---------------------------------------------------------------- the instance


def test_the_task_is_built_once_and_started_anew():
    evaluation = evaluate()
    first = evaluation.run(no_policy)
    task = evaluation._task
    second = evaluation.run(no_policy)
    assert evaluation._task is task and task.resets == 2
    assert all(torch.equal(first[name], second[name]) for name in first)
    evaluation.close()
    assert task.closed
    evaluation.close()


def test_training_draws_the_same_random_numbers_as_without():
    def draws():
        return [torch.rand(1).item(), np.random.rand(), random.random()]

    def seed():
        torch.manual_seed(3), np.random.seed(3), random.seed(3)

    seed()
    undisturbed = draws()
    seed()
    evaluate().run(lambda obs: torch.randn(len(obs["obs"]), 1))
    assert draws() == undisturbed


# ---------------------------------------------------------------- dumps


def test_a_dump_holds_what_was_scored(tmp_path):
    evaluation = evaluate(weights=(1.0, 1.0), falls={1: 13})
    figures = evaluation.run(no_policy)
    evaluation.dump(tmp_path / "rollouts.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["rollouts.npz"]  # no temporary file stays
    with np.load(tmp_path / "rollouts.npz", allow_pickle=False) as dump:
        assert dump["body_pos"].shape == dump["ref_body_pos"].shape == (4, 61, 15, 3)
        assert dump["body_pos"].dtype == dump["ref_body_pos"].dtype == np.float32
        assert dump["length"].tolist() == [61, 14, 61, 61]
        assert dump["fell"].tolist() == [False, True, False, False]
        assert dump["fps"] == pytest.approx(30.0)
        assert dump["body_names"].tolist() == [f"body_{i}" for i in range(15)]
        assert dump["motion"].tolist() == ["slow", "slow", "fast", "fast"]
        assert dump["phase"].tolist() == pytest.approx([0.0, 0.5, 0.0, 0.5])
        assert np.isnan(dump["body_pos"][1, 14:]).all() and np.isnan(dump["ref_body_pos"][1, 14:]).all()
        errors = evaluation_module.pose_errors(
            *(torch.from_numpy(dump[name]) for name in ("body_pos", "ref_body_pos", "length"))
        )
    assert errors.float().tolist() == figures["pose_error"].tolist()


def test_before_a_run_there_is_nothing_to_dump(tmp_path):
    with pytest.raises(RuntimeError, match="no episode was played yet"):
        evaluate().dump(tmp_path / "rollouts.npz")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("rollouts.npy", "must end in .npz"),
        ("directory.npz", "is a directory"),
        ("missing/rollouts.npz", "missing is no directory; create it first"),
        ("file/rollouts.npz", "file is no directory"),
    ],
)
def test_a_bad_path_is_refused_before_anything_runs(tmp_path, name, rule):
    (tmp_path / "directory.npz").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=rule) as error:
        check_dump_path(tmp_path / name)
    assert name in str(error.value)
    assert check_dump_path(str(tmp_path / "rollouts.npz")) == tmp_path / "rollouts.npz"
    assert not (tmp_path / "rollouts.npz").exists()


# ---------------------------------------------------------------- the real task


@pytest.fixture(scope="module")
def humanoid():
    asset = {"assetRoot": "assets", "assetFileName": "mjcf/amp_humanoid.xml"}
    env = {"numEnvs": 1, "asset": asset, "motion_file": "walk", "evalEpisodes": 4, "evalSeconds": 2.0}
    cfg = {"name": "HumanoidAMP", "env": env, "sim": SIM | {"dt": DT / 2}}
    task = tasks.create("HumanoidAMP", cfg, sim_device="cpu", rl_device="cpu")
    yield task
    task.close()


def test_humanoid_without_actions_falls_and_starts_where_the_clip_is(humanoid, tmp_path):
    evaluation = humanoid.create_evaluation(0, 1)
    figures = evaluation.run(lambda obs: torch.zeros(len(obs["obs"]), humanoid.num_actions))
    evaluation.dump(tmp_path / "rollouts.npz")
    evaluation.close()
    assert (figures["fell"] == 1.0).all() and (figures["length"] < 60).all()
    assert (figures["pose_error"] > 0.02).all()
    with np.load(tmp_path / "rollouts.npz") as dump:
        # a start between two frames is raised by what a foot dips into the ground there, 0.3 mm at most
        np.testing.assert_allclose(dump["body_pos"][:, 0], dump["ref_body_pos"][:, 0], atol=5e-4)
        assert dump["body_names"].tolist() == list(humanoid.character.body_names)

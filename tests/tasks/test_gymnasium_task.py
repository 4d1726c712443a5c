"""Gymnasium's environments as tasks: what agents see of episodes that end, masks, seeds, mistakes."""

import logging
import sys
import types

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

import tasks
from learning.typed_config import ConfigError, from_mapping
from learning.vecenv import VecEnv
from tasks.base.config import TaskError
from tasks.gymnasium_config import GymnasiumEnvConfig
from tests.tasks.scripted_envs import (
    BOTH,
    GO,
    TERMINATE,
    TRUNCATE,
    OnRequestVector,
    SilentVector,
    register,
)

register()


@pytest.fixture
def make():
    made = []

    def _make(env_id, num_envs=2, **env):
        cfg = {"name": "Gymnasium", "env": {"id": env_id, "numEnvs": num_envs, **env}}
        made.append(tasks.create("Gymnasium", cfg, sim_device="cpu", rl_device="cpu"))
        return made[-1]

    yield _make
    for task in made:
        task.close()


def play(task, *actions):
    """Copies of what each step returned, as lists."""
    steps = []
    for action in actions:
        obs, rewards, dones, extras = task.step(torch.tensor(action))
        figures = {
            "obs": obs["obs"].tolist(),
            "final_obs": extras["final_obs"]["obs"].tolist(),
            "rewards": rewards.tolist(),
            "dones": dones.tolist(),
        }
        flags = ("time_outs", "terminate", "action_masks")
        steps.append(figures | {name: extras[name].tolist() for name in flags if name in extras})
    return steps


SAME_STEP = {
    "Scripted-v0": "sync",
    "ScriptedOnRequest-v0": "auto",
    "ScriptedNextStep-v0": "auto",
    "ScriptedBoth-v0": "vector_entry_point",
}


@pytest.mark.parametrize("env_id", SAME_STEP)
def test_an_episode_that_ends_begins_anew_within_the_step(make, env_id):
    task = make(env_id, num_envs=3, vectorization=SAME_STEP[env_id])
    assert task.reset()["obs"].tolist() == [[1, 0]] * 3
    first, second, third = play(task, [GO, GO, GO], [TERMINATE, TRUNCATE, BOTH], [GO, GO, TRUNCATE])
    assert first["obs"] == first["final_obs"] == [[1, 1]] * 3
    assert (first["rewards"], first["dones"]) == ([11, 11, 11], [False] * 3)
    assert second["obs"] == [[2, 0]] * 3  # the first of the new episode
    assert second["final_obs"] == [[1, 2]] * 3  # the last of the old one
    assert second["rewards"] == [12, 12, 12]
    assert second["dones"] == [True, True, True]
    assert second["terminate"] == [True, False, True]
    assert second["time_outs"] == [False, True, False]  # who fails when time is up has failed
    assert third["obs"] == [[2, 1], [2, 1], [3, 0]]
    assert third["final_obs"] == [[2, 1]] * 3
    assert third["time_outs"] == [False, False, True]
    assert third["rewards"] == [21, 21, 21]


def test_what_resets_late_is_stepped_one_by_one(make, caplog):
    with caplog.at_level(logging.WARNING):
        task = make("ScriptedNextStep-v0", num_envs=3)
    assert "its 3 environments are stepped one by one" in caplog.text
    assert [env.num_envs for env in task.env.envs] == [1, 1, 1]


def test_what_does_not_say_how_it_resets_is_refused(make):
    gymnasium.register("ScriptedSilent-v0", vector_entry_point=SilentVector)
    try:
        with pytest.raises(TaskError, match="does not say how it begins new episodes"):
            make("ScriptedSilent-v0")
    finally:
        gymnasium.registry.pop("ScriptedSilent-v0")


def test_auto_takes_what_resets_within_the_step(make):
    for env_id in ("CartPole-v1", "ScriptedBoth-v0"):  # both have a batched version that resets too late
        assert isinstance(make(env_id).env, gymnasium.vector.SyncVectorEnv)
    assert isinstance(make("ScriptedOnRequest-v0").env, OnRequestVector)
    assert type(make("gaitway/Memory-v0").env).__name__ == "MemoryEnv"
    one_by_one = make("CartPole-v1", vectorization="vector_entry_point").env
    assert type(one_by_one.envs[0]).__name__ == "CartPoleVectorEnv"


def test_a_constructor_that_can_is_told_to_reset_within_the_step(make):
    seen = []

    def creator(num_envs, autoreset_mode="NextStep"):
        seen.append(autoreset_mode)
        return OnRequestVector(num_envs)

    gymnasium.register("ScriptedTold-v0", vector_entry_point=creator)
    try:
        make("ScriptedTold-v0")
    finally:
        gymnasium.registry.pop("ScriptedTold-v0")
    assert seen == [gymnasium.vector.AutoresetMode.SAME_STEP]


def test_missing_final_observations_are_told(make):
    task = make("ScriptedForgetful-v0")
    task.reset()
    with pytest.raises(TaskError, match=r"gives no infos\['final_obs'\]"):
        task.step(torch.tensor([TERMINATE, GO]))


@pytest.mark.parametrize("env_id", ["Scripted-v0", "ScriptedOnRequest-v0", "ScriptedNextStep-v0"])
def test_masks_belong_to_the_observation_that_is_acted_on(make, env_id):
    task = make(env_id, kwargs={"masks": True})
    early, late = [True, True, False, False], [True] * 4
    task.reset()
    assert task.has_action_masks()
    assert task.get_action_masks().tolist() == [early, early]
    steps = play(task, [GO, GO], [TERMINATE, GO], [GO, GO])
    assert steps[0]["action_masks"] == [late, late]
    assert steps[1]["action_masks"] == [early, late]
    assert steps[2]["action_masks"] == [late, late]
    assert task.get_action_masks().tolist() == steps[2]["action_masks"]


def test_without_masks_nothing_is_said(make):
    task = make("Scripted-v0")
    task.reset()
    assert not task.has_action_masks() and task.get_action_masks() is None
    assert "action_masks" not in play(task, [GO, GO])[0]


def test_it_is_what_agents_expect(make):
    task = make("Pendulum-v1")
    assert isinstance(task, VecEnv)
    assert task.num_envs == 2 and task.get_number_of_agents() == 1 and task.state_space is None
    assert isinstance(task.observation_space, spaces.Box) and task.observation_space.shape == (3,)
    assert task.action_space == spaces.Box(-2.0, 2.0, (1,), np.float32)
    obs = task.reset()["obs"]
    assert obs.dtype == torch.float32 and obs.shape == (2, 3)
    obs, rewards, dones, extras = task.step(torch.tensor([[2.0], [-2.0]]))
    assert obs["obs"].shape == (2, 3) and rewards.dtype == torch.float32 and dones.dtype == torch.bool
    assert set(extras) == {"time_outs", "terminate", "final_obs"}


def test_pendulum_by_hand(make):
    task = make("Pendulum-v1", num_envs=1)
    cos, sin, speed = task.reset()["obs"][0].tolist()
    _, rewards, _, _ = task.step(torch.tensor([[3.0]]))  # cut to the bound of 2
    angle = np.arctan2(sin, cos)
    assert rewards.item() == pytest.approx(-(angle**2 + 0.1 * speed**2 + 0.001 * 4.0), abs=1e-5)


def test_episode_length_is_the_time_limit(make):
    for vectorization in ("sync", "vector_entry_point"):
        task = make("CartPole-v1", episodeLength=2, vectorization=vectorization)
        task.reset()
        first, second = play(task, [0, 1], [0, 1])
        assert first["dones"] == [False, False]
        assert second["time_outs"] == [True, True]


def rollout(task, num_steps=30):
    obs = [task.reset()["obs"].clone()]
    for i in range(num_steps):
        obs.append(task.step(torch.full((task.num_envs,), i % 2))[0]["obs"].clone())
    return torch.stack(obs)


@pytest.mark.parametrize("vectorization", ["sync", "vector_entry_point"])
def test_a_seed_gives_the_same_episodes(make, vectorization):
    rollouts = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        rollouts.append(rollout(make("CartPole-v1", vectorization=vectorization)))
    assert torch.equal(rollouts[0], rollouts[1])
    assert not torch.equal(rollouts[0], rollouts[2])


def test_workers_share_no_environment(make):
    """With consecutive seeds, the second environment of one worker would be the first of the next."""
    starts = []
    for rank in range(3):
        torch.manual_seed(42 + rank)
        starts.append(make("CartPole-v1", num_envs=3).reset()["obs"].clone())
    assert len(torch.cat(starts).unique(dim=0)) == 9


def test_a_second_reset_goes_on_drawing(make):
    task = make("CartPole-v1")
    assert not torch.equal(task.reset()["obs"].clone(), task.reset()["obs"])


# ---------------------------------------------------------------- mistakes


MISTAKES = {
    "CartPole-v7": r"task.env.id=CartPole-v7: .*CartPole.*; write module:CartPole-v7",
    "Taxi-v3": "task.env.id=Taxi-v3: .* deprecated. Please use `Taxi-v4` instead.$",
    "no_such_module:X-v0": "task.env.id=no_such_module:X-v0: .* has to be importable",
}


@pytest.mark.parametrize("env_id", MISTAKES)
def test_an_unknown_id_is_told(env_id):
    with pytest.raises(ConfigError, match=MISTAKES[env_id]):
        from_mapping(GymnasiumEnvConfig, {"id": env_id}, "task.env")


def test_ways_that_an_environment_does_not_know_are_refused():
    with pytest.raises(ConfigError, match="vectorization=vector_entry_point: .* say sync or async"):
        from_mapping(
            GymnasiumEnvConfig, {"id": "Pendulum-v1", "vectorization": "vector_entry_point"}, "task.env"
        )
    with pytest.raises(ConfigError, match="vectorization=sync: .* say vector_entry_point"):
        from_mapping(GymnasiumEnvConfig, {"id": "gaitway/Memory-v0", "vectorization": "sync"}, "task.env")
    with pytest.raises(ConfigError, match="task.env.episodeLength=0: must be at least 1"):
        from_mapping(GymnasiumEnvConfig, {"id": "Pendulum-v1", "episodeLength": 0}, "task.env")


def test_unknown_keywords_are_told(make):
    with pytest.raises(TaskError, match="id=CartPole-v1: cannot be built with kwargs={'pole': 2}"):
        make("CartPole-v1", kwargs={"pole": 2})
    with pytest.raises(TaskError, match="num_envs=3: rows are players"):
        make("gaitway/Duel-v0", num_envs=3)


def test_an_environment_that_draws_nothing_cannot_be_filmed():
    cfg = {"env": {"id": "ScriptedNextStep-v0", "numEnvs": 2}}
    with pytest.raises(TaskError, match="render_mode"):
        tasks.create("Gymnasium", cfg, "cpu", "cpu", virtual_screen_capture=True)
    cfg = {"env": {"id": "Scripted-v0", "numEnvs": 2}}
    with pytest.raises(TaskError, match="render_mode"):
        tasks.create("Gymnasium", cfg, "cpu", "cpu", virtual_screen_capture=True)


# ---------------------------------------------------------------- EnvPool


def test_envpool_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(ConfigError, match="task.env.backend=envpool: EnvPool is not installed; pip install"):
        from_mapping(GymnasiumEnvConfig, {"id": "Pong-v5", "backend": "envpool"}, "task.env")


class FakePool:
    """EnvPool's interface on scripted environments: it would reset in the next step, if not asked before."""

    def __init__(self, env_id, num_envs, seed, **kwargs):
        self.made_with = (env_id, num_envs, kwargs)
        self.observation_space, self.action_space = (
            spaces.Box(-9.0, 9.0, (2,), np.float32),
            spaces.Discrete(4),
        )
        self.state = np.zeros((num_envs, 2), np.float32)
        self.ended = np.zeros(num_envs, bool)

    def reset(self, env_id=None):
        rows = np.arange(len(self.state)) if env_id is None else env_id
        self.state[rows, 0] += 1
        self.state[rows, 1] = 0
        self.ended[rows] = False
        return self.state[rows], {"env_id": rows}

    def step(self, actions):
        assert not self.ended.any()
        self.state[:, 1] += 1
        self.ended = actions != GO
        return self.state.copy(), np.ones(len(actions)), actions == TERMINATE, actions == TRUNCATE, {}

    def close(self):
        pass


def test_envpool_begins_episodes_within_the_step(make, monkeypatch):
    module = types.ModuleType("envpool")
    module.__spec__ = types.SimpleNamespace(name="envpool")
    module.make_gymnasium = FakePool
    monkeypatch.setitem(sys.modules, "envpool", module)
    task = make("Toy-v5", backend="envpool", kwargs={"num_threads": 2}, episodeLength=7)
    assert task.env.pool.made_with == ("Toy-v5", 2, {"num_threads": 2, "max_episode_steps": 7})
    assert task.reset()["obs"].tolist() == [[1, 0], [1, 0]]
    ends, goes_on = play(task, [TRUNCATE, GO], [GO, TERMINATE])
    assert ends["obs"] == [[2, 0], [1, 1]]
    assert ends["final_obs"] == [[1, 1], [1, 1]]
    assert ends["time_outs"] == [True, False]
    assert goes_on["final_obs"] == [[2, 1], [1, 2]]
    assert goes_on["terminate"] == [False, True]
    assert goes_on["obs"] == [[2, 1], [2, 0]]
    assert task.get_env_state() is None

"""Environments go on exactly from a checkpoint, or say that they cannot."""

import io
import logging
from collections import deque

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

import tasks
from learning.checkpoints.checkpoint import to_plain
from tasks.gymnasium_state import NotStorable, decode, encode, get_state, set_state
from tests.tasks.scripted_envs import GO, TERMINATE, Scripted, register

register()


def through_a_file(state):
    """What loading a checkpoint gives back, which runs no code."""
    file = io.BytesIO()
    torch.save(to_plain(state), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def build(env_id, num_envs=3, **env):
    return tasks.create("Gymnasium", {"env": {"id": env_id, "numEnvs": num_envs, **env}}, "cpu", "cpu")


def random_actions(task, generator):
    space = task.action_space
    if isinstance(space, spaces.Box):
        return torch.rand(task.num_envs, *space.shape, generator=generator) * 2 - 1
    sizes = [int(space.n)] if isinstance(space, spaces.Discrete) else space.nvec.tolist()
    columns = [torch.randint(size, (task.num_envs,), generator=generator) for size in sizes]
    return columns[0] if isinstance(space, spaces.Discrete) else torch.stack(columns, dim=1)


def flat(obs):
    """All tensors of an observation in one."""
    parts = [
        item for value in obs.values() for item in (value.values() if isinstance(value, dict) else [value])
    ]
    return torch.cat([part.flatten(1).float() for part in parts], dim=1)


EXACT = {
    "CartPole-v1": {},
    "Pendulum-v1": {"episodeLength": 7},
    "Acrobot-v1": {"episodeLength": 9},
    "MountainCarContinuous-v0": {"episodeLength": 9},
    "Blackjack-v1": {},
    "Scripted-v0": {"kwargs": {"masks": True}},
    "ScriptedNextStep-v0": {"kwargs": {"masks": True}},
    **{f"gaitway/{name}-v0": {} for name in ("Memory", "Image", "DictObs", "Asymmetric", "SparseGrid")},
    "gaitway/MultiDiscrete-v0": {"kwargs": {"masked": True}},
    "gaitway/Duel-v0": {"num_envs": 4},
}


@pytest.mark.parametrize("env_id", EXACT)
def test_a_restored_environment_goes_on_bit_for_bit(env_id):
    assert_goes_on(lambda: build(env_id, **EXACT[env_id]))


def test_and_batches_of_one():
    assert_goes_on(lambda: build("CartPole-v1", vectorization="vector_entry_point"))


def test_and_processes():
    assert_goes_on(lambda: build("Pendulum-v1", num_envs=2, vectorization="async", episodeLength=7))


def assert_goes_on(build_one):
    task, twin = build_one(), build_one()
    generator = torch.Generator().manual_seed(0)
    task.reset()
    actions = [random_actions(task, generator) for _ in range(80)]
    for action in actions[:25]:
        task.step(action)
    twin.set_env_state(through_a_file(task.get_env_state()))
    masks, twin_masks = task.get_action_masks(), twin.get_action_masks()
    assert twin_masks is None if masks is None else torch.equal(masks, twin_masks)
    ended = 0
    for action in actions[25:]:
        ours, theirs = task.step(action), twin.step(action)
        assert torch.equal(flat(ours[0]), flat(theirs[0]))
        assert torch.equal(ours[1], theirs[1]) and torch.equal(ours[2], theirs[2])
        assert torch.equal(flat(ours[3]["final_obs"]), flat(theirs[3]["final_obs"]))
        if "action_masks" in ours[3]:
            assert torch.equal(ours[3]["action_masks"], theirs[3]["action_masks"])
        ended += int(ours[2].sum())
    assert ended > 0 or "SparseGrid" in task.env_cfg.id  # resets are drawn alike as well
    task.close()
    twin.close()


def test_what_cannot_be_stored_begins_anew(caplog):
    task = build("Scripted-v0", kwargs={"handle": True})
    task.reset()
    with caplog.at_level(logging.WARNING):
        assert task.get_env_state() is None
        assert task.get_env_state() is None
    assert [record.getMessage() for record in caplog.records] == [
        "Scripted-v0: environments start anew on resume (Scripted.handle is a object)"
    ]
    task.step(torch.tensor([GO, GO, GO]))
    task.set_env_state(None)
    obs, _, _, _ = task.step(torch.tensor([GO, GO, GO]))
    assert obs["obs"].tolist() == [[2, 1]] * 3  # the first step of a new episode


class Declares(Scripted):
    """Keeps what it is elsewhere, and says so."""

    def __init__(self):
        super().__init__(handle=True)

    def get_state(self):
        return {"count": np.int64(self.count), "episode": self.episode}

    def set_state(self, state):
        self.count, self.episode = state["count"], state["episode"]


def test_an_environment_may_declare_its_state():
    gymnasium.register("Declares-v0", entry_point=Declares, max_episode_steps=5)
    try:
        task, twin = build("Declares-v0"), build("Declares-v0")
    finally:
        gymnasium.registry.pop("Declares-v0")
    task.reset()
    for action in ([GO, TERMINATE, GO], [GO, GO, GO], [GO, GO, GO]):
        task.step(torch.tensor(action))
    twin.set_env_state(through_a_file(task.get_env_state()))
    for env in (task, twin):
        obs, _, dones, extras = env.step(torch.tensor([GO, GO, GO]))
        assert obs["obs"].tolist() == [[1, 4], [2, 3], [1, 4]]
        _, _, dones, extras = env.step(torch.tensor([GO, GO, GO]))
        assert extras["time_outs"].tolist() == [True, False, True]  # wrappers' counters are kept too


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2**100,
        0.5,
        "text",
        np.float32(0.5),
        np.int8(-3),
        np.bool_(True),
        (1, [2.0, "x"], {"a": (None,), 3: False}),
        [],
    ],
)
def test_values_come_back_as_they_were(value):
    back = decode(through_a_file({"value": encode(value, "value")})["value"])
    assert back == value and type(back) is type(value)


def test_arrays_generators_and_queues_come_back():
    for array in (np.arange(6.0).reshape(2, 3).T, np.array([True, False]), np.zeros((0, 2), np.uint8)):
        back = decode(through_a_file({"v": encode(array, "v")})["v"])
        assert back.dtype == array.dtype and back.tolist() == array.tolist()
    for bit_generator in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
        generator = np.random.Generator(bit_generator(3))
        generator.random(5)
        back = decode(through_a_file({"v": encode(generator, "v")})["v"])
        assert back.random(4).tolist() == generator.random(4).tolist()
    back = decode(encode(deque([1, 2], maxlen=2), "v"))
    back.append(3)
    assert list(back) == [2, 3]


def test_what_is_in_the_way_is_named():
    with pytest.raises(NotStorable, match=r"x\[1\]\['a'\] is a object"):
        encode([1, {"a": object()}], "x")
    with pytest.raises(NotStorable, match="x is an array of object"):
        encode(np.array([None]), "x")
    with pytest.raises(NotStorable, match="x has 1001 items"):
        encode(list(range(1001)), "x")


def test_a_generator_of_unknown_kind_is_refused():
    state = encode(np.random.default_rng(0), "x")
    state["data"]["data"][0][1] = "os"
    with pytest.raises(ValueError, match="os is no bit generator"):
        decode(state)


def test_the_state_of_another_environment_is_refused():
    saved = get_state(gymnasium.make("CartPole-v1"))
    with pytest.raises(
        ValueError, match="environment state: is one of .*CartPoleEnv.*, here are .*PendulumEnv"
    ):
        set_state(gymnasium.make("Pendulum-v1"), saved)

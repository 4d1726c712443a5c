"""Every space that Gymnasium's environments have, as agents see it and answer it."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

import tasks
from tasks.base.config import TaskError
from tasks.gymnasium_spaces import Actions, Observations, action_masks

CPU = torch.device("cpu")


def seen(space, value):
    observations = Observations(space, CPU)
    return observations, observations(value)


def test_vectors_are_float32():
    space = spaces.Box(-1.0, 2.0, (3,), np.float64)
    observations, obs = seen(space, np.array([[0.5, 1.0, 2.0], [-1.0, 0.0, 0.25]]))
    assert observations.space == spaces.Box(-1.0, 2.0, (3,), np.float32)
    assert obs["obs"].dtype == torch.float32
    assert obs["obs"].tolist() == [[0.5, 1.0, 2.0], [-1.0, 0.0, 0.25]]


def test_whole_numbers_and_single_numbers_become_vectors():
    _, obs = seen(spaces.Box(0, 9, (2,), np.int64), np.array([[3, 4]]))
    assert obs["obs"].tolist() == [[3.0, 4.0]]
    observations, obs = seen(spaces.Box(0.0, 1.0, (), np.float32), np.array([0.5, 0.25], np.float32))
    assert observations.space.shape == (1,)
    assert obs["obs"].tolist() == [[0.5], [0.25]]


def test_memory_order_does_not_matter():
    value = np.arange(6, dtype=np.float32).reshape(3, 2).T[:, ::-1]
    assert seen(spaces.Box(0.0, 9.0, (3,)), value)[1]["obs"].tolist() == [[4, 2, 0], [5, 3, 1]]


def test_images_stay_bytes():
    image = np.arange(24, dtype=np.uint8).reshape(2, 2, 3, 2)
    observations, obs = seen(spaces.Box(0, 255, (2, 3, 2), np.uint8), image)
    assert observations.space == spaces.Box(0, 255, (2, 3, 2), np.uint8)
    assert obs["obs"].dtype == torch.uint8
    assert obs["obs"].numpy().tolist() == image.tolist()


def test_grey_images_get_a_channel():
    observations, obs = seen(spaces.Box(0, 255, (4, 5), np.uint8), np.zeros((2, 4, 5), np.uint8))
    assert observations.space.shape == (4, 5, 1) and observations.space.dtype == np.uint8
    assert obs["obs"].shape == (2, 4, 5, 1)


def test_choices_are_one_hot():
    observations, obs = seen(spaces.Discrete(3, start=5), np.array([5, 7]))
    assert observations.space.shape == (3,)
    assert obs["obs"].tolist() == [[1, 0, 0], [0, 0, 1]]
    _, obs = seen(spaces.MultiDiscrete([2, 3]), np.array([[1, 0], [0, 2]]))
    assert obs["obs"].tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]
    _, obs = seen(spaces.MultiBinary(2), np.array([[1, 0]], np.int8))
    assert obs["obs"].tolist() == [[1.0, 0.0]]


def test_dicts_are_dicts_of_tensors():
    space = spaces.Dict(
        b=spaces.Box(0.0, 1.0, (2,)),
        a=spaces.Dict(c=spaces.Discrete(2), d=spaces.Box(0, 255, (2, 2, 1), np.uint8)),
    )
    observations, obs = seen(space, batch_space(space, 3).sample())
    assert list(observations.space) == list(obs["obs"]) == ["b", "a/c", "a/d"]
    assert {name: value.shape for name, value in obs["obs"].items()} == {
        "a/c": (3, 2),
        "a/d": (3, 2, 2, 1),
        "b": (3, 2),
    }
    for name, part in observations.space.items():
        assert obs["obs"][name].shape[1:] == part.shape


def test_tuples_are_dicts_by_number():
    space = spaces.Tuple([spaces.Discrete(2), spaces.Box(0.0, 1.0, (2,))])
    observations, obs = seen(space, (np.array([1, 0]), np.array([[0.5, 1.0], [0.0, 0.25]], np.float32)))
    assert list(observations.space) == ["0", "1"]
    assert obs["obs"]["0"].tolist() == [[0, 1], [1, 0]]


def test_states_are_for_the_critic():
    space = spaces.Dict(obs=spaces.Box(0.0, 1.0, (2,)), states=spaces.Box(0.0, 1.0, (3,)))
    observations, both = seen(
        space, {"obs": np.ones((4, 2), np.float32), "states": np.zeros((4, 3), np.float32)}
    )
    assert observations.space.shape == (2,) and observations.state_space.shape == (3,)
    assert both["obs"].shape == (4, 2) and both["states"].shape == (4, 3)


def test_what_no_network_takes_is_told():
    with pytest.raises(TaskError, match="id: the observation words is a Text"):
        Observations(spaces.Dict(words=spaces.Text(3)), CPU)
    with pytest.raises(TaskError, match="nothing for the actor to see"):
        Observations(spaces.Dict(states=spaces.Box(0.0, 1.0, (3,))), CPU)


# ---------------------------------------------------------------- actions


def test_boxes_are_flat_and_kept_within_bounds():
    actions = Actions(spaces.Box(np.array([[-1.0, 0.0]]), np.array([[1.0, 4.0]]), dtype=np.float64))
    assert actions.space == spaces.Box(np.float32([-1.0, 0.0]), np.float32([1.0, 4.0]))
    taken = actions(torch.tensor([[0.5, 4.0000005], [-2.0, 3.0]]))
    assert taken.dtype == np.float64
    assert taken.tolist() == [[[0.5, 4.0]], [[-1.0, 3.0]]]
    assert actions.num_choices == 0


def test_choices_count_from_where_the_environment_counts():
    actions = Actions(spaces.Discrete(3, start=-1))
    assert actions.space == spaces.Discrete(3) and actions.num_choices == 3
    assert actions(torch.tensor([0, 2])).tolist() == [-1, 1]
    assert actions(torch.tensor([[0], [2]])).tolist() == [-1, 1]
    actions = Actions(spaces.MultiDiscrete([3, 5], start=[1, 2]))
    assert actions.space == spaces.MultiDiscrete([3, 5]) and actions.num_choices == 8
    assert actions(torch.tensor([[0, 4]])).tolist() == [[1, 6]]


def test_switches_are_heads_of_two():
    actions = Actions(spaces.MultiBinary(3))
    assert actions.space == spaces.MultiDiscrete([2, 2, 2])
    taken = actions(torch.tensor([[1, 0, 1]]))
    assert taken.tolist() == [[1, 0, 1]] and taken.dtype == np.int8


def test_actions_that_no_agent_chooses_are_told():
    with pytest.raises(TaskError, match="id: takes actions of Dict"):
        Actions(spaces.Dict(a=spaces.Discrete(2)))


# ---------------------------------------------------------------- masks


def test_masks_of_several_heads():
    whole = np.array([[1, 0, 1], [0, 1, 1]])
    assert action_masks({"action_mask": whole}, 2, 3).tolist() == [[True, False, True], [False, True, True]]
    heads = (np.array([[1], [0]]), np.array([[0, 1], [1, 1]]))  # a batch for each head
    assert action_masks({"action_mask": heads}, 2, 3).tolist() == whole.astype(bool).tolist()
    rows = np.full(2, None, dtype=object)
    rows[0] = (np.array([1]), np.array([0, 1]))  # heads of one environment, the other says nothing
    infos = {"action_mask": rows, "_action_mask": np.array([True, False])}
    assert action_masks(infos, 2, 3).tolist() == [[True, False, True], [True, True, True]]
    assert action_masks({}, 2, 3) is None


def test_a_row_without_a_mask_may_do_everything():
    infos = {"action_mask": np.array([[0, 1], [0, 0]]), "_action_mask": np.array([True, False])}
    assert action_masks(infos, 2, 2).tolist() == [[False, True], [True, True]]


def test_masks_of_another_width_are_told():
    with pytest.raises(TaskError, match=r"shape \(2, 4\); 2 environments with 3 choices need \(2, 3\)"):
        action_masks({"action_mask": np.ones((2, 4))}, 2, 3)


# ---------------------------------------------------------------- environments that have them


@pytest.mark.parametrize(
    "env_id", ["Taxi-v4", "Blackjack-v1", "FrozenLake-v1", "Acrobot-v1", "MountainCar-v0"]
)
def test_gymnasiums_small_environments_play(env_id):
    cfg = {"env": {"id": env_id, "numEnvs": 3, "episodeLength": 20}}
    task = tasks.create("Gymnasium", cfg, "cpu", "cpu")
    obs = task.reset()["obs"]
    ended = 0
    for i in range(40):
        parts = obs.values() if isinstance(obs, dict) else [obs]
        assert all(part.shape[0] == 3 and part.dtype == torch.float32 for part in parts)
        masks = task.get_action_masks()
        assert (masks is not None) == env_id.startswith("Taxi")
        actions = torch.full((3,), i % 2) if masks is None else masks.int().argmax(dim=1)
        step_obs, _, dones, extras = task.step(actions)
        obs = step_obs["obs"]
        ended += int(dones.sum())
        assert torch.equal(dones, extras["time_outs"] | extras["terminate"])
    assert ended > 0
    task.close()


def test_final_observations_of_dicts():
    class Switch(gymnasium.Env):
        observation_space = spaces.Dict(a=spaces.Discrete(3), b=spaces.Box(-9.0, 9.0, (1,), np.float32))
        action_space = spaces.Discrete(2)
        episode = 0

        def reset(self, *, seed=None, options=None):
            self.episode += 1
            return {"a": 0, "b": np.array([self.episode], np.float32)}, {}

        def step(self, action):
            return {"a": 2, "b": np.array([-self.episode], np.float32)}, 0.0, bool(action), False, {}

    gymnasium.register("Switch-v0", entry_point=Switch)
    try:
        task = tasks.create("Gymnasium", {"env": {"id": "Switch-v0", "numEnvs": 2}}, "cpu", "cpu")
        task.reset()
        obs, _, _, extras = task.step(torch.tensor([0, 1]))
    finally:
        gymnasium.registry.pop("Switch-v0")
    assert obs["obs"]["b"].tolist() == [[-1.0], [2.0]]
    assert obs["obs"]["a"].tolist() == [[0, 0, 1], [1, 0, 0]]
    assert extras["final_obs"]["obs"]["b"].tolist() == [[-1.0], [-1.0]]
    assert extras["final_obs"]["obs"]["a"].tolist() == [[0, 0, 1], [0, 0, 1]]

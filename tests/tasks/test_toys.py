"""The toys: their rules by hand, and what the best and the blindest policies get."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tasks.toys import TOYS, register_toys
from tasks.toys.asymmetric import asymmetric_rewards
from tasks.toys.duel import greedy_actions
from tasks.toys.multi_discrete import HEADS
from tasks.toys.sparse_grid import layout

register_toys()
STARTS = np.cumsum((0, *HEADS[:-1]))
"""first column of each head"""


def make(name, num_envs=4, **kwargs):
    return gymnasium.make_vec(f"gaitway/{name}-v0", num_envs, **kwargs)


def episode_return(env, policy, num_steps):
    """Mean return of the episodes that end within some steps of a policy: (obs, infos) -> actions."""
    obs, infos = env.reset(seed=3)
    running, returns = np.zeros(env.num_envs), []
    for _ in range(num_steps):
        obs, rewards, terminated, truncated, infos = env.step(policy(obs, infos))
        running += rewards
        ended = terminated | truncated
        returns += running[ended].tolist()
        running[ended] = 0.0
    return np.mean(returns)


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_keeps_its_word(name):
    env = make(name)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    env.action_space.seed(0)
    obs, infos = env.reset(seed=1)
    for _ in range(60):
        assert env.observation_space.contains(obs)
        obs, rewards, terminated, truncated, infos = env.step(env.action_space.sample())
        assert rewards.dtype == np.float32 and np.isfinite(rewards).all()
        assert terminated.dtype == truncated.dtype == bool and rewards.shape == terminated.shape == (4,)
        if (terminated | truncated).any():
            assert env.observation_space.contains(infos["final_obs"])
            assert (infos["_final_obs"] == (terminated | truncated)).all()


@pytest.mark.parametrize("name", TOYS)
def test_a_seed_gives_the_same_episodes(name):
    actions = [make(name).action_space.sample() for _ in range(40)]
    runs = []
    for seed in (7, 7, 8):
        env = make(name)
        seen = [env.reset(seed=seed)[0]] + [env.step(action)[0] for action in actions]
        parts = [part for obs in seen for part in (obs.values() if isinstance(obs, dict) else [obs])]
        runs.append(np.concatenate([part.ravel() for part in parts]))
    assert np.array_equal(runs[0], runs[1])
    assert name == "SparseGrid" or not np.array_equal(runs[0], runs[2])  # there, nothing is drawn


def test_registering_again_changes_nothing():
    before = gymnasium.registry["gaitway/Memory-v0"]
    register_toys()
    assert gymnasium.registry["gaitway/Memory-v0"] is before


# ---------------------------------------------------------------- Memory


def test_memory_asks_after_the_delay():
    env = make("Memory", num_envs=2, delay=2, num_cues=3)
    obs, _ = env.reset(seed=0)
    env.cues[:] = [2, 0]
    assert env.observe().tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    for _ in range(2):  # nothing is shown, and answers count for nothing
        obs, rewards, terminated, _, _ = env.step(np.array([2, 0]))
        assert not obs.any() and not rewards.any() and not terminated.any()
    obs, rewards, terminated, _, _ = env.step(np.array([2, 0]))
    assert obs.tolist() == [[0, 0, 0, 1]] * 2
    assert not rewards.any() and not terminated.any()
    obs, rewards, terminated, truncated, infos = env.step(np.array([2, 1]))
    assert rewards.tolist() == [1, 0]
    assert terminated.all() and not truncated.any()
    assert not infos["final_obs"].any()
    assert obs[:, :3].sum(axis=1).tolist() == [1, 1] and not obs[:, 3].any()


def test_memory_needs_memory():
    remembered = np.zeros(512, dtype=int)

    def with_memory(obs, infos):
        shown = obs[:, :4].any(axis=1)
        remembered[shown] = obs[shown, :4].argmax(axis=1)
        return remembered

    env = make("Memory", 512)
    assert episode_return(env, with_memory, 20) == 1.0
    assert episode_return(env, lambda obs, infos: obs.argmax(axis=1) % 4, 20) == pytest.approx(0.25, abs=0.06)


# ---------------------------------------------------------------- Image, DictObs


def test_image_shows_dot_and_target():
    env = make("Image", num_envs=1, cells=3, cell_size=1)
    env.reset(seed=0)
    env.dots[:], env.targets[:] = [[0, 1]], [[2, 2]]  # x, y
    assert env.observe()[0, :, :, 0].tolist() == [[0, 0, 0], [255, 0, 0], [0, 0, 128]]
    env.cell_size = 2
    image = env.observe()
    assert image.shape == (1, 6, 6, 1) and image.dtype == np.uint8
    assert image[0, 2:4, 0:2, 0].tolist() == [[255, 255], [255, 255]]


def test_dot_walks_and_arrives():
    env = make("Image", num_envs=1, cells=3)
    env.reset(seed=0)
    env.dots[:], env.targets[:] = [[0, 1]], [[1, 2]]
    _, rewards, terminated, _, _ = env.step(np.array([0]))  # up: away
    assert rewards.tolist() == pytest.approx([-0.1]) and env.dots.tolist() == [[0, 0]]
    _, rewards, _, _, _ = env.step(np.array([2]))  # left: the border is in the way
    assert rewards.tolist() == [0.0] and env.dots.tolist() == [[0, 0]]
    env.step(np.array([1]))  # down
    env.step(np.array([3]))  # right
    _, rewards, terminated, truncated, infos = env.step(np.array([1]))
    assert rewards.tolist() == pytest.approx([1.1])
    assert terminated.tolist() == [True] and not truncated.any()
    assert sorted(np.unique(infos["final_obs"])) == [0, 255]  # the dot lies on the target
    assert (env.dots != env.targets).any()


def test_dot_runs_out_of_time():
    env = make("Image", num_envs=1, max_episode_steps=2)
    env.reset(seed=0)
    env.dots[:], env.targets[:] = [[0, 0]], [[7, 7]]
    assert not env.step(np.array([0]))[3].any()
    _, _, terminated, truncated, _ = env.step(np.array([0]))
    assert truncated.tolist() == [True] and not terminated.any()


def test_dict_obs_tells_half_in_each_part():
    env = make("DictObs", num_envs=1, cells=3, cell_size=1)
    env.reset(seed=0)
    env.dots[:], env.targets[:] = [[0, 1]], [[2, 1]]
    obs = env.observe()
    assert obs["image"][0, :, :, 0].tolist() == [[0, 0, 0], [255, 0, 0], [0, 0, 0]]
    assert obs["target"].tolist() == [[1.0, 0.0]]


def test_who_walks_straight_gets_the_most():
    def straight(obs, infos):
        dots = np.array([np.argwhere(image == 255)[0][1::-1] // 2 for image in obs["image"]])
        targets = ((obs["target"] + 1.0) / 2.0 * 7.0).round().astype(int)
        return greedy_actions(dots, targets) - 1

    # 1, and a tenth of the mean distance 2 · 64/63 · 21/8 = 5.33 of two different cells
    assert episode_return(make("DictObs", 256), straight, 15) == pytest.approx(1.53, abs=0.05)


# ---------------------------------------------------------------- MultiDiscrete


def test_multi_discrete_pays_the_share_of_right_choices():
    env = make("MultiDiscrete", num_envs=3)
    env.reset(seed=0)
    env.right[:] = [[0, 4, 1]] * 3
    assert env.observe()[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    _, rewards, _, _, infos = env.step(np.array([[0, 4, 1], [0, 3, 1], [1, 3, 0]]))
    assert rewards.tolist() == pytest.approx([1.0, 2 / 3, 0.0])
    assert "action_mask" not in infos


def shown_choices(obs):
    return np.stack([obs[:, s : s + n].argmax(axis=1) for s, n in zip(STARTS, HEADS, strict=True)], axis=1)


def test_multi_discrete_shows_what_is_right():
    assert episode_return(make("MultiDiscrete", 8), lambda obs, infos: shown_choices(obs), 16) == 16.0


def test_masks_tell_what_the_observation_hides():
    env = make("MultiDiscrete", 64, masked=True)
    obs, infos = env.reset(seed=0)
    for _ in range(5):
        mask = infos["action_mask"]
        assert mask.shape == (64, 10) and mask.dtype == bool
        for i, (start, size) in enumerate(zip(STARTS, HEADS, strict=True)):
            block, allowed = obs[:, start : start + size], mask[:, start : start + size]
            blank = env.blank == i
            assert (block.sum(axis=1) == ~blank).all()  # one head shows nothing
            assert (allowed.sum(axis=1)[blank] == 1).all()  # and leaves no choice
            assert allowed[np.arange(64), env.right[:, i]].all()
        obs, _, _, _, infos = env.step(env.right)


def test_masks_have_to_be_read():
    def with_masks(obs, infos):
        return shown_choices(obs + 0.5 * infos["action_mask"])

    env = make("MultiDiscrete", 64, masked=True)
    assert episode_return(env, with_masks, 16) == 16.0
    assert episode_return(env, lambda obs, infos: shown_choices(obs), 16) < 8.0


def test_a_forbidden_choice_costs_the_step():
    env = make("MultiDiscrete", num_envs=1, masked=True)
    env.reset(seed=0)
    env.right[:], env.allowed[:] = [[0, 4, 1]], True
    env.allowed[0, 1] = False
    assert env.step(np.array([[1, 4, 1]]))[1].tolist() == [-1.0]


# ---------------------------------------------------------------- Asymmetric


def test_asymmetric_rewards_by_hand():
    x = np.array([[0.0, 0.0], [0.6, 0.8], [2.0, 2.0]])
    assert asymmetric_rewards(x, np.array([2.0, 0.5, 1.0])).tolist() == pytest.approx([2.0, 0.25, 0.0])


def test_asymmetric_moves_by_hand():
    env = make("Asymmetric", num_envs=1)
    env.reset(seed=0)
    env.x[:], env.v[:] = 1.0, [[0.5, 0.0]]
    env.step(np.array([[-1.0, 5.0]]))
    assert env.v[0].tolist() == pytest.approx([0.2, 0.2])
    assert env.x[0].tolist() == pytest.approx([1.04, 1.04])


def test_the_critic_sees_all_and_the_actor_little():
    env = make("Asymmetric", 4096, noise=0.3)
    obs, _ = env.reset(seed=0)
    assert obs["states"] == pytest.approx(np.column_stack([env.x, env.v, env.gains]), abs=1e-6)
    error = obs["obs"] - env.x
    assert error.mean() == pytest.approx(0.0, abs=0.02) and error.std() == pytest.approx(0.3, abs=0.02)
    assert env.gains.mean() == pytest.approx(1.0, abs=0.05)


# ---------------------------------------------------------------- SparseGrid


def test_rooms_by_hand():
    drawn = ["".join("." if free else "#" for free in row) for row in layout(3, 3).T]
    assert drawn == [
        "...#.......",
        "...#...#...",
        ".......#...",
    ]


def test_walls_stop_and_the_goal_pays_once():
    env = make("SparseGrid", num_envs=1, num_rooms=2, room_size=2)  # ..#. over ...., goal in the top right
    env.reset(seed=0)
    assert env.observe()[0].tolist() == [1, 0, 0, 0, 0, 1, 0]
    assert env.goal.tolist() == [4, 0]
    rewards = [env.step(np.array([action]))[1:3] for action in (3, 3)]  # the wall is in the way
    assert env.places.tolist() == [[1, 0]]
    rewards += [env.step(np.array([action]))[1:3] for action in (1, 3, 3, 3, 0)]
    assert [reward.item() for reward, _ in rewards] == [0, 0, 0, 0, 0, 0, 1]
    assert [ended.item() for _, ended in rewards] == [False] * 6 + [True]
    assert env.places.tolist() == [[0, 0]]


def test_the_goal_can_be_reached_in_time_but_not_by_chance():
    env = make("SparseGrid", num_envs=1)
    free, reach = env.is_free, np.zeros_like(env.is_free)
    reach[0, 0] = True
    chance, by_chance = np.zeros(free.shape), 0.0
    chance[0, 0] = 1.0
    needed = 0
    for step in range(1, env.max_episode_steps + 1):
        reach = reach | (spread(reach, free).astype(bool) & free)
        needed = step if not reach[tuple(env.goal)] else needed
        chance = walk(chance, free)
        by_chance += chance[tuple(env.goal)]
        chance[tuple(env.goal)] = 0.0
    assert needed + 1 == 46
    assert by_chance == pytest.approx(5.6e-8, rel=0.01)


def spread(reach, free):
    padded = np.pad(reach.astype(float), 1)
    return padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]


def walk(chance, free):
    """Chances to be in each cell after one more step of a walk without a plan."""
    open_sides = spread(free, free)
    return np.where(free, spread(chance, free) / 4.0 + chance * (4.0 - open_sides) / 4.0, 0.0)


# ---------------------------------------------------------------- Duel


def test_duel_is_zero_sum_and_seen_alike():
    env = make("Duel", num_envs=4, cells=5)
    env.reset(seed=0)
    env.players[:], env.coins[:] = [[[0, 0], [4, 4]], [[1, 2], [3, 2]]], [[0, 1], [2, 2]]
    obs = env.observe()
    assert obs[0].tolist() == [-1, -1, 1, 1, -1, -0.5]
    assert obs[1].tolist() == [1, 1, -1, -1, -1, -0.5]  # the same from the other side
    _, rewards, terminated, truncated, _ = env.step(np.array([2, 0, 4, 3]))  # down, stay; right, left
    assert rewards.tolist() == [1, -1, 0, 0]  # together on the coin: nobody wins
    assert not terminated.any() and not truncated.any()
    assert env.players[0].tolist() == [[0, 1], [4, 4]]


def test_both_players_of_a_match_end_together():
    env = make("Duel", num_envs=4, max_episode_steps=3)
    env.reset(seed=0)
    ends = [env.step(np.zeros(4, dtype=int))[3].tolist() for _ in range(3)]
    assert ends == [[False] * 4, [False] * 4, [True] * 4]


def test_scripted_opponents():
    places, coins = (
        np.array([[1, 1], [1, 1], [1, 1], [1, 1], [1, 1]]),
        np.array([[3, 2], [0, 1], [1, 3], [1, 0], [1, 1]]),
    )
    assert greedy_actions(places, coins).tolist() == [4, 3, 2, 1, 0]

    def greedy(obs, infos):
        places = ((obs + 1.0) * 3.0).round().astype(int)
        return greedy_actions(places[:, 0:2], places[:, 4:6])

    against_random = make("Duel", 64, opponent="random")
    assert against_random.unwrapped.num_agents == 1
    assert episode_return(against_random, greedy, 50) > 5.0
    assert episode_return(make("Duel", 64, opponent="greedy"), greedy, 50) == pytest.approx(0.0, abs=1.0)
    with pytest.raises(gymnasium.error.Error, match="opponent=best: must be self, random or greedy"):
        make("Duel", opponent="best")

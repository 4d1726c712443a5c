"""Self play: who plays which row, what the learner sees of it, and that it beats what it was."""

import pytest
import torch

from learning.agents.a2c_config import AgentConfig
from learning.agents.a2c_continuous import A2CAgent
from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.checkpoints.checkpoint import load_checkpoint
from learning.distributed import Distributed
from learning.players.player import PpoPlayerDiscrete
from learning.rl_games.params import translate
from learning.torch_runner import Runner
from learning.typed_config import ConfigError
from tests.learning.agents.test_a2c_base import WaitsForDevice
from tests.learning.checkpoints.test_training_state import differences
from tests.learning.self_play.toy_duel_env import ButtonDuel, duel_params
from tests.learning.toy_discrete_env import ButtonsEnv
from tests.learning.toy_env import toy_params

OWN, OTHERS = [0, 3, 4, 7], [1, 2, 5, 6]
"""Rows of four matches of two: the learner takes the first seat and the second in turn."""


def make_agent(env=None, league=None, **config):
    torch.manual_seed(0)
    env = env or ButtonDuel(8)
    return DiscreteA2CAgent("run", duel_params(league, vec_env=env, num_actors=env.num_envs, **config))


def always_press(model, button):
    """Let a policy choose one button, whatever it sees."""
    with torch.no_grad():
        model.a2c_network.logits.weight.zero_()
        model.a2c_network.logits.bias.copy_(100.0 * torch.eye(3)[button])


def set_league(agent, *buttons):
    for button in buttons:
        always_press(agent.model, button)
        agent.self_play.league.add()
    always_press(agent.model, 0)


def test_members_play_the_other_rows():
    agent = make_agent()
    set_league(agent, 0, 1, 2)
    agent.obs = agent.env_reset()
    agent.play_steps()
    drawn = agent.vec_env.opponents.drawn
    assert len(drawn.unique()) > 1 and (drawn == 2).sum() >= 2  # half of the matches are the newest's
    actions = torch.stack(agent.vec_env.env.seen_actions)
    assert (actions[:, OWN] == 0).all()
    assert (actions[:, OTHERS] == drawn).all()


def test_the_learner_sees_its_own_rows():
    agent = make_agent()
    env = agent.vec_env
    assert (env.num_envs, agent.num_actors, agent.batch_size) == (4, 4, 32)
    first = agent.env_reset()["obs"]
    assert torch.equal(first, env._obs["obs"][OWN])
    twin = ButtonDuel(8)
    twin.set_env_state(env.env.get_env_state())
    obs, rewards, dones, extras = env.step(torch.zeros(4, dtype=torch.int64))
    _, twin_rewards, twin_dones, twin_extras = twin.step(env.env.seen_actions[-1])
    assert torch.equal(rewards, twin_rewards[OWN]) and torch.equal(dones, twin_dones[OWN])
    assert torch.equal(extras["scores"], twin_extras["scores"][OWN])
    assert obs["obs"].shape == extras["final_obs"]["obs"].shape == (4, 3)
    assert extras["time_outs"].shape == (4,)


def test_more_than_two_may_play():
    env = ButtonDuel(12, num_agents=3)
    agent = make_agent(env, {"num_agents": 3}, minibatch_size=16)
    assert agent.vec_env._own.tolist() == [0, 4, 8, 9]
    assert agent.vec_env.opponent_rows.tolist() == [[1, 2], [3, 5], [6, 7], [10, 11]]
    set_league(agent, 1)
    agent.obs = agent.env_reset()
    agent.play_steps()
    actions = torch.stack(env.seen_actions)
    assert (actions[:, [0, 4, 8, 9]] == 0).all() and (actions == 0).sum() == 4 * len(actions)


def test_opponents_keep_to_the_masks():
    agent = make_agent(ButtonDuel(8, masked=True), use_action_masks=True)
    set_league(agent, 2)
    agent.obs = agent.env_reset()
    agent.play_steps()
    actions = torch.stack(agent.vec_env.env.seen_actions)
    assert agent.experience_buffer["action_masks"].shape == (8, 4, 3)
    assert (actions[:, OTHERS] < 2).all()


def test_opponents_remember_their_own_match():
    torch.manual_seed(0)
    params = duel_params(vec_env=ButtonDuel(8), num_actors=8)
    rnn = {"name": "lstm", "units": 8, "layers": 1}
    agent = DiscreteA2CAgent("run", {**params, "network": {**params["network"], "rnn": rnn}})
    env = agent.vec_env
    agent.obs = agent.env_reset()
    agent.play_steps()  # eight of the ten steps of a match
    assert env.opponents.states[0].shape == (1, 4, 8)
    member, states = agent.self_play.league.members[0], tuple(s.clone() for s in env.opponents.states)
    seen = env._obs["obs"][OTHERS]
    env.step(torch.zeros(4, dtype=torch.int64))
    expected = member({"is_train": False, "obs": seen, "rnn_states": states})["rnn_states"]
    torch.testing.assert_close(env.opponents.states, expected)
    env.step(torch.zeros(4, dtype=torch.int64))
    assert all(state.abs().sum() == 0 for state in env.opponents.states)  # the match is over


def test_the_step_loop_never_waits_for_the_device():
    agent = make_agent()
    set_league(agent, 0, 1)
    agent.env_reset()
    env, actions = agent.vec_env, torch.zeros(4, dtype=torch.int64)
    result = env.env.step(torch.zeros(8, dtype=torch.int64))
    env.env.step = lambda everyone: result
    with torch.no_grad(), WaitsForDevice() as mode:
        env.step(actions)
    assert mode.found == []


def test_continuous_agents_play_too():
    torch.manual_seed(0)
    league = {"update_score": 0.0, "games_to_check": 1}
    config = {"num_actors": 32, "minibatch_size": 32, "self_play_config": league, "max_epochs": 3}
    agent = A2CAgent("run", toy_params(vec_env=ButtonDuel(32, continuous=True), **config))
    agent.train()
    assert agent.self_play.league.generation >= 2


def test_the_policy_beats_its_own_past():
    agent = make_agent(ButtonDuel(32), max_epochs=25)
    agent.train()
    league, board = agent.self_play.league, agent.vec_env.scoreboard
    assert league.generation > 3
    del league.members[1:]  # the untrained policy is left
    agent.obs = agent.env_reset()
    board.harvest(Distributed())
    for _ in range(5):
        agent.play_steps()
    sums = board.harvest(Distributed())
    assert sums["matches"] == 4 * 16 and sums["won"] / sums["matches"] > 0.9


def test_a_new_member_means_new_opponents_and_new_statistics():
    agent = make_agent(league={"update_score": 0.0, "games_to_check": 1})
    agent.obs = agent.env_reset()
    agent.episodes.step(*torch.ones(2, 4), torch.ones(4, dtype=torch.bool))
    agent.vec_env.scoreboard.step(torch.ones(4), torch.ones(4, dtype=torch.bool), None)
    agent.train_epoch()  # plays on: nothing ends within eight steps
    assert agent.self_play.has_new_member and agent.self_play.league.generation == 2
    assert agent.score() == 1.0  # no member before it, all matches won
    agent.episodes.harvest(agent.distributed)
    assert agent.episodes.count == 0
    figures = agent.losses.harvest()
    assert figures["info/self_play_win_rate"] == 1.0 and figures["info/self_play_generation"] == 2.0
    agent.train_epoch()
    assert not agent.self_play.has_new_member  # those matches had begun against others
    assert agent.score() is None


@pytest.mark.parametrize("check_scores", [False, True])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, check_scores):
    league = {"check_scores": check_scores, "update_score": 4.0 if check_scores else 0.5}

    def train(folder, max_epochs, checkpoint=None):
        runner = Runner()
        directory = str(tmp_path / folder)
        runner.load(duel_params(league, train_dir=directory, max_epochs=max_epochs, save_best_after=0))
        runner.run({"train": True, "checkpoint": checkpoint and str(checkpoint)})
        return load_checkpoint(tmp_path / folder / "nn" / "last.pth")

    straight = train("a", 8)
    train("b", 5)
    torch.manual_seed(12345)
    resumed = train("b", 8, tmp_path / "b" / "nn" / "last.pth")
    assert set(differences(straight, resumed)) == {".total_time"}
    assert straight["self_play"]["league"]["generation"] > 1

    player = PpoPlayerDiscrete(duel_params(league, vec_env=ButtonDuel()))  # against itself
    player.restore(str(tmp_path / "a" / "nn" / "Toy.pth"))
    result = player.run()
    assert (result["episodes"], result["reward"]) == (32, 0.0)


def test_a_restored_policy_founds_the_league(tmp_path):
    agent = make_agent(train_dir=str(tmp_path), max_epochs=1)
    agent.train()
    other = make_agent()
    torch.manual_seed(3)
    other.restore(str(tmp_path / "nn" / "Toy.pth"))
    other.env_reset()
    founder = other.self_play.league.members[0]
    assert torch.equal(founder.a2c_network.logits.weight, agent.model.a2c_network.logits.weight)


def test_sizes_are_those_of_what_is_learned_from():
    config = AgentConfig.from_params(duel_params(num_actors=32, minibatch_size=48)["config"])
    assert config.num_learners == 16 and config.fitted_minibatch_size("minibatch_size") == 32
    with pytest.raises(ConfigError, match=r"= 8 \* 16 = 128; try 32"):
        config.batch_shape()
    config = AgentConfig.from_params(duel_params(num_actors=32, minibatch_size=32)["config"])
    shape = config.batch_shape(2)
    assert (shape.num_envs, shape.batch_size, shape.minibatch_size) == (8, 64, 16)
    config = AgentConfig.from_params(duel_params(num_actors=6, minibatch_size=12)["config"])
    with pytest.raises(ConfigError, match=r"num_actors=6: the 3 rows of a worker .* players; try 4"):
        config.batch_shape(2)


def test_self_play_may_be_turned_off():
    config = AgentConfig.from_params(duel_params(self_play=False)["config"])
    assert config.league is None and config.num_learners == 32
    with pytest.raises(ConfigError, match=r"self_play=True: needs self_play_config"):
        AgentConfig.from_params(toy_params(self_play=True)["config"])


def test_environments_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r"num_agents=2: ButtonsEnv has 8 rows, 1 a match; it needs"):
        make_agent(ButtonsEnv(8))
    with pytest.raises(ConfigError, match=r"num_agents=3: ButtonDuel has 9 rows, 2 a match"):
        make_agent(ButtonDuel(9), {"num_agents": 3}, minibatch_size=8)

    class NoScores(ButtonDuel):
        def step(self, actions):
            obs, rewards, dones, extras = super().step(actions)
            return obs, rewards, dones, {name: extras[name] for name in extras if name != "scores"}

    agent = make_agent(NoScores(8), {"check_scores": True})
    agent.obs = agent.env_reset()
    with pytest.raises(ConfigError, match=r"check_scores=True: NoScores gives no extras"):
        agent.play_steps()


def test_files_of_rl_games_judge_by_the_mean_reward():
    league = {"update_score": 1, "games_to_check": 200}
    params, _ = translate({"config": {"self_play_config": league}})
    assert params["config"]["self_play_config"] == {**league, "win_rate": False}

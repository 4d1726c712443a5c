"""AMP as it fills PPO's hooks: rewards, updates, schedules, evaluation, resuming."""

import json
import logging
import math

import pytest
import torch

from learning.amp.agent import AMPAgent
from learning.amp.config import AMPConfig
from learning.checkpoints.checkpoint import CheckpointError, load_checkpoint, load_replay
from learning.typed_config import ConfigError
from tests.learning.checkpoints.test_training_state import differences
from tests.learning.toy_env import ToyVecEnv
from tests.learning.toy_motion_env import OWN, SCHEDULES, ToyMotionEnv, amp_params, amp_runner


def make_agent(env=None, **config):
    torch.manual_seed(0)
    return AMPAgent("run", amp_params(vec_env=env or ToyMotionEnv(16), **config))


def epoch(agent):
    agent.obs = agent.obs or agent.env_reset()
    agent.update_epoch()
    agent.train_epoch()
    return agent.losses.harvest()


# ---------------------------------------------------------------- rewards


def test_rewards_mix_task_and_style():
    agent = make_agent(task_reward_w=0.5, disc_reward_w=0.25, disc_reward_scale=2.0)
    agent.experience_buffer["amp_obs"].copy_(torch.randn(8, 16, 4))
    windows = agent.experience_buffer["amp_obs"]
    style = -torch.log(1 - torch.sigmoid(agent.model.eval_disc(agent.samples.normalize(windows))))
    rewards = torch.randn(8, 16, 1)
    with torch.no_grad():
        torch.testing.assert_close(agent.compose_rewards(rewards), 0.5 * rewards + 0.25 * 2.0 * style)
        assert agent.mean_disc_reward == pytest.approx(2.0 * style.mean().item())


@pytest.mark.parametrize("config", [{}, OWN])
def test_rewards_are_the_present_discriminators(config):
    agent = make_agent(**config)
    windows = torch.randn(50, 4)
    before = agent.disc_rewards(windows)
    for _ in range(5):
        epoch(agent)
    after = agent.disc_rewards(windows)
    assert (after - before).abs().max() > 1e-3
    fresh = make_agent(**config)  # another agent with the learned discriminator gives the same rewards
    fresh.model.load_state_dict(agent.model.state_dict())
    fresh.load_policy_state(agent.policy_state())
    torch.testing.assert_close(fresh.disc_rewards(windows), after)


def test_episodes_that_look_unlike_the_clips_are_given_up():
    agent = make_agent(disc_reward_scale=2.0, style_termination={"reward": 0.69, "steps": 1})
    agent.obs = agent.env_reset()
    agent.set_eval()
    agent.play_steps()
    buffer, dones = agent.experience_buffer, agent.experience_buffer["dones"][-1]
    rewards = agent.disc_rewards(buffer["amp_obs"].flatten(0, 1)).view(8, 16)
    torch.testing.assert_close(buffer["disc_rewards"].squeeze(-1), rewards)
    unlike = (rewards[-1] < 2.0 * 0.69) & ~dones
    assert torch.equal(agent.vec_env.given_up, unlike)
    assert unlike.any() and not unlike.all()


def test_windows_are_those_before_any_reset():
    agent = make_agent(ToyMotionEnv(16, episode_length=3))
    agent.obs = agent.env_reset()
    agent.play_steps()
    buffer = agent.experience_buffer
    assert torch.equal(buffer["amp_obs"][..., :2], buffer["final_obses"][..., :2])
    assert torch.equal(buffer["amp_obs"][..., 2:], buffer["obses"][..., :2])
    assert buffer["dones"].any()


# ---------------------------------------------------------------- update


@pytest.mark.parametrize("config", [{}, OWN])
def test_the_discriminator_learns_to_tell_them_apart(config):
    agent = make_agent(disc_grad_penalty=0.1, learning_rate=3e-3, **config)
    figures = [epoch(agent) for _ in range(12)]
    assert figures[-1]["info/disc_demo_logit"] > figures[-1]["info/disc_agent_logit"] + 0.3
    assert figures[-1]["disc_loss"] < figures[0]["disc_loss"]


def test_the_discriminators_loss_is_the_weighted_sum_of_its_parts():
    agent = make_agent(disc_logit_reg=2.0, disc_weight_decay=3.0, disc_grad_penalty=7.0)
    network = agent.model.a2c_network
    with torch.no_grad():  # D(x) = 0 whatever x: every class loss is log 2, and the gradient is 0
        for weight in network.disc_weights():
            weight.zero_()
        network._disc_logits.weight[0, 0] = 0.5
    loss, figures = agent._calc_disc_loss(8, 8, 8)
    torch.testing.assert_close(loss, torch.tensor(math.log(2.0) + 2.0 * 0.25 + 3.0 * 0.25))
    assert figures["info/disc_logit_loss"] == 0.25 and figures["info/disc_grad_penalty"] == 0.0


def test_one_optimizer_or_three_rates():
    joint = make_agent()
    assert len(joint.optimizer.param_groups) == 1 and joint.disc_optimizer is None
    assert len(joint.optimizer.param_groups[0]["params"]) == len(list(joint.model.parameters()))

    agent = make_agent(**OWN, lr_schedule="adaptive", learning_rate=1e-3)
    actor, critic = agent.optimizer.param_groups
    ids = [{id(item) for item in group["params"]} for group in agent.optimizer.param_groups]
    assert ids[1] == {id(item) for item in agent.model.a2c_network.critic_parameters()}
    assert not (ids[0] | ids[1]) & {id(item) for item in agent.model.a2c_network.disc_parameters()}
    agent.learning_rate.set(5e-4)
    assert (actor["lr"], critic["lr"]) == (5e-4, 2e-3)
    assert agent.disc_optimizer.param_groups[0]["lr"] == 1e-3
    for _ in range(3):
        epoch(agent)
    assert critic["lr"] == 2e-3
    assert agent.disc_optimizer.state_dict()["state"][0]["step"] == 9
    assert all(item.grad is None for item in agent.model.a2c_network.disc_parameters())


def test_only_the_actors_gradients_are_truncated_where_the_critic_has_its_own_rate():
    agent = make_agent(**OWN, truncate_grads=True, grad_norm=1e-3)
    epoch(agent)
    network = agent.model.a2c_network

    def norm(parameters):
        return torch.stack([item.grad.norm() for item in parameters if item.grad is not None]).norm()

    torch.testing.assert_close(norm(network.actor_parameters()), torch.tensor(1e-3), rtol=1e-2, atol=0.0)
    assert norm(network.critic_parameters()) > 1e-2


def test_a_shared_critic_has_no_rate_of_its_own():
    with pytest.raises(ConfigError, match=r"critic_learning_rate=0\.002: the critic shares its trunk"):
        make_agent(**OWN, network={"separate": False})


def test_advantages_are_clamped():
    agent = make_agent(advantage_clip=1.0)
    normal = agent.normalize_advantages(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    torch.testing.assert_close(normal, torch.tensor([-1.0, -0.53452247, 0.0, 1.0]))


def test_means_beyond_the_soft_bound_cost():
    agent = make_agent(bounds_loss_coef=10.0)
    epoch(agent)
    data = agent.dataset[0]
    res_dict = {
        "prev_neglogp": data["old_logp_actions"],
        "values": data["returns"],
        "entropy": torch.zeros(32),
        "mus": torch.full((32, 2), 1.5),  # 0.5 beyond 1.0, in two dimensions
        "sigmas": data["sigma"],
    }
    assert agent.calc_losses(data, res_dict)[1]["bounds_loss"] == 0.5


def test_clip_frac_is_the_share_of_ratios_beyond_the_clip():
    agent = make_agent(**OWN)
    old = torch.zeros(4)
    new = -torch.tensor([1.3, 1.1, 0.9, 0.7]).log()
    loss, figures = agent.extra_losses({"old_logp_actions": old}, {"prev_neglogp": new})
    assert loss is None and figures["info/clip_frac"] == 0.5


# ---------------------------------------------------------------- samples


def test_buffers_fill_and_then_thin_out():
    env = ToyMotionEnv(16)
    agent = make_agent(env)
    assert env.fetched == 64 and agent.samples.demo.is_full
    epoch(agent)
    assert env.fetched == 64 + 16 and len(agent.samples.replay) == 128
    for expected in (256, 300, 300):
        epoch(agent)
        assert len(agent.samples.replay) == expected
    assert agent.samples.replay._next == (3 * 128 - 300 + 32) % 300  # a quarter, once it is full


def test_the_normaliser_sees_agent_and_clips_once_an_epoch():
    agent = make_agent()
    counts = []
    original = agent.calc_gradients
    agent.calc_gradients = lambda data: counts.append(agent.samples.normalizer.count.item()) or original(data)
    epoch(agent)
    assert set(counts) == {1.0 + 32}
    off = make_agent(normalize_amp_input=False)
    windows = torch.randn(3, 4)
    assert off.samples.normalize(windows) is windows and off.policy_state() == {}


# ---------------------------------------------------------------- schedules


def test_schedules_follow_the_length_of_episodes():
    agent = make_agent(ToyMotionEnv(16, episode_length=7), schedules=SCHEDULES)
    epoch(agent)
    sigma = agent.model.a2c_network.sigma
    assert agent.progress == 0.0 and agent.disc_grad_penalty == 10.0
    torch.testing.assert_close(sigma.exp(), torch.full_like(sigma, 0.4))
    agent.episodes.harvest(agent.distributed)
    epoch(agent)
    assert agent.progress == pytest.approx(0.15625)  # 10 · 128 / 8192; the length asks for 0.5
    agent.batch_size = 8192
    agent.before_epoch()
    assert agent.progress == pytest.approx(0.5)
    assert agent.disc_grad_penalty == pytest.approx(math.sqrt(50.0))
    torch.testing.assert_close(sigma.exp(), torch.full_like(sigma, 0.2))
    assert agent.extra_metrics()["info/sigma"].item() == pytest.approx(0.2)


def test_a_learned_sigma_cannot_be_scheduled():
    with pytest.raises(ConfigError, match="the network learns itself"):
        make_agent(schedules=SCHEDULES, continuous={"learn_sigma": True})


# ---------------------------------------------------------------- evaluation


def test_the_tags_of_isaacgymenvs_appear_and_the_best_is_chosen_by_pose_error(tmp_path, caplog):
    env = ToyMotionEnv(16)
    config = {**OWN, "schedules": SCHEDULES, "eval_interval": 2, "save_best_after": 0, "max_epochs": 5}
    agent = make_agent(env, train_dir=str(tmp_path), **config)
    with caplog.at_level(logging.INFO, logger="learning.amp.agent"):
        best, _ = agent.train()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    evaluated = [line["epoch"] for line in lines if "evaluation/pose_error" in line]
    assert evaluated == [2, 4, 5]  # the last epoch too
    wanted = {"a_loss", "c_loss", "bounds_loss", "entropy", "disc_loss", "kl", "info/clip_frac"}
    disc = ("agent_acc", "demo_acc", "agent_logit", "demo_logit", "grad_penalty", "logit_loss")
    wanted |= {f"info/disc_{name}" for name in (*disc, "reward_mean", "reward_std")}
    assert wanted <= set(lines[0])
    assert caplog.text.count("pose error") == 3 and "of 3  speed 1.00 of 2.00 m/s" in caplog.text

    result = json.loads((tmp_path / "result.json").read_text())
    errors = {line["epoch"]: line["evaluation/pose_error"] for line in lines if line["epoch"] in evaluated}
    assert result["pose_error"] == pytest.approx(errors[5]) and result["evaluated_epoch"] == 5
    falls = {line["epoch"]: line["evaluation/fall_rate"] for line in lines if line["epoch"] in evaluated}
    scores = {number: -(errors[number] + 0.5 * falls[number]) for number in evaluated}
    assert best == pytest.approx(max(scores.values()))
    assert result["best_epoch"] == max(scores, key=scores.get)
    assert load_checkpoint(tmp_path / "nn" / "Toy.pth")["epoch"] == result["best_epoch"]
    assert len(env.evaluations) == 1
    agent.close()
    assert env.evaluations[0].is_closed and not env.is_closed


def test_evaluation_leaves_training_as_it_was():
    states = []
    for interval in (None, 1):
        agent = make_agent(eval_interval=interval, max_epochs=3)
        agent.train()
        states.append(agent.model.state_dict())
    assert differences(*states) == []


def test_without_evaluation_the_best_has_the_most_style():
    agent = make_agent(max_epochs=3, save_best_after=0)
    rewards = []
    original = agent.compose_rewards
    agent.compose_rewards = lambda r: (original(r), rewards.append(agent.mean_disc_reward.item()))[0]
    best, _ = agent.train()
    assert best == max(rewards) and agent.result_figures() == {}


def test_without_evaluation_a_goal_is_scored_by_its_episodes():
    agent = make_agent(max_epochs=3, task_reward_w=0.5, games_to_track=16)
    agent.train()
    assert agent.score() == agent.episodes.mean_reward != agent.mean_disc_reward.item()


def test_averaged_weights_are_what_is_measured_and_kept(tmp_path):
    config = {"policy_ema_decay": 0.9, "eval_interval": 2, "save_best_after": 0, "max_epochs": 2}
    agent = make_agent(train_dir=str(tmp_path), learning_rate=1e-2, **config)
    agent.train()
    best, last = (load_checkpoint(tmp_path / "nn" / name)["model"] for name in ("Toy.pth", "last.pth"))
    name = "a2c_network.mu.weight"
    assert torch.equal(last[name], agent.model.state_dict()[name])
    assert not torch.equal(best[name], last[name])
    agent.model.load_state_dict(best)
    evaluation = agent.vec_env.evaluations[0]
    evaluation.run(agent.act_deterministically)
    assert torch.equal(evaluation.actions[0], evaluation.actions[1])


def test_averaged_weights_begin_at_those_that_were_restored(tmp_path):
    config = {"policy_ema_decay": 0.9, "eval_interval": 2, "save_best_after": 0, "max_epochs": 2}
    make_agent(train_dir=str(tmp_path), learning_rate=1e-2, **config).train()
    torch.manual_seed(1)
    other = make_agent(**config)
    other.restore(str(tmp_path / "nn" / "Toy.pth"))
    weights = other.model.state_dict()["a2c_network.mu.weight"].clone()
    assert torch.equal(other.get_policy_weights()["model"]["a2c_network.mu.weight"], weights)


# ---------------------------------------------------------------- state


def train(run_dir, checkpoint=None, **config):
    runner = amp_runner()
    config = {"env_config": {"episode_length": 11}, "save_best_after": 0, **config}
    runner.load(amp_params(train_dir=str(run_dir), **config))
    runner.run({"train": True, "checkpoint": checkpoint and str(checkpoint)})
    return load_checkpoint(run_dir / "nn" / "last.pth")


@pytest.mark.parametrize(
    "config",
    [
        {"eval_interval": 2},
        {**OWN, "schedules": SCHEDULES, "lr_schedule": "adaptive", "policy_ema_decay": 0.5},
    ],
)
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, config):
    straight = train(tmp_path / "a", max_epochs=4, **config)
    train(tmp_path / "b", max_epochs=2, **config)
    torch.manual_seed(12345)
    resumed = train(tmp_path / "b", tmp_path / "b" / "nn" / "last.pth", max_epochs=4, **config)
    assert set(differences(straight, resumed)) == {".total_time"}
    assert resumed["extra"]["evaluations"]["newest_epoch"] == (4 if "eval_interval" in config else 0)
    assert "amp_input_mean_std" in resumed["policy"]


def test_a_state_of_other_settings_goes_on_with_what_fits(tmp_path):
    train(tmp_path / "a", max_epochs=2)
    path = tmp_path / "a" / "nn" / "last.pth"
    smaller = {"amp_replay_buffer_size": 100, "amp_obs_demo_buffer_size": 32, "policy_ema_decay": 0.9}
    state = train(tmp_path / "a", path, max_epochs=3, **smaller)
    kept = load_replay(path)["replay"][0]
    assert state["epoch"] == 3 and len(kept["replay"]["samples"]) == 100


def test_replay_buffers_are_kept_apart_and_may_be_lost(tmp_path, caplog):
    train(tmp_path / "a", max_epochs=2)
    path = tmp_path / "a" / "nn" / "last.pth"
    assert "replay" not in load_checkpoint(path)
    (tmp_path / "a" / "nn" / "last_replay.pth").unlink()
    assert train(tmp_path / "a", path, max_epochs=3)["epoch"] == 3
    assert "has no replay buffers beside it: they start anew" in caplog.text


@pytest.mark.parametrize("content", [[1.0], {"replay": 3}, {"model": {}}])
def test_a_damaged_replay_file_is_refused(tmp_path, content):
    train(tmp_path / "a", max_epochs=2)
    path = tmp_path / "a" / "nn" / "last.pth"
    torch.save(content, path.with_name("last_replay.pth"))
    with pytest.raises(CheckpointError, match="holds no 'replay'; remove the file"):
        train(tmp_path / "a", path, max_epochs=3)


def test_an_environment_without_motion_is_refused():
    with pytest.raises(ConfigError, match="motion windows, which ToyVecEnv does not give"):
        AMPAgent("run", amp_params(vec_env=ToyVecEnv(16)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("disc_loss", "bec", "must be one of bce, lsgan, wasserstein; did you mean bce"),
        ("disc_updates", 0, "disc_updates=0: must be at least 1"),
        ("amp_replay_keep_prob", 1.5, "amp_replay_keep_prob=1.5: must be between 0 and 1"),
        ("policy_ema_decay", 1.0, "policy_ema_decay=1.0: must be between 0 and 1"),
        ("disc_learning_rate", 0, "disc_learning_rate=0.0: must be greater than 0"),
        ("enable_eps_greedy", True, "enable_eps_greedy=True: is not available"),
        ("disc_grad_penaltyy", 1, "did you mean disc_grad_penalty"),
    ],
)
def test_values_that_cannot_be_used(key, value, message):
    with pytest.raises(ConfigError, match=message):
        AMPConfig.from_params(amp_params(**{key: value})["config"])


@pytest.mark.parametrize("kind", ["lsgan", "wasserstein"])
def test_other_losses_train(kind):
    figures = [epoch(agent) for agent in [make_agent(disc_loss=kind, gp_on="both", **OWN)] for _ in range(2)]
    assert torch.isfinite(figures[-1]["disc_loss"])


@pytest.mark.slow
def test_it_learns_to_move_like_the_clip():
    config = {
        "num_actors": 64,
        "minibatch_size": 128,
        "mini_epochs": 4,
        "max_epochs": 60,
        "eval_interval": 20,
    }
    agent = make_agent(ToyMotionEnv(64), disc_reward_scale=1.0, **{**OWN, "disc_updates": 4}, **config)
    agent.train()
    first, last = 0.83, agent.evaluations.newest.pose_error  # without actions |x| stays 1, 0.5 and 1
    assert last < 0.5 * first

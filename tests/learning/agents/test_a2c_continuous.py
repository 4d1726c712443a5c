"""The gradient step and the hooks that a subclass fills."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from learning.agents.a2c_config import AgentConfig
from learning.agents.a2c_continuous import A2CAgent
from learning.rollouts.experience import Field
from tests.learning.toy_env import ToyVecEnv, toy_params


def make_agent(agent_class=A2CAgent, **config):
    torch.manual_seed(0)
    return agent_class("run", toy_params(vec_env=ToyVecEnv(16), **config))


def minibatch(agent):
    agent.obs = agent.env_reset()
    batch = agent.play_steps()
    agent.prepare_dataset(batch)
    return agent.dataset[0]


def test_the_loss_is_the_weighted_sum_of_its_parts():
    agent = make_agent(critic_coef=3.0, entropy_coef=0.5, bounds_loss_coef=7.0)
    data = minibatch(agent)
    shift = {
        "prev_neglogp": data["old_logp_actions"] - 0.1,  # ratio e^0.1
        "values": data["returns"] + 2.0,
        "entropy": torch.full((32,), 1.5),
        "mus": torch.full((32, 2), 1.6),  # 0.5 beyond the soft bound of 1.1, in two dimensions
        "sigmas": data["sigma"],
    }
    data["advantages"] = torch.full((32,), -1.0)
    data["old_values"] = shift["values"]
    loss, figures = agent.calc_losses(data, shift)
    a_loss = torch.tensor(0.1).exp()  # clipping does not lower the cost of a bad action
    torch.testing.assert_close(figures["a_loss"], a_loss)
    torch.testing.assert_close(figures["c_loss"], torch.tensor(4.0))
    torch.testing.assert_close(figures["bounds_loss"], torch.tensor(0.5))
    torch.testing.assert_close(loss, a_loss + 0.5 * 3.0 * 4.0 - 0.5 * 1.5 + 7.0 * 0.5)


def test_a_scheduled_entropy_bonus_counts_as_it_stands():
    agent = make_agent(
        lr_schedule="linear", max_epochs=4, schedule_entropy=True, entropy_coef=0.4, bounds_loss_coef=None
    )
    agent.obs = agent.env_reset()
    agent.update_epoch()
    agent.train_epoch()
    data = agent.dataset[0]
    res_dict = {
        "prev_neglogp": data["old_logp_actions"],
        "values": data["returns"],
        "entropy": torch.full((32,), 2.0),
        "mus": data["mu"],
    }
    loss, figures = agent.calc_losses(data, res_dict)
    weight = 1e-4 + 0.75 * (0.4 - 1e-4)  # a quarter of the way is gone
    expected = figures["a_loss"] + figures["c_loss"] - weight * 2.0  # critic_coef is 2, and halved
    torch.testing.assert_close(loss, expected)


def test_no_bounds_loss_without_its_weight():
    agent = make_agent(bounds_loss_coef=None)
    figures = agent.train_actor_critic(minibatch(agent))
    assert "bounds_loss" not in figures


def test_the_divergence_is_from_the_rollouts_policy_in_every_pass():
    agent = make_agent(mini_epochs=6, learning_rate=3e-3, lr_schedule=None, minibatch_size=128)
    data = minibatch(agent)
    divergences = [agent.train_actor_critic(data)["kl"].item() for _ in range(6)]
    assert abs(divergences[0]) < 1e-7
    assert all(later > earlier for earlier, later in zip(divergences, divergences[1:], strict=False))


def test_gradients_are_truncated_to_their_joint_norm():
    agent = make_agent(truncate_grads=True, grad_norm=1e-3)
    agent.train_actor_critic(minibatch(agent))
    norm = torch.stack([parameter.grad.norm() for parameter in agent.model.parameters()]).norm()
    torch.testing.assert_close(norm, torch.tensor(1e-3), rtol=1e-3, atol=0.0)


def test_mixed_precision_runs_the_network_alone_in_bfloat16():
    agent = make_agent(mixed_precision=True)
    data = minibatch(agent)
    figures = agent.train_actor_critic(data)
    assert all(value.dtype == torch.float32 for value in figures.values())
    assert abs(figures["kl"]) < 1e-6  # rollout and update run in the same precision
    assert all(parameter.dtype == torch.float32 for parameter in agent.model.parameters())


@dataclass
class BonusConfig(AgentConfig):
    """A configuration with a key of its own."""

    bonus: float = 0.25


class BonusAgent(A2CAgent):
    """Fills every hook, and repeats nothing."""

    config_class: ClassVar[type[AgentConfig]] = BonusConfig

    def create_parts(self):
        self.calls = []
        self.memory = torch.zeros(())

    def extra_experience_fields(self):
        return {"speeds": Field((2,))}

    def before_epoch(self):
        self.calls.append("before_epoch")

    def after_env_step(self, step, obs, dones, infos):
        self.experience_buffer.update_data("speeds", step, obs["obs"][:, 2:])
        self.calls.append(f"step {step}")

    def compose_rewards(self, rewards):
        return rewards + self.config.bonus

    def before_update(self, batch_dict):
        assert batch_dict["advantages"].shape == (128, 1)
        self.calls.append("before_update")

    def extra_dataset_fields(self, batch_dict):
        return {"speeds": batch_dict["speeds"]}

    def extra_losses(self, minibatch, res_dict):
        loss = 0.1 * (minibatch["speeds"] * res_dict["mus"]).mean()
        return loss, {"drag_loss": loss, "info/drag": loss.detach() * 2}

    def after_minibatch(self, minibatch):
        self.calls.append("after_minibatch")

    def after_epoch(self, batch_dict):
        self.memory += batch_dict["speeds"].abs().sum()
        self.calls.append("after_epoch")

    def extra_metrics(self):
        return {"info/memory": self.memory}

    def score(self):
        return float(self.epoch_num)

    def extra_state(self):
        return {"memory": self.memory}

    def load_extra_state(self, state):
        self.memory = state["memory"].clone()

    def replay_state(self):
        return {"mine": 3}

    def load_replay_state(self, state):
        self.mine = state["mine"]

    def policy_state(self):
        return {"offset": 5}

    def load_policy_state(self, state):
        self.offset = state["offset"]

    def result_figures(self):
        return {"pose_error": 0.5}


def test_a_subclass_fills_hooks_and_repeats_nothing(tmp_path):
    config = {"bonus": 1.0, "train_dir": str(tmp_path), "max_epochs": 2, "save_best_after": 0}
    agent = make_agent(BonusAgent, **config)
    agent.train()
    steps = [f"step {step}" for step in range(8)]
    update = ["before_update", *["after_minibatch"] * 8, "after_epoch"]
    assert agent.calls == 2 * ["before_epoch", *steps, *update]
    assert agent.best_reward == 2.0
    line = (tmp_path / "metrics.jsonl").read_text().splitlines()[-1]
    assert '"drag_loss"' in line and '"info/drag"' in line and '"info/memory"' in line
    assert '"pose_error": 0.5' in (tmp_path / "result.json").read_text()

    resumed = make_agent(BonusAgent, **config)
    resumed.restore(str(tmp_path / "nn" / "last.pth"))
    assert torch.equal(resumed.memory, agent.memory)
    assert (resumed.mine, resumed.offset, resumed.best_reward) == (3, 5, 2.0)


class LeadingAgent(A2CAgent):
    """Plays other weights than it trains, and leaves the value's head out of schedule and truncation."""

    def parameter_groups(self):
        value = list(self.model.a2c_network.value.parameters())
        others = [item for item in self.model.parameters() if all(item is not own for own in value)]
        return [{"params": others}, {"params": value, "lr": 0.1, "constant_lr": 0.1}]

    def truncated_parameters(self):
        return self.optimizer.param_groups[0]["params"]

    def get_policy_weights(self):
        return {"model": {name: value * 0 for name, value in self.model.state_dict().items()}}


def test_a_subclass_may_set_parameters_apart(tmp_path):
    config = {"train_dir": str(tmp_path), "max_epochs": 2, "save_best_after": 0, "grad_norm": 1e-3}
    agent = make_agent(LeadingAgent, **config)
    agent.train()
    assert [group["lr"] for group in agent.optimizer.param_groups] == [agent.learning_rate.value, 0.1]
    assert agent.model.a2c_network.value.weight.grad.norm() > 1e-3
    best, last = (torch.load(tmp_path / "nn" / name)["model"] for name in ("Toy.pth", "last.pth"))
    assert not best["a2c_network.mu.weight"].any()  # what is played
    assert torch.equal(last["a2c_network.mu.weight"], agent.model.a2c_network.mu.weight)
    resumed = make_agent(LeadingAgent, **config)
    resumed.optimizer.param_groups[1]["constant_lr"] = 0.2  # the configuration changed meanwhile
    resumed.restore(str(tmp_path / "nn" / "last.pth"))
    assert [group["lr"] for group in resumed.optimizer.param_groups] == [agent.learning_rate.value, 0.2]


def test_the_bound_of_free_means_is_a_setting():
    agent = make_agent(soft_bound=0.5)
    data = minibatch(agent)
    res_dict = {
        "prev_neglogp": data["old_logp_actions"],
        "values": data["returns"],
        "entropy": torch.zeros(32),
        "mus": torch.full((32, 2), -1.5),
        "sigmas": data["sigma"],
    }
    assert agent.calc_losses(data, res_dict)[1]["bounds_loss"] == 2.0


def test_composed_rewards_are_learned_from_and_not_counted_as_the_task_s():
    plain, richer = make_agent(), make_agent(BonusAgent, bonus=1.0)
    richer.model.load_state_dict(plain.model.state_dict())
    batches = []
    for agent in (plain, richer):
        torch.manual_seed(3)
        agent.obs = agent.env_reset()
        batches.append(agent.play_steps())
    assert torch.equal(batches[0]["rewards"], batches[1]["rewards"])
    assert (batches[1]["returns"] >= batches[0]["returns"] + 1.0 - 1e-5).all()

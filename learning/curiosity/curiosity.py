"""Curiosity: an agent is rewarded for observations unlike those that it has seen.

Random network distillation, Burda et al. 2018, "Exploration by Random Network Distillation" (arXiv
1810.12894). An epoch: `add_rewards` (before advantages: how wrong the predictor is about what each step led
to) → `train` (after the policy's update: the normaliser takes the observations in, the predictor learns).
The predictor learns under the very normaliser under which it is next asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learning.agents.a2c_config import RND_MINIBATCH, AgentConfig
from learning.checkpoints.checkpoint import load_model_state
from learning.checkpoints.training_state import load_optimizer
from learning.curiosity.config import RNDConfig
from learning.curiosity.network_builder import PATH as NETWORK_PATH
from learning.curiosity.rewards import discounted_sums, prediction_errors
from learning.distributed import Distributed
from learning.maths.running_mean_std import RunningMeanStd, obs_normalizer
from learning.models.model_builder import NetworkBuilder
from learning.rollouts import observations
from learning.rollouts.dataset import PPODataset
from learning.rollouts.float_obs import float_obs
from learning.rollouts.replay_buffer import thin_rows
from learning.typed_config import ConfigError

PATH = "train.params.config.rnd_config"
MODEL_KEY, OPTIMIZER_KEY = "rnd_model", "rnd_optimizer"

SMALLEST_VARIANCE = 1e-8
"""Of intrinsic returns; keeps the reward finite where nothing is left to learn."""


class Curiosity:
    """The intrinsic reward, and how its predictor learns.

    Args:
        config: the `rnd_config` block.
        agent_config: the agent's configuration.
        obs_shape: of one observation.
        num_envs: environments of this worker.
        distributed: the workers.
        device: where it lives.

    Raises:
        ConfigError: the network does not fit, or minibatches do not divide the batch.
    """

    def __init__(
        self,
        config: RNDConfig,
        agent_config: AgentConfig,
        obs_shape: Any,
        num_envs: int,
        distributed: Distributed,
        device: torch.device,
    ) -> None:
        self.config, self._distributed = config, distributed
        self.network = _build(config, obs_shape)
        self.obs_moments: Any = _without_samples(obs_normalizer(obs_shape))
        self.return_moments: Any = _without_samples(RunningMeanStd((), SMALLEST_VARIANCE))
        parts = {"network": self.network, "obs": self.obs_moments, "returns": self.return_moments}
        self.model = nn.ModuleDict(parts).to(device)
        distributed.broadcast_parameters(self.model)
        self.optimizer = torch.optim.Adam(
            self.network.predictor.parameters(),
            lr=config.learning_rate,
            fused=device.type in ("cpu", "cuda"),
        )
        self.dataset = _dataset(config, agent_config, num_envs, distributed, device)
        self.returns = torch.zeros(num_envs, device=device)
        """discounted sums of intrinsic rewards so far, (num_envs,)"""
        self.rollouts = 0
        self.weight = config.scale_value
        self._figures: dict[str, Tensor] = {}

    # ---------------------------------------------------------------- reward

    @torch.no_grad()
    def add_rewards(self, rewards: Tensor, next_obs: observations.Obs, frame: int) -> Tensor:
        """Return the task's rewards with the intrinsic ones; all workers call this together, once a rollout.

        Args:
            rewards: of the task, (horizon_length, num_envs, 1).
            next_obs: what each step really led to, before any reset, (horizon_length * num_envs, …),
                time-major.
            frame: environment steps so far, over all workers.

        Returns:
            The weighted sum (horizon_length, num_envs, 1); or, for a value head each, both side by side,
            (horizon_length, num_envs, 2), without weight, so that a schedule moves no value.
        """
        self.weight = self.config.weight_at(frame)
        own = self.rewards(next_obs).unsqueeze(-1)
        if self.config.value == "separate":
            return torch.cat([rewards, own], dim=-1)
        return torch.add(rewards, own, alpha=self.weight)

    def weigh(self, advantages: Tensor) -> Tensor:
        """Return advantages (horizon_length, num_envs, V), those of the intrinsic reward's head by weight."""
        if self.config.value == "mixed":
            return advantages
        return advantages * advantages.new_tensor([1.0, self.weight])

    @torch.no_grad()
    def rewards(self, next_obs: observations.Obs) -> Tensor:
        """Return intrinsic rewards (horizon_length, num_envs); see `add_rewards`."""
        if not self.rollouts:
            self._see(next_obs)  # in place of the paper's random steps before training
        self.rollouts += 1
        self.dataset.update_values_dict(observations.split("obs", next_obs))  # images are too many at once
        parts = [self.errors(observations.join("obs", part)) for part in self._minibatches()]
        rewards = errors = torch.cat(parts).view(-1, len(self.returns))
        if self.config.normalize_reward:
            returns = discounted_sums(errors, self.returns, self.config.gamma)
            self.returns = returns[-1].clone()
            self.return_moments.update_from(returns, self._distributed)
            variance = self.return_moments.running_var + self.return_moments.epsilon
            rewards = errors * variance.rsqrt().float()
        self._figures = {
            "info/rnd_error": errors.mean(),
            "info/rnd_reward": rewards.mean(),
            "info/rnd_weight": torch.tensor(self.weight),
        }
        return rewards

    def errors(self, obs: observations.Obs) -> Tensor:
        """Return how wrong the predictor is about raw observations (B, …), (B,)."""
        return prediction_errors(*self.network(self._normalize(obs)))

    # ---------------------------------------------------------------- update

    def train(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Learn from a rollout.

        Args:
            batch_dict: fields of the rollout, `final_obses` among them.

        Returns:
            0-dim figures to log.
        """
        if self.rollouts > 1:  # the first rollout's were seen before its rewards
            self._see(observations.join("final_obses", batch_dict))
        self.dataset.update_values_dict(observations.rename("final_obses", "obs", batch_dict))
        total = torch.zeros((), device=self.returns.device)
        for _ in range(self.config.mini_epochs):
            self.dataset.apply_permutation()
            for minibatch in self._minibatches():
                total += self._step(self._thinned(minibatch))
        return {**self._figures, "info/rnd_loss": total / (self.config.mini_epochs * len(self.dataset))}

    def _minibatches(self) -> Iterator[dict[str, Tensor]]:
        return (self.dataset[index] for index in range(len(self.dataset)))

    def _thinned(self, minibatch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the share of a minibatch that is learned from."""
        if self.config.update_proportion >= 1.0:
            return minibatch
        every = torch.arange(self.dataset.minibatch_size, device=self.returns.device)
        rows = thin_rows(every, self.config.update_proportion)
        return {name: value.index_select(0, rows) for name, value in minibatch.items()}

    def _step(self, minibatch: Mapping[str, Tensor]) -> Tensor:
        """Make one gradient step on observations `obs` (B, …); returns the loss, 0-dim."""
        loss = self.errors(observations.join("obs", minibatch)).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        with torch.no_grad():
            learned = self.network.predictor.parameters()
            loss = self._distributed.average_gradients_(learned, loss.detach().reshape(1))[0]
        self.optimizer.step()
        return loss

    def _see(self, obs: observations.Obs) -> None:
        if self.config.normalize_input:
            self.obs_moments.update_from(obs, self._distributed)

    def _normalize(self, obs: observations.Obs) -> observations.Obs:
        return self.obs_moments(obs) if self.config.normalize_input else float_obs(obs)

    # ---------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """Return what all workers share: networks, moments and optimizer."""
        model = {**self.model.state_dict(), "rollouts": torch.tensor(self.rollouts)}
        return {MODEL_KEY: model, OPTIMIZER_KEY: self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any], source: str) -> None:
        """Take up a checkpoint as far as it holds curiosity; the learning rate is the configuration's."""
        if MODEL_KEY in state:
            model = dict(state[MODEL_KEY])
            self.rollouts = int(model.pop("rollouts"))
            load_model_state(self.model, model, source)
        load_optimizer(self.optimizer, state.get(OPTIMIZER_KEY), source)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate

    def worker_state(self) -> dict[str, Any]:
        """Return what belongs to this worker's environments."""
        return {"returns": self.returns}

    def load_worker_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `worker_state`."""
        self.returns = state["returns"].to(self.returns.device)


def _build(config: RNDConfig, obs_shape: Any) -> Any:
    network = NetworkBuilder().load(config.network, NETWORK_PATH).build("rnd", input_shape=obs_shape)
    if not hasattr(network, "predictor"):
        raise ConfigError(
            f"{NETWORK_PATH}.name={config.network.get('name')}: has no predictor; set it to rnd_curiosity"
        )
    return network


def _without_samples(moments: nn.Module) -> nn.Module:
    """Take RL Games' first sample, of variance 1, out of new moments: it would hide small errors for long."""
    for part in moments.modules():
        if isinstance(part, RunningMeanStd):
            part.count.zero_()
    return moments


def _dataset(
    config: RNDConfig,
    agent_config: AgentConfig,
    num_envs: int,
    distributed: Distributed,
    device: torch.device,
) -> PPODataset:
    batch_size = agent_config.horizon_length * num_envs
    minibatch_size = agent_config.minibatch_share(RND_MINIBATCH, distributed.world_size)
    if not round(config.update_proportion * minibatch_size):
        raise ConfigError(
            f"{PATH}.update_proportion={config.update_proportion:g}: leaves nothing of minibatches of "
            f"{minibatch_size} samples; raise it"
        )
    return PPODataset(batch_size, minibatch_size, device, agent_config.shuffle_minibatches)


def create_curiosity(
    config: AgentConfig, obs_shape: Any, num_envs: int, distributed: Distributed, device: torch.device
) -> Curiosity | None:
    """Return what `rnd_config` asks for, None where it is null; arguments as for `Curiosity`."""
    if config.rnd_config is None:
        return None
    return Curiosity(config.rnd_config, config, obs_shape, num_envs, distributed, device)

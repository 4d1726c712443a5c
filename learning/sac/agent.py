"""`sac`: soft actor-critic on what many environments do at once.

Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications" (arXiv 1812.05905), with RL Games'
settings. An epoch: `play_steps` collects a rollout of a few steps, with random actions while it warms up →
`learn` puts its transitions into the replay buffer, with the true final observations → updates, each on a
batch drawn from there: critics (`update_critic`), now and then actor and temperature
(`update_actor_and_alpha`), target critics → the normaliser takes the rollout in.

The replay buffer holds raw observations; the normaliser stands still while an epoch's updates are made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learning.agents.agent_base import AgentBase
from learning.agents.agent_config import BaseAgentConfig
from learning.agents.tunables import Tunable, of_config, of_rate
from learning.checkpoints.training_state import load_optimizer
from learning.rl_games.checkpoint import sac_parts
from learning.rollouts.experience import Field
from learning.sac.config import Betas, SACConfig
from learning.sac.losses import actor_loss, critic_loss, soft_targets, soft_update_, temperature_loss
from learning.sac.models import ModelSACContinuous, build_sac_model, squashed_action_box
from learning.sac.replay import TransitionReplay, Transitions
from learning.vecenv import ObsDict


class SACAgent(AgentBase):
    """Soft actor-critic: learns from a replay buffer what `AgentBase` collects."""

    config_class: ClassVar[type[BaseAgentConfig]] = SACConfig
    config: SACConfig
    model: ModelSACContinuous.Network

    # ---------------------------------------------------------------- construction

    def read_action_space(self) -> None:
        """Note the number of actions, the bounds that ±1 is scaled to, and the entropy to aim at."""
        self.action_box = squashed_action_box(self.vec_env.action_space, self.device)
        self.actions_num = self.action_box.actions_num
        self.target_entropy = -self.config.target_entropy_coef * self.actions_num

    def build_model(self) -> nn.Module:
        """Return actor, critics and normaliser for this environment's sizes."""
        return build_sac_model(self.network, self.action_box, self.obs_shape, self.config.normalize_input)

    def create_optimizers(self) -> None:
        """Build an Adam each for actor, critics and temperature, and the replay buffer."""
        config, network = self.config, self.model.sac_network
        self.log_alpha = nn.Parameter(torch.tensor(math.log(config.init_alpha), device=self.device))
        self._actor_parameters = list(network.actor.parameters())
        self._critic_parameters = list(network.critic.parameters())
        self._target_parameters = list(network.critic_target.parameters())
        self.actor_optimizer = self._adam(self._actor_parameters, config.actor_lr, config.actor_betas)
        self.critic_optimizer = self._adam(self._critic_parameters, config.critic_lr, config.critic_betas)
        self.log_alpha_optimizer = self._adam([self.log_alpha], config.alpha_lr, config.alphas_betas)
        self.num_updates = 0
        self._create_replay()

    def _create_replay(self) -> None:
        """Build the replay buffer and note this worker's share of sizes."""
        config, workers = self.config, self.distributed.world_size
        shares = config.shares(workers)
        self.minibatch_size = max(1, config.batch_size // shares)
        capacity = max(1, config.replay_buffer_size // shares)
        self.replay = TransitionReplay(capacity, self.model.num_obs, self.actions_num, self.device)
        self.warmup_epochs = config.warmup_epochs(self.batch_size, workers)

    def _adam(self, parameters: Iterable[nn.Parameter], rate: float, betas: Betas) -> torch.optim.Adam:
        return torch.optim.Adam(parameters, rate, betas, fused=self.device.type in ("cpu", "cuda"))

    def policy_fields(self) -> dict[str, Field]:
        """Return the actions."""
        return {"actions": Field((self.actions_num,))}

    @property
    def records_final_obs(self) -> bool:
        """Always: transitions need it whether or not time-outs bootstrap."""
        return True

    # ---------------------------------------------------------------- rollout

    @property
    def is_warm_up(self) -> bool:
        """Whether this epoch's actions are random."""
        return self.epoch_num <= self.warmup_epochs

    @property
    def alpha(self) -> Tensor:
        """The temperature, 0-dim, without gradient."""
        return self.log_alpha.detach().exp()

    def get_action_values(self, obs: ObsDict) -> dict[str, Tensor]:
        """Draw actions (num_envs, A) from the policy, or, during warm-up, uniformly from their space."""
        if self.is_warm_up:
            draws = torch.rand(self.num_actors, self.actions_num, device=self.device)
            return {"actions": self.action_box(2.0 * draws - 1.0)}
        with self.autocast():
            return self.model({"obs": obs["obs"]})

    def preprocess_actions(self, actions: Tensor) -> Tensor:
        """Return the actions: they are in units of their space already."""
        return actions

    # ---------------------------------------------------------------- update

    def learn(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Keep a rollout's transitions, make the updates that are due, and let the normaliser take it in.

        Args:
            batch_dict: what `play_steps` returned.
        """
        self.before_update(batch_dict)
        self.replay.store(self.transitions(batch_dict))
        self.algo_observer.after_steps()
        for _ in range(self.updates_due()):
            self.losses.add(self.update())
        if self.model.running_mean_std is not None:
            self.model.running_mean_std.update_from(batch_dict["obses"], self.distributed)
        self.after_epoch(batch_dict)

    def transitions(self, batch_dict: Mapping[str, Tensor]) -> Transitions:
        """Return the transitions of a rollout, (horizon_length * num_envs, …)."""
        terminated = batch_dict["dones"]
        if self.config.value_bootstrap:
            terminated = terminated & ~batch_dict["time_outs"]
        return Transitions(
            obs=batch_dict["obses"],
            actions=batch_dict["actions"],
            rewards=self.compose_rewards(self.experience_buffer["rewards"]).flatten(),
            next_obs=batch_dict["final_obses"],
            terminated=terminated,
        )

    def updates_due(self) -> int:
        """Return how many updates this epoch makes.

        None during warm-up; nor before as many transitions are there again, if a run was resumed without its
        replay buffer.
        """
        wanted = min(self.warmup_epochs * self.batch_size, self.replay.capacity)
        if self.is_warm_up or len(self.replay) < wanted:
            return 0
        workers = self.distributed.world_size
        frame = self.frame * self.config.shares(workers) // workers
        return self.config.updates_between(frame - self.batch_size * self.config.shares(workers), frame)

    def update(self) -> dict[str, Tensor]:
        """Make one update on transitions drawn from the replay buffer and return 0-dim figures to log."""
        batch = self.replay.sample(self.minibatch_size)
        obs, next_obs = self.model.norm_obs(batch.obs), self.model.norm_obs(batch.next_obs)
        figures = self.update_critic(obs, next_obs, batch)
        self.num_updates += 1
        if self.num_updates % self.config.policy_frequency == 0:
            figures |= self.update_actor_and_alpha(obs)
        soft_update_(self._target_parameters, self._critic_parameters, self.config.critic_tau)
        return figures

    def update_critic(self, obs: Tensor, next_obs: Tensor, batch: Transitions) -> dict[str, Tensor]:
        """Make one step of the critics' optimizer.

        Args:
            obs: the batch's observations, normalised, (minibatch_size, num_obs).
            next_obs: the observations after them, normalised, (minibatch_size, num_obs).
            batch: actions, rewards and terminations.

        Returns:
            0-dim figures to log.
        """
        with torch.no_grad(), self.autocast():
            next_actions, next_neglogp = self.model.sample_actions(next_obs)
            next_values = self.model.critic_target(next_obs, next_actions)
            targets = soft_targets(
                batch.rewards, batch.terminated, *next_values, next_neglogp, self.alpha, self.config.gamma
            )
        with self.autocast():
            q1, q2 = self.model.critic(obs, batch.actions)
        loss, c1_loss, c2_loss = (item.mean() for item in critic_loss(q1, q2, targets))
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.distributed.average_gradients_(self._critic_parameters, loss.detach().reshape(1))
        if self.config.critic_grad_clip:
            nn.utils.clip_grad_norm_(self._critic_parameters, self.config.critic_grad_clip)
        self.critic_optimizer.step()
        return {"c1_loss": c1_loss, "c2_loss": c2_loss}

    def update_actor_and_alpha(self, obs: Tensor) -> dict[str, Tensor]:
        """Make one step of the actor's optimizer and one of the temperature's.

        Args:
            obs: normalised observations, (minibatch_size, num_obs).

        Returns:
            0-dim figures to log.
        """
        with self.autocast():
            actions, neglogp = self.model.sample_actions(obs)
            q1, q2 = self.model.critic(obs, actions)
        a_loss = actor_loss(neglogp, q1, q2, self.alpha).mean()
        alpha_loss = temperature_loss(self.log_alpha, neglogp, self.target_entropy).mean()
        self.actor_optimizer.zero_grad(set_to_none=True)
        self.log_alpha_optimizer.zero_grad(set_to_none=True)
        learned = [*self._actor_parameters, self.log_alpha]
        (a_loss + alpha_loss).backward(inputs=learned)  # the critics get no gradient of this
        self.distributed.average_gradients_(learned, a_loss.detach().reshape(1))
        figures = {"a_loss": a_loss, "entropy": neglogp.mean(), "info/alpha": self.alpha}
        self.actor_optimizer.step()
        if not self.config.learnable_temperature:
            return figures
        self._step_alpha()
        return {**figures, "alpha_loss": alpha_loss}

    @torch.no_grad()
    def _step_alpha(self) -> None:
        self.log_alpha_optimizer.step()
        if self.config.min_alpha:  # held there, so that it comes back at once when entropy falls short
            self.log_alpha.clamp_(min=math.log(self.config.min_alpha))

    # ---------------------------------------------------------------- state

    def tunables(self) -> dict[str, Tunable]:
        """Return the settings that may change while training runs; `learning_rate` is the actor's."""
        rates = {
            "learning_rate": of_rate("actor_lr", self.actor_optimizer),
            "actor_lr": of_rate("actor_lr", self.actor_optimizer),
            "critic_lr": of_rate("critic_lr", self.critic_optimizer),
            "alpha_lr": of_rate("alpha_lr", self.log_alpha_optimizer),
        }
        return {**of_config({name: name for name in ("gamma", "critic_tau", "critic_grad_clip")}), **rates}

    def learning_figures(self) -> dict[str, float]:
        """Return the actor's learning rate."""
        return {"learning_rate": self.config.actor_lr}

    def get_weights(self) -> dict[str, Any]:
        """Return the model, and its parts once more by the names that RL Games looks for."""
        weights = super().get_weights()
        return {**weights, **sac_parts(weights["model"])}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "actor_optimizer": self.actor_optimizer,
            "critic_optimizer": self.critic_optimizer,
            "log_alpha_optimizer": self.log_alpha_optimizer,
        }

    def optimizer_state(self) -> dict[str, Any]:
        """Return the three optimizers and the temperature, by RL Games' keys, and the number of updates."""
        states = {name: optimizer.state_dict() for name, optimizer in self._optimizers().items()}
        return {**states, "log_alpha": self.log_alpha.detach(), "num_updates": self.num_updates}

    def load_optimizer_state(self, state: Mapping[str, Any], source: str) -> None:
        """Take up optimizers and temperature; learning rates are the configuration's."""
        for name, optimizer in self._optimizers().items():
            rate = optimizer.param_groups[0]["lr"]
            load_optimizer(optimizer, state.get(name), source)
            optimizer.param_groups[0]["lr"] = rate
        self.num_updates = int(state.get("num_updates", 0))
        if "log_alpha" in state and self.config.learnable_temperature:
            with torch.no_grad():
                self.log_alpha.copy_(torch.as_tensor(state["log_alpha"]))

    def replay_state(self) -> dict[str, Any]:
        """Return this worker's replay buffer, if it is to be kept."""
        return self.replay.state_dict() if self.config.save_replay_buffer else {}

    def load_replay_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `replay_state`."""
        if state:
            self.replay.load_state_dict(state)

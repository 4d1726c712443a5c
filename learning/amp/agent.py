"""`amp_continuous`: PPO whose reward is how well a discriminator takes the motion for the clips'.

Peng et al. 2021, "AMP: Adversarial Motion Priors for Stylized Physics-Based Character Control". The agent is
PPO with hooks filled; an epoch, top to bottom: schedules (`before_epoch`) → rollout with motion windows
(`after_env_step`) → rewards of the present discriminator (`compose_rewards`) → new windows of the clips and
the normaliser (`before_update`) → PPO, with the discriminator's loss in its own (`extra_losses`) or after it
under an optimizer of its own (`after_epoch`) → replay buffer, averaged weights, evaluation.

The normaliser of windows is updated between rewards and update, once an epoch: the discriminator then gives
its next rewards under the very normaliser that it last learned under.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learning.agents.a2c_continuous import A2CAgent
from learning.agents.agent_config import BaseAgentConfig
from learning.amp.config import AMPConfig
from learning.amp.discriminator import (
    classification_loss,
    disc_figures,
    gradient_penalty,
    squared_norm,
    style_rewards,
)
from learning.amp.evaluation import EvaluationRecord, Evaluator
from learning.amp.models import ModelAMPContinuous
from learning.amp.motion_env import amp_input_shape
from learning.amp.samples import AMPSamples
from learning.amp.schedules import next_progress
from learning.amp.style_termination import StyleTermination
from learning.models.weight_average import WeightAverage
from learning.reporting.diagnostics import clip_fraction
from learning.rollouts.experience import Field
from learning.typed_config import ConfigError
from learning.vecenv import ObsDict

logger = logging.getLogger(__name__)


class AMPAgent(A2CAgent):
    """Adversarial motion priors: fills PPO's hooks."""

    config_class: ClassVar[type[BaseAgentConfig]] = AMPConfig
    config: AMPConfig
    model: ModelAMPContinuous.Network

    # ---------------------------------------------------------------- construction

    def network_config(self) -> dict[str, Any]:
        """Return the size of a motion window."""
        return {"amp_input_shape": amp_input_shape(self.vec_env)}

    def extra_experience_fields(self) -> dict[str, Field]:
        """Return the motion windows, and their rewards where these are needed in every step."""
        rewards = {} if self.config.style_termination is None else {"disc_rewards": Field((1,))}
        return {"amp_obs": Field(amp_input_shape(self.vec_env)), **rewards}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return all parameters, or those of the actor, with the critic and the discriminator set apart."""
        config, network = self.config, self.model.a2c_network
        if config.critic_learning_rate is None and config.disc_learning_rate is None:
            return super().parameter_groups()
        own_disc, own_critic = config.disc_learning_rate is not None, config.critic_learning_rate is not None
        rate = config.critic_learning_rate
        if own_critic and not network.is_separate_critic():
            raise ConfigError(
                f"train.params.config.critic_learning_rate={rate:g}: the critic shares its trunk with the "
                "actor; set train.params.network.separate=True, or this key to null"
            )
        joint = network.actor_parameters() + ([] if own_disc else network.disc_parameters())
        if not own_critic:
            return [{"params": joint + network.critic_parameters()}]
        return [{"params": joint}, {"params": network.critic_parameters(), "lr": rate, "constant_lr": rate}]

    def truncated_parameters(self) -> Iterable[nn.Parameter]:
        """Return the actor's alone where the critic has a rate of its own, else all."""
        if self.config.critic_learning_rate is None:
            return super().truncated_parameters()
        return self.model.a2c_network.actor_parameters()

    def create_parts(self) -> None:
        """Build buffers, the discriminator's optimizer, and what schedules and evaluations need."""
        self.samples = AMPSamples(self.vec_env, self.config, self.distributed, self.device)  # type: ignore
        self.disc_optimizer = self._create_disc_optimizer()
        decay = self.config.policy_ema_decay
        self.average = None if decay is None else WeightAverage(self.model, decay)
        self.progress = 0.0
        self.disc_grad_penalty = self.config.disc_grad_penalty
        self.mean_disc_reward: Tensor | None = None
        self.style_termination = None
        if self.config.style_termination is not None:
            self.style_termination = StyleTermination(
                self.config.style_termination, self.num_actors, self.device
            )
        self.evaluator = Evaluator(self.vec_env, self.distributed, self.device)
        self.evaluations = EvaluationRecord()
        self._check_sigma_schedule()

    def _create_disc_optimizer(self) -> torch.optim.Optimizer | None:
        rate = self.config.disc_learning_rate
        if rate is None:
            return None
        is_fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(self.model.a2c_network.disc_parameters(), lr=rate, fused=is_fused)

    def _check_sigma_schedule(self) -> None:
        schedules, sigma = self.config.schedules, self.model.a2c_network.sigma
        if schedules is None or schedules.sigma is None:
            return
        if not isinstance(sigma, nn.Parameter) or sigma.requires_grad:
            raise ConfigError(
                "train.params.config.schedules.sigma: sets the deviation of the actions, which the network "
                "learns itself; set space.continuous.learn_sigma=False and fixed_sigma=True, or this to null"
            )

    # ---------------------------------------------------------------- rollout

    def before_epoch(self) -> None:
        """Move what follows progress."""
        schedules = self.config.schedules
        if schedules is None:
            return
        num_samples = self.batch_size * self.distributed.world_size
        length = self.episodes.mean_length
        self.progress = next_progress(self.progress, length, num_samples, schedules.progress)
        if schedules.sigma is not None:
            with torch.no_grad():
                self.model.a2c_network.sigma.fill_(math.log(schedules.sigma.at(self.progress)))  # type: ignore
        if schedules.disc_grad_penalty is not None:
            self.disc_grad_penalty = schedules.disc_grad_penalty.at(self.progress)

    def after_env_step(self, step: int, obs: ObsDict, dones: Tensor, infos: dict[str, Any]) -> None:
        """Record the motion windows; end episodes that look too little like the clips."""
        buffer = self.experience_buffer
        buffer.update_data("amp_obs", step, infos["amp_obs"])
        if self.style_termination is not None:
            buffer.update_data("disc_rewards", step, self.disc_rewards(buffer["amp_obs"][step]))
            rewards = buffer["disc_rewards"][step, :, 0] / self.config.disc_reward_scale
            self.vec_env.give_up(self.style_termination.step(rewards, dones))  # type: ignore[attr-defined]

    def compose_rewards(self, rewards: Tensor) -> Tensor:
        """Return the weighted sum of the task's rewards and the present discriminator's."""
        config, buffer = self.config, self.experience_buffer
        if self.style_termination is None:
            disc_rewards = self.disc_rewards(buffer["amp_obs"].flatten(0, 1)).view_as(rewards)
        else:
            disc_rewards = buffer["disc_rewards"]
        self.mean_disc_reward = disc_rewards.mean()
        self.losses.add(
            {"info/disc_reward_mean": self.mean_disc_reward, "info/disc_reward_std": disc_rewards.std()}
        )
        return config.task_reward_w * rewards + config.disc_reward_w * disc_rewards

    @torch.no_grad()
    def disc_rewards(self, amp_obs: Tensor) -> Tensor:
        """Return the discriminator's rewards (B, 1) of raw motion windows (B, num_amp_obs)."""
        logits = self.model.eval_disc(self.samples.normalize(amp_obs))
        return style_rewards(self.config.disc_loss, logits) * self.config.disc_reward_scale

    # ---------------------------------------------------------------- update

    def before_update(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Take new windows of the clips, and let the normaliser see them and the rollout's."""
        self.samples.refresh(batch_dict["amp_obs"])

    def normalize_advantages(self, advantages: Tensor) -> Tensor:
        """Return normalised advantages (batch_size,), clamped if wanted."""
        advantages, bound = super().normalize_advantages(advantages), self.config.advantage_clip
        return advantages if bound is None else advantages.clamp(-bound, bound)

    def extra_losses(
        self, minibatch: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]
    ) -> tuple[Tensor | None, dict[str, Tensor]]:
        """Return the discriminator's loss where it has no optimizer of its own."""
        old_neglogp, neglogp = minibatch["old_logp_actions"], res_dict["prev_neglogp"]
        figures = {"info/clip_frac": clip_fraction(old_neglogp, neglogp, self.config.e_clip)}
        if self.disc_optimizer is not None:
            return None, figures
        size = self.samples.share(self.config.amp_minibatch_size)
        loss, loss_figures = self._calc_disc_loss(size, size, size)
        return self.config.disc_coef * loss, {**figures, **loss_figures}

    def _calc_disc_loss(
        self, num_agent: int, num_replay: int, num_demo: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the discriminator's loss on newly drawn windows, and its parts by name."""
        config, network = self.config, self.model.a2c_network
        amp_obs = self.experience_buffer["amp_obs"].flatten(0, 1)
        windows = self.samples.draw(amp_obs, num_agent, num_replay, num_demo)
        rows = slice(num_agent + num_replay, None) if config.gp_on == "demo" else slice(None)
        logits, gradient = network.eval_disc_with_gradient(windows, rows)
        agent_logits, demo_logits = logits.split([num_agent + num_replay, num_demo])
        penalty = gradient_penalty(config.disc_loss, gradient)
        logit_loss = squared_norm([network.disc_logit_weight()])
        loss = classification_loss(config.disc_loss, agent_logits, demo_logits)
        loss = loss + self.disc_grad_penalty * penalty + config.disc_logit_reg * logit_loss
        loss = loss + config.disc_weight_decay * squared_norm(network.disc_weights())
        figures = {"info/disc_grad_penalty": penalty, "info/disc_logit_loss": logit_loss}
        return loss, {"disc_loss": loss, **disc_figures(agent_logits, demo_logits), **figures}

    def after_epoch(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Train the discriminator, if it has an optimizer of its own; then keep windows and measure."""
        if self.disc_optimizer is not None:
            for _ in range(self.config.disc_updates):
                self.losses.add(self.update_disc(self.disc_optimizer))
        self.samples.store(batch_dict["amp_obs"])
        if self.average is not None:
            self.average.update()
        if self._evaluation_is_due():
            self.evaluate()

    def update_disc(self, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        """Make one step of the discriminator's own optimizer and return 0-dim figures to log."""
        size = self.samples.share(self.config.disc_batch_size)
        num_replay = size // 2
        loss, figures = self._calc_disc_loss(size - num_replay, num_replay, size)
        loss.backward()
        with torch.no_grad():
            parameters = self.model.a2c_network.disc_parameters()
            self.distributed.average_gradients_(parameters, loss.detach().reshape(1))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)  # PPO averages and truncates the gradients that there are
        return figures

    # ---------------------------------------------------------------- evaluation

    def _evaluation_is_due(self) -> bool:
        config = self.config
        if not config.eval_interval:
            return False
        is_last = self.epoch_num == config.max_epochs or self.frame >= (config.frame_limit or math.inf)
        return is_last or self.epoch_num % config.eval_interval == 0

    def evaluate(self) -> None:
        """Measure the policy without noise."""
        self.model.eval()
        with self._played_weights():
            figures = self.evaluator.measure(self.act_deterministically)
        self.evaluations.add(figures, self.epoch_num)
        if self.distributed.is_main:
            logger.info("epoch %d: %s", self.epoch_num, figures.line())

    def act_deterministically(self, obs: ObsDict) -> Tensor:
        """Return the policy's mean actions for the environment, (num_envs, num_actions), in float32."""
        return self.preprocess_actions(self.model.eval_mean(obs["obs"].to(self.device)))

    def _played_weights(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.average is None else self.average.in_place()

    def extra_metrics(self) -> dict[str, float | Tensor]:
        """Return what schedules set, and the figures of an evaluation in its epoch."""
        metrics: dict[str, float | Tensor] = {}
        if self.config.schedules is not None:
            sigma = self.model.a2c_network.sigma
            metrics["info/schedule_progress"] = self.progress
            metrics["info/disc_grad_penalty_weight"] = self.disc_grad_penalty
            if isinstance(sigma, nn.Parameter):
                metrics["info/sigma"] = sigma.detach().exp().mean()
        figures = self.evaluations.of_epoch(self.epoch_num)
        if figures is not None:
            metrics |= {f"evaluation/{name}": value for name, value in figures.means.items()}
        return metrics

    def score(self) -> float | None:
        """Return this epoch's evaluation as a score; without evaluations the mean reward.

        Of episodes, where the task rewards a goal; else the discriminator's, which says less: it changes.
        """
        if self.config.eval_interval:
            figures = self.evaluations.of_epoch(self.epoch_num)
            return None if figures is None else figures.score
        if self.config.task_reward_w > 0.0:
            return super().score()
        mean = self.mean_disc_reward
        return None if mean is None else self.distributed.mean_scalars({"mean": mean})["mean"]

    def result_figures(self) -> dict[str, Any]:
        """Return the figures of the newest and of the best evaluation."""
        return self.evaluations.result_figures()

    # ---------------------------------------------------------------- state

    def get_policy_weights(self) -> dict[str, Any]:
        """Return the averaged weights, where they are played."""
        if self.average is None:
            return super().get_policy_weights()
        with self._played_weights():
            return {"model": {name: value.clone() for name, value in self.model.state_dict().items()}}

    def policy_state(self) -> dict[str, Any]:
        """Return the normaliser of motion windows."""
        normalizer = self.samples.normalizer
        return {} if normalizer is None else {"amp_input_mean_std": normalizer.state_dict()}

    def load_policy_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `policy_state`; averaged weights begin at those that were restored."""
        if self.average is not None:
            self.average.restart()
        if self.samples.normalizer is not None and "amp_input_mean_std" in state:
            self.samples.normalizer.load_state_dict(state["amp_input_mean_std"])

    def extra_state(self) -> dict[str, Any]:
        """Return progress, evaluations, the discriminator's optimizer and the averaged weights."""
        optimizer, average = self.disc_optimizer, self.average
        return {
            "progress": self.progress,
            "evaluations": self.evaluations.state_dict(),
            "disc_optimizer": None if optimizer is None else optimizer.state_dict(),
            "average": None if average is None else average.state_dict(),
        }

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `extra_state`; what is off here, or was off there, stays as it is."""
        self.progress = float(state["progress"])
        self.evaluations.load_state_dict(state["evaluations"])
        if self.average is not None and state["average"] is not None:
            self.average.load_state_dict(state["average"])
        if self.disc_optimizer is not None and state["disc_optimizer"] is not None:
            self.disc_optimizer.load_state_dict(state["disc_optimizer"])
            for group in self.disc_optimizer.param_groups:
                group["lr"] = self.config.disc_learning_rate  # the configuration's, which may have changed

    def worker_state(self) -> dict[str, Any]:
        """Return how long running episodes have looked unlike the clips."""
        own = {} if self.style_termination is None else {"style": self.style_termination.state_dict()}
        return {**super().worker_state(), **own}

    def load_worker_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `worker_state`."""
        super().load_worker_state(state)
        if self.style_termination is not None and "style" in state:
            self.style_termination.load_state_dict(state["style"])

    def replay_state(self) -> dict[str, Any]:
        """Return this worker's demo and replay buffers."""
        return self.samples.state_dict()

    def load_replay_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `replay_state`."""
        self.samples.load_state_dict(state)

    def close(self) -> None:
        """Free the evaluation's environments and, if the agent created it, the training's."""
        self.evaluator.close()
        super().close()

"""The common part of all actor-critic agents: values and advantages of a rollout, and the passes over it.

The data path: `play_steps` (learning/agents/agent_base.py) → next values and advantages → `prepare_dataset` →
`train_actor_critic` for every minibatch → normalisers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learning import vecenv
from learning.agents.a2c_config import AgentConfig
from learning.agents.agent_base import AgentBase
from learning.agents.agent_config import BaseAgentConfig
from learning.agents.learning_rate import LearningRate
from learning.agents.tunables import Tunable, of_config
from learning.central_value.central_value import create_central_value
from learning.checkpoints.training_state import load_optimizer
from learning.curiosity.curiosity import create_curiosity
from learning.maths.advantages import AdvantageNormalizer
from learning.maths.losses import actor_loss, critic_loss, smoothed_actor_loss
from learning.maths.returns import compute_gae
from learning.networks.recurrent import RnnStates
from learning.reporting.diagnostics import PpoDiagnostics
from learning.rollouts import observations
from learning.rollouts.dataset import PPODataset
from learning.rollouts.experience import Field
from learning.rollouts.next_values import next_values, recorded_next_values
from learning.rollouts.recurrent_rollout import STATES, check_seq_length, create_recurrent
from learning.rollouts.value_heads import ValueHeads
from learning.self_play.env import SelfPlayEnv
from learning.self_play.self_play import create_self_play
from learning.vecenv import ObsDict, VecEnv


class A2CBase(AgentBase):
    """Trains an actor and a critic on rollouts of a vectorised environment."""

    config_class: ClassVar[type[BaseAgentConfig]] = AgentConfig
    config: AgentConfig
    actions_num: int | list[int]
    optimizer: torch.optim.Optimizer
    learning_rate: LearningRate

    # ---------------------------------------------------------------- construction

    def wrap_env(self, env: VecEnv) -> VecEnv:
        """Return the environment; in self play, as one player of each match sees it."""
        return env if self.config.league is None else SelfPlayEnv(env, self.config.league)

    def build_model(self) -> nn.Module:
        """Return actor, critic and normalisers for this environment's sizes."""
        return self.network.build(
            {
                "actions_num": self.actions_num,
                "input_shape": self.obs_shape,
                "num_seqs": self.num_actors,
                "value_size": self.config.value_size,
                "normalize_value": self.config.normalize_value,
                "normalize_input": self.config.normalize_input,
                **self.network_config(),
            }
        )

    def create_optimizers(self) -> None:
        """Build the optimizer, its schedule, what cuts rollouts into minibatches, and the central critic."""
        config = self.config
        self.optimizer = self.create_optimizer()
        self.learning_rate = LearningRate(config, self.optimizer)
        self.minibatch_size = config.batch_shape(self.distributed.world_size).minibatch_size
        self.is_rnn: bool = self.model.is_rnn()  # type: ignore[operator]
        seq_length = config.seq_length if self.is_rnn else 1
        check_seq_length(seq_length, "minibatch_size of a worker", self.minibatch_size)
        self.dataset = PPODataset(
            self.batch_size, self.minibatch_size, self.device, config.shuffle_minibatches, seq_length
        )
        self.advantage_normalizer = AdvantageNormalizer(config, self.distributed, self.device)
        self.diagnostics = PpoDiagnostics(config.use_diagnostics, self.distributed)
        self.recurrent = create_recurrent(self.model, config, self.num_actors, self.device)
        self.curiosity = create_curiosity(
            config, self.obs_shape, self.num_actors, self.distributed, self.device
        )
        self.self_play = create_self_play(config, self.vec_env, self.model, self.play_as, self.distributed)
        self.central_value = create_central_value(
            config, self.vec_env, self.batch_size, self.distributed, self.device
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what the optimizer steps: all of the model's parameters, in RL Games' order.

        A group with `constant_lr` keeps that learning rate, whatever the schedule does.
        """
        return [{"params": list(self.model.parameters())}]

    def truncated_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters whose joint gradient norm `grad_norm` limits."""
        return self.model.parameters()

    def create_optimizer(self) -> torch.optim.Optimizer:
        """Return Adam over `parameter_groups`, in one fused kernel."""
        return torch.optim.Adam(
            self.parameter_groups(),
            lr=self.config.learning_rate,
            eps=1e-8,
            weight_decay=self.config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    def policy_fields(self) -> dict[str, Field]:
        """Return values, likelihoods and what describes the policy."""
        values = Field((self.config.value_size,))
        return {"values": values, "neglogpacs": Field(), **self.distribution_fields()}

    @property
    def records_final_obs(self) -> bool:
        """Where time-outs bootstrap, and for curiosity, which looks at what steps led to."""
        return super().records_final_obs or self.curiosity is not None

    def loop_fields(self) -> dict[str, Field]:
        """Return what a recurrent policy and a central critic record besides."""
        fields: dict[str, Field] = {}
        if self.is_rnn:
            values = Field((self.config.value_size,))
            fields |= {"episode_starts": Field(dtype=torch.bool), "final_values": values}
        if self.central_value is not None:
            space = vecenv.state_space(self.vec_env)
            fields |= {**observations.fields("states", space), **observations.fields("final_states", space)}
        return fields

    # ---------------------------------------------------------------- what an action space or agent fills in

    @abstractmethod
    def distribution_fields(self) -> dict[str, Field]:
        """Return the experience fields of actions and of the distribution that they were drawn from."""

    @abstractmethod
    def distribution_columns(self, batch_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the dataset's columns that describe the rollout's policy, from the fields of a rollout."""

    @abstractmethod
    def policy_kl(self, input_dict: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]) -> Tensor:
        """Return KL(rollout's policy ‖ policy now), (B,), of a minibatch.

        Args:
            input_dict: fields of the dataset.
            res_dict: what the model's forward pass returned for it.
        """

    def action_losses(self, res_dict: Mapping[str, Tensor]) -> dict[str, tuple[float, Tensor]]:
        """Return further losses of the policy by name, each with its weight; none by default."""
        return {}

    # ---------------------------------------------------------------- rollout

    def get_action_values(self, obs: ObsDict) -> dict[str, Any]:
        """Sample actions for observations (num_envs, …); returns what the model returns."""
        memory = {} if self.recurrent is None else {"rnn_states": self.recurrent.states}
        with self.autocast():
            res_dict = self.model({"is_train": False, "prev_actions": None, **obs, **memory})
        self._rnn_states = res_dict["rnn_states"]
        if self.central_value is not None:
            res_dict["values"] = self.central_value.get_values(obs["states"])
        return res_dict

    def play_as(self, model: nn.Module, inputs: Mapping[str, Any]) -> tuple[Tensor, RnnStates | None]:
        """Draw actions for the environment from another policy of the same form.

        Args:
            model: that policy.
            inputs: `obs`, and if need be `action_masks`, wherever they lie; `rnn_states` on this device.

        Returns:
            Actions (B, …), and the states of a recurrent policy after them.
        """
        own = {
            name: value if name == "rnn_states" else observations.to_device(value, self.device)
            for name, value in inputs.items()
        }
        with self.autocast():
            res_dict = model({"is_train": False, "prev_actions": None, **own})
        return self.preprocess_actions(res_dict["actions"]), res_dict["rnn_states"]

    def get_values(self, obs: observations.Obs, rnn_states: RnnStates | None = None) -> Tensor:
        """Return the critic's values (B, V) of observations (B, …), in units of shaped reward.

        Args:
            obs: raw observations.
            rnn_states: of a recurrent policy, before it sees them.
        """
        memory = {} if rnn_states is None else {"rnn_states": rnn_states}
        with self.autocast():
            return self.model.eval_critic(obs, **memory)  # type: ignore[operator]

    def play_steps_rnn(self) -> dict[str, Tensor]:
        """Collect a rollout as `play_steps` does, and put it into the order of sequences.

        Returns:
            Fields (num_envs * horizon_length, …), one environment after the other, and the states that
            sequences start from; see `RecurrentRollout.as_sequences`.
        """
        assert self.recurrent is not None
        return self.recurrent.as_sequences(self.play_steps())

    def collect(self) -> dict[str, Tensor]:
        """Return the rollout of an epoch."""
        return self.play_steps() if self.recurrent is None else self.play_steps_rnn()

    def env_reset(self) -> ObsDict:
        """Start new episodes everywhere, with an empty memory."""
        if self.recurrent is not None:
            self.recurrent.restart()
        return super().env_reset()

    def record_obs(self, step: int) -> ObsDict:
        """Record what a recurrent policy remembers and a central critic sees, too."""
        obs, buffer = super().record_obs(step), self.experience_buffer
        if self.recurrent is not None:
            self.recurrent.before_step(step)
            buffer.update_data("episode_starts", step, self.recurrent.starts_episode)
        if self.central_value is not None:
            obs["states"] = observations.record(buffer, "states", step, self.obs["states"])
        return obs

    def record_step(self, step: int, rewards: Tensor, dones: Tensor, infos: dict[str, Any]) -> None:
        """Move a recurrent policy's state on, and value what episodes ended in while it is still known."""
        super().record_step(step, rewards, dones, infos)
        bootstraps = self.config.value_bootstrap
        if self.central_value is not None and bootstraps:
            observations.record(self.experience_buffer, "final_states", step, infos["final_obs"]["states"])
        if self.recurrent is None:
            return
        if self.central_value is None and bootstraps:
            final_obs = observations.to_device(infos["final_obs"]["obs"], self.device)
            self.experience_buffer.update_data(
                "final_values", step, self.get_values(final_obs, self._rnn_states)
            )
        self.recurrent.after_step(self._rnn_states, dones)

    @property
    def value_heads(self) -> ValueHeads:
        """What values are of, with the discounts in use: `gamma` may change while training runs."""
        return ValueHeads(self.config.value_heads, self.device)

    def finish_rollout(self) -> dict[str, Tensor]:
        """Return the fields of the rollout, flat and time-major, with `advantages` and `returns` (…, V)."""
        buffer, heads = self.experience_buffer, self.value_heads
        fields = super().finish_rollout()
        rewards = self.compose_rewards(buffer["rewards"])
        if self.curiosity is not None:
            next_obs = observations.join("final_obses", fields)
            rewards = self.curiosity.add_rewards(rewards, next_obs, self.frame)
        ends, following = heads.ends(buffer["dones"]), self.next_values()
        advantages = compute_gae(rewards, buffer["values"], ends, following, heads.gamma, self.config.tau)
        returns = advantages + buffer["values"]
        if self.curiosity is not None:
            advantages = self.curiosity.weigh(advantages)
        return {**fields, "advantages": advantages.flatten(0, 1), "returns": returns.flatten(0, 1)}

    def next_values(self) -> Tensor:
        """Return V of the observation that each step really led to; see learning/rollouts/next_values.py."""
        buffer, heads, bootstraps = self.experience_buffer, self.value_heads, self.config.value_bootstrap
        if self.central_value is not None:
            states = observations.to_device(self.obs["states"], self.device)
            final = "final_states" if bootstraps else None
            return next_values(buffer, heads, self.central_value.get_values, states, final)
        seen = observations.to_device(self.obs["obs"], self.device)
        if self.recurrent is not None:
            last_values = self.get_values(seen, self.recurrent.states)
            return recorded_next_values(buffer, heads, last_values, bootstraps)
        return next_values(buffer, heads, self.get_values, seen, "final_obses" if bootstraps else None)

    # ---------------------------------------------------------------- update

    def learn(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Learn from a rollout in `mini_epochs` passes, and let the normalisers take it in.

        Args:
            batch_dict: what `play_steps` returned.
        """
        self.before_update(batch_dict)
        self.prepare_dataset(batch_dict)
        self.algo_observer.after_steps()
        for number in range(self.config.mini_epochs):
            self.dataset.apply_permutation()
            for index in range(len(self.dataset)):
                figures = self.train_actor_critic(self.dataset[index])
                self.losses.add(self.diagnostics.of_pass(figures, number))
            self.learning_rate.after_mini_epoch(self.epoch_num, self.frame)
        self.learning_rate.after_epoch(self.epoch_num, self.frame)
        targets, stats = self.dataset.values_dict, self.advantage_normalizer.stats
        self.losses.add(self.diagnostics.of_rollout(targets, self.value_mean_std, stats))
        self._train_central_value(batch_dict)
        if self.curiosity is not None:
            self.losses.add(self.curiosity.train(batch_dict))
        self.update_input_normalizer(batch_dict)
        self.after_epoch(batch_dict)
        self._count_matches()

    @torch.no_grad()
    def prepare_dataset(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Normalise values, returns and advantages, and hand the rollout to the dataset."""
        values, returns = self.normalize_values(batch_dict["values"], batch_dict["returns"])
        self.dataset.update_values_dict(
            {
                **observations.rename("obses", "obs", batch_dict),
                "actions": batch_dict["actions"],
                **self.distribution_columns(batch_dict),
                "old_logp_actions": batch_dict["neglogpacs"],
                "old_values": values,
                "returns": returns,
                "advantages": self.normalize_advantages(batch_dict["advantages"].sum(dim=1)),
                **{name: batch_dict[name] for name in self._sequence_columns(batch_dict)},
                **self.extra_dataset_fields(batch_dict),
            }
        )

    def train_actor_critic(self, input_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make one optimizer step on a minibatch.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).

        Returns:
            0-dim figures to log: a_loss, c_loss, entropy, bounds_loss, kl and those of `extra_losses`.
        """
        figures = self.calc_gradients(input_dict)
        self.learning_rate.after_minibatch(figures["kl"], self.epoch_num, self.frame)
        if self.config.truncate_grads:
            nn.utils.clip_grad_norm_(self.truncated_parameters(), self.config.grad_norm)
        self.optimizer.step()
        self.after_minibatch(input_dict)
        return figures

    def calc_gradients(self, input_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the gradient of the loss on a minibatch, averaged over all workers, into the parameters.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).

        Returns:
            0-dim figures, as `train_actor_critic`; `kl` is the mean over all workers.
        """
        minibatch = self.augment(input_dict)
        with self.autocast():
            res_dict = self.model(self.model_inputs(minibatch))
        loss, figures = self.calc_losses(minibatch, res_dict)
        extra_loss, extra_figures = self.extra_losses(minibatch, res_dict)
        if extra_loss is not None:
            loss = loss + extra_loss
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        with torch.no_grad():
            kl = self.policy_kl(minibatch, res_dict)[: len(input_dict["actions"])].mean()
            kl = self.distributed.average_gradients_(self.model.parameters(), kl.reshape(1))[0]
        figures = {**figures, **extra_figures, "kl": kl}
        return self.diagnostics.of_minibatch(minibatch, res_dict, figures, self.config.e_clip)

    def _sequence_columns(self, batch_dict: Mapping[str, Tensor]) -> list[str]:
        return [name for name in batch_dict if name == "episode_starts" or name.startswith(STATES)]

    def model_inputs(self, input_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return what the model is asked in an update, from the fields of a minibatch."""
        states = {} if self.recurrent is None else self.recurrent.model_inputs(input_dict)
        return {
            "is_train": True,
            "prev_actions": input_dict["actions"],
            "obs": observations.join("obs", input_dict),
            **states,
        }

    def calc_losses(
        self, input_dict: Mapping[str, Tensor], res_dict: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return PPO's loss, and its parts by name.

        The loss is a + 0.5 · critic_coef · c - entropy_coef · H + those of `action_losses`, each a mean over
        the minibatch; c adds up all value heads.

        Args:
            input_dict: fields of the dataset, (minibatch_size, …).
            res_dict: what the model's forward pass returned for it.
        """
        config = self.config
        old, new = input_dict["old_logp_actions"], res_dict["prev_neglogp"]
        surrogate = smoothed_actor_loss if config.use_smooth_clamp else actor_loss
        a_loss = surrogate(old, new, input_dict["advantages"], config.ppo, config.e_clip).mean()
        c_loss = torch.zeros((), device=a_loss.device)
        if self.central_value is None or config.use_experimental_cv:
            old_values, returns = input_dict["old_values"], input_dict["returns"]
            errors = critic_loss(old_values, res_dict["values"], config.e_clip, returns, config.clip_value)
            c_loss = errors.mean()
        entropy = res_dict["entropy"].mean()
        critic_coef = 0.5 * config.critic_coef * config.value_size  # c_loss is the mean of all heads
        loss = a_loss + critic_coef * c_loss - self.learning_rate.entropy_coef * entropy
        figures = {"a_loss": a_loss, "c_loss": c_loss, "entropy": entropy}
        for name, (weight, action_loss) in self.action_losses(res_dict).items():
            loss, figures[name] = loss + weight * action_loss, action_loss
        return loss, figures

    def _train_central_value(self, batch_dict: Mapping[str, Tensor]) -> None:
        if self.central_value is None:
            return
        targets = self.dataset.values_dict
        self.losses.add(self.central_value.train(batch_dict, targets["old_values"], targets["returns"]))
        self.central_value.after_epoch(self.epoch_num, self.frame)

    def _count_matches(self) -> None:
        if self.self_play is None:
            return
        self.losses.add(self.self_play.after_epoch())
        if self.self_play.has_new_member:
            self.clear_stats()  # episodes so far say nothing of the new opponents

    def score(self) -> float | None:
        """Return the mean episode reward; in self play the league's score, see `SelfPlay.score`."""
        return super().score() if self.self_play is None else self.self_play.score

    def update_input_normalizer(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Add the rollout's observations to the input's moments.

        After the update and not before it: rollout, update and value targets of an epoch see the same
        normaliser, so that probability ratios start at one.
        """
        if self.config.normalize_input:
            obs = observations.join("obses", batch_dict)
            self.model.running_mean_std.update_from(obs, self.distributed)  # type: ignore

    def normalize_values(self, values: Tensor, returns: Tensor) -> tuple[Tensor, Tensor]:
        """Add returns (batch_size, V) to the value's moments; return both normalised by them."""
        if not self.config.normalize_value:
            return values, returns
        normalizer = self.value_mean_std
        normalizer.update_from(returns, self.distributed)
        return normalizer(values), normalizer(returns)

    @property
    def value_mean_std(self) -> Any:
        """The normaliser of values, the central critic's where there is one; None without."""
        return getattr(self.central_value or self.model, "value_mean_std", None)

    def normalize_advantages(self, advantages: Tensor) -> Tensor:
        """Return advantages (batch_size,) normalised as the configuration says, alike on all workers."""
        return self.advantage_normalizer(advantages)

    # ---------------------------------------------------------------- state

    def worker_state(self) -> dict[str, Any]:
        """Return what a recurrent policy and curiosity remember of what this worker's environments saw."""
        recurrent = {} if self.recurrent is None else {"recurrent": self.recurrent.state_dict()}
        curiosity = {} if self.curiosity is None else {"curiosity": self.curiosity.worker_state()}
        return {**recurrent, **curiosity}

    def load_worker_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `worker_state`."""
        if self.recurrent is not None and "recurrent" in state:
            self.recurrent.load_state_dict(state["recurrent"])
        if self.curiosity is not None and "curiosity" in state:
            self.curiosity.load_worker_state(state["curiosity"])

    def tunables(self) -> dict[str, Tunable]:
        """Return RL Games' settings that may change while training runs."""
        names = ("grad_norm", "critic_coef", "bounds_loss_coef", "gamma", "tau", "e_clip")
        keys = {name: name for name in names} | {"mini_epochs_num": "mini_epochs"}
        return {**of_config(keys), **self.learning_rate.tunables()}

    def learning_figures(self) -> dict[str, float]:
        """Return the learning rate and the clip range."""
        return {"learning_rate": self.learning_rate.value, "e_clip": self.config.e_clip}

    def optimizer_state(self) -> dict[str, Any]:
        """Return the states of optimizer, schedule, central critic and moving advantage statistics."""
        central = {} if self.central_value is None else self.central_value.state_dict()
        curiosity = {} if self.curiosity is None else self.curiosity.state_dict()
        self_play = {} if self.self_play is None else self.self_play.state_dict()
        own = {"optimizer": self.optimizer.state_dict(), "learning_rate": self.learning_rate.state_dict()}
        return {**own, **central, **curiosity, **self_play, **self.advantage_normalizer.state_dict()}

    def load_optimizer_state(self, state: Mapping[str, Any], source: str) -> None:
        """Load moments and rates; all other settings stay those of this run's configuration."""
        self.advantage_normalizer.load_state_dict(state, source)
        if self.central_value is not None:
            self.central_value.load_state_dict(state, source)
        if self.curiosity is not None:
            self.curiosity.load_state_dict(state, source)
        if self.self_play is not None:
            self.self_play.load_state_dict(state)
        if load_optimizer(self.optimizer, state.get("optimizer"), source):
            saved_rate = float(self.optimizer.param_groups[0]["lr"])
            self.learning_rate.resume({"last_lr": saved_rate, **state.get("learning_rate", {})})

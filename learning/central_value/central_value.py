"""A critic that sees more than the policy: asymmetric actor-critic.

The environment's `obs["states"]` may hold what a simulation knows and a robot does not. The critic learns
values from them, with a network, an optimizer and passes of its own; the policy learns from its advantages.
Pinto et al. 2018, "Asymmetric Actor Critic for Image-Based Robot Learning".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learning import vecenv
from learning.agents.a2c_config import CENTRAL_MINIBATCH, AgentConfig
from learning.agents.schedulers import LinearScheduler
from learning.central_value.config import CentralValueConfig
from learning.checkpoints.checkpoint import load_model_state
from learning.checkpoints.training_state import load_optimizer
from learning.distributed import Distributed
from learning.maths.losses import critic_loss
from learning.maths.running_mean_std import RunningMeanStd
from learning.models.model_builder import ModelBuilder
from learning.rl_games.checkpoint import CENTRAL_VALUE as MODEL_KEY
from learning.rollouts import observations
from learning.rollouts.dataset import PPODataset
from learning.typed_config import ConfigError
from learning.vecenv import VecEnv

PATH = "train.params.config.central_value_config"
OPTIMIZER_KEY = "assymetric_vf_optimizer"  # RL Games' spelling


class CentralValueTrain:
    """The central critic: its values, and how it learns them.

    Args:
        config: the `central_value_config` block.
        agent_config: the agent's configuration.
        state_shape: of one environment's states, by key where they are a dictionary.
        batch_size: samples that this worker collects.
        distributed: the workers.
        device: where it lives.

    Raises:
        ConfigError: minibatches do not divide the batch, or the network is recurrent.
    """

    def __init__(
        self,
        config: CentralValueConfig,
        agent_config: AgentConfig,
        state_shape: Any,
        batch_size: int,
        distributed: Distributed,
        device: torch.device,
    ) -> None:
        self.config, self._distributed = config, distributed
        self.model = _build(config, agent_config, state_shape).to(device)
        distributed.broadcast_parameters(self.model)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        minibatch_size = agent_config.minibatch_share(CENTRAL_MINIBATCH, distributed.world_size)
        self.dataset = PPODataset(batch_size, minibatch_size, device, agent_config.shuffle_minibatches)
        self._schedule = _schedule(config, agent_config)

    @torch.no_grad()
    def get_values(self, states: observations.Obs) -> Tensor:
        """Return values (B, V) of raw states (B, …), in units of the shaped reward."""
        return self.model.eval_critic(states)  # type: ignore[operator]

    @property
    def value_mean_std(self) -> RunningMeanStd:
        """The normaliser of values, which the agent's returns go through."""
        return self.model.value_mean_std  # type: ignore[return-value]

    def train(
        self, batch_dict: Mapping[str, Tensor], old_values: Tensor, returns: Tensor
    ) -> dict[str, Tensor]:
        """Learn from a rollout.

        Args:
            batch_dict: fields of the rollout, `states` among them.
            old_values: (batch_size, V) of the rollout, normalised as the network gives them.
            returns: (batch_size, V) likewise.

        Returns:
            0-dim figures to log.
        """
        if self.config.freeze_critic:
            return {}
        states = observations.join("states", batch_dict)
        self.dataset.update_values_dict(
            {**observations.split("states", states), "old_values": old_values, "returns": returns}
        )
        self.model.train()
        total = torch.zeros((), device=returns.device)
        for _ in range(self.config.mini_epochs):
            self.dataset.apply_permutation()
            for index in range(len(self.dataset)):
                total += self._step(self.dataset[index])
        self.model.eval()
        if self.config.normalize_input:
            self.model.running_mean_std.update_from(states, self._distributed)  # type: ignore[union-attr, operator]
        return {"cval_loss": total / (self.config.mini_epochs * len(self.dataset))}

    def _step(self, minibatch: Mapping[str, Tensor]) -> Tensor:
        """Make one gradient step; returns the loss, 0-dim."""
        config = self.config
        res_dict = self.model({"is_train": True, "obs": observations.join("states", minibatch)})
        loss = critic_loss(
            minibatch["old_values"],
            res_dict["values"],
            config.e_clip,
            minibatch["returns"],
            config.clip_value,
        ).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        with torch.no_grad():
            loss = self._distributed.average_gradients_(self.model.parameters(), loss.detach().reshape(1))[0]
        if config.truncate_grads:
            nn.utils.clip_grad_norm_(self.model.parameters(), config.grad_norm)
        self.optimizer.step()
        return loss

    def after_epoch(self, epoch: int, frame: int) -> None:
        """Move the learning rate."""
        if self._schedule is None:
            return
        rate, _ = self._schedule.update(self.learning_rate, 0.0, epoch, frame, 0.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @property
    def learning_rate(self) -> float:
        """The step size in use."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Return model and optimizer by RL Games' keys."""
        model = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        return {MODEL_KEY: model, OPTIMIZER_KEY: self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any], source: str) -> None:
        """Take up a checkpoint as far as it holds a central critic."""
        if MODEL_KEY in state:
            model = {name.removeprefix("model."): value for name, value in state[MODEL_KEY].items()}
            load_model_state(self.model, model, source)
        saved = state.get(OPTIMIZER_KEY)
        if saved and load_optimizer(self.optimizer, saved, source) and self._schedule is None:
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate  # the configuration's, which may have changed


def create_central_value(
    config: AgentConfig, env: VecEnv, batch_size: int, distributed: Distributed, device: torch.device
) -> CentralValueTrain | None:
    """Return the central critic of an agent's configuration, for an environment's states; None without one.

    Raises:
        ConfigError: it cannot be built, or the environment has no states.
    """
    if config.central_value_config is None:
        return None
    shape = observations.shape_of(vecenv.state_space(env))
    return CentralValueTrain(config.central_value_config, config, shape, batch_size, distributed, device)


def _build(config: CentralValueConfig, agent_config: AgentConfig, state_shape: Any) -> nn.Module:
    builder = ModelBuilder().load({"model": config.model, "network": config.network}, PATH)
    model = builder.build(
        {
            "actions_num": 1,
            "input_shape": state_shape,
            "value_size": agent_config.value_size,
            "num_seqs": 1,
            "normalize_value": agent_config.normalize_value,
            "normalize_input": config.normalize_input,
        }
    )
    if model.is_rnn():
        raise ConfigError(f"{PATH}.network.rnn: the central critic sees the whole state; take out the block")
    return model


def _schedule(config: CentralValueConfig, agent_config: AgentConfig) -> LinearScheduler | None:
    if config.lr_schedule != "linear":
        return None
    end = agent_config.max_epochs or agent_config.frame_limit
    if end is None:
        raise ConfigError(f"{PATH}.lr_schedule=linear: needs an end; set max_epochs or max_frames")
    return LinearScheduler(
        config.learning_rate, max_steps=end, use_epochs=agent_config.max_epochs is not None
    )

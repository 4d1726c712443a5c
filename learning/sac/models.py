"""The `soft_actor_critic` model: a tanh-squashed Gaussian policy, two critics and the input's normaliser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor

from learning.maths.running_mean_std import RunningMeanStd
from learning.models.models import NormalizingNetwork
from learning.networks.network_builder import NetworkBuilder
from learning.rollouts.actions import ActionBox
from learning.sac.losses import squashed_neglogp
from learning.sac.network_builder import SACBuilder
from learning.typed_config import ConfigError


class ModelSACContinuous:
    """`soft_actor_critic`.

    Args:
        network: the loaded network builder.
    """

    def __init__(self, network: NetworkBuilder) -> None:
        self.network_builder = network

    def build(self, config: Mapping[str, Any]) -> ModelSACContinuous.Network:
        """Return a new module, on the CPU.

        Args:
            config: `actions_num` A, `input_shape` (shape of one observation), `action_scale` and
                `action_centre` ((A,): the action space is centre ± scale), and if wanted `normalize_input`
                (False). All of it is passed on to the network builder.
        """
        return self.Network(self.network_builder.build("sac", **config), config)

    class Network(NormalizingNetwork):
        """Policy and critics. `forward` takes raw observations, all else takes them normalised.

        Actions are in units of the action space throughout. `sac_network` and the normaliser are named as in
        RL Games' checkpoints.
        """

        sac_network: SACBuilder.Network
        running_mean_std: RunningMeanStd | None
        action_scale: Tensor
        action_centre: Tensor

        def __init__(self, sac_network: NetworkBuilder.BaseNetwork, config: Mapping[str, Any]) -> None:
            """Put the parts together; `config` as for `build`."""
            super().__init__()
            if not isinstance(sac_network, SACBuilder.Network):
                raise ConfigError(
                    "train.params.network.name: the model soft_actor_critic needs an actor and two critics; "
                    "name: soft_actor_critic has them"
                )
            normalize_input = config.get("normalize_input", False)
            self.running_mean_std = RunningMeanStd(config["input_shape"]) if normalize_input else None
            self.sac_network = sac_network
            self.num_obs: int = config["input_shape"][0]
            for name in ("action_scale", "action_centre"):  # the environment's, so no part of checkpoints
                self.register_buffer(name, config[name].detach().clone(), persistent=False)

        def forward(self, input_dict: Mapping[str, Any]) -> dict[str, Any]:
            """Draw actions, and return those of the policy's mean.

            Args:
                input_dict: `obs` (B, num_obs), raw.

            Returns:
                actions (B, A), neglogpacs (B,) of these actions; mus (B, A), the actions without noise;
                rnn_states.
            """
            mu, logstd = self.actor(self.norm_obs(input_dict["obs"]))
            actions, neglogp = self._squash_sample(mu, logstd)
            mus = self._to_action_space(mu)
            return {"actions": actions, "neglogpacs": neglogp, "mus": mus, "rnn_states": None}

        def actor(self, obs: Tensor) -> tuple[Tensor, Tensor]:
            """Return mean and log(sigma) before tanh, (B, A) each."""
            return self.sac_network.actor(obs)

        def sample_actions(self, obs: Tensor) -> tuple[Tensor, Tensor]:
            """Draw actions (B, A), and return -log π of them (B,); the gradient goes through both."""
            return self._squash_sample(*self.actor(obs))

        def critic(self, obs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
            """Return both critics' values, (B,) each, of actions (B, A)."""
            return self.sac_network.critic(obs, actions)

        def critic_target(self, obs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
            """Return both target critics' values, (B,) each, of actions (B, A)."""
            return self.sac_network.critic_target(obs, actions)

        def is_rnn(self) -> bool:
            """Whether the network is recurrent."""
            return False

        def _squash_sample(self, mu: Tensor, logstd: Tensor) -> tuple[Tensor, Tensor]:
            noise = torch.randn_like(mu)
            x = torch.addcmul(mu, logstd.exp(), noise)
            return self._to_action_space(x), squashed_neglogp(x, noise, logstd, self.action_scale)

        def _to_action_space(self, x: Tensor) -> Tensor:
            return torch.addcmul(self.action_centre, torch.tanh(x), self.action_scale)


def squashed_action_box(space: spaces.Space, device: torch.device) -> ActionBox:
    """Return the bounds that the policy's tanh is scaled to.

    Raises:
        ConfigError: there are none, or actions are discrete.
    """
    if isinstance(space, spaces.Box) and not space.is_bounded():
        raise ConfigError(
            f"train.params.algo.name=sac: squashes actions into their space, and {space} has no bounds; "
            "bound it, or take a2c_continuous with train.params.config.clip_actions=False"
        )
    return ActionBox(space, clip=True, device=device)


def build_sac_model(
    model: Any,
    action_box: ActionBox,
    obs_shape: Sequence[int] | Mapping[str, Sequence[int]],
    normalize_input: bool,
) -> ModelSACContinuous.Network:
    """Return what agent and player share: a new module for an environment's sizes.

    Args:
        model: the `ModelSACContinuous` that the configuration names.
        action_box: the action space.
        obs_shape: shape of one observation.
        normalize_input: normalise observations.
    """
    return model.build(
        {
            "actions_num": action_box.actions_num,
            "input_shape": obs_shape,
            "action_scale": action_box.scale,
            "action_centre": action_box.centre,
            "normalize_input": normalize_input,
        }
    )

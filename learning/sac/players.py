"""Plays what SAC learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from learning.agents.agent_config import BaseAgentConfig
from learning.players.player import BasePlayer
from learning.rollouts import observations
from learning.sac.config import SACConfig
from learning.sac.models import ModelSACContinuous, build_sac_model, squashed_action_box
from learning.vecenv import ObsDict


class SACPlayer(BasePlayer):
    """Plays a policy that `SACAgent` trained.

    Args:
        params: `train.params`, as an agent takes them.
    """

    config_class: ClassVar[type[BaseAgentConfig]] = SACConfig
    config: SACConfig
    model: ModelSACContinuous.Network

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        action_box = squashed_action_box(self.vec_env.action_space, self.device)
        self.actions_num = action_box.actions_num
        obs_shape = observations.shape_of(self.vec_env.observation_space)
        model = build_sac_model(self.network, action_box, obs_shape, self.config.normalize_input)
        self.model = model.to(self.device)

    def get_action(self, obs: ObsDict, is_deterministic: bool = True) -> Tensor:
        """Return the actions of the policy's mean, or a sample, in units of the action space."""
        res_dict = self.model({"obs": observations.to_device(obs["obs"], self.device)})
        return res_dict["mus"] if is_deterministic else res_dict["actions"]

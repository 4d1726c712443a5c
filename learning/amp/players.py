"""Plays what AMP learned, and says how close its motion is to the clip."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from learning.agents.agent_config import BaseAgentConfig
from learning.amp.config import AMPConfig
from learning.amp.discriminator import style_rewards
from learning.amp.evaluation import Evaluator
from learning.amp.models import ModelAMPContinuous
from learning.amp.motion_env import amp_input_shape
from learning.distributed import Distributed
from learning.maths.running_mean_std import RunningMeanStd
from learning.players.player import PpoPlayerContinuous
from learning.vecenv import ObsDict

logger = logging.getLogger(__name__)


class AMPPlayerContinuous(PpoPlayerContinuous):
    """Plays a policy that `AMPAgent` trained, then measures it.

    Args:
        params: `train.params`, as an agent takes them.
    """

    config_class: ClassVar[type[BaseAgentConfig]] = AMPConfig
    config: AMPConfig
    model: ModelAMPContinuous.Network

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        self.amp_normalizer: RunningMeanStd | None = None
        if self.config.normalize_amp_input:
            self.amp_normalizer = RunningMeanStd(amp_input_shape(self.vec_env)).to(self.device)
        self.evaluator = Evaluator(self.vec_env, Distributed(self.device), self.device)

    def network_config(self) -> dict[str, Any]:
        """Return the size of a motion window."""
        return {"amp_input_shape": amp_input_shape(self.vec_env)}

    def load_policy_state(self, state: Mapping[str, Any]) -> None:
        """Take up the normaliser of motion windows."""
        if self.amp_normalizer is not None and "amp_input_mean_std" in state:
            self.amp_normalizer.load_state_dict(state["amp_input_mean_std"])

    @torch.no_grad()
    def disc_predictions(self, amp_obs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the discriminator's logits (B, 1) and rewards (B, 1) of raw windows (B, num_amp_obs)."""
        amp_obs = amp_obs.to(self.device)
        if self.amp_normalizer is not None:
            amp_obs = self.amp_normalizer(amp_obs)
        logits = self.model.eval_disc(amp_obs)
        return logits, style_rewards(self.config.disc_loss, logits) * self.config.disc_reward_scale

    def after_env_step(self, obs: ObsDict, dones: Tensor, infos: dict[str, Any]) -> None:
        """Say what the discriminator thinks of the first environment, if asked to."""
        super().after_env_step(obs, dones, infos)
        if self.config.player.print_disc_prediction:
            logit, reward = (value.item() for value in self.disc_predictions(infos["amp_obs"][:1]))
            logger.info("discriminator: logit %.3f, reward %.3f", logit, reward)

    def act_deterministically(self, obs: ObsDict) -> Tensor:
        """Return the policy's mean actions for the environment, (num_envs, num_actions)."""
        return self.action_box(self.model.eval_mean(obs["obs"].to(self.device)))

    def result_figures(self) -> dict[str, Any]:
        """Measure the policy without noise; write the rollouts if a file is named.

        Returns:
            Fields of test_result.json: pose_error [m], fall_rate, speed and clip_speed [m/s], and the number
            of episodes that they are over.
        """
        figures = self.evaluator.measure(self.act_deterministically)
        logger.info("%s", figures.line())
        if self.config.player.dump_rollouts:
            self.evaluator.dump(self.config.player.dump_rollouts)
        return {**figures.means, "evaluation_episodes": figures.episodes}

    def close(self) -> None:
        """Free the evaluation's environments and, if the player created it, the played one."""
        self.evaluator.close()
        super().close()

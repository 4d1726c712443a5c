"""Players: they play what an agent learned and say how well it does."""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learning import vecenv
from learning.agents.a2c_config import AgentConfig
from learning.agents.agent_config import BaseAgentConfig, check_device
from learning.checkpoints import training_state
from learning.checkpoints.checkpoint import load_checkpoint, load_model_state
from learning.models import model_builder
from learning.networks.recurrent import RnnStates
from learning.reporting.metrics import write_json
from learning.reporting.observer import AlgoObserver
from learning.reporting.statistics import MeanMeter
from learning.rollouts import observations
from learning.rollouts.actions import ActionBox, ActionChoices
from learning.rollouts.recurrent_rollout import forget
from learning.vecenv import ObsDict, VecEnv

logger = logging.getLogger(__name__)

DEFAULT_MAX_STEPS = 27_000
"""RL Games' limit of a play, control steps."""


class BasePlayer(ABC):
    """Plays episodes in a vectorised environment.

    `self.network` is the model object that the configuration names, `self.model` the `nn.Module` that it
    built (see `AgentBase`).

    Args:
        params: `train.params`, as an agent takes them.
    """

    config_class: ClassVar[type[BaseAgentConfig]] = BaseAgentConfig
    """Dataclass of `params["config"]`."""

    model: nn.Module

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.config = self.config_class.from_params(params["config"])
        self.algo_observer: AlgoObserver = self.config.observer or AlgoObserver()
        self._owns_env = self.config.vec_env is None
        self.vec_env: VecEnv = self.config.vec_env
        if self._owns_env:
            self.vec_env = vecenv.create(
                self.config.env_name, num_envs=self.config.num_actors, **self.config.env_config
            )
        self.device = torch.device(self.vec_env.device)
        if self.config.device:
            self.device = check_device(self.config.device)
        self.num_envs = self.vec_env.num_envs
        self.is_deterministic = self.config.player.deterministic
        self.network = model_builder.ModelBuilder().load(params)
        self.restored: dict[str, Any] = {}

    # ---------------------------------------------------------------- what an algorithm fills in

    @abstractmethod
    def get_action(self, obs: ObsDict, is_deterministic: bool = True) -> Tensor:
        """Return actions for the environment, (num_envs, num_actions).

        Args:
            obs: `{"obs": (num_envs, num_obs)}`.
            is_deterministic: take the mean of the policy rather than a sample.
        """

    def result_figures(self) -> dict[str, Any]:
        """Return further fields of test_result.json."""
        return {}

    # ---------------------------------------------------------------- what one may fill in besides

    def load_policy_state(self, state: Mapping[str, Any]) -> None:
        """Take up what the agent's hook `policy_state` put into the checkpoint."""
        return

    def get_masked_action(self, obs: ObsDict, action_masks: Tensor, is_deterministic: bool = True) -> Tensor:
        """Return actions among those that masks allow; a player of continuous actions refuses."""
        raise NotImplementedError(
            "action masks choose among discrete actions; this player's actions are continuous"
        )

    def reset(self) -> None:
        """Forget what is remembered from step to step, before a play."""
        return

    def after_env_step(self, obs: ObsDict, dones: Tensor, infos: dict[str, Any]) -> None:
        """One step was made; a subclass may watch it."""
        return

    # ---------------------------------------------------------------- playing

    def restore(self, fn: str) -> None:
        """Take up the policy of a checkpoint file, its normalisers included.

        Raises:
            CheckpointError: the file cannot be read, or is of another task or network.
        """
        state = load_checkpoint(fn)
        load_model_state(self.model, state["model"], str(fn))
        self.load_policy_state(state.get("policy") or {})
        self.restored = {"path": str(fn), "epoch": state.get("epoch")}

    @torch.no_grad()
    def run(self) -> dict[str, Any]:
        """Play until every environment has ended its share of `games_num` episodes, or `max_steps` are made.

        Every environment counts the same number of episodes, its first ones: `games_num` is rounded up to a
        multiple of the number of environments. The first episodes to end, whichever environment they come
        from, would be the short ones.

        Returns:
            What test_result.json holds; `episode` are the means over all steps of what the environment tells
            of each (the extras' `episode`).
        """
        started = time.perf_counter()
        counter, terms = EpisodeCounter(self.num_envs, self._quota(), self.device), MeanMeter()
        max_steps = self.config.player.max_steps or DEFAULT_MAX_STEPS
        self.model.eval()
        self.reset()
        obs, steps = self.vec_env.reset(), 0
        while steps < max_steps and not counter.is_full():
            actions = self.get_action(obs, self.is_deterministic)
            obs, rewards, dones, infos = self.vec_env.step(actions)
            counter.step(rewards.to(self.device), dones.to(self.device))
            terms.add(infos.get("episode", {}))
            self.after_env_step(obs, dones, infos)
            steps += 1
        means = {name: float(value) for name, value in terms.harvest().items()}
        return self._finish(counter, means, steps, time.perf_counter() - started)

    def close(self) -> None:
        """Free the environment, if the player created it."""
        if self._owns_env:
            self.vec_env.close()

    def _quota(self) -> int:
        games_num = self.config.player.games_num or self.num_envs
        return math.ceil(games_num / self.num_envs)

    def _finish(
        self, counter: EpisodeCounter, terms: dict[str, float], steps: int, seconds: float
    ) -> dict[str, Any]:
        reward, length, episodes = counter.means()
        missing = counter.quota * self.num_envs - episodes
        if missing:
            logger.warning(
                "play ended after %d steps with %d episodes still to end; raise max_steps", steps, missing
            )
        result = {
            "mode": "test",
            **self.config.result_info,
            "checkpoint": self.restored.get("path"),
            "epochs": self.restored.get("epoch"),
            "frames": steps * self.num_envs,
            "seconds": round(seconds, 3),
            "episodes": episodes,
            "reward": reward,
            "episode_length": length,
            "episode": terms,
            "exit_reason": "max_steps" if missing else "games_num",
            **self.result_figures(),
            "versions": training_state.versions(),
        }
        if self.config.player.print_stats:
            logger.info("episodes %d, mean reward %s, mean episode length %s", episodes, reward, length)
        if self.config.train_dir:
            Path(self.config.train_dir).mkdir(parents=True, exist_ok=True)
            write_json(Path(self.config.train_dir) / "test_result.json", result)
        self.algo_observer.on_finish(result)
        return result


class PpoPlayer(BasePlayer):
    """What players of actor-critic policies have in common: the model and its checkpoint."""

    config_class: ClassVar[type[BaseAgentConfig]] = AgentConfig
    config: AgentConfig
    actions_num: int | list[int]

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        self.read_action_space()
        self.model = self.build_model().to(self.device)
        self.rnn_states: RnnStates | None = None

    @abstractmethod
    def read_action_space(self) -> None:
        """Take from `self.vec_env.action_space` what choosing actions needs."""

    def build_model(self) -> nn.Module:
        """Return actor, critic and normalisers for this environment's sizes."""
        return self.network.build(
            {
                "actions_num": self.actions_num,
                "input_shape": observations.shape_of(self.vec_env.observation_space),
                "num_seqs": self.num_envs,
                "value_size": self.config.value_size,
                "normalize_value": self.config.normalize_value,
                "normalize_input": self.config.normalize_input,
                **self.network_config(),
            }
        )

    def network_config(self) -> dict[str, Any]:
        """Return what `model.build` is told besides; the agent's hook of the same name returns the same."""
        return {}

    def ask_model(self, obs: ObsDict, **inputs: Any) -> dict[str, Any]:
        """Return what the model makes of observations in play."""
        own = observations.to_device(obs["obs"], self.device)
        states = {} if self.rnn_states is None else {"rnn_states": self.rnn_states}
        res_dict = self.model({"is_train": False, "prev_actions": None, "obs": own, **states, **inputs})
        self.rnn_states = res_dict["rnn_states"]
        return res_dict

    def reset(self) -> None:
        """Begin with an empty memory, where the policy is recurrent."""
        states = self.model.get_default_rnn_state()  # type: ignore[operator]
        self.rnn_states = None if states is None else tuple(state.to(self.device) for state in states)

    def after_env_step(self, obs: ObsDict, dones: Tensor, infos: dict[str, Any]) -> None:
        """Forget what was remembered of episodes that ended."""
        if self.rnn_states is not None and self.config.zero_rnn_on_done:
            self.rnn_states = forget(self.rnn_states, dones.to(self.device))


class PpoPlayerContinuous(PpoPlayer):
    """Plays a policy that `A2CAgent` trained."""

    actions_num: int

    def read_action_space(self) -> None:
        """Note the number of actions and the bounds that ±1 is scaled to."""
        self.action_box = ActionBox(self.vec_env.action_space, self.config.clip_actions, self.device)
        self.actions_num = self.action_box.actions_num

    def get_action(self, obs: ObsDict, is_deterministic: bool = True) -> Tensor:
        """Return the policy's mean, or a sample, clipped and scaled to the action space."""
        res_dict = self.ask_model(obs)
        return self.action_box(res_dict["mus"] if is_deterministic else res_dict["actions"])


class PpoPlayerDiscrete(PpoPlayer):
    """Plays a policy that `DiscreteA2CAgent` trained."""

    def read_action_space(self) -> None:
        """Note the number of actions, or the numbers of several choices."""
        self.choices = ActionChoices(self.vec_env.action_space)
        self.actions_num = self.choices.actions_num

    def get_action(self, obs: ObsDict, is_deterministic: bool = True) -> Tensor:
        """Return the most probable actions, or a sample, of those allowed if `use_action_masks`."""
        masks = None
        if self.config.use_action_masks:
            masks = vecenv.action_masks(self.vec_env, self.choices.num_logits).to(self.device)
        return self._choose(obs, masks, is_deterministic)

    def get_masked_action(self, obs: ObsDict, action_masks: Tensor, is_deterministic: bool = True) -> Tensor:
        """Return actions among those that masks (num_envs, number of actions) allow."""
        return self._choose(obs, action_masks.to(self.device), is_deterministic)

    def _choose(self, obs: ObsDict, masks: Tensor | None, is_deterministic: bool) -> Tensor:
        res_dict = self.ask_model(obs, action_masks=masks)
        greedy: Any = self.model.greedy_actions
        return self.choices(greedy(res_dict["logits"]) if is_deterministic else res_dict["actions"])


class EpisodeCounter:
    """Returns and lengths of the first `quota` episodes of every environment.

    Args:
        num_envs: number of environments.
        quota: episodes that count in each.
        device: where rewards live.
    """

    def __init__(self, num_envs: int, quota: int, device: torch.device) -> None:
        self.quota = quota
        self._running = torch.zeros(2, num_envs, dtype=torch.float64, device=device)  # return, steps
        self._total = torch.zeros(2, dtype=torch.float64, device=device)
        self._ended = torch.zeros(num_envs, dtype=torch.int64, device=device)

    def step(self, rewards: Tensor, dones: Tensor) -> None:
        """Count one step: rewards (num_envs,), dones (num_envs,) bool."""
        self._running[0].add_(rewards)
        self._running[1].add_(1.0)
        counts = dones & (self._ended < self.quota)
        self._total.add_((self._running * counts).sum(dim=1))
        self._ended.add_(counts)
        self._running.mul_(~dones)

    def is_full(self) -> bool:
        """Whether every environment has ended its episodes."""
        return bool((self._ended >= self.quota).all())

    def means(self) -> tuple[float | None, float | None, int]:
        """Return mean return and mean length of the counted episodes (None without any), and their number."""
        count = int(self._ended.sum())
        if not count:
            return None, None, 0
        reward, length = (self._total / count).tolist()
        return reward, length, count

"""What all agents have in common: environment, rollout, training loop, checkpoints.

The data path, top to bottom: `train` → `train_epoch` → `play_steps` (observe, act, step, record) →
`finish_rollout` → `learn` → metrics, checkpoints, stop. What is learned from a rollout, and how, is an
algorithm's: `A2CBase` (learning/agents/a2c_base.py) for actor-critic agents, `SACAgent` for soft
actor-critic.
"""

from __future__ import annotations

import contextlib
import logging
import time
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learning import vecenv
from learning.agents import tunables
from learning.agents.agent_config import BaseAgentConfig, check_device
from learning.agents.base_algorithm import BaseAlgorithm
from learning.agents.hooks import AgentHooks
from learning.agents.stopping import StopFlag
from learning.agents.tunables import Tunable
from learning.checkpoints import training_state
from learning.checkpoints.checkpoint import CheckpointWriter, load_checkpoint, load_replay
from learning.distributed import Distributed
from learning.models import model_builder
from learning.reporting import figures
from learning.reporting.metrics import EpochTimes, MetricsWriter, write_json
from learning.reporting.observer import AlgoObserver
from learning.reporting.statistics import EpisodeMeters, MeanMeter
from learning.rollouts import observations
from learning.rollouts.experience import ExperienceBuffer, Field
from learning.rollouts.reward_shaper import DefaultRewardsShaper
from learning.typed_config import ConfigError
from learning.vecenv import ObsDict, VecEnv

logger = logging.getLogger(__name__)


class AgentBase(AgentHooks, BaseAlgorithm):
    """Collects rollouts of a vectorised environment, hands them to `learn`, and keeps the run.

    Two names that RL Games leaves unclear: `self.network` is the model object that the configuration names (a
    builder, for example `ModelA2CContinuousLogStd`), and `self.model` is the `nn.Module` that it built, with
    normalisers and, in `self.model.a2c_network`, the network itself.

    Args:
        base_name: name that observers are told.
        params: `train.params`: `model`, `network`, and `config`, a mapping or a `BaseAgentConfig`.
    """

    config_class: ClassVar[type[BaseAgentConfig]] = BaseAgentConfig
    """Dataclass of `params["config"]`; a subclass with keys of its own derives one."""

    config: BaseAgentConfig
    network: Any
    model: nn.Module

    def __init__(self, base_name: str, params: Mapping[str, Any]) -> None:
        self._load_config(base_name, params)
        self._create_env()
        self.read_action_space()
        self._create_model(params)
        self._create_rollout()
        self._create_counters()
        self.create_parts()
        self.algo_observer.after_init(self)

    # ---------------------------------------------------------------- construction

    def _load_config(self, base_name: str, params: Mapping[str, Any]) -> None:
        self.config = self.config_class.from_params(params["config"])
        self.name = base_name
        self.run_dir = Path(self.config.train_dir) if self.config.train_dir else None
        self.experiment_name = self.run_dir.name if self.run_dir else self.config.name
        self.algo_observer: AlgoObserver = self.config.observer or AlgoObserver()
        self.algo_observer.before_init(base_name, self.config, self.experiment_name)

    def _create_env(self) -> None:
        config = self.config
        self.distributed = Distributed()
        num_envs = config.num_envs(self.distributed.world_size)
        self._owns_env = config.vec_env is None
        self.vec_env: VecEnv = config.vec_env
        if self._owns_env:
            self.vec_env = vecenv.create(config.env_name, num_envs=num_envs, **config.env_config)
        if self.vec_env.num_envs != num_envs:
            raise ConfigError(
                f"train.params.config.num_actors={config.num_actors} means {num_envs} environments in "
                f"each worker, but the environment has {self.vec_env.num_envs}; make them agree"
            )
        self._device = check_device(config.device) if config.device else torch.device(self.vec_env.device)
        self.distributed = Distributed(self._device)
        self.vec_env = self.wrap_env(self.vec_env)
        self.num_actors = self.vec_env.num_envs
        self.horizon_length = config.horizon_length
        self.batch_size = self.num_actors * config.horizon_length
        self.obs_shape = observations.shape_of(self.vec_env.observation_space)

    def _create_model(self, params: Mapping[str, Any]) -> None:
        self.network = model_builder.ModelBuilder().load(params)
        self.model = self.build_model().to(self.device)
        self.distributed.broadcast_parameters(self.model)
        self.create_optimizers()

    def _create_rollout(self) -> None:
        space = self.vec_env.observation_space
        fields = {
            **observations.fields("obses", space),
            "rewards": Field((1,)),
            "dones": Field(dtype=torch.bool),
            **self.policy_fields(),
            **self.loop_fields(),
            **self.extra_experience_fields(),
        }
        if self.config.value_bootstrap:
            fields["time_outs"] = Field(dtype=torch.bool)
        if self.records_final_obs:
            fields |= observations.fields("final_obses", space)
        self.experience_buffer = ExperienceBuffer(self.horizon_length, self.num_actors, fields, self.device)
        self.rewards_shaper = DefaultRewardsShaper(**vars(self.config.reward_shaper))
        self._recorded = tuple(self.policy_fields())

    def _create_counters(self) -> None:
        self.obs: ObsDict = {}
        self.epoch_num, self.frame = 0, 0
        self.total_time = 0.0
        self.best_reward: float | None = None
        self._step_time = 0.0
        self.episodes = EpisodeMeters(self.num_actors, self.config.games_to_track, self.device)
        self.losses, self.episode_terms = MeanMeter(), MeanMeter()
        self.stop_flag = StopFlag()
        self.metrics = MetricsWriter(None)
        self.checkpoints = CheckpointWriter(None, self.config.name, None)

    # ---------------------------------------------------------------- what an algorithm fills in

    @abstractmethod
    def read_action_space(self) -> None:
        """Take from `self.vec_env.action_space` what sampling and recording actions needs."""

    @abstractmethod
    def build_model(self) -> nn.Module:
        """Return the module that `self.network` builds for this environment."""

    @abstractmethod
    def create_optimizers(self) -> None:
        """Build what steps the parameters of `self.model`."""

    @abstractmethod
    def policy_fields(self) -> dict[str, Field]:
        """Return the experience fields that `get_action_values` fills, `actions` among them."""

    @property
    def records_final_obs(self) -> bool:
        """Whether rollouts keep what each step really led to, before any reset, as `final_obses`."""
        return self.config.value_bootstrap

    def loop_fields(self) -> dict[str, Field]:
        """Return the experience fields that the algorithm fills in `record_obs` and `record_step`."""
        return {}

    @abstractmethod
    def get_action_values(self, obs: ObsDict) -> dict[str, Any]:
        """Choose actions for observations on this agent's device; returns at least the `policy_fields`."""

    @abstractmethod
    def preprocess_actions(self, actions: Tensor) -> Tensor:
        """Turn sampled actions (num_envs, …) into what the environment takes."""

    @abstractmethod
    def learn(self, batch_dict: Mapping[str, Tensor]) -> None:
        """Learn from a rollout.

        Args:
            batch_dict: what `collect` returned.
        """

    @abstractmethod
    def optimizer_state(self) -> dict[str, Any]:
        """Return the state of optimizers and learning rates, by the keys of a checkpoint."""

    @abstractmethod
    def load_optimizer_state(self, state: Mapping[str, Any], source: str) -> None:
        """Take up the optimizers of a checkpoint as far as it holds them.

        Args:
            state: the whole checkpoint.
            source: its path, for messages.
        """

    @abstractmethod
    def learning_figures(self) -> dict[str, float]:
        """Return what drives learning just now: `learning_rate`, and where there is one `e_clip`."""

    # ---------------------------------------------------------------- rollout

    @torch.no_grad()
    def play_steps(self) -> dict[str, Tensor]:
        """Collect `horizon_length` steps of every environment, without waiting for the device in between.

        Returns:
            What `finish_rollout` makes of the full experience buffer.
        """
        self._step_time = 0.0
        for step in range(self.horizon_length):
            obs = self.record_obs(step)
            res_dict = self.get_action_values(obs)
            for name in self._recorded:
                self.experience_buffer.update_data(name, step, res_dict[name])
            self.obs, rewards, dones, infos = self.env_step(res_dict["actions"])
            self.record_step(step, rewards, dones, infos)
            self.after_env_step(step, self.obs, dones, infos)
        return self.finish_rollout()

    def collect(self) -> dict[str, Tensor]:
        """Return the rollout of an epoch."""
        return self.play_steps()

    def record_obs(self, step: int) -> ObsDict:
        """Copy what is seen before a step into the buffer; returns it as it lies there, on this device."""
        return {"obs": observations.record(self.experience_buffer, "obses", step, self.obs["obs"])}

    def env_step(self, actions: Tensor) -> tuple[ObsDict, Tensor, Tensor, dict[str, Any]]:
        """Step the environments with sampled actions; see `VecEnv.step` for what comes back."""
        actions = self.preprocess_actions(actions)
        start = time.perf_counter()
        obs, rewards, dones, infos = self.vec_env.step(actions)
        self._step_time += time.perf_counter() - start
        return obs, rewards.to(self.device), dones.to(self.device), infos

    def env_reset(self) -> ObsDict:
        """Start new episodes everywhere."""
        self.episodes.restart()
        return self.vec_env.reset()

    def record_step(self, step: int, rewards: Tensor, dones: Tensor, infos: dict[str, Any]) -> None:
        """Copy what came of a step into the buffer, and count it.

        Args:
            step: time step within the rollout.
            rewards: (num_envs,) as the environment gave them.
            dones: (num_envs,) bool.
            infos: the environment's extras.
        """
        buffer, shaped_rewards = self.experience_buffer, self.rewards_shaper(rewards)
        buffer.update_data("rewards", step, shaped_rewards.unsqueeze(-1))
        buffer.update_data("dones", step, dones)
        if self.config.value_bootstrap:
            buffer.update_data("time_outs", step, infos["time_outs"])
        if self.records_final_obs:
            observations.record(buffer, "final_obses", step, infos["final_obs"]["obs"])
        self.episodes.step(rewards, shaped_rewards, dones)
        self.episode_terms.add(infos.get("episode", {}))
        self.algo_observer.process_infos(infos, dones)

    def finish_rollout(self) -> dict[str, Tensor]:
        """Count the frames; return the fields as flat views (horizon_length * num_envs, …), time-major."""
        self.frame += self.batch_size * self.distributed.world_size
        return self.experience_buffer.flat()

    # ---------------------------------------------------------------- one epoch

    def update_epoch(self) -> int:
        """Count an epoch and return its number, from 1."""
        self.epoch_num += 1
        return self.epoch_num

    def train_epoch(self) -> EpochTimes:
        """Collect a rollout and learn from it."""
        start = time.perf_counter()
        self.before_epoch()
        self.set_eval()
        batch_dict = self.collect()
        played = time.perf_counter()
        self.set_train()
        self.learn(batch_dict)
        return EpochTimes(self._step_time, played - start, time.perf_counter() - played)

    def set_eval(self) -> None:
        """Prepare for a rollout."""
        self.model.eval()
        every = self.config.epochs_between_resets
        if every > 0 and self.epoch_num % every == 0:
            self.obs = self.env_reset()

    def set_train(self) -> None:
        """Prepare for the update."""
        self.model.train()

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the precision in which the network runs, in rollout and update alike."""
        if not self.config.mixed_precision:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    # ---------------------------------------------------------------- training loop

    def train(self) -> tuple[float | None, int]:
        """Train until a limit is reached or somebody asks to stop; see `BaseAlgorithm.train`."""
        self._open_outputs()
        started = time.perf_counter() - self.total_time
        if not self.obs:
            self.obs = self.env_reset()
        with self.stop_flag, contextlib.closing(self.metrics):
            exit_reason = self._limit_reached()
            if exit_reason:
                logger.warning(
                    "nothing is left to train: %s is reached at epoch %d", exit_reason, self.epoch_num
                )
            while exit_reason is None:
                self.update_epoch()
                times = self.train_epoch()
                self.total_time = time.perf_counter() - started
                exit_reason = self._end_epoch(times)
        self._finish(exit_reason)
        return self.best_reward, self.epoch_num

    def _open_outputs(self) -> None:
        run_dir = self.run_dir if self.distributed.is_main else None
        self.metrics = MetricsWriter(run_dir, self.epoch_num, self.frame)
        self.checkpoints = CheckpointWriter(run_dir, self.config.name, self.config.save_last_interval)

    def _end_epoch(self, times: EpochTimes) -> str | None:
        """Log, save and decide whether to stop; returns why, or None to go on."""
        progress = figures.summarize(self, times)
        if self.distributed.is_main:
            self.metrics.write(progress)
            self.algo_observer.after_print_stats(self.frame, self.epoch_num, self.total_time)
            self.algo_observer.on_progress(progress)
        stop_fn = self.config.stop_fn
        interrupted, wanted, last_is_due = self.distributed.any_flags(
            self.stop_flag.raised, bool(stop_fn and stop_fn(self)), self.checkpoints.last_is_due
        )
        exit_reason = self._limit_reached()
        if exit_reason is None and (wanted or interrupted):
            exit_reason = "stop_fn" if wanted else "interrupted"
        training_state.save_due(self, is_last_due=last_is_due, is_end=exit_reason is not None)
        return exit_reason

    def _limit_reached(self) -> str | None:
        config, reward = self.config, AgentBase.score(self)
        if config.score_to_win is not None and reward is not None and reward >= config.score_to_win:
            return "score_to_win"
        if config.max_epochs is not None and self.epoch_num >= config.max_epochs:
            return "max_epochs"
        if config.frame_limit is not None and self.frame >= config.frame_limit:
            return "max_frames"
        return None

    def score(self) -> float | None:
        """Return the mean episode reward, once enough episodes ended to decide by it.

        Enough are `games_to_track`, or one for every environment where those are fewer.
        """
        enough = min(self.config.games_to_track, self.num_actors * self.distributed.world_size)
        return self.episodes.mean_reward if self.episodes.count >= enough else None

    def _finish(self, exit_reason: str) -> None:
        if not self.distributed.is_main:
            return
        result = figures.training_result(self, exit_reason)
        if self.run_dir is not None:
            write_json(self.run_dir / "result.json", result)
        self.algo_observer.on_finish(result)

    # ---------------------------------------------------------------- settings that may change

    def tunables(self) -> dict[str, Tunable]:
        """Return the settings that may change while training runs, by name; a subclass may add its own."""
        return {}

    def get_param(self, param_name: str) -> Any:
        """Return the value in use of one of the `tunables`."""
        return tunables.get_param(self, param_name)

    def set_param(self, param_name: str, param_value: Any) -> None:
        """Change one of the `tunables`; see `learning.agents.tunables.set_param`."""
        tunables.set_param(self, param_name, param_value)

    # ---------------------------------------------------------------- state

    @property
    def device(self) -> torch.device:
        """Where networks and rollouts live."""
        return self._device

    @property
    def writer(self) -> Any:
        """The TensorBoard writer, under RL Games' name; None on all workers but the main one."""
        return self.metrics.writer

    def clear_stats(self) -> None:
        """Forget the episode statistics."""
        self.episodes.clear()
        self.algo_observer.after_clear_stats()

    def get_weights(self) -> dict[str, Any]:
        """Return the model with its normalisers."""
        return {"model": self.model.state_dict()}

    def get_policy_weights(self) -> dict[str, Any]:
        """Return the weights that are to be played, which the best checkpoint keeps; those of `get_weights`.

        A subclass that averages weights over time returns the average.
        """
        return self.get_weights()

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Take up a state of `get_weights`."""
        self.model.load_state_dict(weights["model"])

    def get_full_state_weights(self) -> dict[str, Any] | None:
        """Return all that training needs to go on exactly; see `training_state.full_state`."""
        state, replay = training_state.full_state(self), training_state.replay_states(self)
        return None if state is None else {**state, "replay": replay}

    def set_full_state_weights(self, weights: dict[str, Any], set_epoch: bool = True) -> None:
        """Take up a state of `get_full_state_weights`."""
        training_state.restore_state(self, weights, "a state", set_epoch)

    def restore(self, fn: str, set_epoch: bool = True) -> None:
        """Take up a checkpoint file; see `training_state.restore_state`."""
        state = {**load_checkpoint(fn), **load_replay(fn)}
        if self.run_dir is not None and self.run_dir.resolve() not in Path(fn).resolve().parents:
            state = training_state.for_another_run(state)
        training_state.restore_state(self, state, str(fn), set_epoch)

    def close(self) -> None:
        """Free the environment, if the agent created it."""
        if self._owns_env:
            self.vec_env.close()

"""What `last.pth` holds: everything that decides how training goes on.

Keys of RL Games' layout come first; ours follow. What differs between workers (random generators,
environments, running episodes) is gathered into `workers`, one entry a rank, so the file is complete whatever
the number of workers.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from learning.checkpoints.checkpoint import get_rng_state, load_model_state, set_rng_state, to_plain
from learning.rollouts import observations

if TYPE_CHECKING:
    from learning.agents.agent_base import AgentBase

logger = logging.getLogger(__name__)

NO_REWARD = -1_000_000_000.0
"""How RL Games writes "no best reward yet"."""


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": platform.python_version(), "torch": str(torch.__version__)}


def policy_state(agent: AgentBase) -> dict[str, Any]:
    """Return what the best checkpoint holds: policy, normalisers, and where they come from."""
    return {
        **agent.get_policy_weights(),
        "epoch": agent.epoch_num,
        "frame": agent.frame,
        "last_mean_rewards": NO_REWARD if agent.best_reward is None else agent.best_reward,
        "config": agent.config.as_dict(),
        "info": dict(agent.config.result_info),
        "versions": versions(),
        "policy": agent.policy_state(),
    }


def full_state(agent: AgentBase) -> dict[str, Any] | None:
    """Return all of an agent's state on the main worker, None on the others; all workers call this."""
    workers = agent.distributed.gather_objects(to_plain(worker_state(agent)))
    if workers is None:
        return None
    return {
        **policy_state(agent),
        **agent.get_weights(),  # those that training goes on from, where others are played
        **agent.optimizer_state(),
        "env_state": None,  # RL Games' place for it; ours is `workers`
        "episodes": agent.episodes.state_dict(),
        "total_time": agent.total_time,
        "extra": agent.extra_state(),
        "workers": workers,
    }


def worker_state(agent: AgentBase) -> dict[str, Any]:
    """Return what belongs to this worker alone."""
    return {
        "rng": get_rng_state(agent.device),
        "env": agent.vec_env.get_env_state(),
        "obs": agent.obs,
        "running_episodes": agent.episodes.current,
        "own": agent.worker_state(),
    }


def replay_states(agent: AgentBase) -> list[dict[str, Any]] | None:
    """Return the replay buffers of all workers on the main one, None on the others; all workers call this."""
    return agent.distributed.gather_objects(to_plain(agent.replay_state()))


def save_due(agent: AgentBase, is_last_due: bool, is_end: bool) -> None:
    """Write the checkpoints that are due after an epoch; all workers call this together.

    Best before last, so that last.pth knows the best score. Replay buffers before last: a run that was
    stopped goes on from its own, one that was killed from those of its newest numbered checkpoint.

    Args:
        agent: the agent.
        is_last_due: last.pth has become too old.
        is_end: training ends here.
    """
    _save_best(agent, is_end)
    every = agent.config.save_frequency
    is_periodic = bool(every) and agent.epoch_num % every == 0  # type: ignore[operator]
    if agent.run_dir is None or not (is_periodic or is_last_due or is_end):
        return
    if is_periodic or is_end:
        replay = replay_states(agent)
        if replay is not None and any(replay):
            agent.checkpoints.save_replay({"epoch": agent.epoch_num, "replay": replay})
    state = full_state(agent)
    if state is None:
        return
    if is_periodic:
        agent.checkpoints.save_epoch(state, agent.epoch_num)
    agent.checkpoints.save_last(state)


def _save_best(agent: AgentBase, is_end: bool) -> None:
    """Keep the best policy; a run that ends before any was good enough leaves its last as its best."""
    if agent.epoch_num < agent.config.save_best_after and not is_end:
        return
    score = agent.score()
    is_better = score is not None and (agent.best_reward is None or score > agent.best_reward)
    if is_better:
        agent.best_reward = score
    if agent.distributed.is_main and (is_better or (is_end and agent.best_reward is None)):
        agent.checkpoints.save_best(policy_state(agent))


def for_another_run(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint as another run starts from it: its best is not that run's.

    A policy without its training state is only where the other run's training begins, at epoch 0.
    """
    counters = {} if _holds_training(state) else {"epoch": 0, "frame": 0}
    return {**state, "last_mean_rewards": NO_REWARD, **counters}


def restore_state(agent: AgentBase, state: Mapping[str, Any], source: str, set_epoch: bool = True) -> None:
    """Bring an agent to a saved state, as far as the file holds it.

    A best checkpoint, or one of RL Games, gives weights, normalisers and counters: training goes on from
    there with new environments. A `last.pth` of the same number of workers gives everything, with the replay
    buffers beside it.

    Args:
        agent: a newly built agent.
        state: content of a checkpoint.
        source: its path, for messages.
        set_epoch: go on counting from the file's epoch and frame.

    Raises:
        CheckpointError: the file is of another architecture.
    """
    load_model_state(agent.model, state["model"], source)
    if state.get("policy"):
        agent.load_policy_state(state["policy"])
    best = float(state.get("last_mean_rewards", NO_REWARD))
    agent.best_reward = best if best > NO_REWARD else None
    if set_epoch:
        agent.epoch_num, agent.frame = int(state.get("epoch", 0)), int(state.get("frame", 0))
    if not _holds_training(state):
        logger.warning("%s holds a policy without its optimizer: the optimizer starts anew", source)
        return
    agent.load_optimizer_state(state, source)
    if "workers" in state:
        _restore_training(agent, state, source)


def _holds_training(state: Mapping[str, Any]) -> bool:
    """Whether a checkpoint holds optimizers (SAC has three), and not a policy alone."""
    return any(name.endswith("optimizer") for name in state)


def load_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any] | None, source: str) -> bool:
    """Load moments and rates; all other settings of the optimizer stay those of this run's configuration.

    Args:
        optimizer: to load into.
        saved: its state in a checkpoint; None: there is none.
        source: the checkpoint's path, for messages.

    Returns:
        Whether it was loaded; otherwise the optimizer starts anew, and a warning says why.
    """
    here = [len(group["params"]) for group in optimizer.param_groups]
    there = [len(group["params"]) for group in saved["param_groups"]] if saved else []
    if saved is None or here != there:
        logger.warning(
            "%s was trained with other parameter groups (%s against %s): the optimizer starts anew",
            *(source, there, here),
        )
        return False
    own = [{k: v for k, v in g.items() if k not in ("params", "lr")} for g in optimizer.param_groups]
    optimizer.load_state_dict(dict(saved))
    for group, settings in zip(optimizer.param_groups, own, strict=True):
        group.update(settings)
    return True


def _restore_training(agent: AgentBase, state: Mapping[str, Any], source: str) -> None:
    agent.episodes.load_state_dict(state["episodes"])
    agent.total_time = float(state["total_time"])
    agent.load_extra_state(state["extra"])
    workers, world_size = state["workers"], agent.distributed.world_size
    envs = {len(worker["running_episodes"][0]) for worker in workers}
    if len(workers) != world_size or envs != {agent.num_actors}:
        logger.warning(
            "%s was written by %d workers with %s environments each, here are %d with %d: "
            "weights and counters go on, the environments start anew",
            *(source, len(workers), "/".join(map(str, sorted(envs))), world_size, agent.num_actors),
        )
        return
    _restore_replay(agent, state.get("replay"), source)
    _restore_worker(agent, workers[agent.distributed.rank])


def _restore_replay(agent: AgentBase, replay: list[dict[str, Any]] | None, source: str) -> None:
    if replay is not None and len(replay) == agent.distributed.world_size:
        agent.load_replay_state(replay[agent.distributed.rank])
    elif agent.replay_state():
        logger.warning("%s has no replay buffers beside it: they start anew", source)


def _restore_worker(agent: AgentBase, worker: Mapping[str, Any]) -> None:
    if worker["env"] is None:  # an environment that cannot say what its state is begins new episodes
        agent.obs = agent.env_reset()
    else:
        agent.vec_env.set_env_state(worker["env"])
        agent.obs = {name: observations.to_device(obs, agent.device) for name, obs in worker["obs"].items()}
        agent.episodes.current.copy_(worker["running_episodes"])
        agent.load_worker_state(worker.get("own") or {})
    set_rng_state(worker["rng"], agent.device)  # last: building and restoring may have drawn numbers

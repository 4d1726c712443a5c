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

from learning.checkpoint import get_rng_state, load_model_state, set_rng_state, to_plain

if TYPE_CHECKING:
    from learning.a2c_base import A2CBase

logger = logging.getLogger(__name__)

NO_REWARD = -1_000_000_000.0
"""How RL Games writes "no best reward yet"."""


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": platform.python_version(), "torch": str(torch.__version__)}


def policy_state(agent: A2CBase) -> dict[str, Any]:
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


def full_state(agent: A2CBase) -> dict[str, Any] | None:
    """Return all of an agent's state on the main worker, None on the others; all workers call this."""
    workers = agent.distributed.gather_objects(to_plain(worker_state(agent)))
    if workers is None:
        return None
    return {
        **policy_state(agent),
        **agent.get_weights(),  # those that training goes on from, where others are played
        "optimizer": agent.optimizer.state_dict(),
        "env_state": None,  # RL Games' place for it; ours is `workers`
        "learning_rate": agent.learning_rate.state_dict(),
        "episodes": agent.episodes.state_dict(),
        "total_time": agent.total_time,
        "extra": agent.extra_state(),
        "workers": workers,
    }


def worker_state(agent: A2CBase) -> dict[str, Any]:
    """Return what belongs to this worker alone."""
    return {
        "rng": get_rng_state(agent.device),
        "env": agent.vec_env.get_env_state(),
        "obs": agent.obs["obs"],
        "running_episodes": agent.episodes.current,
    }


def replay_states(agent: A2CBase) -> list[dict[str, Any]] | None:
    """Return the replay buffers of all workers on the main one, None on the others; all workers call this."""
    return agent.distributed.gather_objects(to_plain(agent.replay_state()))


def save_due(agent: A2CBase, is_last_due: bool, is_end: bool) -> None:
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


def _save_best(agent: A2CBase, is_end: bool) -> None:
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
    counters = {} if "optimizer" in state else {"epoch": 0, "frame": 0}
    return {**state, "last_mean_rewards": NO_REWARD, **counters}


def restore_state(agent: A2CBase, state: Mapping[str, Any], source: str, set_epoch: bool = True) -> None:
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
    if "optimizer" not in state:
        logger.warning("%s holds a policy without its optimizer: the optimizer starts anew", source)
        return
    _load_optimizer(agent, state, source)
    if "workers" in state:
        _restore_training(agent, state, source)


def _load_optimizer(agent: A2CBase, state: Mapping[str, Any], source: str) -> None:
    """Load moments and rates; all other settings of the optimizer stay those of this run's configuration."""
    here, there = (
        [len(group["params"]) for group in groups]
        for groups in (agent.optimizer.param_groups, state["optimizer"]["param_groups"])
    )
    if here != there:
        logger.warning(
            "%s was trained with other parameter groups (%s against %s): the optimizer starts anew",
            *(source, there, here),
        )
        return
    own = [{k: v for k, v in g.items() if k not in ("params", "lr")} for g in agent.optimizer.param_groups]
    agent.optimizer.load_state_dict(state["optimizer"])
    for group, settings in zip(agent.optimizer.param_groups, own, strict=True):
        group.update(settings)
    saved_rate = float(agent.optimizer.param_groups[0]["lr"])
    agent.learning_rate.resume({"last_lr": saved_rate, **state.get("learning_rate", {})})


def _restore_training(agent: A2CBase, state: Mapping[str, Any], source: str) -> None:
    agent.episodes.load_state_dict(state["episodes"])
    agent.total_time = float(state["total_time"])
    agent.load_extra_state(state["extra"])
    workers, world_size = state["workers"], agent.distributed.world_size
    envs = {len(worker["obs"]) for worker in workers}
    if len(workers) != world_size or envs != {agent.num_actors}:
        logger.warning(
            "%s was written by %d workers with %s environments each, here are %d with %d: "
            "weights and counters go on, the environments start anew",
            *(source, len(workers), "/".join(map(str, sorted(envs))), world_size, agent.num_actors),
        )
        return
    _restore_replay(agent, state.get("replay"), source)
    _restore_worker(agent, workers[agent.distributed.rank])


def _restore_replay(agent: A2CBase, replay: list[dict[str, Any]] | None, source: str) -> None:
    if replay is not None and len(replay) == agent.distributed.world_size:
        agent.load_replay_state(replay[agent.distributed.rank])
    elif agent.replay_state():
        logger.warning("%s has no replay buffers beside it: they start anew", source)


def _restore_worker(agent: A2CBase, worker: Mapping[str, Any]) -> None:
    agent.vec_env.set_env_state(worker["env"])
    agent.obs = {"obs": worker["obs"].to(agent.device)}
    agent.episodes.current.copy_(worker["running_episodes"])
    set_rng_state(worker["rng"], agent.device)  # last: building and restoring may have drawn numbers

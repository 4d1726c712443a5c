"""What can be known to be wrong with a task, an agent, a batch or a checkpoint before physics is built."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tasks
from app.devices import Processes
from app.schema import RunConfig, TaskBlock
from learning.agents.a2c_config import AgentConfig
from learning.agents.agent_config import CONFIG_PATH, BaseAgentConfig
from learning.checkpoints.checkpoint import load_checkpoint, load_model_state
from learning.models.model_builder import ModelBuilder
from learning.torch_runner import Runner
from learning.typed_config import ConfigError, from_mapping, suggest, unknown_key


def import_modules(names: list[str]) -> None:
    """Import what registers tasks, models, networks and goals from outside the repository.

    Raises:
        ConfigError: there is no such module.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"import_modules={name}: {error}; its directory has to be on PYTHONPATH"
            ) from error


def check_task(config: dict[str, Any], engine: str) -> type:
    """Check the `task` block against its types; return the task's class.

    Raises:
        ConfigError: unknown task, unknown key, wrong type.
    """
    from mjgym.install import install

    block = from_mapping(TaskBlock, config["task"], "task")
    name = config["task_name"]
    if name not in tasks.names():
        raise ConfigError(
            f"task_name={name}: no task is registered under this name; {suggest(name, tasks.names())} "
            f"Register yours with tasks.register in a module that import_modules names"
        )
    install(engine)
    task_class = tasks.get_class(name)
    env_type = getattr(task_class, "env_config_type", None)
    if env_type is not None:
        env = from_mapping(env_type, block.env, "task.env")
        if getattr(env, "numEnvs", 1) < 1:
            raise ConfigError(f"task.env.numEnvs={env.numEnvs}: must be at least 1")
    return task_class


def check_train(config: dict[str, Any], make_runner: Callable[[], Runner]) -> Any:
    """Check the `train` block against the types of its agent; return the agent's configuration.

    Args:
        config: the whole configuration.
        make_runner: returns a Runner that knows every agent, player, model and network.

    Raises:
        ConfigError: unknown name or key, wrong type, broken rule.
    """
    unknown = sorted(set(config["train"]) - {"params"})
    if unknown:
        raise ConfigError(
            unknown_key(f"train.{unknown[0]}", config["train"][unknown[0]], unknown[0], ["params"])
        )
    runner = make_runner()
    params = config["train"].get("params")
    if not isinstance(params, dict):
        raise ConfigError("train.params: is missing; a train file holds RL Games' params block")
    runner.load(params)
    return runner.params["config"]


def check_dump(settings: RunConfig, agent: BaseAgentConfig) -> None:
    """Check that what `dump_rollouts` asks for can be had, and written.

    Raises:
        ConfigError: nothing is scored, or the file cannot be written.
    """
    path = settings.dump_rollouts
    if path is None:
        return
    if not settings.test:
        raise ConfigError(f"dump_rollouts={path}: is written when testing; say test=True checkpoint=best too")
    if not hasattr(agent.player, "dump_rollouts"):
        raise ConfigError(f"dump_rollouts={path}: this agent imitates nothing, so there is nothing to score")
    from tasks.amp.evaluation import check_dump_path

    try:
        check_dump_path(path)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def fit_batch(
    config: dict[str, Any],
    agent: BaseAgentConfig,
    processes: Processes,
    notes: list[str],
    is_given: Callable[[str], bool],
) -> None:
    """Make minibatches divide the batch, unless the user chose their size.

    Args:
        config: changed in place: `minibatch_size`, that of a central critic and of curiosity, `world_share`.
        agent: the agent's configuration.
        processes: workers that share it; under torchrun every size is a rank's own.
        notes: gets a line for each size that was changed.
        is_given: whether the command line says a key.

    Raises:
        ConfigError: a size does not divide, and the user chose it.
    """
    block = config["train"]["params"]["config"]
    block["world_share"] = not processes.by_torchrun
    agent = dataclasses.replace(agent, world_share=block["world_share"])
    if not isinstance(agent, AgentConfig):  # nothing is cut into minibatches
        agent.num_envs(processes.world_size)
        return
    shares = agent.shares(processes.world_size)
    batch = f"{agent.horizon_length} * {agent.num_learners} = {agent.horizon_length * agent.num_learners}"
    over = f" over {shares} workers" if shares > 1 else ""
    for key, size in agent.minibatch_sizes().items():
        *path, last = key.split(".")
        holder = functools.reduce(dict.__getitem__, path, block)
        fitted = agent.fitted_minibatch_size(key, processes.world_size)
        if size == fitted or holder.get(last) is None or is_given(f"{CONFIG_PATH}.{key}"):
            continue
        notes.append(
            f"{key}={size} does not divide horizon_length * num_envs = {batch}{over}; using {fitted}"
        )
        holder[last] = fitted
        agent = agent.with_minibatch_size(key, fitted)
    agent.batch_shape(processes.world_size)


def check_checkpoint(
    path: Path, task: str, config: dict[str, Any], task_class: type, agent: BaseAgentConfig
) -> None:
    """Check that a checkpoint can be read and fits the task and the network.

    Args:
        path: the file.
        task: the chosen file of cfg/task, which a checkpoint is named after.
        config: the whole configuration.
        task_class: the task's class.
        agent: the agent's configuration.

    Raises:
        ConfigError: it does not; the differences are named.
    """
    state = load_checkpoint(path)
    trained = (state.get("info") or {}).get("task")
    if trained not in (None, task):
        raise ConfigError(
            f"checkpoint={shown(path)}: was trained on task={trained}, not {task}; say task={trained}"
        )
    sizes = getattr(task_class, "num_obs", None), getattr(task_class, "num_actions", None)
    if None in sizes or config["train"]["params"]["algo"]["name"] != "a2c_continuous":
        return  # the agent itself compares, once it knows the sizes
    params = config["train"]["params"]
    model = ModelBuilder().load(params)
    module = model.build(
        {
            "actions_num": sizes[1],
            "input_shape": (sizes[0],),
            "value_size": getattr(agent, "value_size", 1),
            "num_seqs": 1,
            "normalize_input": params["config"].get("normalize_input", False),
            "normalize_value": params["config"].get("normalize_value", False),
        }
    )
    load_model_state(module, state["model"], str(shown(path)))


def shown(path: Path) -> Path:
    """Return a path as short as it can be said from the current directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

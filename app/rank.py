"""What a worker process sets up before it trains or plays: seeds, threads, devices, the environment."""

from __future__ import annotations

import copy
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tasks
from app.checks import import_modules
from app.plan import Plan
from app.tracking import WandbObserver
from app.video import recorded
from learning import vecenv
from learning.reporting.observer import AlgoObserver
from learning.typed_config import ConfigError
from mjgym.install import install
from tasks.base.config import TaskError

REPOSITORY = Path(__file__).resolve().parent.parent
ENV_NAME = "rlgpu"  # RL Games' name for Isaac Gym's environments; every train file says it


def prepare(rank: int, plan: Plan) -> dict[str, Any]:
    """Make this process worker `rank` of a run; return the `params` for its Runner.

    The order matters: seeds are set before the environment exists, and the physics engine is chosen before a
    task is imported.
    """
    torch.set_num_threads(plan.processes.torch_threads)
    set_seed(plan.settings.seed, rank, plan.settings.torch_deterministic)
    install(plan.settings.physics_engine)
    import_modules(plan.settings.import_modules)
    vecenv.register(ENV_NAME, _env_creator(rank, plan), override=True)
    params = copy.deepcopy(plan.params)
    params["config"] |= {
        "device": rl_device(plan),
        "train_dir": str(plan.run_dir.resolve()) if plan.run_dir else None,
        "result_info": {"task": plan.task, "train": plan.train},
    }
    return params


def set_seed(seed: int | None, rank: int, deterministic: bool) -> None:
    """Seed every random generator with `seed + rank`; 0 is a seed like any other.

    Args:
        seed: the run's seed.
        rank: this worker's number.
        deterministic: use only algorithms that give the same bits every time.
    """
    own = (seed or 0) + rank
    os.environ["PYTHONHASHSEED"] = str(own)
    random.seed(own)
    np.random.seed(own)
    torch.manual_seed(own)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # has to be set before cuBLAS starts
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True)


def trackers(rank: int, plan: Plan) -> list[AlgoObserver]:
    """Return the observers that the configuration asks for besides the console; the main worker's alone."""
    if rank == 0 and plan.settings.wandb_activate and plan.run_dir and not plan.settings.test:
        return [WandbObserver(plan.settings, plan.config, plan.run_dir)]
    return []


def rl_device(plan: Plan) -> str:
    """Return this worker's device: under torchrun each rank has a graphics card of its own."""
    return _own_device(plan, plan.settings.rl_device)


def _own_device(plan: Plan, device: str) -> str:
    if plan.processes.by_torchrun and device.startswith("cuda"):
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return device


def _env_creator(rank: int, plan: Plan) -> vecenv.VecEnvCreator:
    settings = plan.settings

    def create(num_envs: int, **env_config: Any) -> vecenv.VecEnv:
        cfg = copy.deepcopy(plan.config["task"])
        cfg["env"] |= {**env_config, "numEnvs": num_envs}
        cfg["test"] = settings.test
        _find_assets(cfg["env"].get("asset"))
        env = _create_task(rank, plan, cfg)
        if rank == 0 and settings.capture_video:
            return recorded(env, plan.video_dir, settings.capture_video_freq, settings.capture_video_len)
        return env

    return create


def _create_task(rank: int, plan: Plan, cfg: dict[str, Any]) -> vecenv.VecEnv:
    settings = plan.settings
    try:
        return tasks.create(
            plan.config["task_name"],
            cfg,
            sim_device=_own_device(plan, settings.sim_device),
            rl_device=rl_device(plan),
            graphics_device_id=settings.graphics_device_id,
            headless=settings.headless or rank != 0,
            virtual_screen_capture=settings.capture_video,
            force_render=settings.force_render,
        )
    except TaskError as error:
        raise ConfigError(f"task.env.{error}") from error


def _find_assets(asset: dict[str, Any] | None) -> None:
    """Let a relative `assetRoot` mean the repository's, wherever train.py was started from."""
    if asset and "assetRoot" in asset and not Path(asset["assetRoot"]).is_dir():
        asset["assetRoot"] = str(REPOSITORY / asset["assetRoot"])

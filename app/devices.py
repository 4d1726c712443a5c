"""Which physics engine, devices and processor cores a run uses."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from app.schema import MAX_DEFAULT_WORKERS, RunConfig
from learning.typed_config import ConfigError, suggest

ENGINES = ("mujoco", "mujoco_warp")


@dataclass(frozen=True)
class Processes:
    """How a run is spread over processes."""

    num_workers: int
    """processes to start; 0: none, the calling process works"""
    world_size: int
    """workers that learn together"""
    num_threads: int
    """physics threads of each"""
    torch_threads: int
    """PyTorch's threads of each"""
    by_torchrun: bool = False
    """torchrun has started the workers; this process is one of them"""

    @property
    def is_main(self) -> bool:
        """This process speaks for the run: it is no rank of torchrun's but the first."""
        return not self.by_torchrun or int(os.environ["RANK"]) == 0


def check_engine(settings: RunConfig) -> None:
    """Refuse a physics engine that is not there, and devices that it or this machine does not have.

    Raises:
        ConfigError: as said.
    """
    engine = settings.physics_engine
    if engine.lower() in ("physx", "flex"):
        raise ConfigError(
            f"physics_engine={engine}: is NVIDIA's: closed, ended, and bound to Python 3.8; "
            f"the same tasks run on mujoco or mujoco_warp"
        )
    if engine not in ENGINES:
        raise ConfigError(f"physics_engine={engine}: there is no such engine; {suggest(engine, ENGINES)}")
    check_device("sim_device", settings.sim_device)
    check_device("rl_device", settings.rl_device)
    if engine == "mujoco" and not settings.sim_device.startswith("cpu"):
        raise ConfigError(
            f"sim_device={settings.sim_device}: physics_engine=mujoco steps on the CPU; say sim_device=cpu"
        )


def check_device(key: str, name: str) -> None:
    """Refuse a device name that PyTorch does not know or does not have here."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"{key}={name}: is no device; cpu, or cuda:0, cuda:1 …") from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"{key}={name}: must be cpu or cuda:N")
    count = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        have = f"PyTorch sees {count} CUDA devices" if count else "PyTorch sees no CUDA here"
        raise ConfigError(f"{key}={name}: {have}; say hardware=cpu, or {key}=cpu")


def plan_processes(settings: RunConfig, num_envs: int, cores: int) -> Processes:
    """Decide how many processes and threads a run uses.

    Args:
        settings: `num_workers`, `num_threads`, `multi_gpu`, `test`, devices.
        num_envs: environments of all workers.
        cores: processor cores that this process may use.

    Raises:
        ConfigError: `num_workers` does not divide `num_envs`, or torchrun is missing.
    """
    if settings.multi_gpu:
        return _ranks_of_torchrun(settings, cores)
    num_workers = 1 if settings.test else _num_workers(settings, num_envs, cores)
    if settings.num_workers == 0:
        num_workers = 0
    world_size = max(1, num_workers)
    return Processes(
        num_workers=num_workers,
        world_size=world_size,
        num_threads=settings.num_threads or max(1, cores // world_size),
        torch_threads=1 if world_size > 1 else cores,
    )


def available_cores() -> int:
    """Return the number of processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _num_workers(settings: RunConfig, num_envs: int, cores: int) -> int:
    wanted = settings.num_workers
    if wanted is None:
        most = 1 if settings.rl_device.startswith("cuda") else min(cores, MAX_DEFAULT_WORKERS)
        return next(number for number in range(most, 0, -1) if num_envs % number == 0)
    if wanted > 0 and num_envs % wanted:
        near = max(num_envs - num_envs % wanted, wanted)
        raise ConfigError(
            f"num_workers={wanted}: does not divide num_envs={num_envs}, which workers share evenly; "
            f"try num_envs={near}, or another num_workers"
        )
    if wanted > 1 and settings.rl_device.startswith("cuda"):
        raise ConfigError(
            f"num_workers={wanted}: workers on graphics cards are started by torchrun, one a card: "
            f"torchrun --standalone --nproc_per_node={wanted} train.py multi_gpu=True …"
        )
    return wanted


def _ranks_of_torchrun(settings: RunConfig, cores: int) -> Processes:
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        raise ConfigError(
            "multi_gpu=True: torchrun has to start the ranks: "
            "torchrun --standalone --nproc_per_node=2 train.py multi_gpu=True …"
        )
    if settings.test:
        raise ConfigError("multi_gpu=True: testing is done by one process; leave it out")
    world_size = int(os.environ["WORLD_SIZE"])
    here = int(os.environ.get("LOCAL_WORLD_SIZE", world_size))
    threads = settings.num_threads or max(1, cores // here)
    return Processes(0, world_size, threads, torch_threads=1 if here > 1 else cores, by_torchrun=True)

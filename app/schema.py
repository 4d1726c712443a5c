"""Names, types and single-value rules of what a command line composes, outside of tasks and agents.

The values and their meanings are in cfg/config.yaml. `task.env` is typed by its task's `env_config_type`, and
`train.params.config` by its agent (learning/agents/a2c_config.py).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_type_hints

from learning.agents.a2c_config import AgentConfig
from learning.networks.network_config import NetworkConfig

MAX_DEFAULT_WORKERS = 8
LARGEST_SEED = 2**31
"""numpy's seeds end at 2³² - 1, and workers add their number"""


@dataclass(frozen=True)
class RunConfig:
    """The top-level keys; cfg/config.yaml says what each means."""

    task: dict[str, Any]
    train: dict[str, Any]
    task_name: str
    train_file: str | None = None
    experiment: str | None = None
    num_envs: int | None = None
    seed: int | None = 42
    torch_deterministic: bool = False
    max_iterations: int | None = None
    physics_engine: str = "mujoco"
    sim_device: str = "cpu"
    rl_device: str = "cpu"
    pipeline: Literal["cpu", "gpu"] = "cpu"
    graphics_device_id: int = -1
    num_threads: int | None = None
    num_workers: int | None = None
    solver_type: int = 1
    num_subscenes: int = 4
    multi_gpu: bool = False
    test: bool = False
    checkpoint: str | None = None
    sigma: float | None = None
    games_num: int | None = None
    max_steps: int | None = None
    dump_rollouts: str | None = None
    headless: bool = False
    force_render: bool = False
    capture_video: bool = False
    capture_video_freq: int = 1464
    capture_video_len: int = 100
    wandb_activate: bool = False
    wandb_group: str | None = None
    wandb_name: str | None = None
    wandb_entity: str | None = None
    wandb_project: str = "gaitway"
    wandb_tags: list[str] = field(default_factory=list)
    wandb_logcode_dir: str | None = None
    import_modules: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense by themselves."""
        for name in ("num_envs", "max_iterations", "num_threads", "games_num", "max_steps"):
            _at_least(name, getattr(self, name), 1)
        _at_least("num_workers", self.num_workers, 0)
        if self.seed is not None and not -1 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed={self.seed}: must be 0 to {LARGEST_SEED}, or null to draw one")
        if self.experiment is not None and (
            set(self.experiment) & set("/\\") or self.experiment in ("", ".", "..")
        ):
            raise ValueError(
                f"experiment={self.experiment}: is the name of a directory in runs/, without slashes"
            )


@dataclass(frozen=True)
class PhysxConfig:
    """`task.sim.physx`: PhysX's settings. MuJoCo reads `num_threads`; the others stay for tasks that look."""

    num_threads: int | None = None
    solver_type: int = 1
    use_gpu: bool = False
    num_position_iterations: int = 4
    num_velocity_iterations: int = 0
    contact_offset: float = 0.02
    rest_offset: float = 0.001
    bounce_threshold_velocity: float = 0.2
    max_depenetration_velocity: float = 100.0
    default_buffer_size_multiplier: float = 2.0
    max_gpu_contact_pairs: int = 1024 * 1024
    num_subscenes: int = 4
    contact_collection: int = 0
    always_use_articulations: bool = False
    friction_correlation_distance: float = 0.025
    friction_offset_threshold: float = 0.04


@dataclass(frozen=True)
class SimConfig:
    """`task.sim`: how the world moves."""

    dt: float = 1.0 / 60.0
    """simulation step [s]"""
    substeps: int = 2
    """solver steps a simulation step"""
    up_axis: Literal["y", "z"] = "z"
    """which way is up"""
    use_gpu_pipeline: bool = False
    """state tensors on the graphics card"""
    gravity: tuple[float, float, float] = (0.0, 0.0, -9.81)
    """[m/s²]"""
    physx: PhysxConfig = field(default_factory=PhysxConfig)
    """PhysX's settings"""
    flex: dict[str, Any] = field(default_factory=dict)
    """FleX's settings, unused"""

    def __post_init__(self) -> None:
        """Refuse steps that do not advance."""
        if self.dt <= 0:
            raise ValueError(f"dt={self.dt}: must be more than 0 s")
        _at_least("substeps", self.substeps, 1)


@dataclass(frozen=True)
class TaskBlock:
    """The keys of a task's YAML file."""

    name: str
    """registered name of the task"""
    env: dict[str, Any]
    """what the task reads; typed by its `env_config_type`"""
    sim: SimConfig = field(default_factory=SimConfig)
    """how the world moves"""
    physics_engine: str = "mujoco"
    """as chosen at the top level"""
    task: dict[str, Any] = field(default_factory=dict)
    """domain randomization"""

    def __post_init__(self) -> None:
        """Refuse what would be accepted and not done."""
        if self.task.get("randomize"):
            raise ValueError("task.randomize=True: domain randomization is not there yet; set it to False")


TYPED_BLOCKS: dict[str, type] = {
    "train.params.config": AgentConfig,
    "train.params.network": NetworkConfig,
    "task.sim": SimConfig,
}

OPEN_BLOCKS = ("task.env.kwargs",)
"""What an environment from elsewhere defines: any key may stand there."""


def is_schema_key(key: str) -> bool:
    """Tell whether a dotted key is a field of a typed block, whether or not a file gives it a value.

    In an open block every key is.
    """
    place, _, name = key.rpartition(".")
    return name in schema_names(place) or f"{place}.".startswith(tuple(f"{block}." for block in OPEN_BLOCKS))


def schema_names(place: str) -> list[str]:
    """Return the names that a typed block has at a dotted place; none for a place without types."""
    for prefix, block in TYPED_BLOCKS.items():
        if place == prefix or place.startswith(f"{prefix}."):
            return _field_names(block, place.removeprefix(prefix).strip(".").split("."))
    return []


def _field_names(kind: Any, path: list[str]) -> list[str]:
    schema = next((item for item in (kind, *get_args(kind)) if dataclasses.is_dataclass(item)), None)
    hints = get_type_hints(schema) if schema else {}
    if path and path[0]:
        return _field_names(hints.get(path[0]), path[1:])
    return list(hints)


def _at_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise ValueError(f"{name}={value}: must be at least {least}")

"""The plan of a run: everything that its command line left open, decided and checked before physics is built.

`_plan` reads top to bottom: types, engine, task, agent, processes, batch, directory, checkpoint.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.checks import check_checkpoint, check_dump, check_task, check_train, fit_batch, import_modules, shown
from app.commands import play_command
from app.compose import Job, outside_dirs, override_key, recompose
from app.devices import Processes, available_cores, check_engine, plan_processes
from app.run_directory import (
    RUNS,
    Checkpoint,
    RunDirectory,
    check_runs,
    find_checkpoint,
    new_run,
    stored_overrides,
    train_file_copy,
)
from app.schema import RunConfig
from app.sources import with_source
from app.tracking import check_tracking
from app.train_file import KEY as TRAIN_FILE
from app.train_file import TrainFile, override_for
from app.video import check_video
from learning.torch_runner import Runner
from learning.typed_config import ConfigError, from_mapping

LARGEST_DRAWN_SEED = 10_000
MACHINE_KEYS = ("physics_engine", "sim_device", "rl_device", "pipeline")


@dataclass(frozen=True)
class Plan:
    """A run that may start: everything that workers are told."""

    task: str
    """the chosen file of cfg/task"""
    train: str
    """the chosen file of cfg/train"""
    settings: RunConfig
    """the typed top-level keys"""
    config: dict[str, Any]
    """the whole configuration, as config.yaml keeps it"""
    overrides: tuple[str, ...]
    """the command line that leads to it"""
    processes: Processes
    """workers and threads"""
    config_dir: Path | None
    """the directory of --config-dir"""
    directory: RunDirectory | None
    """where the run writes; None: nowhere"""
    checkpoint: Path | None = None
    """file to start from"""
    notes: list[str] = field(default_factory=list)
    """what the user should know of what was decided"""
    train_file: TrainFile | None = None
    """a configuration of RL Games in place of a file of cfg/train"""

    @property
    def params(self) -> dict[str, Any]:
        """RL Games' `params` block."""
        return self.config["train"]["params"]

    @property
    def run_dir(self) -> Path | None:
        """The run directory; None if the run writes nothing."""
        return self.directory.path if self.directory else None

    @property
    def video_dir(self) -> Path:
        """Where videos go: into the run, or beside where one stands if a file of no run is played."""
        return (self.run_dir or Path()) / "videos"

    @property
    def play_command(self) -> str:
        """What to type to see what this run learned."""
        run = self.run_dir.name if self.run_dir else ""
        file = train_file_copy(RUNS / run, self.train) if self.train_file else None
        return play_command(self.task, self.train, run, self.config_dir, file)

    @property
    def title(self) -> str:
        """What runs, and on what, in a line."""
        workers = self.processes.world_size
        share = " a rank" if self.processes.by_torchrun else ""
        return (
            f"{self.task} with {self.train}: {self.params['config']['num_actors']} environments{share}, "
            f"{workers} worker{'s' if workers > 1 else ''} with {self.processes.num_threads} physics "
            f"thread{'s' if self.processes.num_threads > 1 else ''} each, {self.settings.rl_device}"
        )


def check_distinct(plans: Sequence[Plan]) -> None:
    """Refuse a sweep whose jobs would write into the same run directory.

    Raises:
        ConfigError: two jobs have the same `experiment`.
    """
    names = [plan.settings.experiment for plan in plans if plan.settings.experiment and plan.directory]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"experiment={twice[0]}: several jobs of the sweep have this name; leave it out, or let it "
            f"depend on what is swept: experiment='{twice[0]}_\\${{seed}}'"
        )


def make_plan(job: Job, make_runner: Callable[[], Runner]) -> Plan:
    """Check a composed job and decide what it left open.

    Args:
        job: a composed command line.
        make_runner: returns a Runner that knows every agent, player, model and network.

    Raises:
        ConfigError: the first thing that is wrong, with where it was given.
    """
    try:
        found = _checkpoint_of(job)
        if found is not None and found.run is not None and (_is_test(job) or _resumes(job, found)):
            job = _as_its_run(job, found.run)
        return _plan(job, found, make_runner)
    except ConfigError as error:
        raise ConfigError(with_source(str(error), job)) from error


def _plan(job: Job, found: Checkpoint | None, make_runner: Callable[[], Runner]) -> Plan:
    config = copy.deepcopy(job.config)
    settings = from_mapping(RunConfig, config, "")
    notes: list[str] = list(job.notes)
    check_runs()
    check_engine(settings)
    _check_extras(settings)
    import_modules(settings.import_modules)
    task_class = check_task(config, settings.physics_engine)
    agent = check_train(config, make_runner)
    check_dump(settings, agent)
    seed = _seed(config, settings, notes)
    processes = plan_processes(settings, agent.num_actors, available_cores())
    config["num_workers"] = None if processes.by_torchrun else processes.num_workers
    if "sim" in config["task"]:  # not every task has physics
        config["task"]["sim"].setdefault("physx", {})["num_threads"] = processes.num_threads
    if not settings.test:
        fit_batch(config, agent, processes, notes, functools.partial(_is_given, job))
    directory = _directory(job, settings, found)
    if found is not None:
        check_checkpoint(found.path, job.choices["task"] or "", config, task_class, agent)
        notes.append(f"from {shown(found.path)}")
    return Plan(
        task=job.choices["task"] or "",
        train=job.choices["train"] or "",
        settings=dataclasses.replace(settings, seed=seed),
        config=config,
        overrides=_kept_overrides(job, config),
        processes=processes,
        config_dir=outside[0] if (outside := outside_dirs(job)) else None,
        directory=directory,
        checkpoint=found.path if found else None,
        notes=notes,
        train_file=job.train_file,
    )


def _check_extras(settings: RunConfig) -> None:
    if settings.capture_video:
        check_video()
    if settings.wandb_activate:
        check_tracking()


def _checkpoint_of(job: Job) -> Checkpoint | None:
    value, test = job.config.get("checkpoint"), _is_test(job)
    if value in (None, ""):
        if test:
            raise ConfigError(
                "test=True: plays a trained policy; say which: checkpoint=best, last, or a file"
            )
        return None
    task, train = job.choices["task"] or "", job.choices["train"] or ""
    experiment = job.config.get("experiment")
    experiment = None if experiment is None else str(experiment)
    return find_checkpoint(str(value), experiment, task, train, test)


def _is_test(job: Job) -> bool:
    return job.config.get("test") is True


def _resumes(job: Job, found: Checkpoint) -> bool:
    """Training goes on in the checkpoint's run: it is that run's last, and no other run is named."""
    experiment, asked = job.config.get("experiment"), str(job.config["checkpoint"])
    asks_for_run = asked == "last" or Path(asked).is_dir()
    same_run = experiment is None or found.run == (RUNS / str(experiment)).resolve()
    return found.is_last and asks_for_run and same_run


def _as_its_run(job: Job, run: Path) -> Job:
    """Compose the job with its run's command line below its own."""
    stored = stored_overrides(run)
    if not stored:
        return job
    kept = {override_key(item): item.split("=", 1)[-1] for item in stored}
    _check_choices(job, kept, run)
    machine = [f"{key}={job.config[key]}" for key in MACHINE_KEYS]
    dropped = {"num_workers"} if _is_test(job) else set()
    if TRAIN_FILE in kept:  # it takes the place of train, whose name is kept beside it
        dropped |= {"train", TRAIN_FILE}
        copy = train_file_copy(run, kept["train"])
        machine.append(override_for(copy) if copy.is_file() else f"{TRAIN_FILE}={kept[TRAIN_FILE]}")
    stored = [item for item in stored if override_key(item) not in dropped]
    # A run that named itself keeps its files' names, also when asked for by its directory.
    own = [item for item in job.overrides if override_key(item) != "experiment" or "experiment" in kept]
    return recompose(job, [*stored, *machine, *own])


def _check_choices(job: Job, kept: Mapping[str, str], run: Path) -> None:
    """Refuse another task or train file than the run's.

    Args:
        job: what is asked for.
        kept: the run's overrides by key.
        run: the run's directory.
    """
    asked, trained = job.choices["task"], kept.get("task")
    if trained not in (None, asked):
        raise ConfigError(f"task={asked}: {shown(run)} was trained with task={trained}; say task={trained}")
    asked, trained, by_file = job.choices["train"], kept.get("train"), TRAIN_FILE in kept
    names_another = trained not in (None, asked) or by_file != (job.train_file is not None)
    if names_another and (job.train_file is not None or _is_given(job, "train")):
        given = f"{TRAIN_FILE}={job.train_file.source}" if job.train_file else f"train={asked}"
        fix = f"leave {given.split('=')[0]} out" if by_file else f"say train={trained}"
        was = f"{TRAIN_FILE}={kept[TRAIN_FILE]}" if by_file else f"train={trained}"
        raise ConfigError(f"{given}: {shown(run)} was trained with {was}; {fix}")


def _directory(job: Job, settings: RunConfig, found: Checkpoint | None) -> RunDirectory | None:
    if settings.test:
        return RunDirectory(found.run, is_new=False) if found and found.run else None
    if found and found.run and _resumes(job, found):
        return RunDirectory(found.run, is_new=False)
    return new_run(settings.experiment, job.choices["task"] or "", job.choices["train"] or "")


def _seed(config: dict[str, Any], settings: RunConfig, notes: list[str]) -> int:
    if settings.seed is not None and settings.seed >= 0:
        return settings.seed
    drawn = random.SystemRandom().randrange(LARGEST_DRAWN_SEED)
    config["seed"] = config["train"]["params"]["seed"] = drawn
    notes.append(f"seed={drawn} was drawn")
    return drawn


def _kept_overrides(job: Job, config: dict[str, Any]) -> tuple[str, ...]:
    """The command line, with what was chosen by default said too, so that it means the same tomorrow."""
    groups = [group for group in ("task", "train", "hardware") if job.choices[group]]
    chosen = [f"{group}={job.choices[group]}" for group in groups]
    said = [item for item in job.overrides if override_key(item) not in {*groups, "seed", "num_workers"}]
    decided = [f"{key}={config[key]}" for key in ("seed", "num_workers") if config[key] is not None]
    return (*chosen, *said, *decided)


def _is_given(job: Job, key: str) -> bool:
    return any(override_key(item) == key for item in job.overrides)

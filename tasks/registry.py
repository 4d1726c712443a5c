"""Which tasks there are: a name leads to a class, or to "module:Class" that is imported when asked for.

Names are lazy because a task module imports `isaacgym`, and which physics that means is chosen
(`mjgym.install(engine=...)`) only after the command line has been read.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any

_TASKS: dict[str, type | str] = {
    "Cartpole": "tasks.cartpole:Cartpole",
    "Ant": "tasks.ant:Ant",
    "Humanoid": "tasks.humanoid:Humanoid",
    "Anymal": "tasks.anymal:Anymal",
    "HumanoidAMP": "tasks.humanoid_amp:HumanoidAMP",
    "HumanoidAMPHands": "tasks.humanoid_amp:HumanoidAMP",
    "BallBalance": "tasks.ball_balance:BallBalance",
    "Ingenuity": "tasks.ingenuity:Ingenuity",
    "Quadcopter": "tasks.quadcopter:Quadcopter",
    "Gymnasium": "tasks.gymnasium_task:GymnasiumTask",
}


def register(name: str, task: type | str, *, override: bool = False) -> None:
    """Add a task under `name`, as a class or as "module:Class".

    Raises:
        ValueError: `name` is taken and `override` is false, or a string is not of the form "module:Class".
    """
    if name in _TASKS and not override:
        raise ValueError(
            f"task {name!r} is registered already ({_TASKS[name]}); pass override=True to replace it"
        )
    if isinstance(task, str) and task.count(":") != 1:
        raise ValueError(f"task {name!r}: {task!r} is not of the form 'module:Class'")
    _TASKS[name] = task


def names() -> list[str]:
    """All registered names, sorted."""
    return sorted(_TASKS)


def get_class(name: str) -> type:
    """The class registered as `name`; imports its module, and so `isaacgym`.

    Raises:
        ValueError: no such task; the message lists those there are.
    """
    if name not in _TASKS:
        near = difflib.get_close_matches(name, _TASKS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"task {name!r} is not registered{hint} Known tasks: {', '.join(names())}")
    task = _TASKS[name]
    if isinstance(task, str):
        module, class_name = task.split(":")
        task = getattr(importlib.import_module(module), class_name)
    return task


def create(
    name: str,
    cfg: dict[str, Any],
    sim_device: str,
    rl_device: str,
    graphics_device_id: int = -1,
    headless: bool = True,
    virtual_screen_capture: bool = False,
    force_render: bool = False,
) -> Any:
    """Build the task `name` with its configuration (the resolved content of `cfg/task/<name>.yaml`)."""
    return get_class(name)(
        cfg=cfg,
        rl_device=rl_device,
        sim_device=sim_device,
        graphics_device_id=graphics_device_id,
        headless=headless,
        virtual_screen_capture=virtual_screen_capture,
        force_render=force_render,
    )

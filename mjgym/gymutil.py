"""`isaacgym.gymutil`: command line, simulation settings from dictionaries, XML indentation, lines to draw."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from mjgym.api_names import used_names
from mjgym.devices import stays_on_cpu
from mjgym.errors import module_getattr, unknown_name_message
from mjgym.install import default_engine
from mjgym.lines import (
    AxesGeometry,
    LineGeometry,
    WireframeBoxGeometry,
    WireframeSphereGeometry,
    draw_line,
    draw_lines,
)
from mjgym.partly import partly
from mjgym.structs import FlexParams, PhysXParams, SimParams, SimType, Struct, UpAxis, Vec3

_log = logging.getLogger(__name__)


def parse_device_str(device_str: str) -> tuple[str, int]:
    """Split a device such as "cuda:1" into type and index; "cpu" and "cuda" have index 0.

    Where the simulation cannot use a GPU, a CUDA device is the CPU, and one line says so.

    Raises:
        ValueError: if it is neither "cpu" nor "cuda" with or without an index.
    """
    kind, colon, index = device_str.lower().partition(":")
    well_formed = index.isdigit() if colon else True
    if kind not in ("cpu", "cuda") or not well_formed or (kind == "cpu" and index not in ("", "0")):
        raise ValueError(f"device {device_str!r}: must be 'cpu', 'cuda' or 'cuda:<index>'")
    if kind == "cuda" and stays_on_cpu(default_engine()):
        return "cpu", 0
    return kind, int(index or 0)


@partly("`--flex`, `--physx`, `--subscenes` and `--slices` are read; the physics is the same")
def parse_arguments(
    description: str = "Isaac Gym Example",
    headless: bool = False,
    no_graphics: bool = False,
    custom_parameters: Sequence[Mapping[str, Any]] = (),
) -> argparse.Namespace:
    """Read Isaac Gym's usual command line, and the script's own options, from `sys.argv`.

    Args:
        description: what --help prints first.
        headless: offer --headless.
        no_graphics: offer --nographics, which implies --headless.
        custom_parameters: options as dictionaries with "name", and "type" or "action", "default", "help".

    Returns:
        The options, with `sim_device_type`, `compute_device_id`, `use_gpu_pipeline`, `use_gpu` and
        `physics_engine` derived from them. The device defaults to the first GPU; where the simulation cannot
        use it, it is the CPU, and one line says so.
    """
    parser = argparse.ArgumentParser(description=description)
    if headless:
        parser.add_argument("--headless", action="store_true", help="open no window")
    if no_graphics:
        parser.add_argument("--nographics", action="store_true", help="do without a graphics context")
    _add_common_options(parser)
    for parameter in custom_parameters:
        _add_custom_option(parser, parameter)
    args = parser.parse_args()
    _derive(args, parser)
    return args


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sim_device", default="cuda:0", help="physics device, as in torch")
    parser.add_argument("--pipeline", default="gpu", help="where tensors live: cpu or gpu")
    parser.add_argument("--graphics_device_id", type=int, default=0, help="graphics device")
    engines = parser.add_mutually_exclusive_group()
    engines.add_argument("--flex", action="store_true", help="ask for FleX (mjgym simulates with MuJoCo)")
    engines.add_argument("--physx", action="store_true", help="ask for PhysX (mjgym simulates with MuJoCo)")
    parser.add_argument("--num_threads", type=int, default=0, help="physics threads, 0 for one a core")
    parser.add_argument("--subscenes", type=int, default=0, help="kept for PhysX scripts")
    parser.add_argument("--slices", type=int, default=None, help="kept for PhysX scripts")


def _add_custom_option(parser: argparse.ArgumentParser, parameter: Mapping[str, Any]) -> None:
    known = {"name", "type", "action", "default", "help", "choices", "nargs"}
    if "name" not in parameter:
        raise ValueError(f"custom parameter {dict(parameter)} has no 'name'")
    for key in parameter:
        if key not in known:
            raise ValueError(f"{parameter['name']}: {unknown_name_message('key', key, known, 'an option')}")
    if "type" not in parameter and "action" not in parameter:
        raise ValueError(f"custom parameter {parameter['name']!r} needs a 'type' or an 'action'")
    keywords = {key: value for key, value in parameter.items() if key != "name"}
    parser.add_argument(parameter["name"], **keywords)


def _derive(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Fill in what scripts read beside the options themselves."""
    if getattr(args, "nographics", False):
        args.headless = True
    try:
        args.sim_device_type, args.compute_device_id = parse_device_str(args.sim_device)
    except ValueError as error:
        parser.error(str(error))
    if args.sim_device_type == "cpu":
        args.sim_device = "cpu"
    args.pipeline = args.pipeline.lower()
    if args.pipeline not in ("cpu", "gpu", "cuda"):
        parser.error(f"--pipeline {args.pipeline!r}: must be cpu or gpu")
    if args.sim_device_type == "cpu" and args.pipeline != "cpu":
        _log.info("tensors live on the CPU, as the physics does (--pipeline cpu)")
        args.pipeline = "cpu"
    args.use_gpu_pipeline = args.pipeline != "cpu"
    args.use_gpu = args.sim_device_type == "cuda"
    args.physics_engine = SimType.SIM_FLEX if args.flex else SimType.SIM_PHYSX
    args.slices = args.subscenes if args.slices is None else args.slices


def parse_sim_config(sim_cfg: Mapping[str, Any], sim_options: SimParams) -> None:
    """Write a dictionary such as a task's `sim` section into `sim_options`; what it lacks stays as it is.

    `gravity` is a list of three numbers, `up_axis` "y", "z" or a number, `physx` and `flex` are dictionaries.
    Keys that are no field are reported in the log and skipped, as Isaac Gym skips them.

    Raises:
        TypeError: if a value is of a wrong type.
        ValueError: if `gravity` or `up_axis` is malformed.
    """
    plain = dict(sim_cfg)
    if "gravity" in plain:
        sim_options.gravity = _gravity(plain.pop("gravity"))
    if "up_axis" in plain:
        sim_options.up_axis = _up_axis(plain.pop("up_axis"))
    parse_physx_config(plain.pop("physx", {}), sim_options.physx)
    parse_flex_config(plain.pop("flex", {}), sim_options.flex)
    _set_fields(sim_options, plain)


def parse_physx_config(physx_cfg: Mapping[str, Any], physx_options: PhysXParams) -> None:
    """Write a dictionary into PhysX parameters, with the rules of `parse_sim_config`."""
    _set_fields(physx_options, physx_cfg)


def parse_flex_config(flex_cfg: Mapping[str, Any], flex_options: FlexParams) -> None:
    """Write a dictionary into FleX parameters, with the rules of `parse_sim_config`."""
    _set_fields(flex_options, flex_cfg)


def _set_fields(struct: Struct, values: Mapping[str, Any]) -> None:
    fields = getattr(type(struct), "__dataclass_fields__", {})
    for name, value in values.items():
        if name in fields:
            setattr(struct, name, value)
        else:
            _log.warning("skipped: %s", unknown_name_message("field", name, fields, type(struct).__name__))


def _gravity(value: Sequence[float]) -> Vec3:
    if len(value) != 3:
        raise ValueError(f"sim.gravity = {value!r}: must be three numbers [m/s^2]")
    return Vec3(*value)


def _up_axis(value: str | int) -> UpAxis:
    axes = {"y": UpAxis.UP_AXIS_Y, "z": UpAxis.UP_AXIS_Z}
    if isinstance(value, str):
        if value.lower() not in axes:
            raise ValueError(f"sim.up_axis = {value!r}: must be 'y' or 'z'")
        return axes[value.lower()]
    return UpAxis(value)


def _indent_xml(elem: ElementTree.Element, level: int = 0) -> None:
    """Indent an element tree in place by two spaces a level, so that it is written readably."""
    ElementTree.indent(elem, space="  ", level=level)
    elem.tail = "\n" + level * "  "


__all__ = [
    "AxesGeometry",
    "LineGeometry",
    "WireframeBoxGeometry",
    "WireframeSphereGeometry",
    "draw_line",
    "draw_lines",
    "parse_arguments",
    "parse_device_str",
    "parse_flex_config",
    "parse_physx_config",
    "parse_sim_config",
]

__getattr__ = module_getattr("gymutil", __all__, used_names("gymutil"))

import logging
import sys
from xml.etree import ElementTree

import pytest
import torch

from mjgym import gymutil
from mjgym.structs import SimParams, SimType, UpAxis, Vec3


def parse(monkeypatch, *argv, **kwargs):
    monkeypatch.setattr(sys, "argv", ["script.py", *argv])
    return gymutil.parse_arguments(**kwargs)


@pytest.fixture
def gpu(monkeypatch):
    """Let the script find a GPU and an engine that uses it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gymutil, "default_engine", lambda: "mujoco_warp")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("cpu", ("cpu", 0)), ("cuda", ("cuda", 0)), ("cuda:1", ("cuda", 1)), ("CPU", ("cpu", 0))],
)
def test_device_strings(gpu, text, expected):
    assert gymutil.parse_device_str(text) == expected


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:x", "cpu:1", ""])
def test_wrong_device_strings(text):
    with pytest.raises(ValueError, match="must be 'cpu', 'cuda' or 'cuda:<index>'"):
        gymutil.parse_device_str(text)


def test_default_arguments(monkeypatch):
    args = parse(monkeypatch)
    assert (args.sim_device_type, args.sim_device) in (("cpu", "cpu"), ("cuda", "cuda:0"))
    assert args.physics_engine is SimType.SIM_PHYSX
    assert (args.compute_device_id, args.graphics_device_id, args.slices) == (0, 0, 0)
    assert not hasattr(args, "headless")


def test_gpu_pipeline_needs_gpu_physics(monkeypatch, gpu):
    on_cpu = parse(monkeypatch, "--sim_device", "cpu", "--pipeline", "gpu")
    assert (on_cpu.use_gpu_pipeline, on_cpu.use_gpu, on_cpu.pipeline) == (False, False, "cpu")
    on_gpu = parse(monkeypatch, "--sim_device", "cuda:1", "--pipeline", "GPU")
    assert (on_gpu.use_gpu_pipeline, on_gpu.use_gpu, on_gpu.compute_device_id) == (True, True, 1)


def test_custom_parameters(monkeypatch):
    custom = [
        {"name": "--num_envs", "type": int, "default": 4, "help": "how many"},
        {"name": "--all", "action": "store_true", "help": "everything"},
    ]
    args = parse(monkeypatch, "--num_envs", "8", "--all", custom_parameters=custom, headless=True)
    assert (args.num_envs, args.all, args.headless) == (8, True, False)
    with pytest.raises(ValueError, match="near it: default"):
        parse(monkeypatch, custom_parameters=[{"name": "--x", "type": int, "defalt": 1}])


def test_nographics_is_headless(monkeypatch):
    assert parse(monkeypatch, "--nographics", headless=True, no_graphics=True).headless


def test_wrong_arguments_end_with_code_2(monkeypatch):
    for argv in (("--sim_device", "gpu"), ("--pipeline", "tpu"), ("--flex", "--physx")):
        with pytest.raises(SystemExit) as ended:
            parse(monkeypatch, *argv)
        assert ended.value.code == 2


def test_sim_config():
    params = SimParams()
    physx = {"solver_type": 0, "contact_offset": 0.01, "contact_collection": 1}
    gymutil.parse_sim_config({"dt": 0.005, "gravity": [0, 0, -9.81], "up_axis": "z", "physx": physx}, params)
    assert (params.dt, params.gravity, params.up_axis) == (0.005, Vec3(0, 0, -9.81), UpAxis.UP_AXIS_Z)
    assert (params.physx.solver_type, params.physx.contact_offset) == (0, 0.01)
    assert params.substeps == 2
    gymutil.parse_sim_config({"up_axis": 0}, params)
    assert params.up_axis is UpAxis.UP_AXIS_Y


def test_sim_config_reports_unknown_keys_and_refuses_wrong_values(caplog):
    with caplog.at_level(logging.WARNING):
        gymutil.parse_sim_config({"substep": 4}, SimParams())
    assert "near it: substeps" in caplog.text
    with pytest.raises(ValueError, match="three numbers"):
        gymutil.parse_sim_config({"gravity": [0, -9.81]}, SimParams())
    with pytest.raises(ValueError, match="must be 'y' or 'z'"):
        gymutil.parse_sim_config({"up_axis": "x"}, SimParams())


def test_indent_xml():
    root = ElementTree.fromstring("<a><b><c/></b></a>")
    gymutil._indent_xml(root)
    assert ElementTree.tostring(root, encoding="unicode") == "<a>\n  <b>\n    <c />\n  </b>\n</a>\n"

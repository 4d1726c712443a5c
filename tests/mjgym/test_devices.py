"""Scripts that ask for a GPU run on the CPU where there is none, and one line says so."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mjgym import devices, gymapi, gymtorch, gymutil, torch_utils
from mjgym.devices import CudaOnCpu
from tests.mjgym.models import BALL
from tests.mjgym.scenes import sim_params, transform, write

NO_CUDA = "the script asks for a GPU, but there is no CUDA device here: it runs on the CPU"


@pytest.fixture(autouse=True)
def say_again(monkeypatch):
    devices._say.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def lines(caplog):
    return [record.getMessage() for record in caplog.records]


def test_arguments_default_to_cuda_as_in_isaac_gym_and_come_out_as_cpu_with_one_line(monkeypatch, caplog):
    monkeypatch.setattr(sys, "argv", ["script.py"])
    with caplog.at_level(logging.WARNING):
        args = gymutil.parse_arguments()
        assert gymutil.parse_device_str("cuda:1") == ("cpu", 0)
    assert (args.sim_device, args.sim_device_type, args.compute_device_id) == ("cpu", "cpu", 0)
    assert (args.pipeline, args.use_gpu_pipeline, args.use_gpu) == ("cpu", False, False)
    assert lines(caplog) == [NO_CUDA]


def test_an_engine_of_the_cpu_says_so_where_there_is_a_gpu(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with caplog.at_level(logging.WARNING):
        assert gymutil.parse_device_str("cuda:0") == ("cpu", 0)
    assert ["engine 'mujoco' simulates on the CPU" in line for line in lines(caplog)] == [True]


def test_who_asks_for_the_cpu_is_told_nothing(monkeypatch, caplog):
    monkeypatch.setattr(sys, "argv", ["script.py", "--sim_device", "cpu"])
    with caplog.at_level(logging.WARNING):
        gymutil.parse_arguments()
        torch_utils.to_torch([1.0], device="cpu")
        gymapi.acquire_gym("mujoco").create_sim(0, 0, gymapi.SIM_PHYSX, sim_params())
    assert lines(caplog) == []


def test_the_gpu_pipeline_is_accepted_and_tensors_lie_on_the_cpu(tmp_path, caplog):
    params = sim_params()
    params.use_gpu_pipeline = params.physx.use_gpu = True
    gym = gymapi.acquire_gym("mujoco")
    with caplog.at_level(logging.WARNING):
        sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, params)
    asset = gym.load_asset(sim, *write(tmp_path, BALL), gymapi.AssetOptions())
    env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    gym.create_actor(env, asset, transform(z=2.0))
    gym.prepare_sim(sim)
    roots = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
    assert roots.device.type == "cpu" and roots[0, 2] == 2.0
    assert not gym.get_sim_params(sim).use_gpu_pipeline
    assert params.use_gpu_pipeline, "the script's own parameters were changed"
    assert lines(caplog) == [NO_CUDA]


def test_to_torch_defaults_to_a_gpu_and_takes_the_cpu():
    assert torch_utils.to_torch([1.0, 2.0]).device.type == "cpu"
    assert torch_utils.to_torch(torch.ones(2), device="cuda:0").device.type == "cpu"


@pytest.mark.parametrize("device", ["cuda", "cuda:0", torch.device("cuda:0"), torch.device("cuda")])
def test_hard_coded_devices_are_the_cpu_inside_the_mode(device):
    with CudaOnCpu():
        made = [
            torch.zeros(2, device=device),
            torch.tensor([1.0, 2.0], device=device),
            torch.rand((2, 3), device=device),
            torch.arange(3, device=device),
            torch.zeros_like(torch.ones(2), device=device),
            torch.ones(2).new_zeros(3, device=device),
            torch.ones(2).to(device),
            torch.ones(2).to(device, torch.float64),
            torch.ones(2).to(device=device, dtype=torch.float64),
            torch.ones(2).cuda(),
            torch.ones(2).cuda(0),
            *torch.nn.Linear(2, 2).to(device).parameters(),
            *torch.nn.Linear(2, 2, device=device).cuda().parameters(),
        ]
        with torch.device(device):
            made.append(torch.ones(2))
    assert {tensor.device.type for tensor in made} == {"cpu"}
    assert made[7].dtype == made[8].dtype == torch.float64


def test_the_mode_leaves_other_arguments_and_other_devices_alone():
    with CudaOnCpu():
        assert torch.zeros(2, device="meta").device.type == "meta"
        assert torch.einsum("i,i->", torch.ones(3), torch.ones(3)) == 3.0
        with pytest.raises(RuntimeError):
            torch.zeros(2, device="cudo")


SCRIPT = """
from isaacgym import gymapi, gymtorch, gymutil
import torch
args = gymutil.parse_arguments()
device = torch.device("cuda:0")
gym = gymapi.acquire_gym()
params = gymapi.SimParams()
params.use_gpu_pipeline = True
params.gravity = gymapi.Vec3(0.0, 0.0, -10.0)
sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, params)
asset = gym.create_sphere(sim, 0.1, gymapi.AssetOptions())
for i in range(3):
    env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    gym.create_actor(env, asset, gymapi.Transform(gymapi.Vec3(0.0, 0.0, 5.0)), "ball", i, 0)
gym.prepare_sim(sim)
roots = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
heights = torch.tensor([1.0, 2.0, 3.0], device="cuda:0")
roots[:, 2] = heights + torch.zeros(3).to(device)
index = torch.arange(3, dtype=torch.int32, device=device)
gym.set_actor_root_state_tensor_indexed(
    sim, gymtorch.unwrap_tensor(roots), gymtorch.unwrap_tensor(index), len(index))
policy = torch.nn.Linear(13, 2).cuda()
for _ in range(3):
    gym.simulate(sim)
    gym.fetch_results(sim, True)
    gym.refresh_actor_root_state_tensor(sim)
    policy(roots)
print(args.sim_device, roots.device, bool((roots[:, 9] < 0).all()))
"""


def test_the_runner_runs_a_script_with_a_hard_coded_gpu(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "mjgym", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["cpu", "cpu", "True"], done.stderr
    assert done.stderr.splitlines() == [NO_CUDA]

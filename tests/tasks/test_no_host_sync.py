"""Nothing in a rollout makes the host wait for a device: no `.item()`, no host copy, no `if` on a tensor.

On the CPU such calls cost little, so only a dispatch mode sees them; on a GPU each would stall the pipeline.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import tasks
from learning.amp.agent import AMPAgent
from learning.torch_runner import Runner
from tests.learning.toy_env import toy_params
from tests.learning.toy_motion_env import amp_params
from tests.tasks.task_configs import SIZES, task_config

FORBIDDEN = {"aten::_local_scalar_dense", "aten::is_nonzero", "aten::equal", "aten::item"}


class HostSyncs(TorchDispatchMode):
    """Collects the operations that would synchronise a GPU."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name
        to_other_device = name == "aten::_to_copy" and (kwargs or {}).get("device") is not None
        if name in FORBIDDEN or (to_other_device and kwargs["device"] != args[0].device):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def test_the_mode_sees_what_it_should_see():
    with HostSyncs() as mode:
        torch.ones(1).item()
        bool(torch.ones(1) > 0)
    assert len(mode.found) == 2


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_rollout_never_waits_for_the_device(name):
    env = tasks.create(
        name, task_config(name, num_envs=4, episodeLength=6), sim_device="cpu", rl_device="cpu"
    )
    runner = Runner()
    runner.load(toy_params(vec_env=env, num_actors=4, env_name="injected"))
    agent = runner.algo_factory.create(runner.algo_name, base_name="run", params=runner.params)
    agent.obs = agent.env_reset()
    with HostSyncs() as mode:
        agent.play_steps()  # 8 steps of episodes of 5: resets and time-outs are part of it
    env.close()
    assert mode.found == []


@pytest.mark.parametrize("env", [{}, {"goal": "heading", "stateInit": "Hybrid"}])
def test_motion_clips_and_goals_never_wait_for_the_device(env):
    task = tasks.create(
        "HumanoidAMP", task_config("HumanoidAMP", num_envs=4, **env), sim_device="cpu", rl_device="cpu"
    )
    with HostSyncs() as mode:
        task.reset()
        task.step(torch.zeros(4, 28))
        task.fetch_amp_obs_demo(8)
    task.close()
    assert mode.found == []


def test_a_rollout_with_a_discriminator_never_waits_for_the_device():
    env = tasks.create(
        "HumanoidAMP",
        task_config("HumanoidAMP", num_envs=4, episodeLength=6),
        sim_device="cpu",
        rl_device="cpu",
    )
    agent = AMPAgent("run", amp_params(vec_env=env, num_actors=4))
    agent.obs = agent.env_reset()
    with HostSyncs() as mode:
        agent.play_steps()
    agent.close()
    env.close()
    assert mode.found == []

"""Nothing in a rollout makes the host wait for a device: no `.item()`, no host copy, no `if` on a tensor.

On the CPU such calls cost little, so only a dispatch mode sees them; on a GPU each would stall the pipeline.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import tasks
from learning.torch_runner import Runner
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


def agent_params(env, horizon_length):
    mlp = {"units": [16], "activation": "elu", "initializer": {"name": "default"}}
    continuous = {
        "mu_activation": "None",
        "sigma_activation": "None",
        "mu_init": {"name": "default"},
        "sigma_init": {"name": "const_initializer", "val": 0},
        "fixed_sigma": True,
    }
    return {
        "seed": 0,
        "algo": {"name": "a2c_continuous"},
        "model": {"name": "continuous_a2c_logstd"},
        "network": {
            "name": "actor_critic",
            "separate": False,
            "space": {"continuous": continuous},
            "mlp": mlp,
        },
        "config": {
            "name": "sync",
            "env_name": "injected",
            "vec_env": env,
            "num_actors": env.num_envs,
            "horizon_length": horizon_length,
            "minibatch_size": env.num_envs * horizon_length,
            "mini_epochs": 1,
            "learning_rate": 3e-4,
            "lr_schedule": "adaptive",
            "kl_threshold": 0.008,
            "e_clip": 0.2,
            "clip_value": True,
            "critic_coef": 2,
            "entropy_coef": 0.0,
            "grad_norm": 1.0,
            "gamma": 0.99,
            "tau": 0.95,
            "normalize_input": True,
            "normalize_value": True,
            "normalize_advantage": True,
            "value_bootstrap": True,
            "bounds_loss_coef": 0.0001,
            "reward_shaper": {"scale_value": 0.01},
        },
    }


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
    runner.load(agent_params(env, horizon_length=8))
    agent = runner.algo_factory.create(runner.algo_name, base_name="run", params=runner.params)
    agent.obs = agent.env_reset()
    with HostSyncs() as mode:
        agent.play_steps()  # 8 steps of episodes of 5: resets and time-outs are part of it
    env.close()
    assert mode.found == []

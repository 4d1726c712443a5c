"""The toy environment with motion windows: the last two positions. The clips stay near the origin."""

import torch
from gymnasium import spaces

from learning import vecenv
from learning.amp.agent import AMPAgent
from learning.amp.models import ModelAMPContinuous
from learning.amp.network_builder import AMPBuilder
from learning.amp.players import AMPPlayerContinuous
from learning.models import model_builder
from learning.torch_runner import Runner
from tests.learning.toy_env import ToyVecEnv, toy_params


class ToyMotionEnv(ToyVecEnv):
    """Windows are (x now, x before) of one line after the other; a clip is |x| below 0.1, standing still."""

    def __init__(self, num_envs=16, **kwargs):
        super().__init__(num_envs, **kwargs)
        self.amp_observation_space = spaces.Box(-float("inf"), float("inf"), (2 * self.num_actions,))
        self.amp_obs = torch.zeros(num_envs, 2 * self.num_actions)
        self.evaluations = []
        self.fetched = 0
        self.given_up = torch.zeros(num_envs, dtype=torch.bool)

    def step(self, actions):
        self.amp_obs[:, self.num_actions :] = self.x
        obs, rewards, dones, extras = super().step(actions)
        self.amp_obs[:, : self.num_actions] = self.final_obs[:, : self.num_actions]
        return obs, rewards, dones, {**extras, "amp_obs": self.amp_obs}

    def fetch_amp_obs_demo(self, num_samples):
        self.fetched += num_samples
        return (torch.rand(num_samples, self.num_actions) * 0.2 - 0.1).repeat(1, 2)

    def give_up(self, mask):
        self.given_up = mask.clone()

    def create_evaluation(self, rank, world_size):
        self.evaluations.append(ToyEvaluation(rank, world_size))
        return self.evaluations[-1]


class ToyEvaluation:
    """Three episodes over all workers, which end where 20 steps from x = 1 lead; the clip's end is 0."""

    def __init__(self, rank, world_size):
        self.starts = torch.tensor([1.0, 0.5, -1.0])[rank::world_size]
        self.actions, self.dumped, self.is_closed = [], None, False

    def run(self, policy):
        torch.rand(3)  # draws that must not be noticed
        env = ToyVecEnv(len(self.starts), limit=1e9, episode_length=10**9)
        obs = env.reset()
        env.x[:] = self.starts.unsqueeze(1)
        env._observe(obs["obs"])
        for _ in range(20):
            actions = policy(obs)
            obs = env.step(actions)[0]
        self.actions.append(actions)
        error = env.x.abs().mean(dim=1)
        ones = torch.ones_like(error)
        fell = (error > 1.5).float()
        return {"pose_error": error, "fell": fell, "speed": ones, "clip_speed": 2 * ones, "length": 20 * ones}

    def dump(self, path):
        self.dumped = path

    def close(self):
        self.is_closed = True


def amp_params(**config):
    """`train.params` that trains AMP on the toy motion environment."""
    network = {"separate": True, "disc": {"units": [16, 8]}, **config.pop("network", {})}
    continuous = config.pop("continuous", {})
    params = toy_params(
        **{
            "env_name": "toy_motion",
            "lr_schedule": None,
            "amp_obs_demo_buffer_size": 64,
            "amp_batch_size": 16,
            "amp_replay_buffer_size": 300,
            "amp_replay_keep_prob": 0.25,
            "amp_minibatch_size": 16,
            "disc_batch_size": 32,
            **config,
        }
    )
    params["algo"]["name"], params["model"]["name"] = "amp_continuous", "continuous_amp"
    params["network"] |= {"name": "amp", **network}
    params["network"]["space"]["continuous"] |= continuous
    return params


def amp_runner():
    runner = Runner()
    runner.algo_factory.register_builder("amp_continuous", AMPAgent)
    runner.player_factory.register_builder("amp_continuous", AMPPlayerContinuous)
    return runner


OWN = {"disc_learning_rate": 1e-3, "critic_learning_rate": 2e-3, "disc_updates": 3}
"""Settings with separate optimizers."""

SCHEDULES = {
    "progress": {"start_length": 2, "end_length": 12, "max_step": 10.0},
    "sigma": {"start": 0.4, "end": 0.1},
    "disc_grad_penalty": {"start": 10.0, "end": 5.0},
}

vecenv.register("toy_motion", ToyMotionEnv, override=True)
model_builder.register_model("continuous_amp", ModelAMPContinuous, override=True)
model_builder.register_network("amp", AMPBuilder, override=True)

"""RL Games' agents and players on the toy environments.

They are built directly: RL Games' Runner changes settings of the whole process, and compiles networks.
"""

import copy

import torch
from gymnasium import spaces

from tests.learning.sac_toy import sac_params
from tests.learning.toy_discrete_env import ButtonsEnv, button_params
from tests.learning.toy_env import ToyVecEnv, toy_params

NUM_ENVS = 16
MEMORY = {"name": "lstm", "units": 7, "layers": 1}
CENTRAL_NETWORK = {
    "name": "actor_critic",
    "central_value": True,
    "mlp": {"units": [6], "activation": "elu", "initializer": {"name": "default"}},
}
CENTRAL_VALUE = {
    "minibatch_size": 64,
    "mini_epochs": 1,
    "learning_rate": 1e-3,
    "clip_value": True,
    "normalize_input": True,
    "network": CENTRAL_NETWORK,
}


class StatesEnv(ToyVecEnv):
    """The toy whose critic also sees how old the episode is."""

    state_space = spaces.Box(-float("inf"), float("inf"), (5,))

    def reset(self):
        return self._with_states(super().reset())

    def step(self, actions):
        obs, rewards, dones, extras = super().step(actions)
        final = self._with_states({"obs": self.final_obs})
        return self._with_states(obs), rewards, dones, extras | {"final_obs": final}

    def _with_states(self, obs):
        return obs | {"states": torch.cat([obs["obs"], self.progress.unsqueeze(1).float()], dim=1)}


def make_env(kind):
    """The environment of a kind of `params_of`."""
    if kind in ("discrete", "multi_discrete"):
        return ButtonsEnv(NUM_ENVS, choices=(3,) if kind == "discrete" else (3, 2), episode_length=5)
    return (StatesEnv if kind == "central_value" else ToyVecEnv)(NUM_ENVS, episode_length=5)


def params_of(kind, **config):
    """`train.params` of a kind of policy, that both sides take."""
    config = {"max_epochs": 2, "save_best_after": 0, "games_to_track": 8, **config}
    if kind == "sac":
        return sac_params(num_warmup_steps=1, batch_size=16, **config)
    if kind in ("discrete", "multi_discrete"):
        return button_params(choices=(3,) if kind == "discrete" else (3, 2), **config)
    if kind == "central_value":
        config["central_value_config"] = copy.deepcopy(CENTRAL_VALUE)
    params = toy_params(**config)
    if kind == "recurrent":
        params["network"]["rnn"] = dict(MEMORY)
    return params


class TheirVecEnv:
    """A toy behind the interface that RL Games' agents call."""

    def __init__(self, env):
        self.env = env

    def step(self, actions):
        return self.env.step(actions)

    def reset(self):
        return self.env.reset()

    def get_env_info(self):
        actions = self.env.action_space
        if isinstance(actions, spaces.MultiDiscrete):
            actions = spaces.Tuple([spaces.Discrete(num) for num in actions.nvec])
        return {
            "observation_space": self.env.observation_space,
            "action_space": actions,
            "state_space": getattr(self.env, "state_space", None),
            "agents": 1,
            "value_size": 1,
        }

    def set_train_info(self, *args, **kwargs):
        pass

    def get_env_state(self):
        return None

    def set_env_state(self, state):
        assert state is None


def their_params(params, env, directory):
    """The same `train.params` as RL Games' Runner would hand them to an agent or a player."""
    from rl_games.common import env_configurations, vecenv
    from rl_games.common.algo_observer import AlgoObserver
    from rl_games.common.tr_helpers import DefaultRewardsShaper

    vecenv.register("TOY", lambda config_name, num_actors, **_: TheirVecEnv(env))
    env_configurations.register("toy", {"vecenv_type": "TOY", "env_creator": lambda **_: env})
    params = copy.deepcopy(params)
    params["config"] |= {
        "reward_shaper": DefaultRewardsShaper(**params["config"].get("reward_shaper", {})),
        "features": {"observer": AlgoObserver()},
        "device": "cpu",
        "device_name": "cpu",
        "env_name": "toy",
        "train_dir": str(directory),
        "full_experiment_name": "theirs",
    }
    return params


def their_agent(kind, directory, **config):
    """RL Games' agent, ready to train."""
    from rl_games.algos_torch import a2c_continuous, a2c_discrete, sac_agent

    classes = {"discrete": a2c_discrete.DiscreteA2CAgent, "multi_discrete": a2c_discrete.DiscreteA2CAgent}
    classes["sac"] = sac_agent.SACAgent
    torch.manual_seed(3)
    params = their_params(params_of(kind, **config), make_env(kind), directory)
    return classes.get(kind, a2c_continuous.A2CAgent)("run", params)


def their_player(kind, directory):
    """RL Games' player, with a batch of observations in mind."""
    from rl_games.algos_torch import players

    classes = {"discrete": players.PpoPlayerDiscrete, "multi_discrete": players.PpoPlayerDiscrete}
    classes["sac"] = players.SACPlayer
    env = make_env(kind)
    params = their_params(params_of(kind), env, directory)
    params["config"]["env_info"] = TheirVecEnv(env).get_env_info()
    player = classes.get(kind, players.PpoPlayerContinuous)(params)
    player.has_batch_dimension, player.batch_size = True, NUM_ENVS
    player.reset()
    return player

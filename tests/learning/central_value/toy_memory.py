"""What tests of memory and of central critics share: a cue that is shown once, and the smallest networks.

The networks are registered under names of their own, as anybody's would be.
"""

import torch
from gymnasium import spaces
from torch import nn

from learning import vecenv
from learning.models.discrete_models import ModelA2C
from learning.models.model_builder import register_model, register_network
from learning.models.models import BaseModel, BaseModelNetwork
from learning.networks.network_builder import NetworkBuilder
from tests.learning.toy_discrete_env import button_params

BUTTONS = 3
UNITS = 16


class CueEnv:
    """Shows a cue, one of three, in an episode's first step; pressing its button gives 1 in every step.

    A policy without memory gets 2 of the 4 points that an episode has to give. `states` always show the cue,
    and how many steps are left. Every other environment's episodes end in failure, the others' by time.
    """

    def __init__(self, num_envs=16, episode_length=4):
        self.num_envs, self.episode_length = num_envs, episode_length
        self.device = torch.device("cpu")
        self.observation_space = spaces.Box(0.0, 1.0, (BUTTONS,))
        self.state_space = spaces.Box(0.0, 1.0, (BUTTONS + 1,))
        self.action_space = spaces.Discrete(BUTTONS)
        self.cues = torch.zeros(num_envs, dtype=torch.long)
        self.progress = torch.zeros(num_envs, dtype=torch.long)
        self.fails = torch.arange(num_envs) % 2 == 1

    def reset(self):
        self._begin(torch.ones(self.num_envs, dtype=torch.bool))
        return self._observe()

    def step(self, actions):
        rewards = (actions == self.cues).float()
        self.progress += 1
        dones = self.progress >= self.episode_length
        final_obs = self._observe()
        self._begin(dones)
        extras = {"time_outs": dones & ~self.fails, "terminate": dones & self.fails, "final_obs": final_obs}
        return self._observe(), rewards, dones, extras

    def get_env_state(self):
        return {"cues": self.cues.clone(), "progress": self.progress.clone()}

    def set_env_state(self, state):
        self.cues, self.progress = state["cues"].clone(), state["progress"].clone()

    def close(self):
        pass

    def _begin(self, rows):
        self.cues = torch.where(rows, torch.randint(BUTTONS, (self.num_envs,)), self.cues)
        self.progress = torch.where(rows, 0, self.progress)

    def _observe(self):
        cues = nn.functional.one_hot(self.cues, BUTTONS).float()
        is_first = (self.progress == 0).float().unsqueeze(1)
        left = 1.0 - self.progress.float().unsqueeze(1) / self.episode_length
        return {"obs": cues * is_first, "states": torch.cat([cues, left], dim=1)}


class ToyBuilder(NetworkBuilder):
    """Builds the network class that a subclass names; the block holds nothing but its name."""

    network_class = None

    def load(self, params):
        pass

    def build(self, name, **kwargs):
        return self.network_class(**kwargs)


class GRUBuilder(ToyBuilder):
    """`toy_gru`: a recurrent policy over discrete actions."""

    class Network(NetworkBuilder.BaseNetwork):
        def __init__(self, actions_num, input_shape, num_seqs, **kwargs):
            super().__init__()
            self.num_seqs = num_seqs
            self.cell = nn.GRUCell(input_shape[0], UNITS)
            self.logits, self.value = nn.Linear(UNITS, actions_num), nn.Linear(UNITS, 1)

        def forward(self, obs_dict):
            length = obs_dict.get("seq_length", 1)
            steps = obs_dict["obs"].unflatten(0, (-1, length)).transpose(0, 1)
            state, outputs = obs_dict["rnn_states"][0][0], []
            dones = obs_dict.get("dones")
            starts = [None] * length if dones is None else dones.unflatten(0, (-1, length)).unbind(1)
            for step, is_first in zip(steps, starts, strict=True):
                if is_first is not None:
                    state = state.masked_fill(is_first.unsqueeze(1), 0.0)
                state = self.cell(step, state)
                outputs.append(state)
            out = torch.stack(outputs, dim=1).flatten(0, 1)
            return self.logits(out), self.value(out), (state.unsqueeze(0),)

        def is_rnn(self):
            return True

        def get_default_rnn_state(self):
            return (torch.zeros(1, self.num_seqs, UNITS),)

    network_class = Network


class RememberingModel(ModelA2C):
    """`toy_remembering`: `discrete_a2c`, whose values can be asked from a given state."""

    class Network(ModelA2C.Network):
        def eval_critic(self, obs, rnn_states=None):
            states = self.get_default_rnn_state() if rnn_states is None else rnn_states
            return self.denorm_value(self.a2c_network({"obs": self.norm_obs(obs), "rnn_states": states})[1])


class CriticBuilder(ToyBuilder):
    """`toy_critic`: a value alone, by an MLP."""

    class Network(NetworkBuilder.BaseNetwork):
        def __init__(self, input_shape, value_size, **kwargs):
            super().__init__()
            self.mlp = nn.Sequential(nn.Linear(input_shape[0], UNITS), nn.ELU())
            self.value = nn.Linear(UNITS, value_size)

        def forward(self, obs_dict):
            return self.value(self.mlp(obs_dict["obs"])), None

        def eval_critic(self, obs):
            return self({"obs": obs})[0]

    network_class = Network


class CriticModel(BaseModel):
    """`toy_critic`: the model of a central critic."""

    class Network(BaseModelNetwork):
        def forward(self, input_dict):
            value, states = self.a2c_network({"obs": self.norm_obs(input_dict["obs"])})
            is_train = input_dict.get("is_train", True)
            return {"values": value if is_train else self.denorm_value(value), "rnn_states": states}


def critic_config(**changes):
    """The `central_value_config` block."""
    return {
        "network": {"name": "toy_critic", "central_value": True},
        "model": {"name": "toy_critic"},
        "minibatch_size": 64,
        "mini_epochs": 2,
        "learning_rate": 1e-2,
        "clip_value": False,
        "normalize_input": True,
        **changes,
    }


def cue_params(is_recurrent=False, has_critic=False, **config):
    """`train.params` that learns to press the cue's button, with or without memory and central critic."""
    config = {"env_name": "cue", "seq_length": 4, "learning_rate": 1e-2, "kl_threshold": 0.05, **config}
    if has_critic:
        config = {"central_value_config": critic_config(), **config}
    params = button_params(**config)
    if is_recurrent:
        params |= {"network": {"name": "toy_gru"}, "model": {"name": "toy_remembering"}}
    return params


vecenv.register("cue", CueEnv, override=True)
register_network("toy_gru", lambda **kwargs: GRUBuilder(), override=True)
register_network("toy_critic", lambda **kwargs: CriticBuilder(), override=True)
register_model("toy_remembering", lambda network, **kwargs: RememberingModel(network), override=True)
register_model("toy_critic", lambda network, **kwargs: CriticModel(network), override=True)

"""A zero-sum game in torch alone: whoever presses the lit buttons more often than the others wins."""

import torch
from gymnasium import spaces

from learning import vecenv
from tests.learning.toy_discrete_env import ButtonsEnv, button_params

BUTTONS = 3


class ButtonDuel(ButtonsEnv):
    """Each player sees a lit button of its own; pressing it costs each other player 1, shared by the rest.

    Matches are rows in succession, `num_agents` of them, and last ten steps. Scores are the buttons pressed.
    """

    def __init__(self, num_envs=32, num_agents=2, masked=False, continuous=False):
        super().__init__(num_envs, (BUTTONS,), masked, episode_length=10)
        self.num_agents, self.continuous = num_agents, continuous
        self.pressed = torch.zeros(num_envs)
        self.seen_actions = []
        if continuous:  # the button that is pressed is the place of the largest number
            self.action_space = spaces.Box(-1.0, 1.0, (BUTTONS,))

    def reset(self):
        self.pressed.zero_()
        return super().reset()

    def step(self, actions):
        self.seen_actions.append(actions.clone())
        buttons = actions.argmax(dim=1) if self.continuous else actions
        obs, hits, dones, extras = super().step(buttons)
        self.pressed += hits
        extras["scores"] = self.pressed.clone()
        self.pressed[dones] = 0.0
        hits = hits.view(-1, self.num_agents)
        others = (hits.sum(dim=1, keepdim=True) - hits) / (self.num_agents - 1)
        return obs, (hits - others).flatten(), dones, extras

    def get_env_state(self):
        return {**super().get_env_state(), "pressed": self.pressed.clone()}

    def set_env_state(self, state):
        super().set_env_state(state)
        self.pressed = state["pressed"].clone()


def duel_params(league=None, **config):
    """`train.params` that learns to win."""
    league = {"update_score": 0.7, "games_to_check": 16, **(league or {})}
    config = {"env_name": "duel", "num_actors": 32, "minibatch_size": 32, **config}
    return button_params(self_play_config=league, **config)


vecenv.register("duel", ButtonDuel, override=True)

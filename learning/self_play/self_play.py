"""Self play: a policy plays against a league of what it was before, and joins it when it has got better.

Bansal et al. 2018, "Emergent Complexity via Multi-Agent Competition" (arXiv 1710.03748), section 5: opponents
drawn from the past make a policy sturdier than the newest one alone. A rollout is played through
`SelfPlayEnv`; after the update `after_epoch` counts its matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learning.agents.a2c_config import AgentConfig
from learning.distributed import Distributed
from learning.networks.recurrent import RnnStates
from learning.self_play.config import SelfPlayConfig
from learning.self_play.env import Opponents, Play, SelfPlayEnv
from learning.self_play.league import Judge, League

STATE_KEY = "self_play"


class SelfPlay:
    """Keeps the league. All workers have the same one, and each draws opponents for its own matches.

    Args:
        config: the `self_play_config` block.
        agent_config: the agent's configuration.
        env: what the agent plays in.
        model: the present policy.
        play: how a member's actions are drawn.
        distributed: the workers.
    """

    def __init__(
        self,
        config: SelfPlayConfig,
        agent_config: AgentConfig,
        env: SelfPlayEnv,
        model: nn.Module,
        play: Play,
        distributed: Distributed,
    ) -> None:
        self._env, self._distributed = env, distributed
        self.league, self.judge = League(model, config.league_size), Judge(config)
        num_newest = max(1, env.num_envs // 2)
        if config.env_update_num is not None:
            num_newest = max(1, config.env_update_num // agent_config.shares(distributed.world_size))
        states: RnnStates | None = model.get_default_rnn_state()  # type: ignore[operator]
        opponents = Opponents(self.league, env.opponent_rows, num_newest, play, states)
        env.meet(opponents, agent_config.use_action_masks)
        self.score: float | None = None
        """of the policy that was judged in this epoch: members that joined after the first, and its win rate
        against them; None in other epochs"""
        self.has_new_member = False
        """whether the policy joined the league in this epoch"""

    def after_epoch(self) -> dict[str, Tensor]:
        """Count the matches of a rollout, and let the policy join if it is due; all workers call this.

        Returns:
            0-dim figures to log.
        """
        self.judge.add(self._env.scoreboard.harvest(self._distributed))
        won, verdict = self.judge.mean("won"), self.judge.verdict()
        self.score, self.has_new_member = None, bool(verdict)
        if verdict is not None and won is not None:
            self.score = self.league.generation - 1 + won
            self.judge.tally = {}
        if self.has_new_member:
            self.league.add()
            self._env.redraw()
        figures = {"info/self_play_win_rate": won, "info/self_play_generation": self.league.generation}
        return {name: torch.tensor(float(value)) for name, value in figures.items() if value is not None}

    def state_dict(self) -> dict[str, Any]:
        """Return the league and the matches so far."""
        return {STATE_KEY: {"league": self.league.state_dict(), "tally": dict(self.judge.tally)}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint as far as it holds a league; without one, the restored policy founds it."""
        if STATE_KEY in state:
            self.league.load_state_dict(state[STATE_KEY]["league"])
            self.judge.tally = dict(state[STATE_KEY]["tally"])


def create_self_play(
    config: AgentConfig, env: Any, model: nn.Module, play: Play, distributed: Distributed
) -> SelfPlay | None:
    """Return the league that `self_play` asks for, None without; arguments as for `SelfPlay`."""
    if config.league is None or not isinstance(env, SelfPlayEnv):
        return None
    return SelfPlay(config.league, config, env, model, play, distributed)

"""A multi-agent environment as one learner sees it: members of a league play the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learning.networks.recurrent import RnnStates
from learning.rollouts import observations
from learning.rollouts.recurrent_rollout import forget
from learning.self_play.config import SelfPlayConfig
from learning.self_play.league import League, Scoreboard
from learning.typed_config import ConfigError
from learning.vecenv import ObsDict, VecEnv

PATH = "train.params.config.self_play_config"

Play = Callable[[nn.Module, Mapping[str, Any]], tuple[Tensor, RnnStates | None]]
"""Draws actions for the environment from a model; takes the model's inputs, returns its states after, too."""


class Opponents:
    """Who plays against the learner in each match, and what they remember of it.

    Args:
        league: whom they are drawn from.
        rows: of the environment that they play, (num_matches, opponents of a match).
        num_newest: matches against the newest member in any case.
        play: how a member's actions are drawn.
        states: of new episodes, (layers, any, units) each, where policies are recurrent.
    """

    def __init__(
        self, league: League, rows: Tensor, num_newest: int, play: Play, states: RnnStates | None
    ) -> None:
        self.league, self._rows, self._num_newest, self._play = league, rows, num_newest, play
        self._groups: list[tuple[int, Tensor, Tensor]] = []  # member, its rows, and places in `states`
        self.drawn = torch.zeros(0, dtype=torch.int64)
        """which member plays in each match, (num_matches,) on the CPU"""
        size = rows.numel()
        self.states = None if states is None else tuple(s[:, :1].repeat(1, size, 1) for s in states)

    def redraw(self) -> None:
        """Draw an opponent for every match; it remembers nothing."""
        self._assign(self.league.draw(len(self._rows), self._num_newest))
        if self.states is not None:
            self.states = tuple(torch.zeros_like(state) for state in self.states)

    def act(self, obs: observations.Obs, masks: Tensor | None, actions: Tensor) -> None:
        """Fill in the opponents' actions, with one forward pass for each member that plays.

        Args:
            obs: of all rows.
            masks: allowed actions of all rows, or None.
            actions: of all rows, written in place.
        """
        for member, rows, places in self._groups:
            inputs: dict[str, Any] = {"obs": observations.pick(obs, rows)}
            if masks is not None:
                inputs["action_masks"] = masks.index_select(0, rows)
            if self.states is not None:
                inputs["rnn_states"] = tuple(state.index_select(1, places) for state in self.states)
            drawn, states = self._play(self.league.members[member], inputs)
            actions.index_copy_(0, rows, drawn.to(actions.device))
            for own, new in zip(self.states or (), states or (), strict=True):
                own.index_copy_(1, places, new)

    def after_step(self, dones: Tensor) -> None:
        """Forget what was remembered of matches that ended; `dones` is of all rows."""
        if self.states is not None:
            self.states = forget(self.states, dones[self._rows.flatten()].to(self.states[0].device))

    def _assign(self, drawn: Tensor) -> None:
        """Note which rows each member plays, so that no step has to look for them."""
        self.drawn, self._groups = drawn, []
        places = torch.arange(self._rows.numel()).view(self._rows.shape)
        memory = self._rows.device if self.states is None else self.states[0].device
        for member in drawn.unique().tolist():
            matches = (drawn == member).nonzero().squeeze(1)
            rows = self._rows[matches.to(self._rows.device)].flatten()
            self._groups.append((member, rows, places[matches].flatten().to(memory)))

    def state_dict(self) -> dict[str, Any]:
        """Return who plays where, and what they remember."""
        return {"drawn": self.drawn, "states": None if self.states is None else list(self.states)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of `state_dict`; the league is the same already."""
        self._assign(state["drawn"])
        if self.states is not None:
            saved = zip(self.states, state["states"], strict=True)
            self.states = tuple(value.to(own.device) for own, value in saved)


class SelfPlayEnv:
    """The matches of a multi-agent environment, each with one learner.

    Match m is played by rows m·K to m·K + K - 1; the learner's is the one of seat m mod K, so that it learns
    to play every seat. What is returned is of the learners' rows alone.

    Args:
        env: with K players a match, in rows in succession (`num_agents`).
        config: the `self_play_config` block.

    Raises:
        ConfigError: the environment has another number of players.
    """

    opponents: Opponents

    def __init__(self, env: VecEnv, config: SelfPlayConfig) -> None:
        players, wanted = int(getattr(env, "num_agents", 1)), config.num_agents
        if players != wanted or env.num_envs % wanted:
            raise ConfigError(
                f"{PATH}.num_agents={wanted}: {type(env).__name__} has {env.num_envs} rows, {players} a "
                f"match; it needs matches of {wanted} players in rows in succession (its num_agents)"
            )
        self.env = env
        self.num_envs = env.num_envs // wanted
        self.device = torch.device(env.device)
        self.observation_space, self.action_space = env.observation_space, env.action_space
        rows = torch.arange(env.num_envs, device=self.device).view(self.num_envs, wanted)
        is_own = torch.arange(wanted, device=self.device) == (rows[:, :1] // wanted) % wanted
        self._own, self.opponent_rows = rows[is_own], rows[~is_own].view(self.num_envs, wanted - 1)
        self.scoreboard = Scoreboard(self.num_envs, self.device)
        self._checks_scores = config.check_scores
        self._obs: ObsDict = {}
        if hasattr(env, "get_action_masks"):
            self.get_action_masks = self._own_action_masks
        self._masks: Callable[[], Tensor | None] = lambda: None

    def meet(self, opponents: Opponents, uses_masks: bool) -> None:
        """Take up the opponents, before the first reset.

        Args:
            opponents: who plays `opponent_rows`.
            uses_masks: they choose among the actions that the environment allows.
        """
        self.opponents = opponents
        if uses_masks:
            self._masks = self.env.get_action_masks  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        # What a task has besides (state_space, frames to draw); called for names that are not found here.
        if name in ("env", "opponents"):
            raise AttributeError(name)
        return getattr(self.env, name)

    def redraw(self) -> None:
        """Draw new opponents in the middle of matches, which then do not count."""
        self.opponents.redraw()
        self.scoreboard.opponents_changed()

    # ---------------------------------------------------------------- what an agent calls

    def reset(self) -> ObsDict:
        """Begin new matches against newly drawn opponents; see `VecEnv.reset`."""
        if not self.opponents.league.members:
            self.opponents.league.add()
        self.opponents.redraw()
        self.scoreboard.restart()
        self._obs = self.env.reset()
        return self._of_learners(self._obs)

    def step(self, actions: Tensor) -> tuple[ObsDict, Tensor, Tensor, dict[str, Any]]:
        """Step all players; see `VecEnv.step`.

        Args:
            actions: the learners', (num_matches, …).
        """
        everyone = actions.new_empty((self.env.num_envs, *actions.shape[1:]), device=self.device)
        everyone.index_copy_(0, self._own, actions.to(self.device))
        self.opponents.act(self._obs["obs"], self._masks(), everyone)
        self._obs, rewards, dones, extras = self.env.step(everyone)
        self.opponents.after_step(dones)
        own_extras, own_dones = self._of_learners(extras), dones[self._own]
        own_rewards = rewards[self._own]
        self.scoreboard.step(own_rewards, own_dones, self._scores(own_extras))
        return self._of_learners(self._obs), own_rewards, own_dones, own_extras

    def _scores(self, extras: Mapping[str, Any]) -> Tensor | None:
        if self._checks_scores and "scores" not in extras:
            raise ConfigError(
                f"{PATH}.check_scores=True: {type(self.env).__name__} gives no extras['scores']; set it to "
                "False"
            )
        return extras.get("scores")

    def _of_learners(self, value: Any) -> Any:
        """Return the learners' rows of everything that has rows, however deep it lies."""
        if isinstance(value, Mapping):
            return {name: self._of_learners(item) for name, item in value.items()}
        if isinstance(value, Tensor) and value.ndim and len(value) == self.env.num_envs:
            return value.index_select(0, self._own)
        return value

    def _own_action_masks(self) -> Tensor | None:
        return self._of_learners(self.env.get_action_masks())  # type: ignore[attr-defined]

    # ---------------------------------------------------------------- state

    def get_env_state(self) -> dict[str, Any] | None:
        """Return the environment's state, the opponents' and the running matches'; see `VecEnv`."""
        state = self.env.get_env_state()
        if state is None:
            return None
        matches = {"opponents": self.opponents.state_dict(), "scoreboard": self.scoreboard.state_dict()}
        return {"env": state, "obs": self._obs, **matches}

    def set_env_state(self, state: dict[str, Any] | None) -> None:
        """Take up a state of `get_env_state`, with the league that it belongs to; begin anew with None."""
        if state is None:
            self.reset()
            return
        self.env.set_env_state(state["env"])
        self._obs = {name: observations.to_device(obs, self.device) for name, obs in state["obs"].items()}
        self.opponents.load_state_dict(state["opponents"])
        self.scoreboard.load_state_dict(state["scoreboard"])

    def close(self) -> None:
        """Free the environment."""
        self.env.close()

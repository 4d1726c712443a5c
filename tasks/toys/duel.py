"""Duel: two players race for coins, and what one wins the other loses."""

from __future__ import annotations

from typing import Literal

import gymnasium
import numpy as np
from gymnasium import spaces

from tasks.toys.base import MOVES, ToyVectorEnv

STAY_OR_MOVE = np.concatenate([[[0, 0]], MOVES])
PLAYERS = 2


class DuelEnv(ToyVectorEnv):
    """Both players walk at the same time; the first on the coin gets 1, the other -1, and a new coin appears.

    On the coin together, both get 0. Actions: stay, up, down, left, right. The observation holds the own
    place, the other's and the coin's, (6,) within ±1, so that both players see the game alike and one policy
    can play either.

    Rows 2i and 2i + 1 are the players of match i (`num_agents` is 2). Against a scripted opponent every row
    is a match of its own (`num_agents` is 1), which shows how strong a policy has become.

    Args:
        num_envs: rows: twice as many as matches, if players learn against each other.
        opponent: `self`: the other row; `random`; `greedy`: walks straight to the coin.
        cells: cells a side.
        max_episode_steps: steps a match.
    """

    def __init__(
        self,
        num_envs: int = 2,
        opponent: Literal["self", "random", "greedy"] = "self",
        cells: int = 7,
        max_episode_steps: int = 50,
    ) -> None:
        if opponent not in ("self", "random", "greedy"):
            raise gymnasium.error.Error(f"opponent={opponent}: must be self, random or greedy")
        if opponent == "self" and num_envs % PLAYERS:
            raise gymnasium.error.Error(f"num_envs={num_envs}: rows are players, two a match: must be even")
        observation_space = spaces.Box(-1.0, 1.0, (6,), dtype=np.float32)
        super().__init__(num_envs, observation_space, spaces.Discrete(len(STAY_OR_MOVE)), max_episode_steps)
        self.opponent, self.cells = opponent, cells
        self.num_agents = PLAYERS if opponent == "self" else 1
        num_matches = num_envs // self.num_agents
        self.players = np.zeros((num_matches, PLAYERS, 2), dtype=np.int64)  # x, y
        self.coins = np.zeros((num_matches, 2), dtype=np.int64)

    def begin(self, rows: np.ndarray) -> None:
        """Place players and coins; both rows of a match begin together, as only time ends it."""
        matches = rows[:: self.num_agents]
        self.players[matches] = self.np_random.integers(self.cells, size=(int(matches.sum()), PLAYERS, 2))
        self._new_coins(matches)

    def advance(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move both players; whoever stands on the coin takes it."""
        both = self._actions_of_both(actions)
        self.players = np.clip(self.players + STAY_OR_MOVE[both], 0, self.cells - 1)
        has_coin = (self.players == self.coins[:, None]).all(axis=2)  # (num_matches, 2)
        self._new_coins(has_coin.any(axis=1))
        gains = has_coin[:, 0].astype(np.int64) - has_coin[:, 1]
        rewards = np.stack([gains, -gains], axis=1)[:, : self.num_agents].ravel()
        return rewards, np.zeros(self.num_envs, dtype=bool)

    def observe(self) -> np.ndarray:
        """Own place, the other's, the coin's: (num_envs, 6)."""
        own = self.players[:, : self.num_agents]
        others = self.players[:, ::-1][:, : self.num_agents]
        coins = np.broadcast_to(self.coins[:, None], own.shape)
        obs = np.concatenate([own, others, coins], axis=2).reshape(self.num_envs, 6)
        return (2.0 * obs / (self.cells - 1) - 1.0).astype(np.float32)

    def _actions_of_both(self, actions: np.ndarray) -> np.ndarray:
        """(num_matches, 2) actions, with those of a scripted opponent."""
        if self.opponent == "self":
            return actions.reshape(-1, PLAYERS)
        if self.opponent == "random":
            others = self.np_random.integers(len(STAY_OR_MOVE), size=self.num_envs)
        else:
            others = greedy_actions(self.players[:, 1], self.coins)
        return np.stack([actions, others], axis=1)

    def _new_coins(self, matches: np.ndarray) -> None:
        self.coins[matches] = self.np_random.integers(self.cells, size=(int(matches.sum()), 2))


def greedy_actions(places: np.ndarray, coins: np.ndarray) -> np.ndarray:
    """Return the actions that walk straight to coins, along the longer way first.

    Args:
        places: (n, 2) x, y.
        coins: (n, 2) x, y.

    Returns:
        (n,): 0 stay, 1 up, 2 down, 3 left, 4 right.
    """
    dx, dy = (coins - places).T
    along_x, along_y = np.where(dx < 0, 3, 4), np.where(dy < 0, 1, 2)
    return np.where((dx == 0) & (dy == 0), 0, np.where(np.abs(dx) > np.abs(dy), along_x, along_y))

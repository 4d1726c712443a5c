"""The front door of the learning room: agents and players by name, built from one `params` mapping."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from learning.agents.a2c_continuous import A2CAgent
from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.agents.agent_config import BaseAgentConfig
from learning.curiosity.network_builder import PATH as RND_PATH
from learning.distributed import Distributed
from learning.models import model_builder
from learning.object_factory import ObjectFactory
from learning.players.player import PpoPlayerContinuous, PpoPlayerDiscrete
from learning.reporting.observer import AlgoObserver, DefaultAlgoObserver, MultiObserver
from learning.rl_games.keys import IGNORED_PARAMS_KEYS
from learning.sac.agent import SACAgent
from learning.sac.players import SACPlayer
from learning.typed_config import ConfigError, unknown_key

logger = logging.getLogger(__name__)

PARAMS_KEYS = ("seed", "algo", "model", "network", "config")


class Runner:
    """Builds and runs agents and players by the name in `params.algo.name`.

    Custom algorithms are registered like the built-in ones, before `load`:

        runner.algo_factory.register_builder("my_algo", MyAgent)
        runner.player_factory.register_builder("my_algo", MyPlayer)

    A class (rather than a lambda) lets `load` check the configuration by its `config_class`.

    Args:
        algo_observer: who is told of progress, one or several; a `DefaultAlgoObserver` if None.
    """

    def __init__(self, algo_observer: AlgoObserver | Iterable[AlgoObserver] | None = None) -> None:
        self.algo_factory = ObjectFactory("algorithm")
        self.algo_factory.register_builder("a2c_continuous", A2CAgent)
        self.algo_factory.register_builder("a2c_discrete", DiscreteA2CAgent)
        self.algo_factory.register_builder("sac", SACAgent)
        self.player_factory = ObjectFactory("player")
        self.player_factory.register_builder("a2c_continuous", PpoPlayerContinuous)
        self.player_factory.register_builder("a2c_discrete", PpoPlayerDiscrete)
        self.player_factory.register_builder("sac", SACPlayer)
        self.algo_observer = _one_observer(algo_observer)
        self.params: dict[str, Any] = {}
        self.algo_name = ""
        self.seed: int | None = None

    def load(self, params: Mapping[str, Any]) -> None:
        """Check and take up `train.params`; nothing is built.

        Args:
            params: `seed` (null or -1: from the clock), `algo`, `model`, `network` and `config`.

        Raises:
            ConfigError: anything in it that cannot be used.
        """
        params = {key: value for key, value in params.items() if key not in IGNORED_PARAMS_KEYS}
        for key, value in params.items():
            if key not in PARAMS_KEYS:
                raise ConfigError(unknown_key(f"train.params.{key}", value, key, PARAMS_KEYS))
        self.algo_name = _algo_name(params, self.algo_factory)
        self.seed = params.get("seed")
        config = self._typed_config(params.get("config"))
        model_builder.ModelBuilder().load(params)
        rnd = getattr(config, "rnd_config", None)
        if rnd is not None:
            model_builder.NetworkBuilder().load(rnd.network, RND_PATH)
        self.params = {**params, "config": config}

    def run(self, args: Mapping[str, Any]) -> Any:
        """Train or play.

        Args:
            args: `train` or `play` (train if neither is true), `checkpoint` (path or None), `sigma` (number
                or
                None: new value of the network's sigma parameter, which is log(sigma) in
                    `continuous_a2c_logstd`).

        Returns:
            What `agent.train` or `player.run` returns.
        """
        if args.get("play") and not args.get("train"):
            return self.run_play(args)
        return self.run_train(args)

    def run_train(self, args: Mapping[str, Any]) -> Any:
        """Build the agent, restore a checkpoint if one is given, and train."""
        self._set_seed()
        agent = self.algo_factory.create(self.algo_name, base_name="run", params=self.params)
        try:
            _prepare(agent, args)
            return agent.train()
        finally:
            agent.close()

    def run_play(self, args: Mapping[str, Any]) -> Any:
        """Build the player, restore a checkpoint if one is given, and play."""
        self._set_seed()
        player = self.create_player()
        try:
            _prepare(player, args)
            return player.run()
        finally:
            player.close()

    def create_player(self) -> Any:
        """Return the player that belongs to the loaded algorithm."""
        return self.player_factory.create(self.algo_name, params=self.params)

    def reset(self) -> None:
        """Forget what was loaded."""
        self.params, self.algo_name, self.seed = {}, "", None

    def _typed_config(self, config: Any) -> Any:
        if not isinstance(config, (Mapping, BaseAgentConfig)):
            raise ConfigError(
                "train.params.config: required key is missing; it holds the settings of the algorithm"
            )
        if isinstance(config, Mapping):
            config = {**config, "observer": self.algo_observer}
        config_class = getattr(self.algo_factory.get(self.algo_name), "config_class", None)
        # A builder that is no class keeps its configuration to itself: the agent checks it when it is built.
        return config_class.from_params(config) if config_class else config

    def _set_seed(self) -> None:
        """Seed every random generator with seed + rank, so that workers explore differently."""
        seed = int(time.time()) if self.seed is None or self.seed < 0 else self.seed
        seed += Distributed().rank
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)  # every CUDA device too


def override_sigma(model: torch.nn.Module, sigma: float) -> None:
    """Set the state-independent sigma parameter of a model's network.

    Raises:
        ConfigError: the network computes sigma from the observation.
    """
    network: Any = getattr(model, "a2c_network", model)
    parameter = getattr(network, "sigma", None)
    if not isinstance(parameter, torch.nn.Parameter):
        raise ConfigError(
            f"sigma={sigma:g}: this network computes sigma itself (fixed_sigma: False); leave sigma null"
        )
    with torch.no_grad():
        parameter.fill_(float(sigma))


def _prepare(runnable: Any, args: Mapping[str, Any]) -> None:
    if args.get("checkpoint"):
        runnable.restore(args["checkpoint"])
    if args.get("sigma") is not None:
        override_sigma(runnable.model, args["sigma"])


def _algo_name(params: Mapping[str, Any], factory: ObjectFactory) -> str:
    algo = params.get("algo")
    name = algo.get("name") if isinstance(algo, Mapping) else None
    if not isinstance(name, str):
        known = ", ".join(factory.names)
        raise ConfigError(f"train.params.algo.name: required key is missing; registered are {known}")
    try:
        factory.get(name)
    except ValueError as error:
        raise ConfigError(f"train.params.algo.name={name}: {error}") from None
    return name


def _one_observer(observer: AlgoObserver | Iterable[AlgoObserver] | None) -> AlgoObserver:
    if observer is None:
        return DefaultAlgoObserver()
    return observer if isinstance(observer, AlgoObserver) else MultiObserver(observer)

import pytest
import torch

from learning.agents.a2c_config import AgentConfig
from learning.agents.a2c_continuous import A2CAgent
from learning.players.player import PpoPlayerContinuous
from learning.reporting.observer import AlgoObserver, DefaultAlgoObserver, MultiObserver
from learning.torch_runner import Runner
from learning.typed_config import ConfigError
from tests.learning.toy_env import ToyVecEnv, toy_params


def test_the_built_in_algorithms_have_agents_and_players():
    runner = Runner()
    assert {"a2c_continuous", "sac"} <= set(runner.algo_factory.names)
    assert runner.player_factory.names == runner.algo_factory.names
    assert isinstance(runner.algo_observer, DefaultAlgoObserver)


def test_load_checks_without_building(monkeypatch):
    monkeypatch.setattr(ToyVecEnv, "__init__", lambda *_, **__: pytest.fail("an environment was built"))
    runner = Runner()
    runner.load({**toy_params(), "load_checkpoint": False})
    assert isinstance(runner.params["config"], AgentConfig)
    assert runner.params["config"].observer is runner.algo_observer
    runner.reset()
    assert runner.params == {}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"algo": {"name": "a2c_continous"}}, r"algo\.name=a2c_continous: .*a2c_continuous"),
        ({"algo": {}}, r"algo\.name: required key is missing; registered are a2c_continuous"),
        ({"modle": {}}, r"train\.params\.modle=.*: unknown key; did you mean model"),
        ({"model": {"name": "continuous_a2c_logstdd"}}, r"model\.name=continuous_a2c_logstdd"),
        ({"config": None}, r"train\.params\.config: required key is missing"),
    ],
)
def test_load_refuses_what_it_does_not_know(change, text):
    with pytest.raises(ConfigError, match=text):
        Runner().load({**toy_params(), **change})


def test_own_algorithms_and_players_are_registered_from_outside():
    class MyAgent(A2CAgent):
        def train(self):
            return "trained by me"

    class MyPlayer(PpoPlayerContinuous):
        def run(self):
            return "played by me"

    runner = Runner()
    runner.algo_factory.register_builder("mine", lambda **kwargs: MyAgent(**kwargs))
    runner.player_factory.register_builder("mine", MyPlayer)
    runner.load({**toy_params(), "algo": {"name": "mine"}})
    assert runner.run({"train": True}) == "trained by me"
    assert runner.run({"train": False, "play": True}) == "played by me"


def test_seeds_decide_everything_and_zero_is_one():
    def weights(seed):
        runner = Runner()
        runner.load(toy_params(seed=seed, max_epochs=1))
        kept = []

        class Keeps(AlgoObserver):
            def after_init(self, algo):
                kept.append(algo.model.state_dict()["a2c_network.mu.weight"].clone())

        runner.algo_observer = Keeps()
        runner.load(toy_params(seed=seed, max_epochs=1))
        runner.run({"train": True})
        return kept[0]

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_environments_are_closed_by_who_created_them(monkeypatch):
    made = []
    original = ToyVecEnv.__init__
    monkeypatch.setattr(
        ToyVecEnv, "__init__", lambda self, *a, **k: (made.append(self), original(self, *a, **k))[0]
    )
    runner = Runner()
    runner.load(toy_params(max_epochs=1))
    runner.run({"train": True})
    assert made[0].is_closed
    given = ToyVecEnv(16)
    runner.load(toy_params(max_epochs=1, vec_env=given))
    runner.run({"train": True})
    assert not given.is_closed


def test_every_observer_is_told_in_order():
    told = []

    class Tells(AlgoObserver):
        def __init__(self, name):
            self.name = name

        def before_init(self, base_name, config, experiment_name):
            told.append((self.name, "before_init", base_name, experiment_name))

        def after_init(self, algo):
            told.append((self.name, "after_init"))

        def process_infos(self, infos, dones):
            assert dones.dtype == torch.bool

        def after_steps(self):
            told.append((self.name, "after_steps"))

        def after_print_stats(self, frame, epoch_num, total_time):
            told.append((self.name, "after_print_stats", frame, epoch_num))

        def on_progress(self, progress):
            told.append((self.name, "on_progress", progress.epoch, progress.max_epochs))

        def on_finish(self, result):
            told.append((self.name, "on_finish", result["exit_reason"]))

    runner = Runner([Tells("a"), Tells("b")])
    assert isinstance(runner.algo_observer, MultiObserver)
    runner.load(toy_params(max_epochs=1))
    runner.run({"train": True})
    assert [line[1:] for line in told if line[0] == "a"] == [
        ("before_init", "run", "Toy"),
        ("after_init",),
        ("after_steps",),
        ("after_print_stats", 128, 1),
        ("on_progress", 1, 1),
        ("on_finish", "max_epochs"),
    ]
    assert [line[0] for line in told] == ["a", "b"] * 6

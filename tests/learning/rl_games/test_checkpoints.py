"""Files that RL Games writes are played and trained on here, and ours there: the same actions, to 1e-6."""

import zipfile

import numpy as np
import pytest
import torch

from learning.agents.a2c_continuous import A2CAgent
from learning.agents.a2c_discrete import DiscreteA2CAgent
from learning.checkpoints.checkpoint import CheckpointError, load_checkpoint, load_model_state
from learning.models.model_builder import ModelBuilder
from learning.players.player import PpoPlayerContinuous, PpoPlayerDiscrete
from learning.rl_games.checkpoint import as_ours, sac_parts
from learning.sac.agent import SACAgent
from learning.sac.players import SACPlayer
from tests.learning.checkpoints.test_training_state import differences
from tests.learning.network_params import BUILD, network_params
from tests.learning.rl_games.toy import NUM_ENVS, make_env, params_of, their_agent, their_player

# RL Games scripts its normalisers, which torch 2.13 calls deprecated, and uses old names of numpy's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:numpy.core is deprecated:DeprecationWarning"),
]

KINDS = ["continuous", "discrete", "multi_discrete", "recurrent", "central_value", "sac"]
each_kind = pytest.mark.parametrize("kind", KINDS)


def our_agent(kind, **config):
    classes = {"discrete": DiscreteA2CAgent, "multi_discrete": DiscreteA2CAgent, "sac": SACAgent}
    torch.manual_seed(4)
    return classes.get(kind, A2CAgent)("run", params_of(kind, vec_env=make_env(kind), **config))


def our_player(kind):
    classes = {"discrete": PpoPlayerDiscrete, "multi_discrete": PpoPlayerDiscrete, "sac": SACPlayer}
    player = classes.get(kind, PpoPlayerContinuous)(params_of(kind, vec_env=make_env(kind)))
    player.model.eval()
    player.reset()
    return player


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Agents of RL Games after two epochs, and what they saved, by kind."""
    pytest.importorskip("rl_games")
    made = {}

    def train(kind):
        if kind not in made:
            directory = tmp_path_factory.mktemp(kind)
            agent = their_agent(kind, directory)
            agent.train()
            agent.save(str(directory / "saved"))
            made[kind] = agent, directory / "saved.pth"
        return made[kind]

    return train


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The directories of our runs of two epochs, by kind."""
    made = {}

    def train(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            our_agent(kind, train_dir=str(made[kind])).train()
        return made[kind] / "nn"

    return train


def assert_same_actions(kind, player, other):
    """Three observations, one after the other, as memories would have it."""
    torch.manual_seed(5)
    size = make_env(kind).observation_space.shape[0]
    for _ in range(3):
        obs = torch.randn(NUM_ENVS, size) * 3.0
        with torch.no_grad():
            mine = player.get_action({"obs": obs}, is_deterministic=True)
        torch.testing.assert_close(mine, other.get_action(obs, is_deterministic=True), rtol=0, atol=1e-6)


@each_kind
def test_a_file_of_rl_games_is_played(kind, theirs, tmp_path):
    _, path = theirs(kind)
    player, other = our_player(kind), their_player(kind, tmp_path)
    player.restore(str(path))
    other.restore(str(path))
    assert_same_actions(kind, player, other)


@each_kind
def test_our_files_are_played_by_rl_games(kind, ours, tmp_path):
    pytest.importorskip("rl_games")
    for name in ("Toy.pth", "last.pth"):
        player, other = our_player(kind), their_player(kind, tmp_path)
        player.restore(str(ours(kind) / name))
        other.restore(str(ours(kind) / name))
        assert_same_actions(kind, player, other)


@each_kind
def test_training_goes_on_from_a_file_of_rl_games(kind, theirs):
    agent, path = theirs(kind)
    mine = our_agent(kind, max_epochs=agent.epoch_num + 2)
    mine.restore(str(path))
    assert (mine.epoch_num, mine.frame) == (agent.epoch_num, agent.frame)
    assert differences(moments(mine.optimizer_state()), moments(their_optimizers(agent))) == []
    if kind != "sac":
        assert mine.learning_rate.value == agent.optimizer.param_groups[0]["lr"]
        assert isinstance(agent.last_mean_rewards, np.float32)  # a scalar of numpy's in the file
        assert mine.best_reward == pytest.approx(float(agent.last_mean_rewards))
    mine.train()
    assert mine.epoch_num == agent.epoch_num + 2


def their_optimizers(agent):
    if hasattr(agent, "actor_optimizer"):
        names = ("actor_optimizer", "critic_optimizer", "log_alpha_optimizer")
        return {name: getattr(agent, name).state_dict() for name in names}
    central = getattr(agent, "central_value_net", None)
    own = {"optimizer": agent.optimizer.state_dict()}
    return own if central is None else own | {"assymetric_vf_optimizer": central.optimizer.state_dict()}


def moments(state):
    """Moments and steps of the optimizers; settings are the configuration's."""
    return {name: item["state"] for name, item in state.items() if name.endswith("optimizer")}


@each_kind
def test_rl_games_goes_on_from_our_file(kind, ours, tmp_path):
    pytest.importorskip("rl_games")
    path = ours(kind) / "last.pth"
    state = load_checkpoint(path)
    agent = their_agent(kind, tmp_path, max_epochs=3)
    agent.restore(str(path))
    assert (agent.epoch_num, agent.frame) == (2, state["frame"])
    assert differences(moments(state), moments(their_optimizers(agent))) == []
    assert differences(as_ours({"model": agent.model.state_dict()})["model"], state["model"]) == []
    agent.train()
    assert agent.epoch_num >= 3  # its SAC stops when an episode has ended


def test_central_values_are_the_same(theirs):
    agent, path = theirs("central_value")
    mine = our_agent("central_value")
    mine.restore(str(path))
    states = torch.randn(NUM_ENVS, 5) * 3.0
    with torch.no_grad():
        wanted = agent.get_central_value({"states": states, "is_train": False})
    torch.testing.assert_close(mine.central_value.get_values(states), wanted, rtol=1e-5, atol=1e-5)


# ---------------------------------------------------------------- what differs between versions


def test_the_parts_of_a_sac_file_take_no_room(ours):
    state = load_checkpoint(ours("sac") / "Toy.pth")
    assert set(sac_parts(state["model"])) <= set(state)
    part, whole = state["actor"]["trunk.0.weight"], state["model"]["sac_network.actor.trunk.0.weight"]
    assert part.data_ptr() == whole.data_ptr()


def test_traces_of_compilation_are_removed():
    compiled = {"model": {"_orig_mod.a.weight": 1}, "assymetric_vf_nets": {"model._orig_mod.b.weight": 2}}
    assert as_ours(compiled) == {"model": {"a.weight": 1}, "assymetric_vf_nets": {"model.b.weight": 2}}


def test_statistics_beside_a_model_are_taken_into_it():
    state = {"model": {"a": 1}, "running_mean_std": {"count": 2}, "reward_mean_std": {"count": 3}}
    assert as_ours(state)["model"] == {"a": 1, "running_mean_std.count": 2, "value_mean_std.count": 3}
    own = {"model": {"running_mean_std.count": 1}, "running_mean_std": {"count": 2}}
    assert as_ours(own)["model"] == {"running_mean_std.count": 1}


def test_counts_of_whole_numbers_are_read():
    params = {"model": {"name": "continuous_a2c_logstd"}, "network": network_params()}
    module = ModelBuilder().load(params).build(BUILD)
    saved = module.state_dict() | {"running_mean_std.count": torch.tensor(7, dtype=torch.int64)}
    load_model_state(module, saved, "a.pth")
    assert module.running_mean_std.count.item() == 7.0
    assert module.running_mean_std.count.dtype == torch.float64


def test_files_without_norm_layers_say_what_to_do():
    plain, normed = (
        ModelBuilder()
        .load({"model": {"name": "continuous_a2c_logstd"}, "network": network_params(**changes)})
        .build(BUILD)
        for changes in ({}, {"normalization": "layer_norm"})
    )
    with pytest.raises(CheckpointError, match=r"network\.normalization to null"):
        load_model_state(normed, plain.state_dict(), "a.pth")
    with pytest.raises(CheckpointError) as error:
        load_model_state(plain, normed.state_dict(), "a.pth")
    assert "normalization" not in str(error.value)


@pytest.mark.parametrize(
    "value", [np.float32(3.5), np.float64(3.5), np.int64(3), np.int32(3), np.bool_(True)]
)
@pytest.mark.parametrize("module", ["numpy._core.multiarray", "numpy.core.multiarray"])
def test_numbers_of_numpy_old_and_new_are_read(value, module, tmp_path):
    torch.save({"model": {}, "last_mean_rewards": value}, tmp_path / "new.pth")
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(tmp_path / "new.pth") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            renamed = source.read(name).replace(b"numpy._core.multiarray", module.encode())
            target.writestr(name, renamed)
    assert load_checkpoint(path)["last_mean_rewards"] == value


def test_arrays_of_objects_are_refused(tmp_path):
    torch.save({"model": {}, "env_state": np.array([print], dtype=object)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        load_checkpoint(tmp_path / "a.pth")

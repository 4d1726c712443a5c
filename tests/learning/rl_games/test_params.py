from pathlib import Path

import pytest

from learning.agents.a2c_config import AgentConfig
from learning.rl_games import keys as rl_games_keys
from learning.rl_games.params import plain, translate
from learning.sac.config import SAC_IGNORED_KEYS
from tests.learning.toy_env import toy_params


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("None", None),
        ("none", None),
        ("3e-4", 3e-4),
        ("-1E5", -1e5),
        (".5e+2", 50.0),
        ("1e", "1e"),
        ("relu", "relu"),
        (-1, -1),
        ([{"a": "1e-5"}, "None"], [{"a": 1e-5}, None]),
    ],
)
def test_text_that_means_nothing_or_a_number(written, read):
    assert plain(written) == read


def test_no_limit_and_old_names():
    config, ignored = translate_config(max_epochs=-1, max_frames=-1, max_steps=300, seq_len=16, seed=-1)
    assert (config["max_epochs"], config["max_frames"], config["max_steps"]) == (None, None, 300)
    assert (config["seq_length"], config["seed"]) == (16, -1)
    assert "seq_len" not in config and ignored == {}
    assert translate_config(seq_len=16, seq_length=8)[0]["seq_length"] == 8


def translate_config(**config):
    block, ignored = translate({"algo": {"name": "a2c_continuous"}, "config": config})
    return block["config"], ignored


def test_keys_without_effect_are_taken_out_and_named():
    params = {
        "load_path": "",
        "algo": {"name": "a2c_continuous"},
        "network": {
            "name": "actor_critic",
            "mlp": {"units": [2], "regularizer": {"name": "None"}},
            "value_shape": 1,
        },
        "config": {
            "gamma": 0.9,
            "bptt_length": 4,
            "player": {"render": True, "deterministic": False},
            "central_value_config": {
                "lr_schedule": "adaptive",
                "kl_threshold": 0.016,
                "network": {"name": "actor_critic", "joint_obs_actions": {}, "central_value": True},
            },
        },
    }
    block, ignored = translate(params)
    assert block == {
        "algo": {"name": "a2c_continuous"},
        "network": {"name": "actor_critic", "mlp": {"units": [2]}},
        "config": {
            "gamma": 0.9,
            "player": {"deterministic": False},
            "central_value_config": {
                "lr_schedule": None,
                "network": {"name": "actor_critic", "central_value": True},
            },
        },
    }
    assert sorted(ignored) == [
        "config.bptt_length",
        "config.central_value_config.kl_threshold",
        "config.central_value_config.lr_schedule",
        "config.central_value_config.network.joint_obs_actions",
        "config.player.render",
        "load_path",
        "network.mlp.regularizer",
        "network.value_shape",
    ]
    assert "load_path" in params  # what was given is left alone


def test_another_network_may_read_what_ours_do_not():
    network = {"name": "mine", "regularizer": 3}
    assert translate({"network": network}) == ({"network": network}, {})


def test_sac_ignores_keys_of_its_own():
    config = {"max_env_steps": 1000, "batch_size": 8}
    block, ignored = translate({"algo": {"name": "sac"}, "config": config})
    assert (block["config"], list(ignored)) == ({"batch_size": 8}, ["config.max_env_steps"])
    assert translate({"algo": {"name": "a2c_continuous"}, "config": config})[1] == {}


@pytest.mark.parametrize("params", [{}, {"config": None}, {"config": {"player": 3}, "network": []}])
def test_blocks_of_another_form_are_left_to_the_check(params):
    assert translate(params) == (params, {})


def test_the_runner_takes_the_old_name_too():
    assert AgentConfig.from_params(toy_params(seq_len=8)["config"]).seq_length == 8


def test_the_documentation_names_every_key_without_effect():
    page = (Path(__file__).parents[3] / "docs" / "from_rl_games.md").read_text()
    rows = page.split("## Keys without effect")[1].splitlines()
    tables = {
        "| `params` |": rl_games_keys.IGNORED_PARAMS_KEYS,
        "| `params.network`, at any depth |": rl_games_keys.UNREAD_NETWORK_KEYS,
        "| `params.config` |": rl_games_keys.IGNORED_KEYS,
        "| `params.config`, SAC |": SAC_IGNORED_KEYS,
        "| `params.config.central_value_config` |": rl_games_keys.IGNORED_CENTRAL_VALUE_KEYS,
        "| `params.config.player` |": rl_games_keys.IGNORED_PLAYER_KEYS,
    }
    for start, keys in tables.items():
        (row,) = (row for row in rows if row.startswith(start))
        assert all(f"`{key}`" in row for key in keys), row
    assert all(f"`{key}`" in page for key in rl_games_keys.UNSUPPORTED_KEYS)

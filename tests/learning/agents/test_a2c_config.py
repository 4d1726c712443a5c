import logging

import pytest

from learning.agents.a2c_config import AgentConfig, fit_minibatch_size
from learning.agents.agent_config import check_device
from learning.typed_config import ConfigError
from tests.learning.central_value.toy_memory import critic_config
from tests.learning.toy_env import toy_params


def config(**changes):
    return AgentConfig.from_params(toy_params(**changes)["config"])


def test_values_keep_their_names_and_get_their_types():
    read = config(learning_rate="5e-4", reward_shaper={"scale_value": "0.01"}, max_epochs=10.0)
    assert read.learning_rate == 5e-4
    assert read.reward_shaper.scale_value == 0.01
    assert read.max_epochs == 10


def test_a_converted_configuration_passes_through():
    read = config()
    assert AgentConfig.from_params(read) is read


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"learnin_rate": 1e-3}, r"config\.learnin_rate=0\.001: unknown key; did you mean learning_rate"),
        ({"gamma": "high"}, r"config\.gamma=high: must be a number"),
        ({"gamma": 1.5}, r"config\.gamma=1\.5: must be between 0 and 1"),
        ({"lr_schedule": "adaptve"}, r"lr_schedule=adaptve: must be one of .* did you mean adaptive"),
        ({"kl_threshold": None}, r"kl_threshold=null: lr_schedule=adaptive needs it"),
        ({"lr_schedule": "linear", "max_epochs": None}, "needs an end; set max_epochs or max_frames"),
        ({"num_actors": 0}, r"num_actors=0: must be at least 1"),
        ({"learning_rate": 0.0}, r"learning_rate=0: must be greater than 0"),
        ({"minibatch_size": None}, "give it, or minibatch_size_per_env"),
        ({"min_lr": 1e-1}, r"min_lr=0\.1: must not exceed max_lr=0\.01"),
        ({"player": {"determenistic": True}}, r"player\.determenistic=.*did you mean deterministic"),
        ({"self_play": True}, r"self_play=True: needs self_play_config"),
        ({"adv_rms_momentum": 1}, r"adv_rms_momentum=1: must be at least 0, less than 1"),
        ({"adv_rms_impl": "minmax"}, r"adv_rms_impl=minmax: must be one of .* did you mean min_max"),
        (
            {"normalize_rms_advantage": True, "normalize_advantage": False},
            r"normalize_rms_advantage=True: needs normalize_advantage=True",
        ),
    ],
)
def test_wrong_values_are_refused(changes, text):
    with pytest.raises(ConfigError, match=text):
        config(**changes)


def test_a_missing_value_is_named():
    values = toy_params()["config"]
    del values["gamma"]
    with pytest.raises(ConfigError, match=r"train\.params\.config\.gamma: required key is missing"):
        AgentConfig.from_params(values)


def test_rl_games_keys_without_effect_are_named_once(caplog):
    with caplog.at_level(logging.WARNING):
        config(bptt_length=4, torch_compile=True, player={"render": True}, self_play=False)
    assert [record.message.count("without effect") for record in caplog.records] == [1, 1]
    assert "bptt_length" in caplog.text and "torch_compile" in caplog.text and "player: keys" in caplog.text


def test_rl_games_minus_one_means_no_limit():
    assert config(max_epochs=-1, max_frames=-1).frame_limit is None
    assert config(max_frames=100, max_steps=300).frame_limit == 300


def test_batches_are_shared_between_workers():
    shape = config(num_actors=16, horizon_length=8, minibatch_size=32).batch_shape(2)
    assert (shape.num_envs, shape.batch_size, shape.minibatch_size, shape.num_minibatches) == (8, 64, 16, 4)
    own = config(num_actors=16, horizon_length=8, minibatch_size=32, world_share=False).batch_shape(2)
    assert (own.num_envs, own.batch_size, own.minibatch_size) == (16, 128, 32)


def test_minibatch_size_per_env_counts_where_the_size_is_not_given():
    values = config(minibatch_size=None, minibatch_size_per_env=4)
    assert values.batch_shape().minibatch_size == 64


@pytest.mark.parametrize(
    ("changes", "workers", "text"),
    [
        ({"minibatch_size": 48}, 1, r"minibatch_size=48: does not divide .* = 8 \* 16 = 128; try 32"),
        (
            {"num_actors": 15, "minibatch_size": 24},
            2,
            r"num_actors=15 cannot be shared evenly by 2 .* try 14",
        ),
        ({"num_actors": 6, "horizon_length": 1, "minibatch_size": 3}, 2, r"size=3: .* by 2 .*try 2"),
        (
            {"central_value_config": critic_config(minibatch_size=48)},
            1,
            r"central_value_config\.minibatch_size=48: does not divide .* = 128; try 32",
        ),
    ],
)
def test_batches_that_do_not_divide_say_a_legal_value(changes, workers, text):
    with pytest.raises(ConfigError, match=text):
        config(**changes).batch_shape(workers)


@pytest.mark.parametrize(
    ("batch", "wanted", "workers", "expected"),
    [(1024, 32768, 1, 1024), (1000, 512, 1, 500), (1000, 512, 2, 500), (96, 50, 3, 48), (8, 1, 4, 4)],
)
def test_fitted_minibatches_divide(batch, wanted, workers, expected):
    assert fit_minibatch_size(batch, wanted, workers) == expected
    assert batch % expected == 0 and expected % workers == 0


def test_a_fitted_size_takes_the_place_of_the_one_that_does_not_divide():
    values = config(central_value_config=critic_config(minibatch_size=48))
    assert values.minibatch_sizes() == {"minibatch_size": 32, "central_value_config.minibatch_size": 48}
    fitted = values.fitted_minibatch_size("central_value_config.minibatch_size")
    changed = values.with_minibatch_size("central_value_config.minibatch_size", fitted)
    assert changed.minibatch_share("central_value_config.minibatch_size", 2) == 16
    assert changed.batch_shape(2).minibatch_size == 16
    assert values.central_value_config.minibatch_size == 48


def test_plain_values_hold_no_live_objects():
    plain = config(vec_env=object(), stop_fn=print).as_dict()
    assert not {"vec_env", "stop_fn", "observer", "env_config"} & set(plain)
    assert plain["player"]["deterministic"] is True


def test_unknown_devices_are_refused():
    with pytest.raises(ConfigError, match="device=cdua"):
        check_device("cdua")

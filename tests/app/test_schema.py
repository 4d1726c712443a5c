import pytest

from app.schema import RunConfig, SimConfig, is_schema_key, schema_names
from learning.typed_config import ConfigError, from_mapping


def run_config(**given):
    return from_mapping(RunConfig, {"task": {}, "train": {}, "task_name": "Ant", **given}, "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_envs": -4}, "num_envs=-4: must be at least 1"),
        ({"num_envs": "many"}, "num_envs=many: must be a whole number"),
        ({"seed": -2}, "seed=-2"),
        ({"seed": 5_000_000_000}, "seed=5000000000: must be 0 to 2147483648"),
        ({"experiment": "a/b"}, "experiment=a/b"),
        ({"experiment": ".."}, "experiment=.."),
        ({"pipelin": "gpu"}, "pipelin=gpu: unknown key; did you mean pipeline?"),
        ({"test": "yes please"}, "test=yes please: must be true or false"),
    ],
)
def test_top_level_values_are_checked(given, message):
    with pytest.raises(ConfigError) as error:
        run_config(**given)
    assert message in str(error.value)


def test_unset_and_extremes_pass():
    config = run_config(num_envs=None, seed=0, num_workers=0, experiment=3)
    assert (config.seed, config.num_workers, config.experiment) == (0, 0, "3")


def test_sim_block():
    sim = from_mapping(SimConfig, {"dt": "1e-3", "gravity": [0, 0, -1]}, "task.sim")
    assert (sim.dt, sim.gravity) == (0.001, (0.0, 0.0, -1.0))
    with pytest.raises(ConfigError, match="task.sim.dt=0"):
        from_mapping(SimConfig, {"dt": 0}, "task.sim")
    with pytest.raises(ConfigError, match="task.sim.up_axis=w"):
        from_mapping(SimConfig, {"up_axis": "w"}, "task.sim")


def test_typed_keys_are_known_whether_or_not_a_file_gives_them():
    assert is_schema_key("train.params.config.weight_decay")
    assert is_schema_key("train.params.config.player.deterministic")
    assert is_schema_key("train.params.network.space.continuous.mu_init.gain")
    assert is_schema_key("task.sim.physx.contact_offset")
    assert not is_schema_key("train.params.config.weight")
    assert not is_schema_key("num_envs")
    assert schema_names("task.env") == []


def test_what_others_define_may_have_any_key():
    assert is_schema_key("task.env.kwargs.g")
    assert is_schema_key("task.env.kwargs.goal.x")
    assert not is_schema_key("task.env.kwargss.g")
    assert not is_schema_key("task.env.kwargs")

import pytest

from learning import vecenv
from learning.typed_config import ConfigError
from tests.learning.toy_env import ToyVecEnv


def test_environments_are_created_by_name():
    env = vecenv.create("toy", num_envs=3, episode_length=5)
    assert isinstance(env, vecenv.VecEnv)
    assert (env.num_envs, env.episode_length) == (3, 5)


def test_unknown_names_say_the_nearest():
    with pytest.raises(ConfigError, match=r"env_name=toi: .* did you mean toy"):
        vecenv.create("toi", num_envs=1)


def test_names_are_given_once():
    with pytest.raises(ValueError, match="already registered"):
        vecenv.register("toy", ToyVecEnv)

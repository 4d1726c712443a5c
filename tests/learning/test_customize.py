"""The algorithm that docs/customize.md builds: it registers, trains, resumes and plays."""

import sys

import pytest
import torch

from learning.torch_runner import Runner
from learning.typed_config import ConfigError
from tests.docs_code import code_of, module_of
from tests.learning.toy_env import ToyVecEnv, toy_params


@pytest.fixture
def docs():
    module = module_of("customize.md")
    sys.modules[module.__name__] = module  # dataclasses look their annotations up there
    yield module
    del sys.modules[module.__name__]


def params_of(**config):
    params = toy_params(vec_env=ToyVecEnv(16), **config)
    return {
        **params,
        "algo": {"name": "calm"},
        "model": {"name": "continuous_with_floor"},
        "network": {**params["network"], "name": "scaled_actor_critic"},
    }


def runner_of(docs, **config):
    runner = Runner()
    docs.register(runner)
    runner.load(params_of(**config))
    return runner


def test_it_trains_and_plays(docs, tmp_path):
    _, epochs = runner_of(docs, max_epochs=2, calm_coef=0.5, train_dir=str(tmp_path)).run({"train": True})
    assert epochs == 2
    assert '"effort"' in (tmp_path / "metrics.jsonl").read_text()
    result = runner_of(docs).run({"play": True, "checkpoint": str(tmp_path / "nn" / "last.pth")})
    assert result["effort"] > 0.0 and result["episodes"] == 16


def test_the_loss_counts_and_the_floor_holds(docs):
    runner = runner_of(docs, max_epochs=1)
    agent = runner.algo_factory.create("calm", base_name="run", params=runner.params)
    loss, figures = agent.extra_losses({}, {"mus": torch.full((2, 3), 2.0)})
    assert loss == pytest.approx(0.04) and figures["effort"] == 4.0
    sigma, logstd = agent.model.sigma_and_logstd(torch.tensor([-50.0]))
    assert sigma == pytest.approx(0.05) and logstd.exp() == pytest.approx(0.05)
    assert agent.model.a2c_network.scale.shape == (4,)


def test_its_keys_are_checked(docs):
    with pytest.raises(ConfigError, match="calm_coeff.*calm_coef"):
        runner_of(docs, calm_coeff=1.0)


def test_both_languages_show_the_same_code():
    assert code_of("customize.md") == code_of("customize.ko.md")

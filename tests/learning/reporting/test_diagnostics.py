"""Diagnostics by hand, against RL Games', and as tags of an epoch."""

import json
import math

import pytest
import torch

from learning.distributed import Distributed
from learning.reporting.diagnostics import PpoDiagnostics, clip_fraction, explained_variance
from tests.learning.agents.test_a2c_base import WaitsForDevice, make_agent
from tests.learning.toy_motion_env import ToyMotionEnv, amp_params


def column(*values):
    return torch.tensor(values).unsqueeze(1)


def test_explained_variance_by_hand():
    returns = column(1.0, 2.0, 3.0, 6.0)  # variance 3.5
    assert explained_variance(returns + 4.0, returns) == 1.0
    assert explained_variance(torch.zeros(4, 1), returns) == 0.0
    assert explained_variance(2.0 * returns, returns) == 0.0  # -returns is left
    torch.testing.assert_close(
        explained_variance(column(1.0, 2.0, 3.0, 2.0), returns).item(), 1.0 - 3.0 / 3.5
    )  # 0, 0, 0, 4 is left: variance 3
    assert explained_variance(column(1.0, 2.0), column(5.0, 5.0)) == 0.0


def test_clip_fraction_by_hand():
    ratios = torch.tensor([1.0, 1.19, 1.21, 0.81, 0.79])
    assert clip_fraction(ratios.log(), torch.zeros(5), 0.2) == pytest.approx(0.4)


def test_figures_are_rl_games():
    theirs = pytest.importorskip("rl_games.algos_torch.torch_ext")
    torch.manual_seed(0)
    values, returns = torch.randn(2, 60, 1).unbind()
    returns = returns + values
    old, new = torch.randn(60), torch.randn(60)
    mine = explained_variance(values, returns).float()
    torch.testing.assert_close(mine, theirs.explained_variance(values, returns), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(clip_fraction(old, new, 0.2), theirs.policy_clip_fraction(new, old, 0.2))


def test_a_fraction_that_is_logged_anyway_is_not_computed_again():
    known = torch.tensor(0.25)
    diagnostics = PpoDiagnostics(True, Distributed())
    figures = diagnostics.of_minibatch({}, {}, {"info/clip_frac": known, "kl": known}, 0.2)
    named = diagnostics.of_pass(figures, 3)
    assert named["diagnostics/clip_frac/3"] is known and named["diagnostics/kl/3"] is known
    assert "diagnostics/clip_frac" not in named and named["info/clip_frac"] is known


def metrics_of(tmp_path, **config):
    make_agent(train_dir=str(tmp_path), max_epochs=2, **config).train()
    return json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])


def test_an_epoch_has_them_by_their_tags(tmp_path):
    config = {"normalize_rms_advantage": True, "use_diagnostics": True}
    line = metrics_of(tmp_path, **config)
    tags = {name.removeprefix("diagnostics/") for name in line if name.startswith("diagnostics/")}
    passes = {f"{name}/{number}" for name in ("clip_frac", "kl") for number in (0, 1)}
    moments = {f"{name}/{moment}" for name in ("rms_value", "rms_advantage") for moment in ("mean", "var")}
    assert tags == {"exp_var", *passes, *moments}
    assert 0.0 <= line["diagnostics/clip_frac/0"] <= line["diagnostics/clip_frac/1"] <= 1.0
    mean_kl = (line["diagnostics/kl/0"] + line["diagnostics/kl/1"]) / 2
    assert math.isclose(line["kl"], mean_kl, rel_tol=1e-6, abs_tol=1e-9)
    assert line["diagnostics/exp_var"] <= 1.0


def test_they_are_off_by_default(tmp_path):
    assert not any(name.startswith("diagnostics/") for name in metrics_of(tmp_path))


def test_explained_variance_is_of_the_values_that_were_recorded():
    agent = make_agent(use_diagnostics=True, normalize_value=False, mini_epochs=1)
    agent.obs = agent.env_reset()
    batch = agent.play_steps()
    agent.learn(batch)
    errors = batch["returns"] - batch["values"]
    expected = 1.0 - errors.var(unbiased=False) / batch["returns"].var(unbiased=False)
    torch.testing.assert_close(agent.losses.harvest()["diagnostics/exp_var"].float(), expected)


def test_an_update_never_waits_for_the_device():
    agent = make_agent(use_diagnostics=True, normalize_rms_advantage=True, lr_schedule=None)
    agent.obs = agent.env_reset()
    batch = agent.play_steps()
    with WaitsForDevice() as mode:
        agent.learn(batch)
    assert mode.found == []


def test_amp_has_both_tags_of_one_figure(tmp_path):
    from learning.amp.agent import AMPAgent

    torch.manual_seed(0)
    agent = AMPAgent("run", amp_params(vec_env=ToyMotionEnv(16), use_diagnostics=True))
    agent.obs = agent.env_reset()
    agent.update_epoch()
    agent.train_epoch()
    figures = agent.losses.harvest()
    passes = [value for name, value in figures.items() if name.startswith("diagnostics/clip_frac/")]
    torch.testing.assert_close(torch.stack(passes).mean(), figures["info/clip_frac"])

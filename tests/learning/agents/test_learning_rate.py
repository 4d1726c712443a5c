import torch

from learning.agents.a2c_config import AgentConfig
from learning.agents.learning_rate import LearningRate
from tests.learning.toy_env import toy_params


def make(**changes):
    config = AgentConfig.from_params(toy_params(learning_rate=1e-3, kl_threshold=0.01, **changes)["config"])
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
    return LearningRate(config, optimizer), optimizer


def kl(value):
    return torch.tensor(value)


def test_legacy_moves_after_every_minibatch_but_the_first():
    rate, optimizer = make(schedule_type="legacy")
    rate.after_minibatch(kl(0.0), 1, 0)  # the policy is still the rollout's: this says nothing
    assert rate.value == 1e-3
    rate.after_minibatch(kl(0.03), 1, 0)
    assert abs(rate.value - 1e-3 / 1.5) < 1e-12
    assert optimizer.param_groups[0]["lr"] == rate.value
    rate.after_minibatch(kl(0.001), 1, 0)
    rate.after_minibatch(kl(0.001), 1, 0)
    assert abs(rate.value - 1.5e-3) < 1e-12
    rate.after_epoch(1, 0)
    rate.after_minibatch(kl(1.0), 2, 0)  # first of the next epoch
    assert abs(rate.value - 1.5e-3) < 1e-12


def test_standard_moves_after_a_pass_by_its_mean():
    rate, _ = make(schedule_type="standard")
    for value in (0.0, 0.05):
        rate.after_minibatch(kl(value), 1, 0)
    assert rate.value == 1e-3
    rate.after_mini_epoch(1, 0)  # mean 0.025 > 2 * 0.01
    assert abs(rate.value - 1e-3 / 1.5) < 1e-12


def test_standard_epoch_moves_once():
    rate, _ = make(schedule_type="standard_epoch")
    for _ in range(2):
        rate.after_minibatch(kl(0.001), 1, 0)
        rate.after_mini_epoch(1, 0)
    assert rate.value == 1e-3
    rate.after_epoch(1, 0)
    assert abs(rate.value - 1.5e-3) < 1e-12


def test_linear_follows_epochs_and_constant_stays():
    rate, _ = make(lr_schedule="linear", min_lr=0.5e-3, max_epochs=10)
    rate.after_minibatch(kl(1.0), 5, 0)
    rate.after_epoch(5, 0)
    assert abs(rate.value - 0.75e-3) < 1e-12
    rate, _ = make(lr_schedule="constant")
    rate.after_minibatch(kl(1.0), 5, 0)
    rate.after_epoch(5, 0)
    assert rate.value == 1e-3


def test_resuming_takes_what_a_schedule_moved_and_leaves_what_the_user_set():
    rate, optimizer = make()
    rate.resume({"last_lr": 4e-3, "entropy_coef": 0.5, "scheduler": {}})
    assert rate.value == optimizer.param_groups[0]["lr"] == 4e-3
    assert rate.entropy_coef == 0.0
    constant, _ = make(lr_schedule=None)
    constant.resume({"last_lr": 4e-3})
    assert constant.value == 1e-3


def test_the_entropy_bonus_falls_along_if_it_is_scheduled():
    settings = {"lr_schedule": "linear", "max_epochs": 10, "entropy_coef": 0.02}
    rate, _ = make(schedule_entropy=True, **settings)
    assert rate.entropy_coef == 0.02
    rate.after_epoch(5, 0)
    assert abs(rate.entropy_coef - (1e-4 + 0.5 * (0.02 - 1e-4))) < 1e-12
    rate.after_epoch(10, 0)
    assert abs(rate.entropy_coef - 1e-4) < 1e-12
    resumed, _ = make(schedule_entropy=True, **settings)
    resumed.resume(rate.state_dict())
    assert resumed.entropy_coef == rate.entropy_coef
    constant, _ = make(**settings)
    constant.after_epoch(5, 0)
    assert constant.entropy_coef == 0.02

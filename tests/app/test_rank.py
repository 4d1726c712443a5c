"""What a worker tells the environment that it builds."""

from types import SimpleNamespace

import pytest

import tasks
from app.rank import _env_creator
from app.schema import RunConfig


@pytest.mark.parametrize(("rank", "headless", "told"), [(0, False, False), (0, True, True), (1, False, True)])
def test_only_the_first_worker_shows_what_it_does(monkeypatch, rank, headless, told):
    settings = RunConfig({}, {}, "Mine", headless=headless, test=True)
    config = {"task_name": "Mine", "task": {"env": {}}}
    processes = SimpleNamespace(by_torchrun=False)
    plan = SimpleNamespace(settings=settings, config=config, processes=processes)
    monkeypatch.setattr(tasks, "create", lambda name, cfg, **options: (name, cfg, options))
    name, cfg, options = _env_creator(rank, plan)(num_envs=3)
    assert (name, options["headless"]) == ("Mine", told)
    assert cfg == {"env": {"numEnvs": 3}, "test": True}  # a play shows the time of the clock on the wall

import pytest

import tasks


def test_known_tasks_are_listed():
    assert {"Ant", "Cartpole", "Humanoid"} <= set(tasks.names())


def test_unknown_name_says_what_is_near():
    with pytest.raises(ValueError, match="'Antt' is not registered; did you mean Ant?"):
        tasks.get_class("Antt")


def test_a_taken_name_is_refused():
    with pytest.raises(ValueError, match="'Ant' is registered already"):
        tasks.register("Ant", object)


def test_a_class_from_outside_can_be_registered(monkeypatch):
    from tasks import registry

    monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))

    class Outside:
        def __init__(self, **kwargs):
            self.kwargs = kwargs

    tasks.register("Outside", Outside)
    task = tasks.create("Outside", {"env": {}}, sim_device="cpu", rl_device="cpu")
    assert task.kwargs["cfg"] == {"env": {}}


def test_a_string_must_name_module_and_class():
    with pytest.raises(ValueError, match="'module:Class'"):
        tasks.register("Bad", "tasks.ant.Ant")

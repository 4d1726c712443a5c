"""Several observers at once: every hook there is reaches each of them, in order."""

import inspect

import pytest

from learning.reporting.observer import AlgoObserver, MultiObserver

HOOKS = [name for name, _ in inspect.getmembers(AlgoObserver, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_passed_on(hook):
    told = []

    class Tells(AlgoObserver):
        def __init__(self, name):
            self.name = name

        def __getattribute__(self, attribute):
            if attribute in HOOKS:
                return lambda *args: told.append((self.name, attribute, args))
            return super().__getattribute__(attribute)

    given = tuple(range(len(inspect.signature(getattr(AlgoObserver, hook)).parameters) - 1))
    getattr(MultiObserver([Tells("a"), Tells("b")]), hook)(*given)
    assert told == [("a", hook, given), ("b", hook, given)]


def test_they_may_be_nested_and_hooks_do_nothing_by_themselves():
    MultiObserver([AlgoObserver(), MultiObserver([AlgoObserver()])]).after_clear_stats()

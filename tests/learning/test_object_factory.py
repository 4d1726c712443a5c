import pytest

from learning.object_factory import ObjectFactory


def register(factory):
    factory.register_builder("half", lambda value: value / 2)


def test_creates_by_name_with_keywords():
    factory = ObjectFactory("number")
    register(factory)
    assert factory.create("half", value=3) == 1.5
    assert factory.names == ["half"]


def test_unknown_name_lists_known_ones_and_the_nearest():
    factory = ObjectFactory("number")
    register(factory)
    factory.register_builder("double", lambda value: value * 2)
    with pytest.raises(ValueError, match="'hal' is no number; did you mean half.*registered: double, half"):
        factory.create("hal", value=1)


def test_duplicates_are_refused_unless_overridden():
    factory = ObjectFactory("number")
    register(factory)
    register(factory)  # the same code again, as a second build_runner does
    with pytest.raises(ValueError, match="number 'half' is already registered"):
        factory.register_builder("half", lambda value: 0)
    factory.register_builder("half", lambda value: 0, override=True)
    assert factory.create("half", value=3) == 0

"""Tests open no windows: where there is a display, only those that ask for it see it."""

import os

import pytest

TEST_DISPLAY = "GAITWAY_TEST_DISPLAY"

for name in ("WAYLAND_DISPLAY", "DISPLAY"):
    if name in os.environ:
        os.environ[TEST_DISPLAY] = f"{name}={os.environ.pop(name)}"


@pytest.fixture
def opened(monkeypatch):
    """There is a display; a list of the stand-ins for MuJoCo's viewer that were opened on it."""
    from tests.mjgym.viewers import Viewer

    viewers = []

    def launch(model, data, on_key):
        viewers.append(Viewer(model, data, on_key))
        return viewers[-1]

    monkeypatch.setattr("mjgym.window._launch", launch)
    monkeypatch.setattr("mjgym.gym.viewer_calls.has_display", lambda: True)
    return viewers


@pytest.fixture
def clock(monkeypatch):
    """The clock on the wall, as windows see it."""
    from tests.mjgym.viewers import Clock

    clock = Clock()
    monkeypatch.setattr("mjgym.window.time", clock)
    return clock

"""Tests open no windows: where there is a display, only those that ask for it see it."""

import os

TEST_DISPLAY = "GAITWAY_TEST_DISPLAY"

for name in ("WAYLAND_DISPLAY", "DISPLAY"):
    if name in os.environ:
        os.environ[TEST_DISPLAY] = f"{name}={os.environ.pop(name)}"

"""Waiting between frames, so that a script runs no faster than somebody wants to look at it."""

from __future__ import annotations

import time

from mjgym.install import frame_rate

_last = 0.0


def wait_for_frame() -> bool:
    """Wait until a frame's time has passed since the last call; return False if no rate was asked for."""
    global _last
    rate = frame_rate()
    if rate is None:
        return False
    time.sleep(max(0.0, _last + 1.0 / rate - time.monotonic()))
    _last = time.monotonic()
    return True

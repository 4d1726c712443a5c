"""How training is asked to stop from outside: Ctrl-C, SIGTERM, or a call."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

logger = logging.getLogger(__name__)


class StopFlag:
    """Raised by SIGINT or SIGTERM while it is entered, or by `request`; the agent looks at it once an epoch.

    A second signal is not caught any more, so that a rollout which hangs can be broken off. Signals can only
    be caught in a process's main thread; in any other the flag works by `request` alone.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.raised = False
        self._previous: dict[int, Any] = {}

    def request(self) -> None:
        """Ask for a stop after the running epoch."""
        self.raised = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in self.SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.request()
        self._restore()
        logger.warning("%s: saving after this epoch; once more to break off", signal.Signals(number).name)

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

import os
import signal
import threading

import pytest

from learning.agents.stopping import StopFlag


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_raises_the_flag_and_the_second_is_not_caught(number):
    before = signal.getsignal(number)
    with StopFlag() as flag:
        assert not flag.raised
        os.kill(os.getpid(), number)
        assert flag.raised
        assert signal.getsignal(number) is before
    assert signal.getsignal(signal.SIGINT) is not None


def test_outside_the_main_thread_it_works_by_request():
    flags = []

    def run():
        with StopFlag() as flag:
            flag.request()
            flags.append(flag.raised)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert flags == [True]

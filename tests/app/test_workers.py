import os
import signal
import threading
import time

import pytest

from app.workers import Interrupted, WorkerError, run_workers
from learning.typed_config import ConfigError
from tests.app import worker_functions


def test_workers_meet(tmp_path):
    run_workers(worker_functions.add_ranks, str(tmp_path), 2)
    assert [(tmp_path / name).read_text() for name in ("0", "1")] == ["1.0", "1.0"]


def test_complaint_of_a_worker_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="^num_envs=7: wrong$"):
        run_workers(worker_functions.complain, str(tmp_path), 2)


def test_error_names_the_worker_and_its_traceback(tmp_path):
    with pytest.raises(WorkerError, match="(?s)worker 1 of 2 .*ZeroDivisionError: by design"):
        run_workers(worker_functions.fail, str(tmp_path), 2)


def test_killed_worker_is_named_and_not_those_that_fail_after_it(tmp_path):
    with pytest.raises(WorkerError, match=r"worker 1 of 2 \(process \d+\) was killed by SIGKILL"):
        run_workers(worker_functions.die, str(tmp_path), 2)


def test_interrupt_is_passed_on_once_and_waited_for(tmp_path):
    def interrupt():
        while not all((tmp_path / f"ready{rank}").exists() for rank in range(2)):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(Interrupted) as interrupted:
        run_workers(worker_functions.leave_when_asked, str(tmp_path), 2)
    assert interrupted.value.exit_code == 130
    assert all((tmp_path / f"left{rank}").exists() for rank in range(2))

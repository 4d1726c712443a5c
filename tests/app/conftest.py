"""How tests run the real command: in a directory of their own, with a task from outside the repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTSIDE = Path(__file__).parent / "outside"
TOY = ["--config-dir", str(OUTSIDE / "cfg"), "task=Toy", "import_modules=[toy_task]"]


def start(arguments, cwd):
    """Start train.py; its output can be read."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(OUTSIDE)}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def train(tmp_path):
    """Run train.py in a new directory: returns exit code, standard output, standard error."""

    def run(*arguments):
        process = start(arguments, tmp_path)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    return run


@pytest.fixture
def train_here(tmp_path, monkeypatch, capsys):
    """Run train.py's `main` in this process and a new directory, which saves the time to import PyTorch."""
    import train as entry

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(OUTSIDE))

    def run(*arguments):
        code = entry.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run

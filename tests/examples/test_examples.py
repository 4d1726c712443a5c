"""The example scripts run as they are: through the runner, and after mjgym.install()."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import mjgym
from mjgym.install import IsaacGymFinder

ROOT = Path(__file__).parents[2]
EXAMPLES = {"falling_stack.py": ["--num_envs", "2"], "cartpole_tensors.py": ["--num_envs", "8"]}


@pytest.fixture
def installed(monkeypatch):
    """Install mjgym, and take the finder and the modules' aliases away afterwards."""
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if not isinstance(f, IsaacGymFinder)])
    mjgym.install()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "isaacgym"]:
        del sys.modules[name]


def through_the_runner(script):
    command = [sys.executable, "-m", "mjgym", f"examples/{script}", "--headless", *EXAMPLES[script]]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def after_install(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [script, "--headless", *EXAMPLES[script]])
    runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
    return capsys.readouterr().out


def test_every_example_is_tested():
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


def test_all_but_the_lowest_boxes_fall(installed, monkeypatch, capsys):
    printed = after_install("falling_stack.py", monkeypatch, capsys)
    assert through_the_runner("falling_stack.py") == printed
    assert "after 3.0 s" in printed
    assert re.findall(r"stack (\d): (\d) of (\d) boxes fell", printed) == [("0", "5", "6"), ("1", "5", "6")]


def test_the_controller_keeps_every_pole_up(installed, monkeypatch, capsys):
    printed = after_install("cartpole_tensors.py", monkeypatch, capsys)
    assert through_the_runner("cartpole_tensors.py") == printed
    assert "after 10.0 s: 8 of 8 poles are upright" in printed
    lean = float(re.search(r"largest lean (\S+) rad", printed)[1])
    assert lean < 0.01

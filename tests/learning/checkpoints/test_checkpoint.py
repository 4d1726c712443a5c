import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from learning.checkpoints.checkpoint import (
    CheckpointError,
    CheckpointWriter,
    get_rng_state,
    load_checkpoint,
    load_model_state,
    save_checkpoint,
    set_rng_state,
    to_plain,
)

ROOT = Path(__file__).parents[3]


def test_a_round_trip_keeps_nested_plain_data(tmp_path):
    state = {"model": {"w": torch.arange(3.0)}, "epoch": 3, "list": [1, 2.5, None, "x", (True, {})]}
    save_checkpoint(tmp_path / "a.pth", state)
    read = load_checkpoint(tmp_path / "a.pth")
    assert torch.equal(read["model"].pop("w"), torch.arange(3.0))
    assert read == {"model": {}, "epoch": 3, "list": [1, 2.5, None, "x", (True, {})]}
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pth"
    save_checkpoint(path, {"model": {}, "epoch": 1})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, {"model": {}, "epoch": 2})
    assert load_checkpoint(path)["epoch"] == 1


def test_what_cannot_be_read_back_is_not_written(tmp_path):
    with pytest.raises(TypeError, match=r"checkpoint\.workers\[1\]\.env is a ndarray"):
        save_checkpoint(tmp_path / "a.pth", {"workers": [{}, {"env": np.zeros(2)}]})
    assert to_plain({"a": (torch.ones(1, requires_grad=True),)})["a"][0].requires_grad is False


class Dangerous:
    def __reduce__(self):
        return os.system, ("touch /tmp/gaitway_was_here",)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"model": {}, "trap": Dangerous()}, path)
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        load_checkpoint(path)
    assert not os.path.exists("/tmp/gaitway_was_here")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "does not exist"),
        (b"not a checkpoint", "no readable checkpoint"),
        (b"", "no readable checkpoint"),
    ],
)
def test_unreadable_files_say_so(tmp_path, content, text):
    path = tmp_path / "a.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(path)


def test_directories_and_other_files_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="is a directory"):
        load_checkpoint(tmp_path)
    torch.save({"weights": {}}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="holds no 'model'"):
        load_checkpoint(tmp_path / "a.pth")
    save_checkpoint(tmp_path / "b.pth", {"model": {}})
    (tmp_path / "b.pth").write_bytes((tmp_path / "b.pth").read_bytes()[:-20])  # cut short
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        load_checkpoint(tmp_path / "b.pth")


def test_rl_games_files_are_read(tmp_path):
    state = {"model": {"_orig_mod.w": torch.ones(1)}, "last_mean_rewards": np.float32(3.5), "epoch": 4}
    torch.save(state, tmp_path / "a.pth")
    read = load_checkpoint(tmp_path / "a.pth")
    assert read["last_mean_rewards"] == 3.5 and list(read["model"]) == ["w"]


def test_another_architecture_is_named_by_its_first_differences():
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    saved = {"0.weight": torch.zeros(2, 5), "0.bias": torch.zeros(2), "9.bias": torch.zeros(2)}
    text = r"0\.weight is \(2, 5\), here \(2, 3\); 1\.weight is missing; 1\.bias is missing; and 1 more"
    with pytest.raises(CheckpointError, match=text):
        load_model_state(module, saved, "a.pth")


def test_random_generators_go_on_from_a_saved_state(tmp_path):
    cpu = torch.device("cpu")
    save_checkpoint(tmp_path / "a.pth", {"model": {}, "rng": get_rng_state(cpu)})

    def draw():
        return torch.rand(3).tolist(), np.random.rand(3).tolist(), [random.random() for _ in range(3)]

    first = draw()
    assert draw() != first
    set_rng_state(load_checkpoint(tmp_path / "a.pth")["rng"], cpu)
    assert draw() == first


def test_file_names(tmp_path):
    writer = CheckpointWriter(tmp_path, "Ant", last_interval=0.0)
    assert writer.last_is_due
    for save in (writer.save_best, writer.save_last, lambda state: writer.save_epoch(state, 50)):
        save({"model": {}})
    assert {path.name for path in (tmp_path / "nn").iterdir()} == {"Ant.pth", "last.pth", "Ant_ep_50.pth"}
    silent = CheckpointWriter(None, "Ant", last_interval=0.0)
    silent.save_best({"model": {}})
    assert not silent.is_active and not silent.last_is_due


SAVE_FOREVER = """
import sys, torch
from pathlib import Path
from learning.checkpoints.checkpoint import save_checkpoint
path, number = Path(sys.argv[1]), 0
while True:
    number += 1
    save_checkpoint(path, {"model": {"weight": torch.full((200_000,), float(number))}, "epoch": number})
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    path = tmp_path / "last.pth"
    for attempt in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOREVER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        writer.stdout.readline()
        time.sleep(0.003 * attempt)  # at another place within the loop each time
        writer.kill()
        writer.communicate()
        state = load_checkpoint(path)
        assert (state["model"]["weight"] == float(state["epoch"])).all()

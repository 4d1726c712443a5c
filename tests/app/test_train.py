"""The real command, from start to end, with a task and configs from outside the repository."""

import json
import os
import signal
import time

import pytest
import torch
import yaml

from learning.checkpoints.checkpoint import load_checkpoint
from tests.app.conftest import TOY, start

pytestmark = pytest.mark.slow


def json_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_train_resume_and_play(train, train_here, tmp_path):
    code, out, err = train(*TOY, "experiment=a", "max_iterations=3", "num_envs=6", "num_workers=2")
    assert code == 0, err
    run = tmp_path / "runs" / "a"
    assert os.listdir(tmp_path) == ["runs"]
    assert os.listdir(tmp_path / "runs") == ["a"]
    parts = ["config.yaml", "metrics.jsonl", "nn", "overrides.yaml", "result.json", "summaries"]
    assert sorted(os.listdir(run)) == parts
    assert sorted(os.listdir(run / "nn")) == ["a.pth", "a_ep_2.pth", "last.pth"]
    # 8 steps * 6 environments = 48 samples: 64 does not fit, and the line says so
    assert "minibatch_size=64 does not divide" in out
    assert "8 * 6 = 48" in out
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["num_workers"] == 2
    assert config["train"]["params"]["config"]["minibatch_size"] == 48
    assert json.loads((run / "result.json").read_text())["task"] == "Toy"

    code, _, err = train_here(*TOY, "experiment=a", "max_iterations=5")
    assert code == 2
    assert "checkpoint=last" in err

    # num_envs=6 comes from the run
    code, _, err = train_here(*TOY, "checkpoint=last", "max_iterations=5", "num_workers=0")
    assert code == 0, err
    lines = json_lines(run / "metrics.jsonl")
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["frame"] for line in lines] == [48, 96, 144, 192, 240]
    assert (run / "nn" / "a_ep_4.pth").exists()

    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    code, out, err = train_here(
        *TOY, "test=True", "checkpoint=best", "experiment=a", "games_num=12", "num_workers=0"
    )
    assert code == 0, err
    assert "12 episodes" in out
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    assert set(after) - set(before) == {run / "test_result.json"}
    assert all(after[path] == before[path] for path in before)


def test_number_of_workers_is_kept_on_resume(train_here, tmp_path):
    code, _, err = train_here(*TOY, "experiment=b", "max_iterations=1", "num_workers=0")
    assert code == 0, err
    code, _, err = train_here(*TOY, "experiment=b", "max_iterations=2", "checkpoint=last")
    assert code == 0, err
    config = yaml.safe_load((tmp_path / "runs/b/config.yaml").read_text())
    assert (config["num_workers"], config["max_iterations"]) == (0, 2)


def test_a_run_that_named_itself_is_resumed_and_played_by_its_directory(train_here, tmp_path):
    code, _, err = train_here(*TOY, "max_iterations=2", "num_envs=6", "num_workers=0")
    assert code == 0, err
    (run,) = (tmp_path / "runs").iterdir()
    named = f"experiment={run.name}"
    code, _, err = train_here(*TOY, named, "checkpoint=last", "max_iterations=3", "num_workers=0")
    assert code == 0, err
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["train"]["params"]["config"]["name"] == "Toy"
    code, out, err = train_here(*TOY, named, "test=True", "checkpoint=best", "games_num=6", "num_workers=0")
    assert code == 0, err
    assert "6 episodes" in out


def test_a_variant_of_a_task_is_played_under_its_own_name(train_here):
    small = ["task=SmallToy", "train=ToyPPO", *(item for item in TOY if item != "task=Toy")]
    code, _, err = train_here(*small, "experiment=small", "max_iterations=1", "num_workers=0")
    assert code == 0, err
    play = ["test=True", "checkpoint=best", "experiment=small", "games_num=4", "num_workers=0"]
    code, out, err = train_here(*small, *play)
    assert code == 0, err
    assert "4 episodes" in out


def test_sweep_runs_one_job_after_another(train_here, tmp_path):
    code, _, err = train_here(*TOY, "-m", "seed=1,2", "max_iterations=1", "num_workers=0")
    assert code == 0, err
    runs = sorted((tmp_path / "runs").iterdir())
    assert [yaml.safe_load((run / "config.yaml").read_text())["seed"] for run in runs] == [1, 2]
    assert os.listdir(tmp_path) == ["runs"]


def test_sweep_is_checked_before_its_first_job(train_here, tmp_path):
    code, _, err = train_here(*TOY, "-m", "num_envs=8,-8", "max_iterations=1")
    assert code == 2
    assert "num_envs=-8" in err
    code, _, err = train_here(*TOY, "-m", "seed=1,2", "experiment=same")
    assert code == 2
    assert "experiment=same" in err
    assert os.listdir(tmp_path) == []


def wait_for_epochs(process, count):
    for line in process.stdout:
        if line.startswith(f"epoch {count}"):
            return
    pytest.fail(process.stderr.read())


def workers_of(process):
    """Process ids of the children, from /proc."""
    return [int(pid) for pid in _read(f"/proc/{process.pid}/task/{process.pid}/children").split()]


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def is_alive(pid):
    status = _read(f"/proc/{pid}/stat")
    return bool(status) and status.rsplit(")", 1)[1].split()[0] != "Z"


LONG = [*TOY, "experiment=long", "num_workers=2", "max_iterations=100000"]


def test_ctrl_c_saves_and_leaves(tmp_path):
    process = start(LONG, tmp_path)
    wait_for_epochs(process, 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in out
    result = json.loads((tmp_path / "runs/long/result.json").read_text())
    assert result["exit_reason"] == "interrupted"
    assert (tmp_path / "runs/long/nn/last.pth").exists()


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="children are read from /proc")
def test_dead_worker_ends_the_run_with_a_clear_error(tmp_path):
    process = start(LONG, tmp_path)
    wait_for_epochs(process, 3)
    workers = [pid for pid in workers_of(process) if "multiprocessing.spawn" in _read(f"/proc/{pid}/cmdline")]
    assert len(workers) == 2
    os.kill(workers[1], signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"worker 1 of 2 (process {workers[1]}) was killed by SIGKILL" in err
    assert not any(is_alive(pid) for pid in workers)


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="children are read from /proc")
def test_no_worker_outlives_its_killed_parent(tmp_path):
    process = start(LONG, tmp_path)
    wait_for_epochs(process, 3)
    children = workers_of(process)
    assert len(children) >= 2
    process.kill()
    deadline = time.monotonic() + 5
    while any(is_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in children)
    process.communicate()
    saved = sorted((tmp_path / "runs/long/nn").glob("*.pth"))
    assert saved
    assert all(load_checkpoint(path)["epoch"] >= 2 for path in saved)


def test_resumed_run_ends_with_the_very_weights_of_an_uninterrupted_one(train, tmp_path):
    arguments = ["task=Cartpole", "num_envs=16", "num_workers=2", "torch_deterministic=True"]
    # A rate that falls to 0 at max_iterations would differ in a run that is first meant to be shorter.
    arguments += ["train.params.config.lr_schedule=adaptive"]
    for run in (
        ["experiment=whole", "max_iterations=20"],
        ["experiment=parts", "max_iterations=10"],
        ["experiment=parts", "max_iterations=20", "checkpoint=last"],
    ):
        code, _, err = train(*arguments, *run)
        assert code == 0, err
    whole, parts = (load_checkpoint(tmp_path / f"runs/{name}/nn/last.pth") for name in ("whole", "parts"))
    assert whole["epoch"] == parts["epoch"] == 20
    for key, tensor in whole["model"].items():
        assert torch.equal(tensor, parts["model"][key]), key

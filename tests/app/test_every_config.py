"""Every file of cfg/train with the real command: it trains, resumes with the same bits, and plays."""

import json
import signal

import pytest
from omegaconf import OmegaConf

import train as entry
from app.choices import default_train
from app.compose import CONFIG_DIR, compose
from app.console import ConsoleObserver
from learning.checkpoints.checkpoint import load_checkpoint, load_replay
from tests.learning.checkpoints.test_training_state import differences

TASKS = sorted(path.stem for path in (CONFIG_DIR / "task").glob("*.yaml"))
TRAINS = sorted(path.stem for path in (CONFIG_DIR / "train").glob("*.yaml"))
DEFAULTS = {default_train(task): task for task in TASKS}
OTHERS = {
    "AntSAC": "Ant",
    "DuelSelfPlay": "Duel",
    "ImageResnetPPO": "Image",
    "PendulumSAC": "Pendulum-v1",
    "PendulumSigmaPPO": "Pendulum-v1",
    "SparseGridRND": "SparseGrid",
}
"""The tasks of files that are no task's default."""

CASES = [
    *((train, "cpu") for train in TRAINS),
    *((train, "gpu") for train in TRAINS if (CONFIG_DIR / "overlay" / "cpu" / f"{train}.yaml").exists()),
]
"""Every file with the values that a processor takes, and with its own where these are others."""

EPOCHS, MIDDLE = 6, 3
COMMON = ["num_threads=1", "num_envs=4", f"max_iterations={EPOCHS}"]
SMALL = {
    "task.env.evalEpisodes": 2,
    "task.env.evalSeconds": 1.0,
    "train.params.config.eval_interval": 2,
    "train.params.config.save_best_after": 1,
    "train.params.config.score_to_win": "null",  # a short Pendulum is won at once
    "train.params.config.horizon_length": 20,
    "train.params.config.minibatch_size": 40,
    "train.params.config.mini_epochs": 2,
    "train.params.config.central_value_config.minibatch_size": 40,
    # buffers that are full before the middle
    "train.params.config.num_warmup_steps": 1,
    "train.params.config.batch_size": 32,
    "train.params.config.num_updates_per_step": 1,
    "train.params.config.replay_buffer_size": 80,
    "train.params.config.amp_minibatch_size": 32,
    "train.params.config.amp_batch_size": 32,
    "train.params.config.amp_obs_demo_buffer_size": 100,
    "train.params.config.amp_replay_buffer_size": 200,
    "train.params.config.disc_batch_size": 32,
}
"""What is made smaller in every file that says it."""

SHORT = "task.env.episodeLength=12"
HAS_SHORT_EPISODES = "Memory"
"""Its episodes have 10 steps, and no time limit."""

TIMES = ("wall_time", "fps", "step_time", "play_time", "update_time")


class StopsInTheMiddle(ConsoleObserver):
    """Presses Ctrl-C."""

    def on_progress(self, progress):
        super().on_progress(progress)
        if progress.epoch == MIDDLE:
            signal.raise_signal(signal.SIGINT)


def choice_of(train, hardware):
    """The command line of a train file: a task that it is for, and all of it on the processor, here."""
    task = {**OTHERS, **DEFAULTS}.get(train)
    if task is None:
        pytest.fail(f"cfg/train/{train}.yaml: is no task's default; add a task that it is for to OTHERS")
    return [f"task={task}", f"train={train}", f"hardware={hardware}", "rl_device=cpu", "num_workers=0"]


def made_small(choice):
    """The same, as small as it can be."""
    (job,) = compose([*choice, *COMMON])
    config = OmegaConf.create(job.config)
    smaller = [f"{key}={value}" for key, value in SMALL.items() if OmegaConf.select(config, key) is not None]
    length = [] if f"task={HAS_SHORT_EPISODES}" in choice else [SHORT]
    return [*choice, *COMMON, *smaller, *length]


def saved(run):
    """All that the run would go on from."""
    path = run / "nn" / "last.pth"
    return {**load_checkpoint(path), **load_replay(path)}


def metrics(run):
    """What the run logged, but how long it took."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


@pytest.mark.parametrize("train, hardware", CASES)
def test_it_trains_resumes_with_the_same_bits_and_plays(train, hardware, train_here, tmp_path, monkeypatch):
    def run(*arguments):
        code, _, err = train_here(*arguments)
        assert code == 0, err

    choice = choice_of(train, hardware)
    small = made_small(choice)
    whole, parts = tmp_path / "runs" / "whole", tmp_path / "runs" / "parts"
    run(*small, "experiment=whole")
    with monkeypatch.context() as patch:
        patch.setattr(entry, "ConsoleObserver", StopsInTheMiddle)
        _, _, err = train_here(*small, "experiment=parts")
    assert (parts / "result.json").exists(), err
    stopped = json.loads((parts / "result.json").read_text())
    assert (stopped["epochs"], stopped["exit_reason"]) == (MIDDLE, "interrupted")

    run(*choice, "experiment=parts", "checkpoint=last")
    assert metrics(parts) == metrics(whole)
    assert [line["epoch"] for line in metrics(whole)] == list(range(1, EPOCHS + 1))
    assert metrics(whole)[-1]["episode_length"] is not None
    assert set(differences(saved(whole), saved(parts))) == {".config.name", ".total_time"}

    run(*choice, "experiment=parts", "test=True", "checkpoint=last", "games_num=8")
    played = json.loads((parts / "test_result.json").read_text())
    assert (played["epochs"], played["exit_reason"]) == (EPOCHS, "games_num")


def test_no_file_has_two_tasks():
    assert OTHERS.keys() <= set(TRAINS) - DEFAULTS.keys()

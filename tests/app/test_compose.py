import logging
import sys
from pathlib import Path

import pytest

import tasks
from app.choices import default_train
from app.compose import CONFIG_DIR, compose, last_of_each, options_first, override_key, recompose
from learning.models.model_builder import ModelBuilder
from learning.sac.config import SACConfig
from learning.typed_config import ConfigError
from tests.app.conftest import OUTSIDE

TASKS = sorted(path.stem for path in (CONFIG_DIR / "task").glob("*.yaml"))
TRAINS = sorted(path.stem for path in (CONFIG_DIR / "train").glob("*.yaml"))


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argv = list(sys.argv)
    yield
    assert list(tmp_path.iterdir()) == []
    assert sys.argv == argv


def one(*arguments):
    (job,) = compose(arguments)
    return job


def agent(job):
    return job.config["train"]["params"]["config"]


@pytest.fixture
def layers(tmp_path_factory):
    """A task, a train file and an overlay that all give the same keys."""
    root = tmp_path_factory.mktemp("cfg")
    files = {
        "task/T.yaml": "name: T\nenv: {numEnvs: 1}\nsim: {}\n",
        "train/TPPO.yaml": "params: {config: {gamma: 0.1, tau: 0.1, name: x}}\n",
        "overlay/cpu/TPPO.yaml": (
            "# @package _global_\ntrain: {params: {config: {gamma: 0.2}}}\n"
            "task: {env: {numEnvs: '${resolve_default:2,${...num_envs}}'}}\n"
        ),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return ["--config-dir", str(root), "task=T"]


def test_command_line_beats_overlay_beats_train_and_task(layers):
    on_cpu, on_gpu = one(*layers, "hardware=cpu"), one(*layers, "hardware=gpu")
    assert (agent(on_gpu)["gamma"], agent(on_gpu)["tau"]) == (0.1, 0.1)
    assert (agent(on_cpu)["gamma"], agent(on_cpu)["tau"]) == (0.2, 0.1)
    assert (on_gpu.config["task"]["env"]["numEnvs"], on_cpu.config["task"]["env"]["numEnvs"]) == (1, 2)
    given = one(*layers, "hardware=cpu", "num_envs=3", "train.params.config.gamma=0.3")
    assert (agent(given)["gamma"], given.config["task"]["env"]["numEnvs"]) == (0.3, 3)


def test_hardware_chooses_devices():
    job = one("task=Ant", "hardware=gpu")
    assert (job.config["rl_device"], agent(job)["device"], agent(job)["num_actors"]) == (
        "cuda:0",
        "cuda:0",
        4096,
    )
    assert job.choices == {"task": "Ant", "train": "AntPPO", "hardware": "gpu", "overlay": "gpu/AntPPO"}
    job = one("task=Ant", "hardware=cpu")
    assert (job.config["rl_device"], agent(job)["mixed_precision"]) == ("cpu", False)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("hardware", ["cpu", "gpu"])
def test_every_task_composes_with_its_train_file(task, hardware):
    job = one(f"task={task}", f"hardware={hardware}", "num_envs=64", "max_iterations=7", "seed=5")
    assert default_train(task) in TRAINS
    assert job.config["task"]["name"] == job.config["task_name"]
    assert job.config["task_name"] in tasks.names()
    assert job.config["task"]["env"]["numEnvs"] == agent(job)["num_actors"] == 64
    assert agent(job)["max_epochs"] == 7
    assert job.config["train"]["params"]["seed"] == 5
    assert isinstance(agent(job)["learning_rate"], float)


@pytest.mark.parametrize("hardware", ["cpu", "gpu"])
@pytest.mark.parametrize("train", [name for name in TRAINS if name.endswith("SAC")])
def test_sac_files_hold_what_the_agent_takes(train, hardware):
    task = "Ant" if train == "AntSAC" else "Cartpole"  # any task will do
    job = one(f"task={task}", f"train={train}", f"hardware={hardware}", "max_iterations=7", "num_envs=64")
    config = SACConfig.from_params(agent(job))
    assert (config.num_actors, config.max_epochs, config.num_steps_per_episode) == (64, 7, 8)
    ModelBuilder().load(job.config["train"]["params"])


def test_sac_has_environments_of_its_own_number():
    numbers = [
        agent(one("task=Ant", "train=AntSAC", f"hardware={kind}"))["num_actors"] for kind in ("cpu", "gpu")
    ]
    assert numbers == [128, 64]


def test_sweep_has_a_job_for_each_value():
    jobs = compose(["task=Cartpole", "-m", "seed=1,2", "num_envs=8"])
    assert [job.config["seed"] for job in jobs] == [1, 2]
    assert [job.config["num_envs"] for job in jobs] == [8, 8]


def test_key_with_a_default_needs_no_plus():
    assert agent(one("task=Ant", "train.params.config.weight_decay=1e-5"))["weight_decay"] == 1e-5
    assert one("task=Ant", "task.sim.physx.friction_offset_threshold=0.1")


def test_recompose_puts_new_overrides_over_old_ones():
    job = recompose(one("task=Ant"), ["task=Cartpole", "num_envs=8", "task=Cartpole", "num_envs=16"])
    assert (job.choices["train"], job.config["num_envs"]) == ("CartpolePPO", 16)


def test_configs_from_outside():
    job = one("--config-dir", str(OUTSIDE / "cfg"), "task=Toy")
    assert (job.choices["train"], agent(job)["horizon_length"], agent(job)["gamma"]) == ("ToyPPO", 8, 0.99)
    assert job.config_dirs == (CONFIG_DIR, OUTSIDE / "cfg")
    again = recompose(job, ["task=Toy"])
    assert again.config == job.config


MISTAKES = {
    ("task=Antt",): "task=Antt: there is no cfg/task/Antt.yaml; did you mean Ant?",
    ("task=Ant", "train=AntTD3"): "train=AntTD3: there is no cfg/train/AntTD3.yaml",
    (): "task: has to be chosen; say for example task=Ant",
    ("task=Ant", "num_env=4"): "num_env=4: unknown key; did you mean num_envs?",
    ("task=Ant", "gamma=0.9"): "gamma=0.9: unknown key; did you mean train.params.config.gamma?",
    ("task=Ant", "task.env.deathcost=1"): "did you mean task.env.deathCost?",
    ("task=Ant", "train.params.config.weight_deca=1"): "did you mean train.params.config.weight_decay?",
    ("task=Ant", "train.params.network.mlp.unit=[3]"): "did you mean train.params.network.mlp.units?",
    ("task=Ant", "num_envs=["): "num_envs=[: cannot be read as key=value",
    ("task=Ant", "64"): "64: cannot be read as key=value",
    ("task=Ant", "num_envs=5,6"): "num_envs=5,6: several values are a sweep: add -m",
    ("task=Ant", "num_envs=${nowhere}"): "num_envs: Interpolation key 'nowhere' not found",
    ("task=Ant", "--config-dir", "/nowhere"): "/nowhere",
    ("task=Ant", "--experimental-rerun", "x.pickle"): "--experimental-rerun",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_mistakes_are_told_in_a_line(arguments):
    with pytest.raises(ConfigError) as error:
        compose(arguments)
    assert MISTAKES[arguments] in str(error.value)
    assert "\n" not in str(error.value)


def test_options_are_put_before_overrides():
    mixed = ["task=Ant", "-m", "seed=1,2", "--config-dir", "x", "a=b"]
    assert options_first(mixed) == ["-m", "--config-dir", "x", "task=Ant", "seed=1,2", "a=b"]


def test_the_last_of_equal_overrides_counts():
    assert last_of_each(["a=1", "b=2", "++a=3"]) == ["b=2", "++a=3"]
    assert [override_key(text) for text in ("a.b=1=2", "+x=1", "~y", "++z=")] == ["a.b", "x", "y", "z"]


def test_help_shows_the_keys(capsys):
    with pytest.raises(SystemExit) as done:
        compose(["--help"])
    assert done.value.code in (None, 0)
    text = capsys.readouterr().out
    assert "num_envs: null" in text
    assert "task: Ant, Anymal, Asymmetric, BallBalance, CartPole-v1, Cartpole" in text


def test_config_directory_is_the_repositorys():
    assert Path(__file__).parents[2] / "cfg" == CONFIG_DIR


def test_loggers_that_exist_stay_heard(caplog):
    existing = logging.getLogger("learning.somebody")
    compose(["task=Cartpole"])
    existing.warning("heard")
    assert not existing.disabled
    assert "heard" in caplog.text

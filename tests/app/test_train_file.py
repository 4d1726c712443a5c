import shutil
from pathlib import Path

import pytest
import yaml

from app.compose import compose
from app.run_directory import stored_overrides, train_file_copy
from app.sources import source_of
from app.train_file import override_for, read
from learning.agents.a2c_config import AgentConfig
from learning.agents.agent_config import BaseAgentConfig
from learning.models.model_builder import ModelBuilder
from learning.rl_games.params import translate
from learning.sac.config import SACConfig
from learning.typed_config import ConfigError
from tests.app.conftest import OUTSIDE, TOY
from tests.app.test_compose import agent, one

FILES = OUTSIDE.parent / "rl_games"
PPO = FILES / "ppo_toy.yaml"


def test_the_file_takes_the_place_of_the_train_choice():
    job = one("task=Ant", f"train_file={PPO}", "hardware=cpu")
    config = agent(job)
    assert (job.choices["train"], job.choices["overlay"]) == ("ppo_toy", None)
    assert (config["gamma"], config["bound_loss_type"], config["max_frames"]) == (
        0.995,
        "regularisation",
        1e3,
    )
    assert (config["min_lr"], config["learning_rate"], config["seq_length"]) == (1e-5, 3e-4, 8)
    assert (config["bounds_loss_coef"], config["max_epochs"]) == (None, None)
    assert job.overrides == ("task=Ant", f"train_file={PPO}", "hardware=cpu")
    assert job.config["train_file"] == str(PPO)
    params = job.config["train"]["params"]
    assert params["network"]["space"]["continuous"]["mu_activation"] is None
    assert AgentConfig.from_params(config).player.games_num == 20
    ModelBuilder().load(params)


def test_task_and_command_line_decide_what_the_file_cannot_know():
    job = one("task=Ant", f"train_file={PPO}", "hardware=cpu")
    config = agent(job)
    assert (config["env_name"], config["device"], config["multi_gpu"]) == ("rlgpu", "cpu", False)
    assert "env_config" not in config
    assert config["num_actors"] == job.config["task"]["env"]["numEnvs"]
    assert config["name"] == "toy_walker"
    assert (job.config["seed"], job.config["train"]["params"]["seed"]) == (11, 11)
    given = ["num_envs=64", "max_iterations=7", "seed=3", "experiment=x", "games_num=5", "max_steps=9"]
    job = one("task=Ant", f"train_file={PPO}", *given, "train.params.config.gamma=0.9")
    config = agent(job)
    assert (config["num_actors"], config["max_epochs"], config["name"]) == (64, 7, "x")
    assert (config["gamma"], config["player"]["games_num"], config["player"]["max_steps"]) == (0.9, 5, 9)
    assert (job.config["seed"], job.config["train"]["params"]["seed"]) == (3, 3)


def test_without_a_seed_the_file_leaves_ours():
    assert one("task=Ant", f"train_file={FILES / 'ppo_buttons.yaml'}").config["seed"] == 42


@pytest.mark.parametrize("name", ["ppo_toy", "ppo_buttons", "sac_toy"])
def test_algorithms_take_their_files(name):
    job = one("task=Ant", f"train_file={FILES / name}.yaml", "num_envs=64")
    kind = SACConfig if name == "sac_toy" else AgentConfig
    kind.from_params(agent(job))
    ModelBuilder().load(job.config["train"]["params"])


def test_keys_without_effect_are_named_in_one_note_and_nowhere_else(caplog):
    job = one("task=Ant", f"train_file={PPO}")
    AgentConfig.from_params(agent(job))
    (note,) = job.notes
    for key in ("env_name", "num_actors", "load_path", "bptt_length", "player.render", "mlp.regularizer"):
        assert key in note
    assert "without effect" not in caplog.text


def test_a_sweep_over_a_key_of_the_file():
    jobs = compose(["task=Ant", f"train_file={PPO}", "-m", "train.params.config.gamma=0.9,0.99"])
    assert [(agent(job)["gamma"], agent(job)["tau"]) for job in jobs] == [(0.9, 0.95), (0.99, 0.95)]
    assert jobs[0].train_file == jobs[1].train_file


def test_files_of_isaacgymenvs_are_read_with_their_interpolations(tmp_path):
    path = tmp_path / "AntPPO.yaml"
    params = yaml.safe_load(PPO.read_text())["params"]
    params |= {"seed": "${...seed}", "load_checkpoint": "${if:${...checkpoint},True,False}"}
    params["config"] |= {
        "name": "${resolve_default:Ant,${....experiment}}",
        "num_actors": "${....task.env.numEnvs}",
        "max_epochs": "${resolve_default:500,${....max_iterations}}",
        "multi_gpu": "${....multi_gpu}",
    }
    path.write_text(yaml.safe_dump({"params": params}))
    job = one("task=Ant", f"train_file={path}", "seed=5", "num_envs=64")
    config = agent(job)
    assert (job.choices["train"], config["name"], config["num_actors"]) == ("AntPPO", "Ant", 64)
    assert (config["max_epochs"], job.config["train"]["params"]["seed"]) == (500, 5)
    assert agent(one("task=Ant", f"train_file={path}", "max_iterations=3"))["max_epochs"] == 3
    assert "num_actors" not in job.notes[0]


def test_a_file_that_imitates_takes_the_tasks_variant_with_motions(tmp_path):
    path = tmp_path / "imitate.yaml"
    path.write_text("params: {algo: {name: amp_continuous}, config: {}}\n")
    job = one("task=Humanoid", f"train_file={path}")
    assert (job.choices["task"], agent(job)["name"]) == ("HumanoidAMP", "imitate")
    assert f"train_file={path} learns from motions" in job.notes[-1]


def test_odd_names_of_files_and_experiments(tmp_path):
    path = tmp_path / "it's (mine), a b.yaml"
    shutil.copy(PPO, path)
    job = one("task=Ant", override_for(path))
    assert job.choices["train"] == "it's (mine), a b"
    path.write_text(PPO.read_text().replace("toy_walker", "'a, \"b\" c'"))
    assert agent(one("task=Ant", override_for(path)))["name"] == 'a, "b" c'
    assert override_for(PPO) == f"train_file={PPO}"


def test_values_of_the_file_are_found_by_messages():
    job = one("task=Ant", f"train_file={PPO}", "hardware=cpu")
    assert source_of("train.params.config.gamma", job) == str(PPO)
    assert source_of("task.env.deathCost", job).endswith("task/Ant.yaml")
    with pytest.raises(
        ConfigError, match=r"gama=1: unknown key; did you mean train\.params\.config\.gamma\?"
    ):
        compose(["task=Ant", f"train_file={PPO}", "train.params.config.gama=1"])


MISTAKES = {
    "train_file=ppo_to.yaml": "there is no such file; did you mean ppo_toy.yaml?",
    "train_file=no/where.yaml": "no directory no either",
    "train_file=.": "is a directory",
    "train_file=a.yaml,b.yaml": "is one file, also for a sweep",
    "train_file=list.yaml": "holds no params with a config block",
    "train_file=flat.yaml": "holds no params with a config block",
    "train_file=half.yaml": "holds no params with a config block",
    "train_file=broken.yaml": "is not YAML (line 1:",
    "train_file=object.yaml": "is not YAML",
    "train_file=binary.yaml": "cannot be read as text",
    "train_file=more.yaml": "parms=null: unknown key; did you mean params?",
}


@pytest.mark.parametrize("given", MISTAKES)
def test_mistakes_are_told_in_a_line(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(PPO, tmp_path)
    (tmp_path / "list.yaml").write_text("- a\n")
    (tmp_path / "flat.yaml").write_text("algo: {name: sac}\nconfig: {}\n")
    (tmp_path / "half.yaml").write_text("params: {config: }\n")
    (tmp_path / "broken.yaml").write_text("params: {a: ]\n")
    (tmp_path / "object.yaml").write_text("params: !!python/object/apply:os.system ['touch harm']\n")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    (tmp_path / "more.yaml").write_text("params: {config: {}}\nparms:\n")
    with pytest.raises(ConfigError) as error:
        compose(["task=Ant", given])
    assert str(error.value).startswith(f"{given}")
    assert MISTAKES[given] in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "harm").exists()


def test_a_train_choice_beside_it_is_refused():
    with pytest.raises(ConfigError, match=r"takes the place of train=AntPPO; give one of the two"):
        compose(["task=Ant", "train=AntPPO", f"train_file={PPO}"])


def test_null_is_no_file():
    job = one("task=Ant", "train_file=null")
    assert (job.choices["train"], job.train_file) == ("AntPPO", None)


def test_unknown_keys_of_the_file_are_errors(train_here, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(PPO.read_text().replace("gamma:", "gama:"))
    code, _, err = train_here(*TOY, f"train_file={path}")
    assert code == 2
    assert "train.params.config.gama=0.995: unknown key; did you mean gamma?" in err
    assert f"given by {path}" in err


def test_a_run_keeps_its_file_and_goes_on_without_it(train_here, tmp_path):
    path, run = tmp_path / "ppo_toy.yaml", tmp_path / "runs" / "a"
    shutil.copy(PPO, path)
    given = [*TOY, "num_envs=6", "num_workers=0"]
    code, out, err = train_here(*given, f"train_file={path}", "experiment=a", "max_iterations=2")
    assert code == 0, err
    assert "keys without effect here: config.env_name" in out
    assert "train_file=runs/a/train/ppo_toy.yaml test=True" in out
    assert train_file_copy(run, "ppo_toy").read_text() == PPO.read_text()
    assert {"train=ppo_toy", f"train_file={path}"} < set(stored_overrides(run))
    config = yaml.safe_load((run / "config.yaml").read_text())["train"]["params"]["config"]
    assert (config["gamma"], config["num_actors"], config["minibatch_size"]) == (0.995, 6, 48)

    path.unlink()
    code, _, err = train_here(*TOY, "checkpoint=last", "experiment=a", "max_iterations=4", "num_workers=0")
    assert code == 0, err
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 4
    resumed = yaml.safe_load((run / "config.yaml").read_text())["train"]["params"]
    assert resumed["config"] == config | {"max_epochs": 4}
    assert resumed["seed"] == 11

    copy = f"train_file={train_file_copy(run, 'ppo_toy')}"
    play = ["test=True", "checkpoint=best", "games_num=6", "num_workers=0"]
    for chosen in ([copy], ["experiment=a"]):  # the newest run of this name, or the run by its name
        code, out, err = train_here(*TOY, *chosen, *play)
        assert code == 0, err
        assert "6 episodes" in out

    for chosen, fix in (
        ("train=ToyPPO", "leave train out"),
        (f"train_file={FILES / 'sac_toy.yaml'}", "leave"),
    ):
        code, _, err = train_here(*TOY, chosen, "checkpoint=last", "experiment=a")
        assert code == 2
        assert f"{chosen}: runs/a was trained with train_file=" in err
        assert fix in err


def test_a_run_of_a_train_choice_does_not_go_on_from_a_file(train_here):
    code, _, err = train_here(*TOY, "experiment=a", "max_iterations=1", "num_workers=0")
    assert code == 0, err
    code, _, err = train_here(*TOY, f"train_file={PPO}", "checkpoint=last", "experiment=a")
    assert code == 2
    assert f"train_file={PPO}: runs/a was trained with train=ToyPPO; say train=ToyPPO" in err


# -------------------------------------------------------------------- files that RL Games ships

# What is wrong with those that are refused: keys that nothing reads, and features and networks that are not
# there.
REFUSED = {
    "2s_vs_1c": "network.lstm",
    "3s_vs_4z": "network.lstm",
    "3s_vs_5z": "network.lstm",
    "5m_vs_6m_sa": "did you mean deterministic",
    "MMM2_conv1d": "did you mean central_value_config",
    "ppo_ant_tcnn": "name=tcnnnet",
    "ppo_breakout_envpool_resnet": "require_rewards",
    "ppo_breakout_torch_impala": "require_rewards",
    "ppo_cartpole_masked_velocity_rnn": "mlp.normalization",
    "ppo_coinrun": "lr_schedule=polynom_decay",
    "ppo_connect4_self_play_resnet": "name=connect4net",
    "ppo_continuous_lstm": "network.lstm",
    "ppo_lunar": "did you mean val?",
    "ppo_pacman_envpool_resnet": "require_rewards",
    "ppo_pendulum": "did you mean val?",
    "ppo_pong_envpool_resnet": "require_rewards",
    "ppo_reacher": "experiment_config1=null: unknown key",
    "ppo_walker_rnn": "entropy_coef=-0.003",
    "ppo_walker_tcnn": "name=tcnnnet",
    "test_asymmetric_discrete_mhv_mops": "name=testnet",
    "test_discrite_testnet_aux_loss": "name=testnet_aux_loss",
}


def test_configurations_that_rl_games_ships_are_read():
    rl_games = pytest.importorskip("rl_games")
    directory = Path(next(iter(rl_games.__path__))) / "configs"
    paths = [path for path in sorted(directory.rglob("*.yaml")) if "env_configs" not in path.parts]
    if not paths:
        pytest.skip("this version ships none")
    for path in paths:
        try:
            check(translate(read(path).params)[0])
        except ConfigError as error:
            assert REFUSED.get(path.stem, "nothing") in str(error), path


def check(params):
    kind: type[BaseAgentConfig] = SACConfig if params["algo"]["name"] == "sac" else AgentConfig
    kind.from_params(params["config"])
    ModelBuilder().load(params)

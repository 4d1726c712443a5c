import pytest

from app.devices import check_device, check_engine, plan_processes
from app.schema import RunConfig
from learning.typed_config import ConfigError


def settings(**given):
    return RunConfig(task={}, train={}, task_name="Ant", **given)


@pytest.mark.parametrize(
    ("cores", "num_envs", "workers", "threads"),
    [(2, 512, 2, 1), (16, 4096, 8, 2), (16, 12, 6, 2), (4, 7, 1, 4), (1, 64, 1, 1), (3, 64, 2, 1)],
)
def test_one_worker_a_core_up_to_eight_that_share_environments_evenly(cores, num_envs, workers, threads):
    processes = plan_processes(settings(), num_envs, cores)
    assert (processes.num_workers, processes.world_size, processes.num_threads) == (workers, workers, threads)
    assert processes.torch_threads == (1 if workers > 1 else cores)


def test_given_number_of_workers():
    assert plan_processes(settings(num_workers=4), 64, 2).num_workers == 4
    inside = plan_processes(settings(num_workers=0), 64, 2)
    assert (inside.num_workers, inside.world_size, inside.num_threads) == (0, 1, 2)
    with pytest.raises(ConfigError, match="num_workers=3: does not divide num_envs=64.*num_envs=63"):
        plan_processes(settings(num_workers=3), 64, 2)


def test_playing_takes_one_process_with_all_cores():
    processes = plan_processes(settings(test=True, num_workers=4), 7, 4)
    assert (processes.num_workers, processes.num_threads) == (1, 4)


def test_threads_can_be_chosen():
    assert plan_processes(settings(num_threads=3, num_workers=2), 64, 2).num_threads == 3


def test_graphics_card_takes_one_worker():
    assert plan_processes(settings(rl_device="cuda:0"), 64, 8).num_workers == 1
    with pytest.raises(ConfigError, match="torchrun"):
        plan_processes(settings(rl_device="cuda:0", num_workers=2), 64, 8)


def test_ranks_of_torchrun(monkeypatch):
    with pytest.raises(ConfigError, match="torchrun --standalone"):
        plan_processes(settings(multi_gpu=True), 64, 8)
    for name, value in {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    processes = plan_processes(settings(multi_gpu=True), 64, 8)
    assert (processes.world_size, processes.num_threads, processes.by_torchrun) == (4, 4, True)
    assert not processes.is_main


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"physics_engine": "physx"}, "Python 3.8"),
        ({"physics_engine": "mujoco_wrap"}, "did you mean mujoco_warp?"),
        ({"sim_device": "cuda:99"}, "sim_device=cuda:99"),
        ({"rl_device": "gpu0"}, "rl_device=gpu0: is no device"),
        ({"rl_device": "meta"}, "must be cpu or cuda:N"),
    ],
)
def test_what_is_not_there_is_refused(given, message):
    with pytest.raises(ConfigError) as error:
        check_engine(settings(**given))
    assert message in str(error.value)


def test_cpu_is_there():
    check_device("rl_device", "cpu")
    check_engine(settings())

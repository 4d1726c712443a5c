import importlib
import subprocess
import sys
import types

import pytest

import mjgym.gymtorch
import mjgym.torch_utils
from mjgym.install import ENGINES, PROVIDED, IsaacGymFinder, default_engine, frame_rate, install


@pytest.fixture(autouse=True)
def clean_imports(monkeypatch):
    """Start without the finder and without isaacgym, and leave both as they were."""
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if not isinstance(f, IsaacGymFinder)])
    names = [name for name in sys.modules if name.partition(".")[0] == "isaacgym"]
    saved = {name: sys.modules.pop(name) for name in names}
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "isaacgym"]:
        del sys.modules[name]
    sys.modules.update(saved)


def finders():
    return [finder for finder in sys.meta_path if isinstance(finder, IsaacGymFinder)]


def test_isaacgym_is_mjgym_itself():
    install()
    assert importlib.import_module("isaacgym") is mjgym
    assert importlib.import_module("isaacgym.gymtorch") is mjgym.gymtorch
    assert importlib.import_module("isaacgym.torch_utils") is mjgym.torch_utils
    namespace = {}
    exec("from isaacgym import gymtorch\nfrom isaacgym.torch_utils import quat_mul", namespace)
    assert namespace["gymtorch"] is mjgym.gymtorch
    assert namespace["quat_mul"] is mjgym.torch_utils.quat_mul


def test_every_submodule_is_there_and_star_imports_bring_its_public_names():
    install()
    for name in PROVIDED:
        module = importlib.import_module(f"isaacgym.{name}")
        assert module is importlib.import_module(f"mjgym.{name}")
        namespace = {}
        exec(f"from isaacgym import {name}\nfrom isaacgym.{name} import *", namespace)
        assert namespace[name] is module
        assert set(module.__all__) <= set(namespace)


def test_modules_keep_their_own_identity():
    install()
    module = importlib.import_module("isaacgym.gymtorch")
    assert module.__name__ == module.__spec__.name == "mjgym.gymtorch"


def test_without_install_there_is_no_isaacgym():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("isaacgym")


def test_install_twice_is_one_finder_and_the_last_engine():
    assert default_engine() == "mujoco"
    install("mujoco_warp")
    install("mujoco_warp")
    assert (len(finders()), default_engine()) == (1, "mujoco_warp")
    install()
    assert (len(finders()), default_engine()) == (1, "mujoco")


def test_the_frame_rate_lives_with_the_installation():
    assert frame_rate() is None
    install(fps=30.0)
    assert frame_rate() == 30.0
    install()
    assert frame_rate() is None
    with pytest.raises(ValueError, match=r"fps = 0\.0 must be positive"):
        install(fps=0.0)


def test_unknown_submodule_names_the_near_one():
    install()
    with pytest.raises(ModuleNotFoundError, match="'gymutils' is no module of isaacgym; near it: gymutil"):
        importlib.import_module("isaacgym.gymutils")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("isaacgym.structs")


def test_another_isaacgym_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "isaacgym", types.ModuleType("isaacgym"))
    with pytest.raises(RuntimeError, match="another isaacgym is imported already"):
        install()


def test_engines():
    from mjgym.engines import ENGINE_NAMES

    assert ENGINES == ENGINE_NAMES
    with pytest.raises(ValueError, match="'mujoco_wrap' is no physics engine; near it: mujoco_warp"):
        install("mujoco_wrap")
    with pytest.raises(ValueError, match="Python 3.8"):
        install("physx")
    assert finders() == []


def run_module(*args, cwd):
    command = [sys.executable, "-m", "mjgym", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


def test_python_m_mjgym_runs_a_script_with_its_arguments(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", mjgym.__path__[0].removesuffix("/mjgym"))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "beside.py").write_text("NAME = 'beside'\n")
    imports = "import sys, beside\nfrom isaacgym import gymtorch\n"
    script = imports + "print(gymtorch.__name__, beside.NAME, sys.argv)\n"
    (tmp_path / "sub" / "script.py").write_text(script)
    done = run_module(
        "--engine", "mujoco_warp", "--fps", "30", "sub/script.py", "--num_envs", "4", cwd=tmp_path
    )
    assert done.stdout.strip() == "mjgym.gymtorch beside ['sub/script.py', '--num_envs', '4']", done.stderr
    for wrong in (("--engine", "physx", "sub/script.py"), ("--fps", "0", "sub/script.py"), ("missing.py",)):
        refused = run_module(*wrong, cwd=tmp_path)
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr

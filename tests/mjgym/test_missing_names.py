"""What a script is told that asks for a name mjgym does not have."""

import importlib

import pytest

from mjgym import gymapi
from mjgym.api_names import GYM_METHODS, GYMAPI_NAMES, NAMES_BY_JOB, used_names
from mjgym.install import PROVIDED

GYM = gymapi.acquire_gym()
MODULES = {name: importlib.import_module(f"mjgym.{name}") for name in PROVIDED}
MISSING_CALLS = sorted(name for name in GYM_METHODS if name not in dir(GYM))
MISSING_NAMES = sorted(
    (module_name, name)
    for module_name, module in MODULES.items()
    for name in used_names(module_name) | (GYMAPI_NAMES if module_name == "gymapi" else set())
    if name not in vars(module)
)


@pytest.mark.parametrize("name", MISSING_CALLS)
def test_a_call_that_is_not_built_names_itself_and_the_page(name):
    with pytest.raises(NotImplementedError, match=rf"'Gym\.{name}' .* docs/mjgym\.md"):
        getattr(GYM, name)


@pytest.mark.parametrize(("module", "name"), MISSING_NAMES)
def test_a_name_of_a_module_that_is_not_built_names_itself_and_the_page(module, name):
    with pytest.raises(NotImplementedError, match=rf"'{module}\.{name}' .* docs/mjgym\.md"):
        getattr(MODULES[module], name)


@pytest.mark.parametrize(
    ("module", "misspelt", "near"),
    [
        ("gymapi", "AssetOption", "AssetOptions"),
        ("gymapi", "DOF_MODE_POSITION", "DOF_MODE_POS"),
        ("gymtorch", "wrap_tensors", "wrap_tensor"),
        ("gymutil", "parse_argument", "parse_arguments"),
        ("torch_utils", "quat_multiply", "quat_mul"),
        ("terrain_utils", "random_uniform_terain", "random_uniform_terrain"),
    ],
)
def test_a_name_that_never_existed_in_a_module_is_answered_with_near_ones(module, misspelt, near):
    with pytest.raises(AttributeError, match=rf"'{misspelt}' is no name of {module}; near it: .*\b{near}\b"):
        getattr(MODULES[module], misspelt)


def test_a_call_that_never_existed_is_answered_with_near_ones():
    # One of IsaacGymEnvs' tasks calls it by this name.
    with pytest.raises(AttributeError, match="near it: create_asset_force_sensor"):
        GYM.create_force_sensor(None, 0, None)


def test_every_name_that_tasks_use_is_known_as_isaac_gyms():
    """So that a missing one is never called misspelt."""
    calls = {name for names in NAMES_BY_JOB.values() for name in names.split() if "." not in name}
    assert calls - GYM_METHODS == {"create_force_sensor"}
    assert [name for name in used_names("gymapi") if name not in {*vars(gymapi), *GYMAPI_NAMES}] == []

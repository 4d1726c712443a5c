"""`isaacgym.gymapi`: the Gym object, parameter and property classes, enumerations and constants."""

from __future__ import annotations

from mjgym import structs
from mjgym.api_names import GYMAPI_NAMES
from mjgym.assets import Asset as Asset
from mjgym.assets import AssetError as AssetError
from mjgym.descriptor import Tensor as Tensor
from mjgym.errors import module_getattr
from mjgym.gym import Gym as Gym
from mjgym.gym import acquire_gym as acquire_gym
from mjgym.gym.contact_calls import ForceSensor as ForceSensor
from mjgym.scene import Env as Env
from mjgym.scene import Sim as Sim
from mjgym.structs import *  # noqa: F403
from mjgym.structs import ALL_CONSTANTS
from mjgym.window import Window

_OWN = ("Asset", "AssetError", "Env", "ForceSensor", "Gym", "Sim", "Tensor", "Viewer", "acquire_gym")
__all__ = [*_OWN, *structs.__all__, *ALL_CONSTANTS]

Viewer = Window
globals().update(ALL_CONSTANTS)
__getattr__ = module_getattr("gymapi", __all__, GYMAPI_NAMES)

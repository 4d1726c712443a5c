"""Constants of `gymapi`: flags and handles. The members of the enumerations join them in `ALL_CONSTANTS`."""

from __future__ import annotations

from mjgym.structs.enums import ENUMS
from mjgym.structs.keys import KeyboardInput, MouseInput

INVALID_HANDLE = -1

AXIS_NONE = 0
AXIS_X = 1
AXIS_Y = 2
AXIS_Z = 4
AXIS_TRANSLATION = AXIS_X | AXIS_Y | AXIS_Z
AXIS_TWIST = 8
AXIS_SWING_1 = 16
AXIS_SWING_2 = 32
AXIS_ROTATION = AXIS_TWIST | AXIS_SWING_1 | AXIS_SWING_2
AXIS_ALL = AXIS_TRANSLATION | AXIS_ROTATION

STATE_NONE = 0
STATE_POS = 1
STATE_VEL = 2
STATE_ALL = STATE_POS | STATE_VEL

RIGID_BODY_NONE = 0
RIGID_BODY_DISABLE_GRAVITY = 1
RIGID_BODY_DISABLE_SIMULATION = 2
RIGID_BODY_ENABLE_GYROSCOPIC_FORCES = 4

DEFAULT_VIEWER_WIDTH = 1600
DEFAULT_VIEWER_HEIGHT = 900


def _collect() -> dict[str, int]:
    plain = {name: value for name, value in globals().items() if name.isupper() and isinstance(value, int)}
    members: dict[str, int] = {}
    for kind in (*ENUMS, KeyboardInput, MouseInput):
        members.update(kind.__members__)
    return plain | members


ALL_CONSTANTS: dict[str, int] = _collect()
"""Every constant of `gymapi` by name."""

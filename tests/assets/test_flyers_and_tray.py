"""Models of Quadcopter, Ingenuity and BallBalance against the figures of their published tasks."""

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest

MJCF = Path(__file__).parents[2] / "assets" / "mjcf"


def load(name):
    model = mujoco.MjModel.from_xml_path(str(MJCF / f"{name}.xml"))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def cylinder(radius, height, density):
    return math.pi * radius**2 * height * density


def ball(radius, density):
    return 4 / 3 * math.pi * radius**3 * density


@pytest.mark.parametrize("name", ["quadcopter", "ingenuity", "balance_bot"])
def test_each_is_one_floating_creature_without_a_floor_or_motors(name):
    model, _ = load(name)
    assert model.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE and model.nu == 0
    assert (model.jnt_type[1:] == mujoco.mjtJoint.mjJNT_HINGE).all() and not model.dof_damping.any()
    assert (model.geom_bodyid > 0).all() and (model.body_parentid[2:] > 0).all()


def test_quadcopter():
    model, data = load("quadcopter")
    assert model.body("chassis").mass[0] == pytest.approx(cylinder(0.1, 0.03, 50))
    for i, angle in enumerate(np.radians([45, 135, 225, 315])):
        arm, rotor = data.body(f"arm{i}"), data.body(f"rotor{i}")
        assert model.body(f"arm{i}").mass[0] == pytest.approx(ball(0.01, 200))
        assert model.body(f"rotor{i}").mass[0] == pytest.approx(cylinder(0.04, 0.01, 1000))
        outwards = np.array([math.cos(angle), math.sin(angle), 0.0])
        np.testing.assert_allclose(arm.xpos, [0, 0, 1] + 0.1025 * outwards, atol=1e-6)
        np.testing.assert_allclose(rotor.xpos, [0, 0, 1] + 0.145 * outwards, atol=1e-6)
        np.testing.assert_allclose(rotor.xmat.reshape(3, 3)[:, 2], [0, 0, 1], atol=1e-9)
        np.testing.assert_array_equal(model.joint(f"rotor_pitch{i}").axis, [0, 1, 0])
        np.testing.assert_array_equal(model.joint(f"rotor_roll{i}").axis, [1, 0, 0])
    np.testing.assert_allclose(model.jnt_range[1:], np.radians([[-30, 30]] * 8))


def test_ingenuity():
    model, data = load("ingenuity")
    assert model.body("chassis").mass[0] == pytest.approx(0.12**3 * 50)
    discs = [f"rotor_physics_{i}" for i in range(2)]
    assert [model.body(name).mass[0] for name in discs] == pytest.approx([cylinder(0.15, 0.01, 1000)] * 2)
    assert data.body(discs[1]).xpos[2] - data.body(discs[0]).xpos[2] == pytest.approx(0.025)
    assert [model.joint(j).name for j in range(1, model.njnt)] == ["rotor_roll_0", "rotor_roll_1"]
    for i in range(2):  # what is only seen weighs next to nothing and touches nothing
        blades = model.body(f"rotor_visual_{i}")
        assert blades.mass[0] < 1e-3 and model.geom(f"rotor_visual_geom_{i}").contype[0] == 0
        np.testing.assert_array_equal(model.joint(f"rotor_roll_{i}").axis, [0, 0, 1])


def test_tray():
    """Legs lead 0.36 m inwards and down, then as far outwards and down, to feet right below their hinges."""
    model, data = load("balance_bot")
    leg = cylinder(0.02, 0.36, 1000) + ball(0.02, 1000)
    assert model.body_mass[1:].tolist() == pytest.approx([cylinder(0.5, 0.02, 100), *[leg] * 6])
    assert data.body("tray").xpos[2] == pytest.approx(0.36 * math.sqrt(2) + 0.05, abs=1e-6)
    for i, angle in enumerate(np.radians([0, 120, 240])):
        outwards = np.array([math.cos(angle), math.sin(angle), 0.0])
        upper, lower = data.body(f"upper_leg{i}"), data.body(f"lower_leg{i}")
        along = [body.xmat.reshape(3, 3)[:, 2] * 0.18 for body in (upper, lower)]
        top = 0.36 * math.sqrt(2) + 0.02
        np.testing.assert_allclose(upper.xpos - along[0], [*0.4 * outwards[:2], top], atol=2e-6)
        np.testing.assert_allclose(upper.xpos + along[0], lower.xpos - along[1], atol=2e-6)
        np.testing.assert_allclose(lower.xpos + along[1], [*0.4 * outwards[:2], 0.02], atol=2e-6)
        ranges = [model.joint(f"{part}_leg_joint{i}").range for part in ("upper", "lower")]
        np.testing.assert_allclose(ranges, np.radians([[-45, 45], [-70, 90]]))

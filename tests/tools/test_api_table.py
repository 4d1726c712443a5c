import re

import pytest

from mjgym.api_names import NAMES_BY_JOB, REASONS
from tools.api_table import BEGIN, END, NOT, PAGE, PARTLY, SUPPORTED, entry, jobs, others, table, updated

USED = [name for names in NAMES_BY_JOB.values() for name in names.split()]
ENTRIES = [one for entries in (*jobs().values(), *others().values()) for one in entries]


def test_the_page_says_what_the_code_says():
    page = PAGE.read_text()
    assert page == updated(page), f"{PAGE.name} is out of date: run python -m tools.api_table"


def test_all_158_names_that_tasks_use_are_in_the_table():
    assert len(USED) == len(set(USED)) == 158
    rows = [
        line for line in PAGE.read_text().splitlines() if re.search(r"\| (supported|partly|not) \|", line)
    ]
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert set(USED) - set(names) == set()
    assert len(names) == len(set(names)) == len(ENTRIES)


def test_a_name_that_is_missing_has_a_reason():
    silent = [one.name for one in ENTRIES if one.state == NOT and not one.how]
    assert not silent, "missing names: say why in mjgym.api_names.REASONS"


def test_every_reason_speaks_of_a_missing_name():
    assert set(REASONS) - {one.how for one in ENTRIES if one.state == NOT} == set()


@pytest.mark.parametrize(
    ("name", "state", "how"),
    [
        ("simulate", SUPPORTED, ""),
        ("step_graphics", PARTLY, "does nothing: pictures show the state of the moment when they are drawn"),
        (
            "gymapi.MOUSE_SCROLL_UP",
            PARTLY,
            "never reported: MuJoCo's viewer keeps the mouse to itself",
        ),  # of its enumeration
        ("gymapi.DOMAIN_SIM", SUPPORTED, ""),
        ("gymutil._indent_xml", SUPPORTED, ""),
        ("create_tet_grid", NOT, "soft bodies, cloth, particles and pneumatic actuators are not simulated"),
        ("no_module.no_name", NOT, ""),
    ],
)
def test_states_are_read_off_the_code(name, state, how):
    assert entry(name) == (name, state, how)


def test_names_of_which_the_same_is_known_share_a_row():
    entries = [("a", NOT, "why"), ("b", SUPPORTED, ""), ("c", NOT, "why")]
    assert table(entries).splitlines()[2:] == ["| `b` | supported |  |", "| `a`, `c` | not | why |"]


def test_only_what_stands_between_the_marks_is_replaced():
    page = updated(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    assert page.startswith("above\n")
    assert page.endswith("below\n")
    assert "\nold\n" not in page
    with pytest.raises(ValueError, match="must hold the marks"):
        updated(f"{END} {BEGIN}")

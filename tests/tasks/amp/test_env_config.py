"""Values of `task.env` that are refused before anything is built."""

import pytest

from tasks.amp.env_config import HumanoidAMPEnvConfig


def test_a_clip_that_is_not_there_is_refused():
    with pytest.raises(
        ValueError, match="motion_file=wlak: there is no such clip or file; did you mean walk"
    ):
        HumanoidAMPEnvConfig(numEnvs=1, motion_file="wlak")


def test_clips_that_ship_and_lists_of_them_are_accepted(tmp_path):
    listing = tmp_path / "two.yaml"
    listing.write_text("motions: [{file: walk}, {file: walker/turn_left0, weight: 0.5}]")
    for motion_file in ("run", str(listing)):
        assert HumanoidAMPEnvConfig(numEnvs=1, motion_file=motion_file).motion_file == motion_file

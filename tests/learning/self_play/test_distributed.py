"""Two workers play against one league, each in matches of its own."""

from tests.learning.checkpoints.test_training_state import differences
from tests.learning.worker_group import run_workers


def test_two_workers_share_a_league(tmp_path):
    first, second = run_workers("self_play.worker", tmp_path)
    assert [name for name in ("model", "self_play") if differences(first[name], second[name])] == []
    assert first["self_play"]["league"]["generation"] > 1
    assert first["frame"] == 5 * 8 * 16  # the learners' steps
    for worker in (first, second):
        assert worker["num_newest"] >= 2  # four in all
        assert differences(worker["env"], worker["kept"]) == []  # each gets its own matches back
    assert differences(first["env"], second["env"])

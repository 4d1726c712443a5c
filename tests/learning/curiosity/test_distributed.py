"""Two workers share one curiosity, which rewards and learns as one worker's would."""

import torch

from tests.learning.checkpoints.test_training_state import differences
from tests.learning.curiosity.worker import NUM_ENVS, be_curious, make_agent
from tests.learning.worker_group import run_workers


def test_two_workers_are_curious_together(tmp_path):
    torch.manual_seed(5)
    whole = make_agent(1)
    obs = torch.randn(2, 8, NUM_ENVS, 4)
    torch.save(whole.curiosity.state_dict(), tmp_path / "start.pt")
    torch.save(obs, tmp_path / "obs.pt")
    first, second = run_workers("curiosity.worker", tmp_path)

    assert [name for name in ("model", "curiosity") if differences(first[name], second[name])] == []
    assert first["curiosity"]["rnd_model"]["obs.count"] == 3 * 128  # both workers' samples
    assert not torch.equal(first["returns"], second["returns"])  # of each worker's environments

    expected = be_curious(whole, obs, 0)
    for i in range(2):
        halves = torch.cat([half["alone"][f"rewards{i}"] for half in (first, second)], dim=1)
        torch.testing.assert_close(halves, expected[f"rewards{i}"], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(first["alone"][f"info/rnd_loss{i}"], expected[f"info/rnd_loss{i}"])
    for name, value in expected["rnd_model"].items():
        torch.testing.assert_close(first["alone"]["rnd_model"][name], value, rtol=1e-4, atol=1e-5, msg=name)

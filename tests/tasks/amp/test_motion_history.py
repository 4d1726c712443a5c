"""The motion so far, against lists of the frames that were pushed."""

import pytest
import torch

from tasks.amp.motion_history import MotionHistory


def frame(number):
    """A frame of two environments, (2, 2): recognizable numbers."""
    return torch.tensor([[number, 0.0], [number, 1.0]])


@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_shows_the_last_frames_newest_first(num_frames):
    history = MotionHistory(2, num_frames, 2, torch.device("cpu"))
    history.begin(torch.arange(2), torch.stack([frame(-k) for k in range(num_frames)], dim=1))
    for number in range(1, 5 * num_frames):  # several times through the buffer
        history.push(frame(number))
        expected = [frame(number - k) for k in range(num_frames)]
        assert torch.equal(history.frames, torch.stack(expected, dim=1))


def test_an_ended_episode_is_shown_until_the_next_frame_of_the_new_one():
    history = MotionHistory(2, 3, 2, torch.device("cpu"))
    for number in (1, 2, 3):
        history.push(frame(number))
    ended = history.frames.clone()
    history.begin(torch.tensor([1]), torch.full((1, 3, 2), 7.0))
    assert torch.equal(history.frames, ended)
    history.push(frame(4))
    assert history.frames[0, :, 0].tolist() == [4.0, 3.0, 2.0]
    assert history.frames[1, :, 0].tolist() == [4.0, 7.0, 7.0]


def test_what_comes_next_goes_on_from_the_motion_that_led_to_new_episodes():
    history = MotionHistory(2, 2, 2, torch.device("cpu"))
    history.push(frame(1))
    history.begin(torch.tensor([0]), torch.full((1, 2, 2), 7.0))
    so_far = history.so_far()
    assert so_far[:, 0, 0].tolist() == [7.0, 1.0]
    so_far.copy_(torch.full((2, 2, 2), 9.0))  # as a saved state is put back
    history.push(frame(2))
    assert history.frames[:, :, 0].tolist() == [[2.0, 9.0], [2.0, 9.0]]


def test_frames_that_were_handed_out_stay_while_their_episodes_go_on():
    history = MotionHistory(2, 3, 2, torch.device("cpu"))
    for number in range(1, 8):
        shown = history.frames
        before = shown.clone()
        history.push(frame(number))
        assert torch.equal(shown, before)

import numpy as np
import pytest

imageio = pytest.importorskip("imageio.v2")
pytest.importorskip("imageio_ffmpeg")

from tools.strip import read_frames, stack, strip  # noqa: E402


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "video.mp4"
    with imageio.get_writer(path, fps=10) as writer:
        for brightness in (0, 100, 200):
            writer.append_data(np.full((64, 128, 3), brightness, dtype=np.uint8))
    return path


def test_chosen_frames_come_in_the_chosen_order(video):
    bright, dark = read_frames(video, [2, 0])
    assert bright.mean() > 180 and dark.mean() < 20


def test_a_frame_beyond_the_end_is_refused(video):
    with pytest.raises(ValueError, match="has no frame 3"):
        read_frames(video, [0, 3])


def test_frames_are_cropped_and_joined():
    frames = [np.full((4, 8, 3), value, dtype=np.uint8) for value in (1, 2)]
    joined = strip(frames, crop=0.5)
    assert joined.shape == (4, 8, 3)
    assert (joined[:, :4] == 1).all() and (joined[:, 4:] == 2).all()


def test_rows_are_scaled_and_stacked():
    rows = [np.full((8, 40, 3), value, dtype=np.uint8) for value in (10, 20)]
    stacked = stack(rows, height=4)
    assert stacked.shape == (8, 20, 3)
    assert (stacked[:4] == 10).all() and (stacked[4:] == 20).all()

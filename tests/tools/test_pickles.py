import builtins
import functools
import os
import pickle
import re
import struct
from collections import OrderedDict

import numpy as np
import pytest

from tasks.amp.motion import MotionError
from tools.motion_readers.pickles import read_pickle, read_pickled_npy


class Calls:
    """Pickles as a call of a function, which `pickle.load` would make."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.fixture
def canary(tmp_path):
    """A file that no attack may have made."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists(), "code of the pickle was run"


def written(path, content):
    path.write_bytes(content)
    return path


ATTACKS = {
    "posix.system": lambda canary: Calls(os.system, f"touch {canary}"),
    "builtins.eval": lambda canary: Calls(builtins.eval, f"open({str(canary)!r}, 'w')"),
    "builtins.exec": lambda canary: Calls(builtins.exec, f"open({str(canary)!r}, 'w')"),
    "builtins.getattr": lambda canary: Calls(getattr, {}, "keys"),
    "numpy.load": lambda canary: Calls(np.load, str(canary)),
    "functools.partial": lambda canary: functools.partial(os.system, f"touch {canary}"),
    "io.open": lambda canary: Calls(open, str(canary), "w"),
    "builtins.str": lambda canary: Calls(str, b"x", "utf8"),
    "builtins.bytearray": lambda canary: Calls(bytearray, 1 << 40),
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_a_call_is_refused_by_name_and_not_made(tmp_path, canary, name, protocol):
    attack = {"fps": 30, "frames": [[0.0], ATTACKS[name](canary)]}
    path = written(tmp_path / "clip.pkl", pickle.dumps(attack, protocol))
    with pytest.raises(MotionError, match=rf"clip.pkl: .* asks for {re.escape(name)}.*Nothing of it was run"):
        read_pickle(path)


@pytest.mark.parametrize("name", ["posix.system", "builtins.eval", "functools.partial"])
def test_a_call_within_npy_is_refused(tmp_path, canary, name):
    path = tmp_path / "clip.npy"
    np.save(path, OrderedDict(rotation=ATTACKS[name](canary)), allow_pickle=True)
    with pytest.raises(MotionError, match=f"asks for {re.escape(name)}"):
        read_pickled_npy(path)


def test_a_call_written_by_hand_is_refused(tmp_path, canary):
    path = written(tmp_path / "clip.pkl", f"cos\nsystem\n(S'touch {canary}'\ntR.".encode())
    with pytest.raises(MotionError, match=r"asks for os\.system"):
        read_pickle(path)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_data_comes_back_as_it_was(tmp_path, protocol):
    motion = OrderedDict(
        rotation={"arr": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "context": {"dtype": "float32"}},
        columns=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        big_endian=np.array([1, 2], dtype=">i4"),
        flags=np.array([True, False]),
        empty=np.zeros((0, 3)),
        fps=np.float64(59.94),
        node_names=["pelvis", "torso"],
        loop=(1, None, True),
    )
    restored = read_pickle(written(tmp_path / "clip.pkl", pickle.dumps(motion, protocol)))
    assert list(restored) == list(motion)
    np.testing.assert_array_equal(restored["rotation"]["arr"], motion["rotation"]["arr"])
    np.testing.assert_array_equal(restored["columns"], motion["columns"])
    np.testing.assert_array_equal(restored["big_endian"], [1, 2])
    np.testing.assert_array_equal(restored["flags"], [True, False])
    assert restored["empty"].shape == (0, 3)
    assert restored["rotation"]["arr"].dtype == np.float32
    assert restored["fps"] == 59.94 and restored["node_names"] == ["pelvis", "torso"]
    assert restored["loop"] == (1, None, True)


def test_npy_gives_the_dictionary_that_was_saved(tmp_path):
    path = tmp_path / "clip.npy"
    np.save(path, OrderedDict(fps=60, arr=np.eye(2)), allow_pickle=True)
    restored = read_pickled_npy(path)
    assert type(restored) is OrderedDict and restored["fps"] == 60
    np.testing.assert_array_equal(restored["arr"], np.eye(2))


def test_names_of_older_numpy_are_known(tmp_path):
    old = b"(dS'x'\ncnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR"
    old += b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbC\x08" + struct.pack("<d", 2.5) + b"tRs."
    assert read_pickle(written(tmp_path / "clip.pkl", old)) == {"x": 2.5}


@pytest.mark.parametrize("content", [np.array([{}, None]), [np.array([{}, None])], {"a": np.array({})}])
def test_arrays_of_objects_are_refused(tmp_path, content):
    path = written(tmp_path / "clip.pkl", pickle.dumps(content))
    with pytest.raises(MotionError, match="asks for an array of objects"):
        read_pickle(path)


@pytest.mark.parametrize("dtype", ["f4,i4", "datetime64[s]", "m8"])
def test_arrays_of_other_types_are_refused(tmp_path, dtype):
    path = written(tmp_path / "clip.pkl", pickle.dumps(np.zeros(2, dtype=dtype)))
    with pytest.raises(MotionError, match="asks for an array of type"):
        read_pickle(path)


def test_a_shape_larger_than_its_bytes_is_refused(tmp_path):
    data = pickle.dumps(np.zeros((2, 3), dtype=np.float32), protocol=4)
    bomb = data.replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86")
    assert bomb != data
    with pytest.raises(MotionError, match=r"shape \(2147483647, 2147483647\) from 24 bytes"):
        read_pickle(written(tmp_path / "clip.pkl", _without_frame(bomb)))


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",  # bytes of which there are none
        b"\x80\x02]r" + struct.pack("<I", 0x7FFFFFFF) + b".",  # a memo table of 2 billion entries
    ],
)
def test_sizes_that_the_file_does_not_have_are_refused(tmp_path, bomb):
    with pytest.raises(MotionError):
        read_pickle(written(tmp_path / "clip.pkl", bomb))


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps([1, 2])[:-1], b"\x80\x04)\x82\x01."])
def test_no_pickle_is_one_clear_error(tmp_path, content):
    with pytest.raises(MotionError, match="clip.pkl: is no readable pickle"):
        read_pickle(written(tmp_path / "clip.pkl", content))


def test_no_npy_is_one_clear_error(tmp_path):
    with pytest.raises(MotionError, match="is no .npy file"):
        read_pickled_npy(written(tmp_path / "clip.npy", b"hello"))
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(MotionError, match="holds a plain array"):
        read_pickled_npy(tmp_path / "plain.npy")
    with pytest.raises(MotionError, match="cannot be read"):
        read_pickled_npy(tmp_path / "absent.npy")


def test_stand_ins_cannot_be_changed(tmp_path):
    build = b"cnumpy.core.multiarray\nscalar\n(dS'x'\nI1\nsb."
    with pytest.raises(MotionError, match="changing a function"):
        read_pickle(written(tmp_path / "clip.pkl", build))
    build = b"cnumpy\ndtype\n(dS'x'\nI1\nsb."
    with pytest.raises(MotionError):
        read_pickle(written(tmp_path / "clip.pkl", build))


def _without_frame(data):
    """Drop the length that protocol 4 begins with, so that the rest may be of any length."""
    assert data[2:3] == b"\x95"
    return data[:2] + data[11:]

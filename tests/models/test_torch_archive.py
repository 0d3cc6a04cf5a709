"""Archives of torch: their values and tensors are read, and no program in them is run."""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.torch_archives import (
    STOP,
    dict_of,
    integer,
    tensor,
    text,
    tuple_of,
    write_checkpoint,
    write_pickle,
)

from beam_audio.errors import ModelError
from beam_audio.models.torch_archive import read_checkpoint, read_torch
from beam_audio.models.weights import Tensor

if TYPE_CHECKING:
    from pathlib import Path

EXACT = np.array([[0.5, -2.0, 0.0], [1024.0, 3.0, -0.25]], np.float32)
INSIDE = {"a": EXACT.tobytes()}
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


class Program:
    """What a hostile archive holds: reading it with ``pickle`` makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int64])
def test_numbers_of_every_kind_come_as_float32(tmp_path: Path, kind: type[np.generic]) -> None:
    whole = np.arange(6).reshape(2, 3).astype(kind)
    found = read_checkpoint(write_checkpoint(tmp_path / "a.pt", {"a": whole, "b": whole[0, :1]}))
    assert found.tensors["a"].shape == (2, 3)
    assert found.read("a").dtype == np.float32
    assert found.read("a").tolist() == whole.tolist()
    assert found.read("b").tolist() == [0.0]


def test_plain_values_come_as_they_are(tmp_path: Path) -> None:
    values: dict[str, object] = {
        "whole": 3,
        "wide": 70_000,
        "real": 0.5,
        "no": None,
        "yes": [True, False],
        "in": {},
    }
    content = pickle.dumps({**values, "few": (1,), "many": (1, 2, 3, 4), "none": ()}, protocol=2)
    path = tmp_path / "values.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("values/data.pkl", content)
    assert read_torch(path) == {**values, "few": (1,), "many": (1, 2, 3, 4), "none": ()}


def test_weights_may_stand_beside_settings(tmp_path: Path) -> None:
    weights = dict_of({"a": tensor("a", EXACT)})
    content = dict_of({"sample_rate": integer(16_000), "state_dict": weights})
    found = read_checkpoint(write_pickle(tmp_path / "a.pt", content, INSIDE))
    assert found.read("a").tolist() == EXACT.tolist()
    with pytest.raises(ModelError, match=r"a\.pt has no weight b: it is of another network"):
        found.read("b")


def test_tensors_may_share_a_storage(tmp_path: Path) -> None:
    content = dict_of({"all": tensor("a", EXACT), "last": tensor("a", EXACT[1], offset=3)})
    found = read_checkpoint(write_pickle(tmp_path / "a.pt", content, INSIDE))
    assert found.read("last").tolist() == EXACT[1].tolist()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_program_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    victim = tmp_path / "victim"
    path = tmp_path / "hostile.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps(Program(victim), protocol))
    with pytest.raises(ModelError, match=r"hostile\.pt: its pickle (names|has) "):
        read_torch(path)
    assert not victim.exists()


NESTED = tuple_of() + b"q\x00" + b"(h\x00h\x00tq\x00" * 64  # 2^64 leaves, if anybody counts them
HOSTILE = {
    "a tensor beyond its numbers": dict_of({"a": tensor("a", EXACT, offset=1)}),
    "a tensor before them": dict_of({"a": tensor("a", EXACT, offset=-1)}),
    "a tensor that is turned": dict_of({"a": tensor("a", EXACT.T)}),
    "numbers that are not there": dict_of({"a": tensor("b", EXACT)}),
    "a place above its folder": dict_of({"a": tensor("../data.pkl", EXACT)}),
    "a number kind as a function": b"ctorch\nFloatStorage\n)R",
    "a dict of arguments": b"ccollections\nOrderedDict\n" + tuple_of(tuple_of()) + b"R",
    "sizes within sizes": REBUILD + tuple_of(tensor("a", EXACT), integer(0), NESTED, NESTED) + b"R",
    "a name that takes for ever to hash": b"}(" + NESTED + integer(1) + b"u",
    "a memo far away": integer(1) + b"r\xff\xff\xff\xff" + b"j\xff\xff\xff\x7f",
    "too few values": b"\x86",
    "no mark": b"t",
    "two values": integer(1) + integer(2),
    "a name without its end": b"ctorch",
    "a text without its end": b"X\xff\xff\xff\x7f",
    "an old long number": b"L" + b"9" * 10_000 + b"L\n",
    "an object": text("x") + b"\x81",
    "an entry of a list": b"](" + integer(1) + integer(2) + b"u",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_torch_does_not_write_is_refused(tmp_path: Path, content: bytes) -> None:
    path = write_pickle(tmp_path / "hostile.pt", content, INSIDE)
    with pytest.raises(ModelError, match=r"hostile\.pt"):
        read_checkpoint(path)


def test_compressed_archives_are_refused_before_they_grow(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(8 << 20))
    with pytest.raises(ModelError, match="is compressed, which torch does not do"):
        read_torch(path)


def test_a_large_pickle_is_refused(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "large.pt", bytes(17 << 20))
    with pytest.raises(ModelError, match="has more than 16,777,216 bytes"):
        read_torch(path)


@pytest.mark.parametrize("content", [b"", b"\x80\x02}.", STOP])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "old.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"old\.pt is no archive of torch"):
        read_torch(path)


@given(data=st.data())
def test_a_damaged_file_gives_values_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write_checkpoint(tmp_path_factory.mktemp("damage") / "a.pt", {"a": EXACT})
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = read_checkpoint(path)
        assert all(isinstance(each, Tensor) for each in found.tensors.values())
        [found.read(name) for name in found.tensors]
    except ModelError:
        pass

"""Members found again by their addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.data_sets import WRITERS, inputs_in, write_clips, write_tar
from support.run_outputs import write_byte

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.choice import read_format
from beam_audio.inputs.formats.located import located
from beam_audio.store.open_input import open_input
from beam_audio.types import AudioRef

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["webdataset", "huggingface", "arrow"])
def test_the_address_of_a_row_is_enough_to_open_it(name: str, tmp_path: Path) -> None:
    input_format, write = WRITERS[name]
    clips = write_clips(tmp_path / "clips", 3)
    found = inputs_in(read_format(input_format, str(write(tmp_path / "in", clips))))
    refs = [each for each in found if isinstance(each, AudioRef)]
    again = [located(AudioRef(each.uri, each.size_bytes)) for each in refs]
    assert [each.inside for each in again] == [each.inside for each in refs]
    opened = sorted(open_input(each).read() for each in again)
    assert opened == sorted(clip.encoded for clip in clips)


def test_neighbours_are_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_to_read = store.open_to_read

    def noted(uri: str) -> object:
        opened.append(uri)
        return open_to_read(uri)

    monkeypatch.setattr(store, "open_to_read", noted)
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"one"), ("b.wav", b"other")])
    for name in ("a.wav", "b.wav", "a.wav"):
        located(AudioRef(f"{shard}#{name}", 1))
    assert opened == [str(shard)]
    write_tar(shard, [("new" * 40 + ".wav", b"x"), ("b.wav", b"moved"), ("c.wav", b"another")])
    assert open_input(located(AudioRef(f"{shard}#b.wav", 1))).read() == b"moved"


def test_a_file_of_such_a_name_is_itself(tmp_path: Path) -> None:
    write_tar(tmp_path / "s.tar", [("a.wav", b"member")])
    ref = AudioRef(str(write_byte(tmp_path, "s.tar#a.wav")), 1)
    assert located(ref) is ref
    plain = AudioRef(str(tmp_path / "b.wav"), 1)
    assert located(plain) is plain


def test_a_member_that_is_gone_is_named(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"member")])
    with pytest.raises(InputError, match=r"has no member 'b\.wav'"):
        located(AudioRef(f"{shard}#b.wav", 1))
    with pytest.raises(InputError):
        located(AudioRef(f"{tmp_path}/none.tar#b.wav", 1))

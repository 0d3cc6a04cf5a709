"""Members of shards as inputs."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from support.data_sets import write_tar

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.shards import is_audio, members_of, text_of
from beam_audio.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.inputs.formats.tar_members import TarMember


def found(shard: Path) -> list[TarMember | Failure]:
    with store.open_to_read(str(shard)) as file:
        return list(members_of(store.stat(str(shard)), file))


def test_a_name_that_comes_again_can_not_be_read(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"one"), ("a.wav", b"two"), ("b.wav", b"")])
    problems = [each.problem for each in found(shard) if not isinstance(each, Failure)]
    assert problems == ["", "the shard has this name twice; the first is read", ""]


def test_a_compressed_shard_is_one_failure_that_says_what_to_do(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"x")])
    shard.write_bytes(gzip.compress(shard.read_bytes()))
    (only,) = found(shard)
    assert isinstance(only, Failure)
    assert (only.uri, "gunzip" in only.message) == (str(shard), True)


def test_damage_is_a_failure_of_the_shard(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [(f"{n}.wav", b"x" * 600) for n in range(3)])
    content = bytearray(shard.read_bytes())
    content[512 + 1024 : 512 + 1024 + 512] = b"\xff" * 512
    shard.write_bytes(content)
    items = found(shard)
    assert [each.name for each in items if not isinstance(each, Failure)] == ["0.wav", "2.wav"]
    (failure,) = (each for each in items if isinstance(each, Failure))
    assert "bytes 1536 to 3072" in failure.message


def test_suffixes_tell_audio() -> None:
    assert all(map(is_audio, ("a.flac", "a.WAV", "a.b.opus", "noise", "a.unknown")))
    assert not any(map(is_audio, ("a.txt", "a.JSON", "a.cls", "a.seg.png", "a.nometa")))


def test_texts_are_small_and_unicode(tmp_path: Path) -> None:
    members = [("a.txt", "\ufeffÄ".encode()), ("b.txt", b"\xff"), ("c.txt", b"x" * (2 << 20))]
    shard = write_tar(tmp_path / "s.tar", members)
    good, bad, long = found(shard)
    with store.open_to_read(str(shard)) as file:
        assert text_of(good, file) == "Ä"  # type: ignore[arg-type] # members all
        for each in (bad, long):
            with pytest.raises(InputError, match=each.name):  # type: ignore[union-attr] # as above
                text_of(each, file)  # type: ignore[arg-type] # as above

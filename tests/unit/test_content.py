"""An input's bytes: read and hashed once, within limits; any error is one failure."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from beam_audio.errors import (
    ConfigError,
    DecodeError,
    InputError,
    LimitError,
    MachineError,
    ModelError,
)
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.clock import StageClock
from beam_audio.unit.content import Opened, from_opened, spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"some bytes"
INLINE = AudioRef("message:1", len(CONTENT), inline=CONTENT, attempt=3)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (17 << 20) + 3])
def test_bytes_are_copied_and_hashed(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(0).bytes(size)
    (tmp_path / "a.bin").write_bytes(content)
    file, sha256 = spool(AudioRef(str(tmp_path / "a.bin"), size), max_bytes=size)
    with file:
        assert file.read() == content
    assert sha256 == hashlib.sha256(content).hexdigest()


def test_gzip_has_the_content_and_the_hash_of_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(gzip.compress(CONTENT))
    file, sha256 = spool(AudioRef(str(tmp_path / "a.wav"), 5), max_bytes=len(CONTENT))
    with file:
        assert file.read() == CONTENT
    assert sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_gzip_that_unpacks_to_too_much_or_is_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(gzip.compress(b"ab" * (1 << 25)))
    with pytest.raises(LimitError):
        spool(AudioRef(str(tmp_path / "bomb"), 5), max_bytes=1 << 20)
    (tmp_path / "cut").write_bytes(gzip.compress(CONTENT)[:-9])
    with pytest.raises(InputError, match="cannot read"):
        spool(AudioRef(str(tmp_path / "cut"), 5), max_bytes=1 << 20)


def test_too_many_bytes_are_refused_whatever_size_was_listed(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(101))
    with pytest.raises(LimitError, match="--max_source_bytes=100"):
        spool(AudioRef(str(tmp_path / "a.bin"), size_bytes=5), max_bytes=100)


@pytest.mark.parametrize("byte", [0x00, 0xFF])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_begins_as_no_audio_does_is_not_copied(
    tmp_path: Path,
    byte: int,
    packed: bool,  # noqa: FBT001 - a table
) -> None:
    content = bytes([byte]) * (3 << 20)
    (tmp_path / "a").write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DecodeError, match=f"its first 1048576 bytes are all {byte:#04x}"):
        spool(AudioRef(str(tmp_path / "a"), 5), max_bytes=1 << 30)
    (tmp_path / "a").write_bytes(content[: (1 << 20) - 1] + b"\1" + content)
    with spool(AudioRef(str(tmp_path / "a"), 5), max_bytes=1 << 30)[0] as file:
        assert len(file.read()) == 4 << 20


def test_gigabytes_of_zeros_are_refused_at_once(tmp_path: Path) -> None:
    size = 8 << 30
    with (tmp_path / "a.wav").open("wb") as file:
        file.truncate(size)
    start = time.monotonic()
    with pytest.raises(DecodeError):
        spool(AudioRef(str(tmp_path / "a.wav"), size), max_bytes=size)
    with pytest.raises(LimitError, match=f"--max_source_bytes={size - 1}"):
        spool(AudioRef(str(tmp_path / "a.wav"), size), max_bytes=size - 1)
    assert time.monotonic() - start < 5


def test_a_pipe_in_place_of_the_listed_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match="is a pipe, not a regular file"):
        spool(AudioRef(str(tmp_path / "a.wav"), 5), max_bytes=100)


def test_a_failure_names_no_secret_of_a_file_named_after_a_signed_address(tmp_path: Path) -> None:
    name = str(tmp_path / "a?sig=5ec2e7")
    ref = AudioRef(str(tmp_path / "a"), 5, spooled_uri=name)
    (failure,) = from_opened(ref, 100, StageClock(), lambda opened: iter([opened]))
    assert isinstance(failure, Failure)
    assert "5ec2e7" not in failure.message


@pytest.mark.parametrize("uri", ["/no/such/file.wav", "nosuchscheme://a/b.wav", ""])
def test_an_unreadable_input_is_an_input_error(uri: str) -> None:
    with pytest.raises(InputError):
        spool(AudioRef(uri, 0), max_bytes=100)


def test_the_bytes_are_there_while_they_are_used() -> None:
    def make(opened: Opened) -> Iterator[object]:
        yield opened.ref
        yield opened.content_sha256
        yield opened.file.read()

    clock = StageClock()
    made = list(from_opened(INLINE, 100, clock, make))
    assert made == [INLINE, hashlib.sha256(CONTENT).hexdigest(), CONTENT]
    assert clock.seconds.keys() == {"open"}


@pytest.mark.parametrize("error", [RecursionError("deep"), LookupError(), OSError("gone")])
def test_a_later_error_is_a_failure_after_the_results_so_far(error: Exception) -> None:
    def make(_: Opened) -> Iterator[str]:
        yield "first"
        raise error

    first, failure = from_opened(INLINE, 100, StageClock(), make)
    assert first == "first"
    assert isinstance(failure, Failure)
    assert (failure.unit, failure.stage) == ("recording", "decode")
    assert failure.error_type == type(error).__name__


def test_an_unreadable_input_gives_only_a_failure() -> None:
    (failure,) = from_opened(INLINE, 5, StageClock(), lambda opened: iter([opened]))
    assert isinstance(failure, Failure)
    assert (failure.unit, failure.stage, failure.error_type) == ("input", "open", "LimitError")


@pytest.mark.parametrize("kind", [ConfigError, ModelError])
def test_an_error_of_the_configuration_is_raised(kind: type[Exception]) -> None:
    def make(_: Opened) -> Iterator[str]:
        yield "first"
        raise kind("install it")

    with pytest.raises(kind, match="install it"):
        list(from_opened(INLINE, 100, StageClock(), make))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.ETIMEDOUT])
def test_a_fault_of_the_machine_is_raised_in_every_stage(number: int) -> None:
    def make(_: Opened) -> Iterator[str]:
        yield "first"
        raise OSError(number, os.strerror(number))

    with pytest.raises(MachineError, match=r"message:1: .*;"):
        list(from_opened(INLINE, 100, StageClock(), make))


def test_running_out_of_memory_is_raised() -> None:
    def make(_: Opened) -> Iterator[str]:
        yield "first"
        raise MemoryError

    with pytest.raises(MachineError, match="out of memory"):
        list(from_opened(INLINE, 100, StageClock(), make))


def test_a_temporary_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large.bin").write_bytes(b"RIFF" * (5 << 20))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(MachineError, match=r"temporary folder .*gone.*TMPDIR"):
        spool(AudioRef(str(tmp_path / "large.bin"), 20 << 20), max_bytes=1 << 30)

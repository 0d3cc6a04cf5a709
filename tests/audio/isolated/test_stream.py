from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.encoded_audio import FORMATS, STEREO, encode, encode_tracks, noise
from support.poisoned import decoding_children, late_poison, poison, use_poison

from beam_audio.audio.decoders.request import Cut, DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.decoding_child import ChildLimits, end_idle
from beam_audio.audio.isolated.stream import BlockStream, IsolatedStream
from beam_audio.audio.limits import DecodeLimits
from beam_audio.errors import DecodeError, DecoderCrash, DecoderHang, MachineError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

LIMITS = ChildLimits(memory_bytes=2**30, hang_seconds=0.5)
PATIENT = replace(LIMITS, hang_seconds=60.0)
"""A busy machine takes more than half a second of CPU time to clear a gibibyte."""


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    end_idle()
    use_poison(monkeypatch)
    yield
    end_idle()


@contextmanager
def file_of(data: bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file


def heard(data: bytes, limits: ChildLimits = LIMITS) -> NDArray[np.float32]:
    with file_of(data) as file, IsolatedStream(file, DecodeRequest(), "a.wav", limits) as stream:
        return np.concatenate([*stream.blocks()])


def description(stream: BlockStream) -> list[Any]:
    before = [stream.format, stream.decoder, stream.track_count, stream.credible_seconds]
    blocks = [(block.shape, block.dtype, block.tobytes()) for block in stream.blocks()]
    error = stream.truncation
    after = [stream.reasons, stream.concealed_seconds, stream.decoder, type(error), str(error)]
    return [*before, *blocks, *after]


def short(value: object) -> str | None:
    """Names of tests are in the environment, which cannot hold a file."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else None


@pytest.mark.parametrize(
    ("data", "request_"),
    [
        *((encode(noise(2.5), name), DecodeRequest()) for name in FORMATS),
        (encode(noise(40.0)), DecodeRequest(block_seconds=0.3)),
        (encode(STEREO, "flac"), DecodeRequest(cut=Cut(0.1, 0.2))),
        (encode(noise(4.0), "flac")[:-20_000], DecodeRequest()),
        (encode(noise(4.0)), DecodeRequest(limits=DecodeLimits(max_recording_seconds=1.5))),
        (encode_tracks("matroska", [1.0, 2.0]), DecodeRequest(cut=Cut(track=1))),
        (encode(noise(0.0)), DecodeRequest()),
    ],
    ids=short,
)
def test_a_stream_says_what_it_says_in_process(data: bytes, request_: DecodeRequest) -> None:
    with file_of(data) as file:
        file.seek(7)
        with IsolatedStream(file, request_) as isolated:
            said = description(isolated)
        assert file.tell() == 7
        with AudioStream(file, request_) as stream:
            assert description(stream) == said


@pytest.mark.parametrize(
    ("data", "request_"),
    [
        (b"plain text" * 100, DecodeRequest()),
        (encode(STEREO), DecodeRequest(limits=DecodeLimits(max_channels=1))),
        (encode(noise(1.0)), DecodeRequest(cut=Cut(5.0))),
    ],
    ids=short,
)
def test_errors_are_those_in_process(data: bytes, request_: DecodeRequest) -> None:
    with file_of(data) as file:
        with pytest.raises(Exception) as expected:  # noqa: PT011 - compared below
            AudioStream(file, request_)
        with pytest.raises(expected.type) as caught:
            IsolatedStream(file, request_)
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize(
    ("verb", "cause"),
    [("abort", "SIGABRT"), ("crash", "SIGSEGV"), ("exit", "exit status 3")],
)
@pytest.mark.parametrize("make", [poison, late_poison])
def test_a_file_that_ends_its_child_is_named(
    verb: str, cause: str, make: Callable[[str], bytes]
) -> None:
    with pytest.raises(DecoderCrash) as caught:
        heard(make(verb))
    assert str(caught.value) == f"the decoder soundfile died of a.wav ({cause})"
    assert len(heard(encode(noise(1.0)))) == 16_000


@pytest.mark.parametrize(
    ("make", "verb"), [(poison, "sleep"), (late_poison, "sleep"), (late_poison, "spin")]
)
def test_a_file_that_never_ends_is_named(make: Callable[[str], bytes], verb: str) -> None:
    message = "the decoder soundfile never gets through a.wav: no progress for 0.5 s"
    with pytest.raises(DecoderHang, match=message):
        heard(make(verb))
    assert not decoding_children()


def test_a_file_that_takes_all_memory_is_named() -> None:
    message = r"soundfile takes more than 1024 MiB of memory for a\.wav"
    with pytest.raises(DecoderCrash, match=message):
        heard(poison("leak"), PATIENT)
    assert not decoding_children()


def test_what_native_code_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    assert len(heard(late_poison("flood"))) == 320_000
    assert capfd.readouterr() == ("", "")


def test_children_are_reused_until_one_has_leaked() -> None:
    heard(encode(noise(1.0)))
    first = decoding_children()
    with pytest.raises(DecodeError):
        heard(b"not audio")
    assert decoding_children() == first
    heard(late_poison("keep"))
    assert not decoding_children()


@pytest.mark.parametrize("verb", ["abort", "spin", "leak", "kill"])
def test_a_file_pays_for_nothing_that_was_decoded_before(verb: str) -> None:
    data = late_poison(f"used {verb}")
    expected = heard(data)
    assert len(expected) == 320_000
    np.testing.assert_array_equal(heard(data), expected)


def test_a_kill_from_outside_is_the_machines_fault() -> None:
    with pytest.raises(MachineError, match=r"soundfile was ended from outside \(SIGKILL\), twice"):
        heard(poison("kill"))


def test_a_stream_that_is_closed_early_gives_its_child_back() -> None:
    with (
        file_of(encode(noise(200.0))) as file,
        IsolatedStream(file, DecodeRequest(), limits=LIMITS) as stream,
    ):
        next(iter(stream.blocks()))
        children = decoding_children()
    assert len(heard(encode(noise(1.0)))) == 16_000
    assert decoding_children() == children


def test_a_stream_that_is_closed_while_its_decoder_hangs_ends_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POISON_ASLEEP", str(tmp_path / "asleep"))
    data = late_poison("sleep", seconds=200.0)
    with file_of(data) as file, IsolatedStream(file, DecodeRequest(), limits=LIMITS):
        while not (tmp_path / "asleep").exists():
            time.sleep(0.01)
        assert decoding_children()
    assert not decoding_children()


def test_streams_beside_each_other_have_a_child_each() -> None:
    data = encode(noise(100.0))
    request_ = DecodeRequest()
    with (
        file_of(data) as one,
        file_of(data) as other,
        IsolatedStream(one, request_) as first,
        IsolatedStream(other, request_) as second,
    ):
        pairs = zip(first.blocks(), second.blocks(), strict=True)
        assert sum(np.array_equal(*pair) for pair in pairs) == 100
        assert len(decoding_children()) == 2


def test_a_program_that_cannot_run_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beam_audio.py").write_text("raise ImportError('half installed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    message = r"(?s)the program that decodes cannot run: exit status 1: .*half installed"
    with pytest.raises(MachineError, match=message):
        heard(encode(noise(1.0)))


WORK = "support.odd_work"


def made(data: bytes, **order: object) -> list[tuple[int, bytes]]:
    """What the odd work makes of a recording."""
    with (
        file_of(data) as file,
        IsolatedStream(file, DecodeRequest(), "a.wav", LIMITS, WORK) as stream,
    ):
        return [(part.content["number"], part.data) for part in stream.parts(order)]


def test_a_work_makes_parts_of_a_stream_in_the_child() -> None:
    data = encode(noise(3.5))
    blocks = heard(data)
    parts = made(data)
    assert [number for number, _ in parts] == [0, 1, 2, 3]
    assert b"".join(each for _, each in parts) == blocks.tobytes()


def test_a_child_with_a_work_gives_blocks_too() -> None:
    data = encode(noise(3.5))
    blocks = heard(data)
    made(data)
    children = decoding_children()
    with (
        file_of(data) as file,
        IsolatedStream(file, DecodeRequest(), "a.wav", LIMITS, WORK) as stream,
    ):
        np.testing.assert_array_equal(np.concatenate([*stream.blocks()]), blocks)
    assert decoding_children() == children


def test_the_end_is_known_after_the_parts() -> None:
    data = encode(noise(4.0), "flac")[:-20_000]
    with file_of(data) as file, IsolatedStream(file, DecodeRequest(), work=WORK) as stream:
        assert [*stream.parts({})]
        assert isinstance(stream.truncation, DecodeError)


def test_a_recording_that_ends_the_work_is_named() -> None:
    with pytest.raises(DecoderCrash, match=r"died of a\.wav \(SIGABRT\)"):
        made(encode(noise(3.5)), at=2, do="abort")
    assert not decoding_children()


def test_parts_that_came_do_not_come_again_from_a_second_child() -> None:
    data = encode(noise(3.5))
    first = made(data)
    assert made(data, at=2, do="abort", used=True) == first


def test_memory_that_numpy_cannot_have_is_the_limits_not_an_error_of_its_own() -> None:
    with pytest.raises(DecoderCrash, match=r"takes more than 1024 MiB of memory for a\.wav"):
        made(encode(noise(3.5)), at=2, do="allocate")


def test_an_error_of_the_work_is_the_same_here() -> None:
    with pytest.raises(ZeroDivisionError, match="none"):
        made(encode(noise(3.5)), at=2, do="none")


def test_a_work_that_is_not_wanted_leaves_its_child_to_the_next() -> None:
    data = encode(noise(200.0))
    with file_of(data) as file, IsolatedStream(file, DecodeRequest(), limits=LIMITS, work=WORK):
        pass  # no order comes
    children = decoding_children()
    with (
        file_of(data) as file,
        IsolatedStream(file, DecodeRequest(), limits=LIMITS, work=WORK) as stream,
    ):
        next(iter(stream.parts({})))
    assert len(made(data)) == 200
    assert decoding_children() == children


def test_a_work_that_cannot_be_loaded_is_no_fault_of_the_recording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ODD_WORK_FAILS", "1")
    with pytest.raises(ModelError, match="the model is missing"):
        made(encode(noise(1.0)))
    monkeypatch.delenv("ODD_WORK_FAILS")
    assert len(made(encode(noise(1.0)))) == 1

from __future__ import annotations

import json
from typing import Any

import pytest

from beam_audio.audio.isolated.messages import End, Head, error_from_json, error_message
from beam_audio.errors import ConfigError, DecodeError, InputError, LimitError
from beam_audio.types import AudioFormat


def value_in(message: bytes, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message)[key]
    return found


@pytest.mark.parametrize("seconds", [None, 0.1])
def test_a_head_is_the_same_after_json(seconds: float | None) -> None:
    head = Head(AudioFormat("pcm_s16", "wav", 16_000, 2, seconds), "soundfile", 3, seconds)
    assert Head.from_json(value_in(head.to_json(), "head")) == head


@pytest.mark.parametrize("truncation", [None, LimitError("too long"), DecodeError("damaged")])
def test_an_end_is_the_same_after_json(truncation: LimitError | DecodeError | None) -> None:
    end = End("av", truncation, frozenset({"time_gaps", "other_audio_tracks:1"}), 0.1)
    read = End.from_json(value_in(end.to_json(), "end"))
    assert (read.decoder, read.reasons, read.concealed_seconds) == ("av", end.reasons, 0.1)
    assert (type(read.truncation), str(read.truncation)) == (type(truncation), str(truncation))


@pytest.mark.parametrize(
    "error",
    [
        InputError("no such track"),
        ConfigError("PyAV is not installed"),
        OSError(5, "Input/output error"),
        ValueError("of Python"),
        MemoryError(),
        KeyError(b"key"),
    ],
)
def test_an_error_of_ours_or_of_python_is_the_same(error: Exception) -> None:
    read = error_from_json(value_in(error_message(error), "error"))
    assert type(read) is type(error)
    assert getattr(read, "errno", None) == getattr(error, "errno", None)
    if not isinstance(error, KeyError):  # whose text is that of its key
        assert str(read) == str(error)


class LibraryError(Exception):
    """An error of a library that the parent may not have."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LibraryError("broken"), "LibraryError: broken"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "UnicodeDecodeError: "),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
    ],
)
def test_any_other_error_is_an_error_of_decoding(error: Exception, said: str) -> None:
    read = error_from_json(value_in(error_message(error), "error"))
    assert type(read) is DecodeError
    assert str(read).startswith(said)


def test_a_memory_error_says_whose_limit_it_is() -> None:
    assert json.loads(error_message(MemoryError(), own_limit=True))["own_limit"] is True
    assert json.loads(error_message(MemoryError()))["own_limit"] is False

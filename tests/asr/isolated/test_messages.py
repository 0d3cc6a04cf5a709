from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from beam_audio.asr.isolated.messages import (
    clips_of,
    error_content,
    error_in,
    facts_content,
    facts_in,
    pack,
    requests_content,
    requests_in,
    samples_in,
    shared,
    transcripts_content,
    transcripts_in,
    unpack,
)
from beam_audio.asr.passages import join
from beam_audio.asr.recognizer import ModelFacts, Request
from beam_audio.errors import BeamAudioError, LanguageUnsupported, ModelError
from beam_audio.types import Transcript, Word

clips = of_numpy.arrays(np.float32, st.integers(0, 50), elements=st.floats(-1, 1, width=32))
requests = st.builds(
    Request, clips, st.none() | st.sampled_from(["en", "yue"]), st.integers(0, 2**32 - 1)
)
passages = st.lists(requests, min_size=1, max_size=4).map(join)


@given(st.lists(requests | passages, max_size=6))
def test_a_batch_arrives_as_it_was_sent(batch: list[Request]) -> None:
    with shared(clips_of(batch)) as clips:
        samples = samples_in([os.dup(clips)])
    found = requests_in(unpack(pack({"requests": requests_content(batch)}))["requests"], samples)
    assert list(map(values, found)) == list(map(values, batch))


def values(request: Request) -> object:
    samples = request.samples
    assert samples.dtype == np.float32
    own = (samples.shape, samples.tolist(), request.language, request.seed)
    return (*own, [values(piece) for piece in request.pieces])


def test_a_clip_of_a_wrong_shape_arrives_too() -> None:
    wrong = Request(np.ones((2, 3), np.float32))
    with shared(clips_of([wrong])) as clips:
        (found,) = requests_in(requests_content([wrong]), samples_in([os.dup(clips)]))
    assert values(found) == values(wrong)


def test_a_model_may_write_to_samples_that_the_other_process_still_has() -> None:
    with shared([np.ones(3, np.float32)]) as clips:
        samples_in([os.dup(clips)])[:] = 0
        assert samples_in([os.dup(clips)]).tolist() == [1, 1, 1]


def test_samples_outlive_the_file_of_the_other_process() -> None:
    with shared([np.ones(3, np.float32)]) as clips:
        place = os.dup(clips)
        samples = samples_in([place])
    assert samples.tolist() == [1, 1, 1]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(place)


def test_a_file_that_did_not_arrive_is_a_lack_of_files() -> None:
    with pytest.raises(OSError, match="Too many open files"):
        samples_in([])


numbers = st.none() | st.floats(allow_nan=False)
words = st.builds(Word, st.text(), st.floats(0, 30), st.floats(0, 30), numbers)
transcripts = st.builds(
    Transcript,
    text=st.text(st.characters()),
    language=st.none() | st.text(),
    language_probability=numbers,
    avg_logprob=numbers,
    no_speech_prob=numbers,
    token_ids=st.lists(st.integers(0, 60_000)).map(tuple),
    words=st.none() | st.lists(words).map(tuple),
)
joined = st.builds(Transcript, st.text(), pieces=st.lists(transcripts).map(tuple))


@given(st.lists(transcripts | joined, max_size=4))
def test_transcripts_arrive_as_they_were_sent(heard: list[Transcript]) -> None:
    content = unpack(pack({"transcripts": transcripts_content(heard)}))
    assert transcripts_in(content["transcripts"]) == heard


def test_numbers_of_numpy_arrive_as_numbers() -> None:
    heard = [Transcript("a", avg_logprob=np.float32(0.5), token_ids=(np.int64(3),))]  # type: ignore[arg-type] # a model's
    (found,) = transcripts_in(unpack(pack({"heard": transcripts_content(heard)}))["heard"])
    assert (found.avg_logprob, found.token_ids) == (0.5, (3,))
    assert type(found.token_ids[0]) is int


def test_facts_arrive_as_they_were_sent() -> None:
    facts = ModelFacts("whisper/float32", "ab", 16_000, 30.0, frozenset({"en", "de"}))
    assert facts_in(unpack(pack(facts_content(facts)))) == facts


@pytest.mark.parametrize(
    "error",
    [
        ModelError("a clip is too long"),
        LanguageUnsupported("not this one"),
        OSError(errno.ENOSPC, "No space left on device"),
        FileNotFoundError(errno.ENOENT, "No such file", "/models/encoder.onnx"),
        MemoryError("no memory"),
        ValueError("of Python"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        type("Fail", (Exception,), {})("[ONNXRuntimeError] : 1 : FAIL"),
    ],
)
def test_errors_keep_their_name_and_words(error: Exception) -> None:
    found = error_in(unpack(pack(error_content(error))))
    assert (type(found).__name__, str(found)) == (type(error).__name__, str(error))
    assert isinstance(found, BeamAudioError) is isinstance(error, BeamAudioError)
    assert isinstance(found, OSError) is isinstance(error, OSError)
    assert isinstance(found, MemoryError) is isinstance(error, MemoryError)


def test_errors_bring_their_trace() -> None:
    try:
        int("here")
    except ValueError as error:
        content = unpack(pack(error_content(error)))
    assert 'int("here")' in error_in(content).__notes__[0]


def test_no_name_of_a_class_runs_anything() -> None:
    content = error_content(ValueError("id"))
    assert isinstance(error_in(content | {"kind": "exec"}), RuntimeError)
    assert isinstance(error_in(content | {"kind": "SystemExit"}), RuntimeError)

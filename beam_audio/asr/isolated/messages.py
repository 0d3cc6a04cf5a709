"""What a recogniser's process and its parent say to each other, as bytes.

A message is a JSON object, followed by samples. It can hold nothing that runs: the process hears
what strangers have recorded, and its parent trusts it with text and numbers only.
"""

from __future__ import annotations

import builtins
import errno
import json
import os
import traceback
from contextlib import contextmanager
from dataclasses import asdict
from mmap import ACCESS_COPY, mmap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio import errors
from beam_audio.asr.recognizer import ModelFacts, Request
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

Content = dict[str, Any]


def pack(content: Content) -> bytes:
    """A message."""
    return json.dumps(content, default=_plain).encode("ascii")


def unpack(message: bytes) -> Content:
    """The content of a message."""
    content: Content = json.loads(message)
    return content


def _plain(number: np.generic) -> object:
    """What JSON can hold of a number of numpy's."""
    return number.item()


def clips_of(requests: Iterable[Request]) -> Iterator[NDArray[np.float32]]:
    """The samples of a message about requests."""
    for request in requests:
        yield request.samples
        yield from clips_of(request.pieces)


@contextmanager
def shared(clips: Iterable[NDArray[np.float32]]) -> Iterator[int]:
    """A file in memory that holds clips, one after the other; its descriptor.

    A socket takes its messages in small parts, each of which wakes the other process.
    """
    with os.fdopen(os.memfd_create("clips"), "wb") as file:
        file.writelines(np.ascontiguousarray(clip, np.float32).data for clip in clips)
        file.flush()
        yield file.fileno()


def samples_in(files: Sequence[int]) -> NDArray[np.float32]:
    """All samples of the one file that travelled, of :func:`shared`; it is closed.

    They stay in the file's memory, and what is written to them is not seen by the other process.

    Returns:
        float32 of shape (n,).

    Raises:
        OSError: It did not arrive: this process may open no more files.
    """
    if not files:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    with os.fdopen(files[0], "rb"):
        size_bytes = os.fstat(files[0]).st_size
        if not size_bytes:  # no memory to map
            return np.zeros(0, np.float32)
        return np.frombuffer(mmap(files[0], size_bytes, access=ACCESS_COPY), np.float32)


def requests_content(requests: Iterable[Request]) -> list[Content]:
    """Requests without their samples."""
    return [
        {
            "shape": request.samples.shape,
            "language": request.language,
            "seed": request.seed,
            "pieces": requests_content(request.pieces),
        }
        for request in requests
    ]


def requests_in(content: list[Content], samples: NDArray[np.float32]) -> list[Request]:
    """The requests that :func:`requests_content` and :func:`clips_of` were given."""
    return _Cut(samples).requests(content)


class _Cut:
    """Takes clips from the start of samples."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._rest = samples

    def requests(self, content: list[Content]) -> list[Request]:
        return [
            Request(
                samples=self._next(each["shape"]),
                language=each["language"],
                seed=each["seed"],
                pieces=tuple(self.requests(each["pieces"])),
            )
            for each in content
        ]

    def _next(self, shape: list[int]) -> NDArray[np.float32]:
        clip, self._rest = np.split(self._rest, [int(np.prod(shape))])
        return clip.reshape(shape)


def transcripts_content(transcripts: Iterable[Transcript]) -> list[Content]:
    """Transcripts as JSON holds them."""
    return [asdict(each) for each in transcripts]


def transcripts_in(content: Sequence[Content]) -> list[Transcript]:
    """The transcripts that :func:`transcripts_content` was given."""
    return [_transcript(each) for each in content]


def _transcript(content: Content) -> Transcript:
    words = content["words"]
    sequences = {
        "token_ids": tuple(content["token_ids"]),
        "words": None if words is None else tuple(Word(**word) for word in words),
        "pieces": tuple(transcripts_in(content["pieces"])),
    }
    return Transcript(**content | sequences)


def facts_content(facts: ModelFacts) -> Content:
    """Facts of a model as JSON holds them."""
    return asdict(facts) | {"languages": sorted(facts.languages)}


def facts_in(content: Content) -> ModelFacts:
    """The facts that :func:`facts_content` was given."""
    return ModelFacts(**content | {"languages": frozenset(content["languages"])})


def error_content(error: BaseException) -> Content:
    """An error: the name of its class, what it says, and its trace."""
    arguments: list[object] = [str(error)]
    if isinstance(error, OSError) and error.errno is not None:
        arguments = [error.errno, error.strerror, error.filename and str(error.filename)]
    return {
        "kind": type(error).__name__,
        "arguments": arguments,
        "message": str(error),
        "trace": "".join(traceback.format_exception(error)),
    }


def error_in(content: Content) -> Exception:
    """The error that :func:`error_content` was given, to be raised; its trace is a note.

    Ours and those that a machine causes are of their own class, any other of one of the same name.
    """
    kind = _KINDS.get(content["kind"])
    if kind is None:
        error: Exception = type(content["kind"], (RuntimeError,), {})(content["message"])
    else:
        error = kind(*content["arguments"])
    error.add_note(content["trace"])
    return error


_KINDS: Final = {
    name: kind
    for name, kind in (vars(builtins) | vars(errors)).items()
    if isinstance(kind, type) and issubclass(kind, errors.BeamAudioError | OSError | MemoryError)
}

"""The language Whisper detects in a clip, and in each of its pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.whisper.padding import SAMPLES_PER_POSITION
from beam_audio.models.whisper.mel_filters import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.recognizer import Request
    from beam_audio.asr.whisper.batches import EncodedClips
    from beam_audio.asr.whisper.decoder import Decoder
    from beam_audio.models.whisper.config import WhisperConfig


# In shorter pieces the wrong language is often detected.
_DETECTED_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """Language of a clip.

    Attributes:
        language: ISO 639 code.
        probability: Probability of this language; None if the model was not asked.
        pieces: The language of each piece of the clip, if it has any.
    """

    language: str
    probability: float | None = None
    pieces: tuple[Spoken, ...] = ()


def spoken_languages(
    decoder: Decoder, config: WhisperConfig, clips: EncodedClips, requests: Sequence[Request]
) -> list[Spoken]:
    """Languages of encoded clips: the requested ones, or else the detected ones.

    The language of a clip with pieces is the likeliest over all its seconds. For a piece, only its
    own stretch of the encoded audio is used. A piece too short for detection has the language of
    the clip.
    """
    if not config.multilingual:
        return [_stated("en", request) for request in requests]
    stated = [request.language for request in requests]
    if None not in stated:
        return [_stated(str(request.language), request) for request in requests]
    heard = list(zip(*_heard(decoder, clips, requests), strict=True))
    codes = list(config.tokens.languages)
    return [
        _stated(request.language, request)
        if request.language is not None
        else _found(codes, request, probabilities)
        for request, probabilities in zip(requests, heard, strict=True)
    ]


def _stated(language: str, request: Request) -> Spoken:
    return Spoken(language, None, tuple(Spoken(language) for _ in request.pieces))


def _heard(
    decoder: Decoder, clips: EncodedClips, requests: Sequence[Request]
) -> Iterator[NDArray[np.float32]]:
    """Yield, for the n-th piece of all clips, the probability of each language."""
    most = max(len(request.pieces) for request in requests)
    for place in range(max(most, 1)):
        yield decoder.language_probs(clips, [_span(request, place) for request in requests])


def _span(request: Request, place: int) -> slice | None:
    """Encoder positions of a piece."""
    if place >= len(request.pieces):
        return None
    lengths = [len(piece.samples) for piece in request.pieces]
    first, stop = sum(lengths[:place]), sum(lengths[: place + 1])
    return slice(first // SAMPLES_PER_POSITION, -(-stop // SAMPLES_PER_POSITION))


def _found(
    codes: Sequence[str], request: Request, probabilities: Sequence[NDArray[np.float32]]
) -> Spoken:
    if not request.pieces:
        best = int(probabilities[0].argmax())
        return Spoken(codes[best], float(probabilities[0][best]))
    rows = probabilities[: len(request.pieces)]
    weights = np.array([len(piece.samples) for piece in request.pieces]) / len(request.samples)
    whole = weights @ np.stack(rows)
    best = int(whole.argmax())
    pieces = []
    for row, piece in zip(rows, request.pieces, strict=True):
        is_long = len(piece.samples) >= _DETECTED_SECONDS * SAMPLE_RATE_HZ
        own = int(row.argmax()) if is_long else best
        pieces.append(Spoken(codes[own], float(row[own])))
    return Spoken(codes[best], float(whole[best]), tuple(pieces))

"""Two models on one segment: how far their texts differ, and which language has most votes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.quality.error_rates import score
from beam_audio.quality.languages import known_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.quality.normalizers import Normalizer
    from beam_audio.types import Failure, Transcript

_MAJORITY_OF_THREE: Final = 2


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a second model heard in a segment.

    ``transcript`` is None if it failed, which ``failure`` tells, or does not know the language.
    """

    model_id: str
    model_sha256: str
    transcript: Transcript | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A second transcript of a segment, and how far it is from the first.

    Attributes:
        transcript: What it heard.
        wer: Word errors of its text per word of the first; None in languages without word spaces.
        cer: The same over characters.
    """

    transcript: Transcript
    wer: float | None
    cer: float | None


def compare(first: Transcript, second: Transcript, normalizer: Normalizer) -> Compared:
    """Compare two transcripts of a segment; the first stands in for a reference.

    Two texts without words agree, so both rates are 0. If the first alone has none, they would be
    infinite, and are None.

    Args:
        first: What the model of the run heard.
        second: What the second model heard.
        normalizer: Applied to both texts, as the language of the first is written.
    """
    found = score(first.text, second.text, first.language, normalizer)
    if not found.empty_reference:
        return Compared(second, found.wer, found.cer)
    agrees = score(second.text, "", first.language, normalizer).empty_reference
    return Compared(second, 0.0 if agrees else None, 0.0 if agrees else None)


def voted_language(votes: Iterable[str | None]) -> str | None:
    """The language that two or more name, and more than name any other; None if there is none.

    Args:
        votes: What the models heard and the manifest states, ISO 639 codes; None abstains.
    """
    counts = Counter(known_code(each) or each for each in votes if each).most_common(2)
    if not counts or counts[0][1] < _MAJORITY_OF_THREE:
        return None
    return counts[0][0]


def chosen_by_model(transcript: Transcript) -> str | None:
    """The language that a model heard; None if it was told, or knows only one."""
    return None if transcript.language_probability is None else transcript.language

"""Tokens with times, and the transcript they make."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.asr.words import split_words
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr.words import WordTokens

# Some vocabularies hold closing marks that begin with a space.
_SPACE_BEFORE_MARK: Final = re.compile(r" (?=[.,;:!?…)\]}»”])")


@dataclass(frozen=True, slots=True)
class TimedToken:
    """A token and its time in the clip.

    Attributes:
        token_id: Its id; None if the model's library does not give it.
        text: Its text; leading white space separates words.
        start_seconds: Start, counted from the start of the clip.
        end_seconds: End, not before the start.
        logprob: Natural log of its probability.
    """

    token_id: int | None
    text: str
    start_seconds: float
    end_seconds: float
    logprob: float


def transcript_of(
    tokens: Sequence[TimedToken], language: str | None, clip_seconds: float
) -> Transcript:
    """Join tokens into text and words.

    Args:
        tokens: Tokens in the order of their starts.
        language: Known language of the clip; decides whether spaces separate words.
        clip_seconds: Length of the clip; no word ends later.

    Returns:
        A transcript. ``avg_logprob`` is the mean over the tokens, None if there are none;
        ``words`` do not overlap.
    """
    groups = split_words(
        range(len(tokens)),
        lambda indices: "".join(tokens[index].text for index in indices),
        language,
    )
    ids = [token.token_id for token in tokens if token.token_id is not None]
    logprobs = [token.logprob for token in tokens]
    return Transcript(
        text=_tidy("".join(token.text for token in tokens)),
        language=language,
        avg_logprob=math.fsum(logprobs) / len(logprobs) if logprobs else None,
        token_ids=tuple(ids),
        words=_words(groups, tokens, clip_seconds),
    )


def _words(
    groups: list[WordTokens], tokens: Sequence[TimedToken], clip_seconds: float
) -> tuple[Word, ...]:
    words: list[Word] = []
    limit = clip_seconds  # start of the next word
    for group in reversed([group for group in groups if group.text]):
        heard = tokens[group.first : group.stop]
        start = min(heard[0].start_seconds, limit)
        words.append(
            Word(
                word=_tidy(group.text),
                start_seconds=start,
                end_seconds=max(start, min(heard[-1].end_seconds, limit)),
                probability=math.fsum(math.exp(token.logprob) for token in heard) / len(heard),
            )
        )
        limit = start
    return tuple(reversed(words))


def _tidy(text: str) -> str:
    """One space between words, and none before a closing mark."""
    return _SPACE_BEFORE_MARK.sub("", " ".join(text.split()))

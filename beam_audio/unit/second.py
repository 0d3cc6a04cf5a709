"""What two models hear in the passages of a batch, except what their rows have already."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from beam_audio.quality.second_opinion import Opinion
from beam_audio.types import Transcript
from beam_audio.unit.batching import batches
from beam_audio.unit.recognise import model_language, passage_seconds, recognise_passages
from beam_audio.unit.results import opinion_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.asr.recognizer import ModelFacts, Recognizer
    from beam_audio.unit.events import PreparedSegment
    from beam_audio.unit.recognise import Result

Passage = tuple["PreparedSegment", ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Segments that a second model hears in one piece.

    ``place`` is that of their passage in the batch, ``first`` that of the first of them in it.
    """

    place: int
    first: int
    passage: Passage
    language: str | None


def first_texts(
    recognizer: Recognizer, batch: Sequence[Passage], languages: Sequence[str | None]
) -> list[list[Result]]:
    """What the model of the run hears in each segment; see :func:`recognise_passages`.

    Args:
        recognizer: The model.
        batch: The passages; the segments of one are all known, or all new.
        languages: One per passage, as the model calls it; None lets the model decide.
    """
    new = [place for place, passage in enumerate(batch) if passage[0].transcript is None]
    found: dict[int, list[Result]] = {}
    if new:
        heard = recognise_passages(
            recognizer, [batch[place] for place in new], [languages[place] for place in new]
        )
        found = dict(zip(new, heard, strict=True))
    return [
        found[place] if place in found else [item.transcript for item in passage if item.transcript]
        for place, passage in enumerate(batch)
    ]


def second_opinions(
    second: Recognizer | None,
    batch: Sequence[Passage],
    languages: Sequence[str | None],
    budget_seconds: float | None,
) -> list[list[Opinion | None]]:
    """What a second model hears in each segment of a batch; it has batches of its own size.

    What the rows have stays. An opinion has no transcript if the model does not know the language
    or fails on the segment.

    Args:
        second: The model; None asks none.
        batch: Passages, as the first model hears them.
        languages: One per passage, ISO 639 codes; None lets the model decide.
        budget_seconds: Most padded seconds of its batches; None leaves it to the model.

    Returns:
        One list per passage; None for a segment without an opinion.

    Raises:
        ModelError: The model fails on everything, even on silence.
        MachineError: The machine fails.
    """
    found = [[item.second for item in passage] for passage in batch]
    if second is None:
        return found
    new = [place for place, opinions in enumerate(found) if None in opinions]
    facts = second.facts
    for place in new:
        found[place] = [Opinion(facts.model_id, facts.model_sha256, None)] * len(batch[place])
    for group in batches(
        _asked(second, batch, languages, new),
        seconds=lambda each: passage_seconds(each.passage),
        cost=lambda each: second.cost_seconds(passage_seconds(each.passage)),
        budget_seconds=budget_seconds or second.batch_limits.seconds,
    ):
        heard = recognise_passages(
            second, [each.passage for each in group], [each.language for each in group]
        )
        for each, results in zip(group, heard, strict=True):
            opinions = [*map(_opinion, repeat(facts), each.passage, results)]
            found[each.place][each.first : each.first + len(opinions)] = opinions
    return found


def _opinion(facts: ModelFacts, item: PreparedSegment, result: Result) -> Opinion:
    if isinstance(result, Transcript):
        return Opinion(facts.model_id, facts.model_sha256, result)
    failure = opinion_failure(item.source.ref, item.segment, result)
    return Opinion(facts.model_id, facts.model_sha256, None, failure)


def _asked(
    second: Recognizer, batch: Sequence[Passage], languages: Sequence[str | None], new: list[int]
) -> Iterator[_Asked]:
    """The new passages whose language the model knows; single segments if it joins none."""
    known = second.facts.languages
    for place in new:
        passage, language = batch[place], model_language(second, languages[place])
        if language is not None and known and language not in known:
            continue
        if second.passage_seconds:
            yield _Asked(place, 0, passage, language)
        else:
            for index, item in enumerate(passage):
                yield _Asked(place, index, (item,), language)

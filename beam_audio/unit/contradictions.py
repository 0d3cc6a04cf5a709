"""Several statements about one input: equal ones are a repeat, different ones a failure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ContradictionError
from beam_audio.types import AudioRef, Failure, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_COMPARED: Final = 50
_NAMED: Final = 5
_SHOWN_CHARS: Final = 200


def distinct_inputs(inputs: Iterable[AudioRef | Failure]) -> Iterator[AudioRef | Failure]:
    """Every input once, in the order of ids; the order in which they come does not matter.

    Metadata that only some of its lines have is added up.

    Yields:
        The input itself if nothing that is stated about it differs, else a failure under its id
        that names the lines that contradict one another.
    """
    found: defaultdict[str, list[AudioRef | Failure]] = defaultdict(list)
    for item in sorted(inputs, key=_order):
        found[item.source_id].append(item)
    for items in found.values():
        refs = [item for item in items if isinstance(item, AudioRef)]
        # Of lines that state the same, the first one is named.
        different = list({ref.stated_id: ref for ref in reversed(refs)}.values())[::-1]
        yield _one_of(different) if len(different) > 1 else _first(items)


def _first(items: Sequence[AudioRef | Failure]) -> AudioRef | Failure:
    """The first of equal inputs; of one that is gone nothing is known if its lines differ."""
    first = items[0]
    if isinstance(first, Failure) and first.stated is not None:
        stated = {each.stated for each in items if isinstance(each, Failure)}
        if len({each.stated_id for each in stated if each is not None}) > 1:
            return replace(first, stated=None)
    return first


def distinct_messages(inputs: Iterable[AudioRef | Failure]) -> Iterator[AudioRef | Failure]:
    """Every input of a stream's messages once, in the order of ids.

    Metadata is that of the first message, as a publisher that sends a message again may change it.
    A message that states nothing else, as a notification, contradicts none.

    Yields:
        The input, or a failure under its id that names the messages that contradict one another.
    """
    found: defaultdict[str, list[AudioRef | Failure]] = defaultdict(list)
    for item in sorted(inputs, key=_order):
        found[item.source_id].append(item)
    for items in found.values():
        refs = [item for item in items if isinstance(item, AudioRef)]
        claims = {ref.claims_id: ref for ref in reversed(refs) if ref.claims_id}
        different = [replace(ref, metadata=()) for ref in reversed(claims.values())]
        yield _contradiction(different) if len(different) > 1 else [*claims.values(), *items][0]


def later_contradiction(ref: AudioRef, earlier: str) -> Failure:
    """The failure of a message that states an input otherwise than one that came before.

    It has an id of its own, as the input keeps its rows.

    Args:
        ref: What the message states.
        earlier: The message or batch that the rows of the input are made by.
    """
    identity = stable_id("contradiction", ref.source_id, ref.claims_id)
    return Failure(
        unit="input",
        stage="read",
        source_id=identity,
        uri=ref.uri,
        error_type=ContradictionError.__name__,
        message=(
            f"{ref.stated_in} states another text, language, length or event time than {earlier}, "
            "by which the rows of this input are made; they stay: to change them, run a batch over "
            "a manifest that states what is right"
        ),
        event_time=ref.event_time,
    )


def _one_of(refs: Sequence[AudioRef]) -> AudioRef | Failure:
    """One reference for several that differ, or their contradiction."""
    metadata = sorted({pair for ref in refs for pair in ref.metadata})
    claims = {replace(ref, metadata=()).stated_id for ref in refs}
    if len(claims) == 1 and len(dict(metadata)) == len(metadata):
        return replace(refs[0], metadata=tuple(metadata))
    return _contradiction(refs)


def _order(item: AudioRef | Failure) -> tuple[str, int, str, str]:
    """By id; then line 2 before line 10."""
    stated_in = item.stated_in if isinstance(item, AudioRef) else ""
    return item.source_id, len(stated_in), stated_in, repr(item)


def _contradiction(refs: Sequence[AudioRef]) -> Failure:
    """The failure of an input that is stated differently; its date is the file's own."""
    one = refs[0]
    pairs = combinations(refs[:_COMPARED], 2)
    names = sorted({name for pair in pairs for name in _differences(*pair)})
    places = " and ".join(ref.stated_in or "the listing" for ref in refs[:_NAMED])
    more = f" and {len(refs) - _NAMED} more" if len(refs) > _NAMED else ""
    same_time = all(ref.event_time == one.event_time for ref in refs)
    return Failure(
        unit="input",
        stage="read",
        source_id=one.source_id,
        uri=one.uri,
        error_type=ContradictionError.__name__,
        message=(
            f"{places}{more} are about the same input and differ in "
            f"{', '.join(names):.{_SHOWN_CHARS}}; keep one of them, or tell them apart by offset "
            "and duration or by channel"
        ),
        event_time=one.event_time if same_time else one.updated,
        place=one.place_id,
    )


def _differences(one: AudioRef, other: AudioRef) -> set[str]:
    """Names of the manifest fields in which two statements differ."""
    fields = {
        "text": one.reference_text != other.reference_text,
        "lang": one.language != other.language,
        "duration": one.manifest_seconds != other.manifest_seconds,
        "event_time": (one.event_time, one.reasons) != (other.event_time, other.reasons),
    }
    mine, theirs = dict(one.metadata), dict(other.metadata)
    changed = {name for name in mine.keys() & theirs.keys() if mine[name] != theirs[name]}
    return {name for name, differs in fields.items() if differs} | changed

"""What people corrected: kept in ``corrections/<recording_id>.json``, by times in the recording.

The last correction of the same times counts, by ``corrected_at``; one that withdraws is kept, too.
So the order in which corrections come does not matter, and files of two copies can be merged.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import InputError, StoreError
from beam_audio.store.output_names import CORRECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beam_audio.types import Decision

SHARED: Final = 0.9
"""A correction and a segment each share so much of their time if the one is about the other."""
_TIME_DECIMALS: Final = 3
_SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says about a stretch of a recording.

    Without text and verdict it takes back what was said before.

    Attributes:
        recording_id: The recording.
        start_seconds: Where the stretch begins in it.
        end_seconds: Where it ends.
        text: What is said there; None leaves it open.
        verdict: What is to be done with it; None leaves it to the rules.
        corrected_by: Who says so; None if nobody is named.
        corrected_at: When, in UTC.
    """

    recording_id: str
    start_seconds: float
    end_seconds: float
    text: str | None
    verdict: Decision | None
    corrected_by: str | None
    corrected_at: datetime

    @property
    def withdraws(self) -> bool:
        """Whether it only takes earlier corrections back."""
        return self.text is None and self.verdict is None

    @property
    def place(self) -> tuple[float, float]:
        """Its times in whole milliseconds: corrections of one place replace each other."""
        return round(self.start_seconds, _TIME_DECIMALS), round(self.end_seconds, _TIME_DECIMALS)

    @property
    def order(self) -> tuple[datetime, str]:
        """What decides which of two counts: the later one, or at the same time always the same."""
        return self.corrected_at, _encoded(self)


@dataclass(frozen=True, slots=True)
class Placed:
    """Corrections by the segments that they are about.

    Attributes:
        by_segment: The one that counts, by the number of its segment.
        nowhere: Those of which no segment has the times.
    """

    by_segment: Mapping[int, Correction]
    nowhere: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class Corrections:
    """All corrections of an output; each file is read when it is asked for.

    Attributes:
        files: The address of each recording's file.
    """

    files: Mapping[str, str] = field(default_factory=dict)

    def of(self, recording_id: str) -> tuple[Correction, ...]:
        """The corrections of a recording, in the order of times.

        Raises:
            StoreError: The file was not written by this version.
        """
        found = self.files.get(recording_id)
        return _read(found) if found else ()


def read_corrections(root: str) -> Corrections:
    """The corrections of an output; it costs one listing."""
    return Corrections(
        {
            each.path.rpartition("/")[2].removesuffix(_SUFFIX): each.path
            for each in store.files_under(store.join(root, CORRECTIONS))
            if each.path.endswith(_SUFFIX)
        }
    )


def write_corrections(root: str, known: Corrections, new: Iterable[Correction]) -> int:
    """Keep corrections beside those that are known; returns how many files changed.

    The caller holds the output.

    Raises:
        StoreError: A file cannot be read or written.
    """
    by_recording: dict[str, list[Correction]] = {}
    for each in new:
        by_recording.setdefault(each.recording_id, []).append(each)
    changed = 0
    for recording_id, added in sorted(by_recording.items()):
        before = known.of(recording_id)
        after = merged([*before, *added])
        if after != before:
            lines = ",\n".join(map(_encoded, after))
            store.write_whole(root, f"{CORRECTIONS}/{recording_id}{_SUFFIX}", f"[{lines}]".encode())
            changed += 1
    return changed


def merged(corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """The last correction of each place, in the order of times."""
    last: dict[tuple[float, float], Correction] = {}
    for each in sorted(corrections, key=lambda each: each.order):
        last[each.place] = each
    return tuple(last[place] for place in sorted(last))


def placed(corrections: Sequence[Correction], times: Sequence[tuple[float, float]]) -> Placed:
    """Find the segments that corrections are about.

    Of several that are about one segment, because it was cut otherwise meanwhile, the last counts.

    Args:
        corrections: Those of a recording.
        times: Start and end of its segments in seconds.
    """
    numbers = sorted(range(len(times)), key=lambda number: times[number])
    starts = [times[number][0] for number in numbers]
    last: dict[int, Correction] = {}
    nowhere = []
    for each in sorted(corrections, key=lambda each: each.order):
        # A segment of so much the same time begins no further away than this.
        reach = (each.end_seconds - each.start_seconds) * (1 / SHARED - 1) + 10**-_TIME_DECIMALS
        first = bisect_left(starts, each.start_seconds - reach)
        after = bisect_left(starts, each.start_seconds + reach)
        near = [(_share(each, times[number]), -number) for number in numbers[first:after]]
        share, number = max(near, default=(0.0, 0))
        if share >= SHARED:
            last[-number] = each
        elif not each.withdraws:
            nowhere.append(each)
    found = {number: each for number, each in sorted(last.items()) if not each.withdraws}
    return Placed(found, tuple(nowhere))


def _share(correction: Correction, times: tuple[float, float]) -> float:
    """How much of the longer one of a correction and a segment is the time of both."""
    start, end = times
    common = min(end, correction.end_seconds) - max(start, correction.start_seconds)
    longer = max(end - start, correction.end_seconds - correction.start_seconds)
    return common / longer if longer > 0 else 0.0


def _encoded(correction: Correction) -> str:
    content = asdict(correction) | {"corrected_at": correction.corrected_at.isoformat()}
    return json.dumps(content, ensure_ascii=False)


def _read(uri: str) -> tuple[Correction, ...]:
    try:
        with store.open_to_read(uri) as file:
            return tuple(map(_decoded, json.loads(file.read())))
    except InputError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError(f"{uri!r} was not written by this version ({error})") from error


def _decoded(content: dict[str, Any]) -> Correction:
    at = datetime.fromisoformat(content["corrected_at"]).astimezone(UTC)
    return Correction(**content | {"corrected_at": at})

"""Whether references of other recordings are found out, in one table.

The recordings of an output get each other's references: at random, those of similar length, those
of other languages. They are scored and judged from their rows, by ``balanced``; nothing is heard.

    beam-audio run --manifest=speech.jsonl --output=out --model=whisper-base
    python benchmarks/swapped_references.py out
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pyarrow.dataset
from reference import markdown_table

from beam_audio.output.commits import read_commits
from beam_audio.quality.rules import load_rules
from beam_audio.types import AudioRef
from beam_audio.unit.scoring import Verdict, judge, score
from beam_audio.unit.stored_rows import StoredUnit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.types import Row
    from beam_audio.unit.stored_rows import StoredRecording

DRAWS: Final = 6
NEIGHBOURS: Final = (1, 2, 3)
RULES: Final = load_rules("balanced")


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording with its own reference."""

    recording: StoredRecording
    text: str
    language: str | None


Pair = tuple[Heard, str]
"""A recording and the reference of another one."""


def recordings_of(output: str) -> list[Heard]:
    """Recordings of an output that have a reference and a segment."""
    rows = pyarrow.dataset.dataset(f"{output}/recordings", partitioning="hive").to_table()
    by_source = {row["source_id"]: row for row in rows.to_pylist() if row["reference_text"]}
    with tempfile.TemporaryFile() as audio:
        return [
            Heard(recording, row["reference_text"], row["stated_language"])
            for commit in read_commits(output)
            for row in (by_source[name] for name in sorted(commit.sources) if name in by_source)
            for recording in _stored(StoredUnit(output, commit, {row["source_id"]}, audio), row)
            if recording.outcomes
        ]


def _stored(unit: StoredUnit, row: Row) -> list[StoredRecording]:
    ref = AudioRef(row["uri"], row["source_size_bytes"], language=row["stated_language"])
    return unit.recordings(row["source_id"], ref, "mix")


def at_random(heard: Sequence[Heard]) -> Iterator[Pair]:
    """Each recording and the reference of any other one."""
    draw = random.Random(1)
    for _ in range(DRAWS):
        mixed = draw.sample(heard, len(heard))
        yield from ((each, other.text) for each, other in pairwise(mixed))


def of_similar_length(heard: Sequence[Heard]) -> Iterator[Pair]:
    """Each recording and the references next in length."""
    ordered = sorted(heard, key=lambda each: len(each.text))
    for step in NEIGHBOURS:
        yield from ((one, other.text) for one, other in zip(ordered, ordered[step:], strict=False))


def of_another_language(heard: Sequence[Heard]) -> Iterator[Pair]:
    """Each recording and a reference in another language."""
    draw = random.Random(2)
    for each in heard:
        if others := [other for other in heard if other.language != each.language]:
            yield each, draw.choice(others).text


def line(name: str, pairs: Iterable[Pair]) -> tuple[object, ...]:
    """How many recordings there are, how many have a segment that is kept, and why not."""
    reasons: Counter[str] = Counter()
    recordings = kept = 0
    for heard, text in pairs:
        if _plain(text) == _plain(heard.text):
            continue
        verdicts = verdicts_of(heard.recording, text)
        recordings += 1
        kept += any(each.decision == "keep" for each in verdicts)
        reasons.update(reason for each in verdicts for reason in each.reasons)
    why = " · ".join(f"{reason} {count}" for reason, count in reasons.most_common(4))
    return name, recordings, kept, why


def verdicts_of(recording: StoredRecording, text: str) -> list[Verdict]:
    """What the rules decide about each segment with this reference."""
    source = recording.end.source
    source = replace(source, ref=replace(source.ref, reference_text=text))
    scored = score(source, recording.outcomes, "auto", {})
    found = judge(source, recording.outcomes, scored, RULES)
    return [each for each in found if isinstance(each, Verdict)]


def _plain(text: str) -> str:
    """Letters and figures alone: some recordings say the same."""
    return "".join(filter(str.isalnum, text.lower()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", help="of a run over recordings with references")
    heard = recordings_of(parser.parse_args().output)
    kinds = {
        "at random": at_random,
        "similar length": of_similar_length,
        "another language": of_another_language,
    }
    heads = ("exchanged", "recordings", "with a segment that is kept", "reasons")
    lines = [line(name, pairs(heard)) for name, pairs in kinds.items()]
    print(markdown_table(heads, lines))


if __name__ == "__main__":
    main()

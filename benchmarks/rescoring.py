"""Error rates of the texts of an OUTPUT under two normalisers, by language and clip by clip.

No audio is opened: the reference and the joined text of each recording are normalised and compared
again. The first table has the corpus error rate of each language, which is WER, or CER where words
have no spaces between them. The second has each recording whose rate differs.

    python benchmarks/rescoring.py OUTPUT --before=first --after=auto
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds
from reference import markdown_table

from beam_audio.quality.error_rates import score
from beam_audio.quality.languages import has_word_spaces, known_code
from beam_audio.quality.normalizers import normalizer_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COLUMNS = ("uri", "reference_text", "text", "text_all", "language", "stated_language")


@dataclass(frozen=True, slots=True)
class Rescored:
    """One recording under both normalisers; counts are of words, or of characters."""

    uri: str
    language: str
    reference: str
    text: str
    before: Counts
    after: Counts


@dataclass(frozen=True, slots=True)
class Counts:
    """Errors and the length of the reference; ``rate`` is None without reference words."""

    errors: int
    length: int

    @property
    def rate(self) -> float | None:
        """Errors divided by length."""
        return self.errors / self.length if self.length else None


def rescore(rows: Iterable[dict[str, Any]], before: str, after: str) -> list[Rescored]:
    """Score rows of ``recordings/`` that have a reference under two choices of normaliser.

    ``before`` may be ``first``, which is ``whisper-en-1`` for English and ``basic-1`` for others.
    """
    found = []
    for row in rows:
        if row["reference_text"] is None:
            continue
        language = row["stated_language"] or row["language"]
        text = row.get("text_all") or row["text"]
        counts = [
            _counts(row["reference_text"], text, language, _choice(name, language))
            for name in (before, after)
        ]
        code = known_code(language) or "unknown"
        found.append(Rescored(row["uri"], code, row["reference_text"], text, *counts))
    return found


def by_language(recordings: Iterable[Rescored]) -> list[tuple[object, ...]]:
    """Rows of the first table; a recording counts under a normaliser that leaves it a reference."""
    groups: defaultdict[str, list[Rescored]] = defaultdict(list)
    for recording in recordings:
        groups[recording.language].append(recording)
    return [
        (
            language,
            len(group),
            _percent(_sum([each.before for each in group])),
            _percent(_sum([each.after for each in group])),
            sum(each.before.rate != each.after.rate for each in group),
        )
        for language, group in sorted(groups.items())
    ]


def changed(recordings: Iterable[Rescored]) -> list[tuple[object, ...]]:
    """Rows of the second table, those that change most first."""
    differing = [each for each in recordings if each.before.rate != each.after.rate]
    differing.sort(key=lambda each: -abs((each.before.rate or 0) - (each.after.rate or 0)))
    return [
        (
            Path(each.uri).name,
            each.language,
            _percent(each.before),
            _percent(each.after),
            each.reference.replace("|", "/"),
            each.text.replace("|", "/"),
        )
        for each in differing
    ]


def _choice(name: str, language: str | None) -> str:
    if name != "first":
        return name
    return "whisper-en-1" if known_code(language) == "en" else "basic-1"


def _counts(reference: str, text: str, language: str | None, choice: str) -> Counts:
    normalizer = normalizer_for(language, choice)
    found = score(reference, text, language, normalizer)
    if found.empty_reference:
        return Counts(0, 0)
    if has_word_spaces(language):
        errors = (found.substitutions or 0) + (found.deletions or 0)
        return Counts(errors + (found.insertions or 0), (found.hits or 0) + errors)
    length = len("".join(normalizer(reference).split()))
    return Counts(round((found.cer or 0) * length), length)


def _sum(counts: Sequence[Counts]) -> Counts:
    return Counts(sum(each.errors for each in counts), sum(each.length for each in counts))


def _percent(counts: Counts) -> str:
    return "" if counts.rate is None else f"{100 * counts.rate:.1f}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--before", default="first", help="first: whisper-en-1 and basic-1")
    parser.add_argument("--after", default="auto")
    arguments = parser.parse_args()
    table = ds.dataset(arguments.output / "recordings", partitioning="hive")
    columns = [name for name in COLUMNS if name in table.schema.names]
    recordings = rescore(
        table.to_table(columns=columns).to_pylist(), arguments.before, arguments.after
    )
    head = ("language", "recordings", f"{arguments.before} %", f"{arguments.after} %", "changed")
    print(markdown_table(head, by_language(recordings)))
    columns_of_clips = ("recording", "language", "before %", "after %", "reference", "text")
    print("\n" + markdown_table(columns_of_clips, changed(recordings)))


if __name__ == "__main__":
    main()

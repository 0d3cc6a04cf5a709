"""The rows of corrected segments and of their recordings, made as a run makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa

from beam_audio import schema
from beam_audio.curate.decided import Decided
from beam_audio.curate.overruled import by_rules
from beam_audio.quality.measures import FLAGS, MEASURES, round_measure
from beam_audio.quality.normalizers import AUTO
from beam_audio.quality.ruleset import Rules
from beam_audio.quality.text import chars_per_second, words_per_second
from beam_audio.types import AudioRef
from beam_audio.unit.rows import RowSettings, recording_rows
from beam_audio.unit.stored_rows import StoredUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from beam_audio.curate.unit_rows import UnitRows
    from beam_audio.output.commits import Commit
    from beam_audio.output.corrections import Corrections
    from beam_audio.schema import Table
    from beam_audio.types import Row

COUNTS: Final = ("wer_hits", "wer_substitutions", "wer_deletions", "wer_insertions")
COMPARED: Final = ("reference_text", "reference_origin", *COUNTS, "wer", "cer", "normalizer_id")
"""Columns of what a text has in common with its reference."""
_OF_SEGMENT: Final = tuple(
    dict.fromkeys(
        [
            *(*COMPARED, "label_text", "corrected_by", "corrected_at"),
            # Words are counted in the language of the reference, if there is one.
            *sorted(schema.column_names("segments") & {*MEASURES, *FLAGS}),
        ]
    )
)
_DECISION: Final = ("decision", "reasons", "rules_decision", "rules_reasons")
_OF_RECORDING: Final = (
    *COMPARED,
    *("stated_reference_text", "words_per_second", "chars_per_second", "reasons"),
)
_REASONS: Final = frozenset(
    {"empty_reference", "figures_against_words", "no_reference", "scripts_differ", "score_failed"}
)
"""Reasons of a recording that follow from its reference."""
_NO_RULES: Final = Rules("none", ())


@dataclass(frozen=True, slots=True)
class Correcting:
    """What the rows of an output are corrected with.

    Attributes:
        corrections: All corrections of the output.
        rules_of: Gives the rules with an id; None where they are not at hand.
        normalizers: The choice of ``--normalizer`` by the hash of the layer that it makes.
    """

    corrections: Corrections
    rules_of: Callable[[str], Rules | None]
    normalizers: Mapping[str, str]


def corrected(
    root: str, commit: Commit, rows: UnitRows, ids: Sequence[str], using: Correcting
) -> Decided:
    """What corrections make of recordings: references, scores, and the verdicts of people.

    Args:
        root: The output folder.
        commit: The unit's record.
        rows: All rows of the inputs concerned, with all columns but audio.
        ids: The recordings that have corrections.
        using: The corrections.

    Returns:
        Rows for those segments alone that a correction is about, or was about, and for their
        recordings. What rules decide is as it was.

    Raises:
        ConfigError: A normaliser cannot be had on this machine.
        StoreError: The rows cannot be read.
    """
    recordings = {row["recording_id"]: row for row in rows.recordings.to_pylist()}
    segments = {row["segment_id"]: row for row in by_rules(rows.segments).to_pylist()}
    sources = {recordings[each]["source_id"] for each in ids if each in recordings}
    of_segments: list[Row] = []
    of_recordings: list[Row] = []
    with TemporaryFile() as scratch_file:
        stored = StoredUnit(root, commit, sources, scratch_file)
        for recording_id in ids:
            row = recordings[recording_id]
            made = list(_made(stored, row, segments, using, scratch_file))
            touched = [
                _segment(each, segments[each["segment_id"]])
                for table, each in made
                if table == "segments"
                and (each.get("corrected_at") or segments[each["segment_id"]]["corrected_at"])
            ]
            of_segments += touched
            if touched:
                own = next(each for table, each in made if table == "recordings")
                of_recordings.append(_recording(own, row))
    return Decided(
        _table("segments", ("segment_id", *_OF_SEGMENT, *_DECISION), of_segments),
        _table("recordings", ("recording_id", *_OF_RECORDING), of_recordings),
    )


def _made(
    stored: StoredUnit,
    row: Row,
    segments: Mapping[str, Row],
    using: Correcting,
    scratch_file: IO[bytes],
) -> Iterator[tuple[Table, Row]]:
    """The rows of a recording as a run would make them, but for what rules decide."""
    ref = AudioRef(
        row["uri"],
        row["source_size_bytes"],
        reference_text=_stated(row),
        language=row["stated_language"],
        metadata=tuple(json.loads(row["metadata"]).items()),
    )
    state = stored.commit.sources[row["source_id"]]
    own = (each for each in segments.values() if each["recording_id"] == row["recording_id"])
    used = next((each["normalizer_id"] for each in own if each["normalizer_id"]), None)
    settings = RowSettings(
        normalizer=used or using.normalizers.get(state.layers.get("metrics", ""), AUTO),
        rules=_NO_RULES,
        partition_by=(),
        metadata_columns=(),
        store_audio="none",
        model_id="",
        model_sha256="",
        config_layers={},
        corrections=using.corrections,
    )
    for found in stored.recordings(row["source_id"], ref, "mix"):
        if found.end.source.recording_id == row["recording_id"]:
            end = replace(found.end, source=replace(found.end.source, ref=ref))
            for table, _, made in recording_rows(end, found.outcomes, settings, scratch_file):
                yield table, made


def _stated(row: Row) -> str | None:
    """What was stated for a recording, whatever its reference is now."""
    stated: str | None = row["stated_reference_text"]
    if stated is None and row["reference_origin"] != "correction":
        stated = row["reference_text"]
    return stated


def _segment(made: Row, stored: Row) -> Row:
    """The row of a segment with another reference; ``stored`` has what rules decided."""
    found = {name: made.get(name) for name in ("segment_id", *_OF_SEGMENT)}
    decision = {name: stored[name] for name in ("decision", "reasons")}
    if made.get("rules_decision") is None:
        return found | decision
    by = {f"rules_{name}": value for name, value in decision.items()}
    return found | by | {name: made[name] for name in decision}


def _recording(made: Row, stored: Row) -> Row:
    """The row of a recording with another reference."""
    found = {name: made.get(name) for name in ("recording_id", *_OF_RECORDING)}
    spoken = (stored["stated_language"] if made.get("normalizer_id") else None) or stored[
        "language"
    ]
    said = stored["text"], stored["decoded_seconds"], spoken
    reasons = {*stored["reasons"]} - _REASONS | _REASONS.intersection(made["reasons"])
    return found | {
        "words_per_second": round_measure(words_per_second(*said)),
        "chars_per_second": round_measure(chars_per_second(*said)),
        "reasons": sorted(reasons),
    }


def _table(table: Table, names: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    known = schema.file_schema(table)
    nullable = pa.schema([known.field(name).with_nullable(nullable=True) for name in names])
    return pa.Table.from_pylist(rows, schema=nullable)

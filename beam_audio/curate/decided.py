"""Decisions about a unit, and what its rows become by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.quality.measures import round_measure
from beam_audio.quality.text import chars_per_second, words_per_second

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.schema import Table

DECISIONS: Final = pa.schema(
    [
        pa.field("segment_id", pa.string(), nullable=False),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("rules_id", pa.string(), nullable=False),
        # Those of the rules, where a person decided otherwise.
        pa.field("rules_decision", pa.string()),
        pa.field("rules_reasons", pa.list_(pa.string())),
    ]
)
"""Columns of decisions."""

SEGMENT_COLUMNS: Final = (
    *("segment_id", "recording_id", "segment_index", "core_start_seconds", "core_end_seconds"),
    *("decision", "reasons", "rules_id", "rules_decision", "rules_reasons"),
)
RECORDING_COLUMNS: Final = (
    *("recording_id", "sample_rate_hz", "decoded_seconds", "segments", "text", "text_all"),
    *("language", "stated_language", "normalizer_id", "reference_text"),
    *("keep_samples", "review_samples", "drop_samples", "words_per_second", "chars_per_second"),
    "reasons",
)
_SAMPLES: Final = {"keep": "keep_samples", "review": "review_samples", "drop": "drop_samples"}


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions that a unit shall have.

    Attributes:
        segments: Rows of :data:`DECISIONS`; segments without one keep theirs.
        recordings: The rows of its recordings that follow from them: the columns
            ``recording_id``, samples by decision, text and rates.
    """

    segments: pa.Table
    recordings: pa.Table

    def change(self, table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Put the decisions into rows: a :data:`beam_audio.curate.rewrite.Change`."""
        if table == "failures":
            return rows
        key, new = {
            "segments": ("segment_id", self.segments),
            "recordings": ("recording_id", self.recordings),
        }[table]
        found = pc.index_in(rows.column(key), value_set=new[key].combine_chunks())
        for name in new.column_names[1:]:
            index = rows.schema.get_field_index(name)
            old = rows.column(index)
            # Values are compared where a row has any: null is a value, too.
            taken = new[name].combine_chunks().take(found).cast(old.type)
            value = taken if found.null_count == 0 else _chosen(found.is_valid(), taken, old)
            rows = rows.set_column(index, rows.schema.field(index), value)
        return rows


def decided(
    segments: pa.Table, recordings: pa.Table, new: pa.Table, texts: Mapping[str, str]
) -> Decided:
    """The decisions of a unit with all that follows from them.

    Args:
        segments: Its rows, with :data:`SEGMENT_COLUMNS`.
        recordings: Its rows, with :data:`RECORDING_COLUMNS`.
        new: Rows of :data:`DECISIONS`; other segments keep theirs.
        texts: The text of recordings by their ids; others keep theirs.
    """
    place = pc.index_in(segments["segment_id"], value_set=new["segment_id"].combine_chunks())
    old, taken = segments["decision"].combine_chunks(), new["decision"].combine_chunks()
    decisions = _chosen(place.combine_chunks().is_valid(), taken.take(place.combine_chunks()), old)
    return Decided(
        new.select(DECISIONS.names),
        _with_samples(_with_texts(recordings, texts), segments, decisions),
    )


def _with_samples(recordings: pa.Table, segments: pa.Table, decisions: pa.Array) -> pa.Table:
    """Recordings with the samples of their segments' cores, by decision."""
    ids = recordings["recording_id"].combine_chunks()
    owner = pc.index_in(segments["recording_id"], value_set=ids).to_numpy()
    rates = recordings["sample_rate_hz"].to_numpy()[owner]
    starts, ends = (segments[f"core_{edge}_seconds"].to_numpy() for edge in ("start", "end"))
    cores = np.rint(ends * rates) - np.rint(starts * rates)
    for decision, name in _SAMPLES.items():
        chosen = pc.equal(decisions, decision).to_numpy(zero_copy_only=False)
        sums = np.bincount(owner[chosen], weights=cores[chosen], minlength=len(recordings))
        index = recordings.column_names.index(name)
        recordings = recordings.set_column(index, name, pa.array(sums.astype(np.int64)))
    return recordings.select(["recording_id", *_SAMPLES.values(), *_OF_TEXT])


_OF_TEXT: Final = ("text", "words_per_second", "chars_per_second")


def _with_texts(recordings: pa.Table, texts: Mapping[str, str]) -> pa.Table:
    """Recordings with other texts, and the rates that follow from them."""
    columns = (
        *("recording_id", "text", "words_per_second", "chars_per_second"),
        *("decoded_seconds", "language", "stated_language", "normalizer_id"),
    )
    rows = recordings.select(columns).to_pylist()
    for row in rows:
        text = texts.get(row["recording_id"], row["text"])
        if text == row["text"]:
            continue
        is_compared = row["normalizer_id"] is not None
        spoken = (row["stated_language"] if is_compared else None) or row["language"]
        seconds = row["decoded_seconds"]
        row["text"] = text
        row["words_per_second"] = round_measure(words_per_second(text, seconds, spoken))
        row["chars_per_second"] = round_measure(chars_per_second(text, seconds, spoken))
    for name in _OF_TEXT:
        index = recordings.column_names.index(name)
        values = pa.array([row[name] for row in rows], recordings.schema.field(name).type)
        recordings = recordings.set_column(index, name, values)
    return recordings


def _chosen(is_new: pa.Array, new: pa.Array, old: pa.Array) -> pa.Array:
    """New values where there are any, else old ones."""
    own = pa.array(np.arange(len(old)))
    places = pc.if_else(is_new, own, pc.add(own, len(old)))
    return pa.concat_arrays([new, old.cast(new.type)]).take(places)

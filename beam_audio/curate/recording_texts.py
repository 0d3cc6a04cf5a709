"""The texts of a unit's recordings that go with decisions about their segments."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.curate import said as texts_of
from beam_audio.curate.unit_rows import table_of
from beam_audio.quality.recording_text import join_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from beam_audio.curate.unit_rows import UnitRows
    from beam_audio.output.commits import Commit
    from beam_audio.quality.ruleset import Rules
    from beam_audio.schema import Table
    from beam_audio.types import Row

SEGMENT_COLUMNS: Final = ("text", "start_seconds", "end_seconds")
"""Columns of ``segments`` that :func:`judged_texts` takes beside those of decisions."""
_OF_FAILURE: Final = ("unit", "recording_id", "segment_id", "start_seconds", "end_seconds")
_OF_RECORDING: Final = ("recording_id", "source_id", "sample_rate_hz", "language")


def judged_texts(
    root: str, commit: Commit, rows: UnitRows, rules: Rules, new: pa.Table
) -> Mapping[str, str]:
    """The texts of recordings by their ids, without the words that nobody said.

    Args:
        root: The output folder.
        commit: The unit's record.
        rows: Its rows.
        rules: The rules that it is judged by.
        new: Their decisions about its segments, in the order of these.

    Raises:
        StoreError: Rows cannot be read.
    """
    reasons = new["reasons"].combine_chunks()
    found = pc.is_in(
        reasons.flatten(), value_set=pa.array(sorted(rules.unspoken_reasons), pa.string())
    )
    unspoken = np.zeros(len(new), dtype=np.bool_)
    unspoken[pc.list_parent_indices(reasons).filter(found).to_numpy()] = True
    return {**_whole(rows), **(_said(root, commit, rows, unspoken) if unspoken.any() else {})}


def kept_texts(rows: UnitRows, kept: pa.Table) -> Mapping[str, str]:
    """Texts of recordings all of whose segments get their earlier decisions back.

    Args:
        rows: The rows of a unit.
        kept: What :func:`beam_audio.curate.kept.kept` gives.
    """
    whole = _whole(rows)
    known = pc.is_in(rows.segments["segment_id"], value_set=kept["segment_id"].combine_chunks())
    partly = set(rows.segments["recording_id"].filter(pc.invert(known)).to_pylist())
    columns = ("recording_id", "recording_text")
    pairs = zip(*(kept[each].to_pylist() for each in columns), strict=True)
    short = {owner: text for owner, text in pairs if text is not None}
    return {
        name: text for name, text in {**whole, **short}.items() if name in whole.keys() - partly
    }


def _whole(rows: UnitRows) -> dict[str, str]:
    """The texts of recordings with all words."""
    columns = ("recording_id", "text", "text_all")
    values = (rows.recordings[each].to_pylist() for each in columns)
    return {
        name: text if whole is None else whole for name, text, whole in zip(*values, strict=True)
    }


def _said(root: str, commit: Commit, rows: UnitRows, unspoken: NDArray[np.bool_]) -> dict[str, str]:
    """The texts of recordings with segments whose words nobody said."""
    segments = rows.segments
    concerned = segments["recording_id"].filter(pa.array(unspoken)).unique()
    is_concerned = pc.is_in(rows.recordings["recording_id"], value_set=concerned)
    found = rows.recordings.select(_OF_RECORDING).filter(is_concerned).to_pylist()
    recordings = {row["recording_id"]: row for row in found}
    sources = {row["source_id"] for row in found}
    failed = _by_recording(root, commit, "failures", _OF_FAILURE, sources)
    failed = {
        name: [each for each in found if each["unit"] == "segment"]
        for name, found in failed.items()
    }
    # Where words may stand twice, their times are looked at.
    slow = {name for name, found in failed.items() if found} | _overlapping(segments)
    texts = {
        name: join_texts(spoken, recordings[name]["language"])
        for name, spoken in _spoken(segments, concerned, unspoken).items()
        if name not in slow
    }
    if slow := slow & recordings.keys():
        sources = {recordings[name]["source_id"] for name in slow}
        columns = {*texts_of.SEGMENT_COLUMNS, "recording_id"}
        all_of = _by_recording(root, commit, "segments", columns, sources)
        names = set(segments["segment_id"].filter(pa.array(unspoken)).to_pylist())
        for each in slow:
            texts[each] = texts_of.said(recordings[each], all_of[each], failed.get(each, []), names)
    return texts


def _overlapping(segments: pa.Table) -> set[str]:
    """Recordings in which a segment begins before the one before it ends."""
    names = segments["recording_id"].combine_chunks().dictionary_encode()
    owners = names.indices.to_numpy()
    starts, ends, order = (
        segments[name].to_numpy() for name in ("start_seconds", "end_seconds", "core_start_seconds")
    )
    places = np.lexsort((order, owners))
    one, other = places[:-1], places[1:]
    found = (owners[one] == owners[other]) & (ends[one] > starts[other])
    return set(names.dictionary.take(pa.array(np.unique(owners[one][found]))).to_pylist())


def _spoken(
    segments: pa.Table, recordings: pa.Array, unspoken: NDArray[np.bool_]
) -> dict[str, list[str]]:
    """The texts of the segments of some recordings, in order of time, without unspoken ones."""
    found: dict[str, list[str]] = {name: [] for name in recordings.to_pylist()}
    columns = segments.select(["recording_id", "text", "core_start_seconds"])
    is_asked = pc.is_in(segments["recording_id"], value_set=recordings)
    asked = columns.filter(pc.and_(is_asked, pa.array(~unspoken))).sort_by("core_start_seconds")
    for name, text in zip(
        *(asked[each].to_pylist() for each in asked.column_names[:2]), strict=True
    ):
        found[name].append(text)
    return found


def _by_recording(
    root: str, commit: Commit, table: Table, columns: Collection[str], source_ids: Collection[str]
) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in table_of(root, commit, table, columns, source_ids).to_pylist():
        found[row["recording_id"]].append(row)
    return dict(found)

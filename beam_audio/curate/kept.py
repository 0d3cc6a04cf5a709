"""Earlier decisions, kept in ``decisions/rules_id=…/``: one file a unit, for every set of rules.

A file holds what the unit's segments were judged by these rules. The text of a recording that
leaves words out stands with its first segment, as the rules themselves are not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_audio import store
from beam_audio.curate.decided import DECISIONS
from beam_audio.errors import StoreError, of_machine
from beam_audio.store.output_names import DECISIONS as FOLDER
from beam_audio.store.output_names import part_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT: Final = pa.schema(
    [
        DECISIONS.field("segment_id"),
        pa.field("recording_id", pa.string(), nullable=False),
        DECISIONS.field("decision"),
        DECISIONS.field("reasons"),
        # What was judged: other decisions are not put back.
        pa.field("config_id", pa.string(), nullable=False),
        pa.field("recording_text", pa.string()),
    ]
)
SEGMENT_COLUMNS: Final = (
    *("segment_id", "recording_id", "segment_index", "decision", "reasons", "rules_id"),
    "config_id",
)


def keep(root: str, unit_id: str, segments: pa.Table, recordings: pa.Table, rules_id: str) -> None:
    """Keep the decisions of a unit that its rows have by other rules than these.

    Args:
        root: The output folder.
        unit_id: The unit.
        segments: Its rows, with :data:`SEGMENT_COLUMNS`.
        recordings: Its rows, with their texts.
        rules_id: The rules that it is judged by from now on.

    Raises:
        StoreError: Earlier files cannot be read.
        MachineError: The output cannot be written.
    """
    texts = _short_texts(segments, recordings)
    for before in sorted(set(segments["rules_id"].to_pylist()) - {rules_id}):
        rows = segments.filter(pc.equal(segments["rules_id"], before))
        texts_of_rows = [texts.get(name) for name in rows["segment_id"].to_pylist()]
        found = rows.append_column("recording_text", pa.array(texts_of_rows, pa.string()))
        _write(root, unit_id, before, found.select(_KEPT.names).cast(_KEPT))


def kept(root: str, unit_id: str, rules_id: str) -> pa.Table:
    """The decisions of a unit by these rules; no rows if there are none.

    Raises:
        StoreError: They cannot be read.
    """
    uri = store.join(root, _name(unit_id, rules_id))
    if not store.exists(uri):
        return _KEPT.empty_table()
    with store.open_to_read(uri) as file:
        try:
            return pq.ParquetFile(file).read().cast(_KEPT)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StoreError(f"{uri!r} cannot be read ({error}); delete it") from error


def kept_rules(root: str) -> frozenset[str]:
    """Ids of all rules whose decisions are kept."""
    start = len(store.join(root, FOLDER)) + 1
    folders = (
        file.path[start:].partition("/")[0] for file in store.files_under(store.join(root, FOLDER))
    )
    return frozenset(unquote(each.partition("=")[2]) for each in folders)


def _short_texts(segments: pa.Table, recordings: pa.Table) -> Mapping[str, str]:
    """Texts of recordings that leave words out, by the id of the first segment of each."""
    columns = ["recording_id", "text", "text_all"]
    short = {
        name: text
        for name, text, whole in zip(
            *(recordings[each].to_pylist() for each in columns), strict=True
        )
        if text != whole
    }
    if not short:
        return {}
    first: dict[str, tuple[int, str]] = {}
    columns = ["recording_id", "segment_index", "segment_id"]
    for owner, index, name in zip(*(segments[each].to_pylist() for each in columns), strict=True):
        if owner in short:
            first[owner] = min(first.get(owner, (index, name)), (index, name))
    return {name: short[owner] for owner, (_, name) in first.items()}


def _write(root: str, unit_id: str, rules_id: str, rows: pa.Table) -> None:
    """Write a unit's file, with what it holds of segments that are not among these rows."""
    old = kept(root, unit_id, rules_id)
    others = old.filter(
        pc.invert(pc.is_in(old["segment_id"], value_set=rows["segment_id"].combine_chunks()))
    )
    path = store.temporary_name(root)
    with of_machine(f"the output {root!r} cannot be written", "free some space there"):
        with store.open_to_write(path) as file:
            pq.write_table(pa.concat_tables([others, rows]), file, compression="zstd")
        store.move_into(root, {path: _name(unit_id, rules_id)})


def _name(unit_id: str, rules_id: str) -> str:
    return f"{FOLDER}/rules_id={quote(rules_id, safe='')}/{part_file(unit_id)}"

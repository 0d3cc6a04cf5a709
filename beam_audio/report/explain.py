"""One segment explained: why it was decided so, where its audio is, and what stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.audio.encode import encode
from beam_audio.errors import ConfigError, InputError, StoreError
from beam_audio.output.commits import read_commit
from beam_audio.report.clips import as_segment, audio_of, stored_audio
from beam_audio.report.rules_in_force import find_rules, run_files
from beam_audio.report.shown import describe, stored_recordings
from beam_audio.store.output_names import run_file

if TYPE_CHECKING:
    from beam_audio.output.commits import Commit
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_FEWEST_DIGITS: Final = 6
_FLAC: Final = b"fLaC"


def find_segment(tables: Tables, segment_id: str) -> Row:
    """The row of a segment; the beginning of its id is enough where no other begins so.

    Raises:
        ConfigError: No segment has this id, or several begin with it.
    """
    if not segment_id.isalnum() or len(segment_id) < _FEWEST_DIGITS:
        raise ConfigError(
            f"{segment_id!r} is no id of a segment; give at least {_FEWEST_DIGITS} digits of one"
        )
    ids = tables.rows(
        "SELECT segment_id FROM all_segments WHERE starts_with(segment_id, ?) LIMIT 2", segment_id
    )
    if len(ids) != 1:
        what = "several segments begin with" if ids else "no segment has the id"
        raise ConfigError(f"{what} {segment_id!r} in {tables.root!r}")
    return tables.row("SELECT * FROM all_segments WHERE segment_id = ?", ids[0]["segment_id"])


def explain(tables: Tables, segment: Row, given: str | None = None) -> Row:
    """All that is known of a segment, for JSON.

    Args:
        tables: The output.
        segment: Its row, from :func:`find_segment`.
        given: The preset or file of the rules that judged it; None where it is to be found.

    Raises:
        ConfigError: The rules given are not those that judged it.
        StoreError: Its unit was written anew meanwhile.
    """
    recording = stored_recordings(tables, [segment["recording_id"]])[segment["recording_id"]]
    runs = run_files(tables.root)
    rules = find_rules(segment["rules_id"], runs, given)
    unit = _unit_of(tables, segment)
    by_run = {run.get("run_id"): run for run in runs}
    run = by_run.get(unit.run_id, {})
    return {
        **describe(segment, recording, rules),
        "rules_known": rules is not None,
        "audio": {
            "uri": segment["uri"],
            "codec": recording["codec"],
            "container": recording["container"],
            "sample_rate_hz": recording["sample_rate_hz"],
            "offset_seconds": recording["offset_seconds"],
            "is_stored": bool(stored_audio(tables, [segment])),
            "is_there": _is_there(segment["uri"]),
        },
        "model": {
            "model_id": segment["model_id"],
            "model_sha256": segment["model_sha256"],
            "provider": unit.provider,
            "run_file": run_file(unit.run_id) if unit.run_id in by_run else None,
            "configuration": run.get("configuration", {}),
        },
        "neighbours": tables.rows(
            "SELECT segment_id, start_seconds, end_seconds, decision, text FROM all_segments "
            "WHERE recording_id = ? AND abs(segment_index - ?) = 1 ORDER BY segment_index",
            segment["recording_id"],
            segment["segment_index"],
        ),
    }


def _unit_of(tables: Tables, segment: Row) -> Commit:
    """The unit that a segment is of; others may have rows in the same part file."""
    for unit_id, _ in tables.counted.units_of(segment["part"]):
        commit = read_commit(tables.root, unit_id)
        if commit is not None and segment["source_id"] in commit.sources:
            return commit
    raise StoreError(
        f"the unit of segment {segment['segment_id']} was written anew meanwhile; try again"
    )


def flac_of(tables: Tables, segment: Row) -> bytes:
    """The audio of a segment as FLAC.

    Raises:
        InputError: There is none; the message says why.
    """
    stored = stored_audio(tables, [segment])
    encoded = stored.get(segment["segment_id"], b"")
    if encoded.startswith(_FLAC):
        return encoded
    recording = stored_recordings(tables, [segment["recording_id"]])[segment["recording_id"]]
    ((_, audio),) = audio_of([segment], recording, stored)
    if isinstance(audio, str):
        raise InputError(f"segment {segment['segment_id']} cannot be played: {audio}")
    samples, _ = audio
    return encode(as_segment(samples, segment["segment_id"]), "flac")


def _is_there(uri: str) -> bool:
    try:
        return store.exists(uri)
    except Exception:  # noqa: BLE001 - nobody can read it here, whatever the reason
        return False

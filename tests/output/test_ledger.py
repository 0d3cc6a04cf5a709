"""The ledger balances over the rows as written, and notices rows changed or lost afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.unit_runs import (
    EVENT_TIME,
    RATE_HZ,
    Scripted,
    destinations,
    fail_when_loud,
    read,
    ref,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.errors import InputError, StoreError
from beam_audio.output.ledger import Ledger, read_ledger
from beam_audio.types import AudioRef, Row, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.schema import Table


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    """A recording that is kept and fails in part, one of half silence, and a missing one."""
    return [
        ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.95, 0.3]))),
        ref(write(tmp_path / "b.wav", tones([0.1, 0.0]))),
        AudioRef(str(tmp_path / "missing.wav"), 1, event_time=EVENT_TIME),
    ]


def judge(request: Request) -> Transcript:
    heard = fail_when_loud(request)
    return Transcript(heard.text, "en", avg_logprob=-0.1 if heard.text else -2.0)


@pytest.fixture
def out(tmp_path: Path, inputs: list[AudioRef]) -> Path:
    transcribe(tmp_path / "out", *inputs, recognizer=Scripted(judge))
    return tmp_path / "out"


def ledger_of(out: Path, inputs: list[AudioRef]) -> Ledger:
    return read_ledger(str(out), [item.source_id for item in inputs])


def rewrite(out: Path, table: Table, change: Callable[[list[Row]], object]) -> None:
    """Change the rows of a table's only file in place."""
    (path,) = (out / table).rglob("*.parquet")
    file = pq.ParquetFile(path)
    rows = file.read().to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=file.schema_arrow), path)


def add(column: str, amount: float) -> Callable[[list[Row]], object]:
    """Add to a column of the first row."""

    def change(rows: list[Row]) -> None:
        rows[0][column] += amount

    return change


def move(rows: list[Row]) -> None:
    """Count dropped samples as kept, without changing their sum."""
    row = next(row for row in rows if row["drop_samples"])
    row["keep_samples"] += row["drop_samples"]
    row["drop_samples"] = 0


def test_rows_as_written_balance(out: Path, inputs: list[AudioRef]) -> None:
    ledger = ledger_of(out, inputs)
    assert ledger.balances
    assert (ledger.inputs, ledger.recordings) == (3, 2)
    assert ledger.seconds == {
        "keep": 4.0,
        "review": 0.0,
        "drop": 1.0,
        "failed": 1.0,
        "skipped": 0.0,
    }
    assert ledger.decoded_seconds == 6.0
    assert ledger.segments == {"keep": 4, "review": 0, "drop": 1}
    assert ledger.failures == {
        ("input", "open", "InputError"): 1,
        ("segment", "recognise", "ValueError"): 1,
    }
    assert ledger.undecoded == {inputs[2].source_id}
    assert ledger.reasons["no_reference"] == 2


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("segments", lambda rows: rows.pop()),
        ("segments", lambda rows: rows.append(rows[0])),
        ("segments", lambda rows: rows[0].update(decision="review")),
        ("segments", add("core_end_seconds", 1 / RATE_HZ)),
        ("failures", lambda rows: rows.remove(next(row for row in rows if row["segment_id"]))),
        ("recordings", move),
        ("recordings", add("decoded_seconds", 1 / RATE_HZ)),
        *(
            ("recordings", add(f"{name}_samples", 1))
            for name in ("keep", "review", "drop", "failed", "skipped")
        ),
    ],
)
def test_a_change_of_one_row_is_noticed(
    out: Path,
    inputs: list[AudioRef],
    table: Table,
    change: Callable[[list[Row]], object],
) -> None:
    rewrite(out, table, change)
    ledger = ledger_of(out, inputs)
    assert not ledger.balances
    recordings = {row["recording_id"] for row in read(out, "recordings")}
    assert len(ledger.unbalanced) == 1
    assert set(ledger.unbalanced) < recordings
    assert ledger.missing == ()


def test_samples_owned_twice_are_noticed(out: Path, inputs: list[AudioRef]) -> None:
    """The rows agree with each other and count one second of the recording twice."""

    def count_twice(rows: list[Row]) -> None:
        row = next(row for row in rows if row["failed_samples"])
        row["keep_samples"] += RATE_HZ
        row["skipped_samples"] -= RATE_HZ

    failing = {row["recording_id"] for row in read(out, "recordings") if row["failed_samples"]}
    rewrite(out, "recordings", count_twice)
    rewrite(
        out,
        "segments",
        lambda rows: next(
            row for row in rows if row["recording_id"] in failing and row["start_seconds"] == 0
        ).update(core_end_seconds=2.0),
    )
    assert ledger_of(out, inputs).unbalanced == tuple(failing)


def test_a_lost_recording_row_is_noticed_twice(out: Path, inputs: list[AudioRef]) -> None:
    lost: list[Row] = []

    def lose(rows: list[Row]) -> None:
        lost.extend(row for row in rows if row["uri"] == inputs[1].uri)
        rows.remove(lost[0])

    rewrite(out, "recordings", lose)
    ledger = ledger_of(out, inputs)
    assert ledger.missing == (lost[0]["source_id"],)
    assert ledger.unbalanced == (lost[0]["recording_id"],)


@pytest.mark.parametrize("table", ["segments", "recordings", "failures"])
def test_a_lost_file_is_named(out: Path, inputs: list[AudioRef], table: Table) -> None:
    (path,) = (out / table).rglob("*.parquet")
    path.unlink()
    with pytest.raises(InputError, match=path.name):
        ledger_of(out, inputs)


def test_files_without_a_commit_do_not_count(out: Path, inputs: list[AudioRef]) -> None:
    (commit,) = (out / "_units").glob("*.json")
    commit.unlink()
    ledger = ledger_of(out, inputs)
    assert ledger.missing == tuple(sorted(item.source_id for item in inputs))
    assert ledger.recordings == 0


def test_an_input_without_any_row_is_missing(out: Path, inputs: list[AudioRef]) -> None:
    ledger = read_ledger(str(out), [*(item.source_id for item in inputs), "another", "another"])
    assert ledger.missing == ("another",)
    assert ledger.inputs == 4
    assert not ledger.balances


def test_an_output_without_anything_balances_over_no_inputs(tmp_path: Path) -> None:
    ledger = read_ledger(str(tmp_path / "none"), [])
    assert ledger.balances
    assert ledger.corpus_wer is None
    assert ledger.decoded_seconds == 0.0


def test_a_recording_without_samples_balances(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", np.zeros(0, np.float32)))
    transcribe(tmp_path / "out", source)
    (row,) = read(tmp_path / "out", "recordings")
    assert set(destinations(row).values()) == {0}
    assert ledger_of(tmp_path / "out", [source]).balances


def test_split_channels_count_by_the_first_one_in_any_order_of_rows(tmp_path: Path) -> None:
    stereo = np.stack([tones([0.95, 0.1]), tones([0.1, 0.2])], axis=1)
    source = ref(write(tmp_path / "a.wav", stereo))
    out = tmp_path / "out"
    transcribe(out, source, recognizer=Scripted(fail_when_loud), using=settings(channels="split"))
    expected = {"keep": 1.0, "review": 0.0, "drop": 0.0, "failed": 1.0, "skipped": 0.0}
    assert ledger_of(out, [source]).seconds == expected
    rewrite(out, "recordings", lambda rows: rows.reverse())
    assert ledger_of(out, [source]).seconds == expected
    assert ledger_of(out, [source]).recordings == 2


def test_one_channel_of_many_counts_whole(tmp_path: Path) -> None:
    stereo = np.stack([tones([0.1, 0.2]), tones([0.3, 0.4])], axis=1)
    source = ref(write(tmp_path / "a.wav", stereo))
    report = transcribe(tmp_path / "out", source, using=settings(channels=1))
    assert ledger_of(tmp_path / "out", [source]).decoded_seconds == 2.0
    assert report.commit.decoded_seconds == 2.0


def test_a_failure_counts_once_for_all_attempts_and_not_after_a_success(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1]))
    late, content = ref(path), path.read_bytes()
    path.unlink()
    lost = AudioRef(str(tmp_path / "lost.wav"), 1)
    out = tmp_path / "out"
    transcribe(out, late, lost)
    assert ledger_of(out, [late, lost]).failures == {("input", "open", "InputError"): 2}
    path.write_bytes(content)
    transcribe(out, late.retried(2))
    transcribe(out, lost.retried(2))
    assert len(read(out, "failures")) == 3
    ledger = ledger_of(out, [late, lost])
    assert ledger.failures == {("input", "open", "InputError"): 1}
    assert ledger.undecoded == {lost.source_id}
    assert ledger.balances


def test_a_success_does_not_hide_what_the_recording_lost(tmp_path: Path) -> None:
    """Truncation is a failure of a recording that has a row; the failure stays."""
    noise = np.random.default_rng(0).standard_normal(3 * RATE_HZ).astype(np.float32) * 0.1
    path = write(tmp_path / "a.flac", noise)
    path.write_bytes(path.read_bytes()[:-20_000])
    source = ref(path)
    transcribe(tmp_path / "out", source)
    ledger = ledger_of(tmp_path / "out", [source])
    assert ledger.failures == {("recording", "decode", "DecodeError"): 1}
    assert ledger.undecoded == frozenset()


def test_corpus_wer_is_errors_over_reference_words_not_a_mean_of_rates(tmp_path: Path) -> None:
    def hear(request: Request) -> Transcript:
        return Transcript("red cat" if len(request.samples) < RATE_HZ else "a b c x", "en")

    using = settings()
    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1])[:8_000]), reference_text="red cut"),
        ref(write(tmp_path / "b.wav", tones([0.1])), reference_text="a b c d e f g h"),
        ref(write(tmp_path / "c.wav", tones([0.2])), reference_text="(laughter)"),
        ref(write(tmp_path / "d.wav", tones([0.3]))),
        ref(write(tmp_path / "e.wav", tones([0.4])), reference_text="你好", language="zh"),
    ]
    for item in inputs:
        transcribe(tmp_path / "out", item, recognizer=Scripted(hear), using=using)
    ledger = ledger_of(tmp_path / "out", inputs)
    # One substitution in two words; a substitution and four deletions in eight. The four words
    # heard where nothing was said are in a row without WER.
    assert (ledger.wer_errors, ledger.wer_words) == (1 + 5, 2 + 8)
    assert ledger.corpus_wer == 0.6


def test_the_commit_says_what_the_rows_say(out: Path) -> None:
    (path,) = (out / "_units").glob("*.json")
    commit: dict[str, Any] = json.loads(path.read_text())
    assert commit["rows"] == {"segments": 5, "recordings": 2, "failures": 2}
    assert commit["decoded_seconds"] == 6.0
    recorded = [name for state in commit["sources"].values() for name in state["recording_ids"]]
    assert sorted(recorded) == sorted(row["recording_id"] for row in read(out, "recordings"))
    assert [name for name in commit["files"] if not (out / name).is_file()] == []


@pytest.mark.parametrize("table", ["recordings", "segments", "failures"])
def test_a_damaged_part_file_is_named_with_its_cure(
    out: Path, inputs: list[AudioRef], table: str
) -> None:
    (part,) = (out / table).rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(StoreError, match=rf"{part.name}.*delete the record"):
        ledger_of(out, inputs)

"""Forgetting: nothing is left of a recording, the rest stays, and it does not come back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corrected_outputs import correct, correction, keep
from support.run_outputs import (
    all_rows,
    everything,
    only,
    read_rows,
    run,
    write_manifest,
    write_speech,
)
from support.said_outputs import say
from support.said_voices import stored, voices

from beam_audio.curate.chosen import Selector
from beam_audio.curate.forget import forget
from beam_audio.output.compact import compact
from beam_audio.search.answer import answer
from beam_audio.search.find import Asked
from beam_audio.search.refresh import Refreshing
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from beam_audio.types import Row

SAID = {
    "anna": "anna walked home along the river that day",
    "bert": "nobody had told bert about a wooden bridge",
    "cleo": "yesterday cleo sold seven yellow umbrellas",
}


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of three speakers, with stored audio, which no test changes."""
    folder = tmp_path_factory.mktemp("speakers")
    lines = []
    for number, (speaker, text) in enumerate(SAID.items()):
        path = write_speech(folder / "audio" / f"{speaker}.wav", start_seconds=float(number))
        lines.append({"audio_filepath": str(path), "text": text, "speaker": speaker})
    manifest = write_manifest(folder / "corpus.jsonl", lines)
    run(manifest=manifest, output=folder / "out", store_audio="flac")
    return folder


@pytest.fixture
def manifest(run_once: Path) -> Path:
    return run_once / "corpus.jsonl"


@pytest.fixture
def output(run_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_once / "out", tmp_path / "out"))


def of(output: Path, speaker: str) -> Row:
    rows = read_rows(output, "recordings")
    row: Row = only([each for each in rows if each["uri"].endswith(f"{speaker}.wav")])
    return row


def traces(output: Path, speaker: str) -> list[bytes]:
    """All that tells of a speaker's recording, audio bytes too."""
    recording = of(output, speaker)
    segments = [
        row
        for row in read_rows(output, "segments")
        if row["recording_id"] == recording["recording_id"]
    ]
    names = ("recording_id", "source_id", "content_sha256", "audio_sha256", "uri")
    told = [recording[name] for name in names] + [row["segment_id"] for row in segments]
    assert segments
    audio = [row["audio"]["bytes"][60:160] for row in segments]
    return [*(text.encode() for text in told), *audio, SAID[speaker].encode()]


def test_nothing_is_left_of_it_and_the_others_stay(output: Path) -> None:
    told, before = traces(output, "anna"), all_rows(output)
    assert all(each in everything(output) for each in told)
    proof = forget(str(output), Selector(recording=of(output, "anna")["recording_id"]))
    assert proof is not None
    assert proof.holds
    assert (proof.inputs, proof.recordings, proof.before.recordings) == (1, 1, 3)
    left = everything(output)
    assert [each for each in told if each in left] == []
    for table, rows in before.items():
        kept = [row for row in rows if not row["uri"].endswith("anna.wav")]
        assert read_rows(output, table) == kept


def test_a_rerun_does_not_bring_it_back_and_counts_it(output: Path, manifest: Path) -> None:
    told = traces(output, "anna")
    forget(str(output), Selector(uri=of(output, "anna")["uri"]))
    after = all_rows(output)
    for _ in range(2):
        result = run(manifest=manifest, output=output, store_audio="flac")
        assert result.exit_status == 0
        assert (result.forgotten, result.ledger.inputs) == (1, 3)
        assert result.new_inputs == 0
        assert all_rows(output) == after
        left = everything(output)
        assert [each for each in told if each in left] == []


def test_under_another_name_its_content_is_recognised(output: Path, tmp_path: Path) -> None:
    uri = of(output, "anna")["uri"]
    told = traces(output, "anna")
    forget(str(output), Selector(uri=uri))
    shutil.copy(uri, tmp_path / "copy.wav")
    for _ in range(2):  # the second time by its new address
        result = run(input=tmp_path / "copy.wav", output=output, store_audio="flac")
        assert result.exit_status == 0
        assert result.forgotten == 1
        assert len(read_rows(output, "recordings")) == 2
    left = everything(output).replace(b"copy.wav", b"")
    assert [each for each in told if each in left] == []


def test_a_missing_file_of_it_is_no_failure_row(
    output: Path, manifest: Path, tmp_path: Path
) -> None:
    uri = Path(of(output, "anna")["uri"])
    forget(str(output), Selector(uri=str(uri)))
    uri.rename(tmp_path / "moved.wav")
    result = run(manifest=manifest, output=output, store_audio="flac", retry_failures=True)
    (tmp_path / "moved.wav").rename(uri)
    assert (result.exit_status, result.forgotten) == (0, 1)
    assert read_rows(output, "failures") == []


def test_a_speaker_is_forgotten_with_copies_under_other_names(output: Path, tmp_path: Path) -> None:
    shutil.copy(of(output, "bert")["uri"], tmp_path / "copy.wav")
    run(input=tmp_path / "copy.wav", output=output, store_audio="flac")
    proof = forget(str(output), Selector(metadata=("speaker", "bert")))
    assert proof is not None
    assert (proof.holds, proof.recordings) == (True, 2)
    uris = [row["uri"].rpartition("/")[2] for row in read_rows(output, "recordings")]
    assert sorted(uris) == ["anna.wav", "cleo.wav"]


def test_a_merged_output_loses_its_rows_too(output: Path, tmp_path: Path) -> None:
    more = write_speech(tmp_path / "dora.wav", start_seconds=3.0)
    run(input=more, output=output, store_audio="flac")
    compact(str(output))
    told = traces(output, "anna")
    proof = forget(str(output), Selector(recording=of(output, "anna")["recording_id"]))
    assert proof is not None
    assert proof.holds
    left = everything(output)
    assert [each for each in told if each in left] == []
    assert len(read_rows(output, "recordings")) == 3


def test_files_beside_the_rows_lose_what_tells_of_it(output: Path) -> None:
    anna, bert = of(output, "anna"), of(output, "bert")
    segments = {row["recording_id"]: row["segment_id"] for row in read_rows(output, "segments")}
    decisions = output / "decisions" / "rules_id=r1" / "part-1.parquet"
    decisions.parent.mkdir(parents=True)
    ids = [segments[anna["recording_id"]], segments[bert["recording_id"]]]
    pq.write_table(pa.table({"segment_id": ids, "decision": ["keep", "drop"]}), decisions)
    report = output / "report.html"
    report.write_text(f"<p>{anna['reference_text']}</p>", "utf-8")
    other = output / "other.html"
    other.write_text(f"<p>{bert['reference_text']}</p>", "utf-8")
    payload = output / "_payloads" / anna["content_sha256"]
    payload.parent.mkdir()
    payload.write_bytes(b"RIFF")
    ledger = output / "ledger" / "x.json"
    ledger.parent.mkdir()
    ledger.write_text(json.dumps({"overdue": [anna["source_id"]], "messages": 1}), "utf-8")
    proof = forget(str(output), Selector(recording=anna["recording_id"]))
    assert proof is not None
    assert proof.holds
    rows = pq.ParquetFile(decisions).read().to_pylist()
    assert rows == [{"segment_id": ids[1], "decision": "drop"}]
    assert (report.exists(), other.exists(), payload.exists()) == (False, True, False)
    assert json.loads(ledger.read_text("utf-8")) == {"overdue": ["forgotten"], "messages": 1}


def test_the_index_of_a_search_is_gone_with_it(output: Path) -> None:
    told = traces(output, "anna")
    recording_id = of(output, "anna")["recording_id"]
    rows = read_rows(output, "segments")
    words = next(row["text"] for row in rows if row["recording_id"] == recording_id)
    asked = Asked(limit=20, where="uri LIKE '%anna.wav'")
    before = answer(str(output), words, asked, Refreshing(), print)
    assert before.hits
    assert told[0] in everything(output / "_search")
    proof = forget(str(output), Selector(recording=recording_id))
    assert proof is not None
    assert proof.holds
    assert answer(str(output), words, asked, Refreshing(), print).hits == ()
    left = everything(output)
    assert [each for each in told if each in left] == []


def test_how_somebody_sounds_is_gone_with_them(tmp_path: Path) -> None:
    output = tmp_path / "out"
    recording_id = say(output, "anna", "one", "two", **voices(1, 2))
    say(output, "bert", "three", **voices(3))
    asked = Asked(limit=20, like=stable_id("segment", "bert", 0))
    assert answer(str(output), "", asked, Refreshing(), print).total == 2
    assert stored(1, 0) in everything(output / "_search")
    proof = forget(str(output), Selector(recording=recording_id))
    assert proof is not None
    assert proof.holds
    assert answer(str(output), "", asked, Refreshing(), print).total == 0
    left = everything(output)
    assert [stored(1, 0) in left, stored(2, 1) in left, stored(3, 0) in left] == [0, 0, 1]


def test_a_run_over_one_file_does_not_name_it_any_more(tmp_path: Path) -> None:
    path, output = write_speech(tmp_path / "anna.wav"), tmp_path / "out"
    run(input=path, output=output)
    proof = forget(str(output), Selector(uri=str(path)))
    assert proof is not None
    assert proof.holds
    assert str(path).encode() not in everything(output)


def test_one_cut_of_a_file_is_forgotten_without_the_others(tmp_path: Path) -> None:
    path = write_speech(tmp_path / "call.wav", seconds=4.0)
    cuts = [{"audio_filepath": str(path), "offset": start, "duration": 2.0} for start in (0.0, 2.0)]
    manifest, output = write_manifest(tmp_path / "cuts.jsonl", cuts), tmp_path / "out"
    run(manifest=manifest, output=output)
    first = next(row for row in read_rows(output, "recordings") if row["offset_seconds"] == 0.0)
    proof = forget(str(output), Selector(recording=first["recording_id"]))
    assert proof is not None
    assert (proof.holds, proof.recordings) == (True, 1)
    result = run(manifest=manifest, output=output)
    assert (result.exit_status, result.forgotten) == (0, 1)
    assert [row["offset_seconds"] for row in read_rows(output, "recordings")] == [2.0]
    whole = run(input=path, output=output)  # it would bring the cut back
    assert (whole.forgotten, len(read_rows(output, "recordings"))) == (1, 1)


def test_what_is_not_there_is_told_and_an_address_stays_away(output: Path, tmp_path: Path) -> None:
    before = all_rows(output)
    assert forget(str(output), Selector(recording="00" * 16)) is None
    late = write_speech(tmp_path / "late.wav", start_seconds=3.0)
    assert forget(str(output), Selector(uri=str(late))) is None
    assert run(input=late, output=output, store_audio="flac").forgotten == 1
    assert all_rows(output) == before


def test_tombstones_tell_nothing(output: Path) -> None:
    recording = of(output, "anna")
    forget(str(output), Selector(recording=recording["recording_id"]))
    marks = re.findall(
        r'"mark": "([0-9a-f]{64})"',
        "".join(path.read_text("utf-8") for path in (output / "_forgotten").glob("*.json")),
    )
    assert len(marks) == 3
    assert recording["content_sha256"] not in marks


def test_what_people_corrected_in_it_goes_too(output: Path) -> None:
    anna, bert = of(output, "anna"), of(output, "bert")
    said = "a person heard anna say something else entirely"
    for row, text in ((anna, said), (bert, "and bert said nothing of the kind at all")):
        segment = next(
            each
            for each in read_rows(output, "segments")
            if each["recording_id"] == row["recording_id"]
        )
        keep(output, [correction(segment, text=text, corrected_by="carl")])
    correct(output)
    proof = forget(str(output), Selector(recording=anna["recording_id"]))
    assert proof is not None
    assert proof.holds
    assert said.encode() not in everything(output)
    (left,) = (output / "corrections").iterdir()
    assert left.stem == bert["recording_id"]

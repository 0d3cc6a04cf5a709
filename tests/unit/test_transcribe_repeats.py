"""The same rows in any order, batches and units; and nothing new when run again."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.unit_runs import (
    DEMO,
    PLACEHOLDER,
    RATE_HZ,
    RIVER,
    VAD,
    Scripted,
    files,
    hear_loudness,
    is_loud,
    read,
    read_all,
    ref,
    settings,
    speech,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.asr.recognizer import BatchLimits
from beam_audio.output import commits
from beam_audio.output.ledger import read_ledger
from beam_audio.types import AudioRef, Row, Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.unit.tasks import Input


SPEECH = speech()


@pytest.fixture(scope="module")
def mixed_inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Input]:
    """Speech in three formats, tones, a broken file, a truncated one, and silence."""
    folder = tmp_path_factory.mktemp("mixed")
    truncated = write(folder / "cut.flac", np.concatenate([SPEECH, SPEECH]))
    truncated.write_bytes(truncated.read_bytes()[:-9000])
    (folder / "junk.mp3").write_bytes(b"no audio at all")
    return [
        ref(DEMO / "greenhouse.flac", manifest_seconds=3.0),
        ref(DEMO / "lake.mp3", metadata=(("speaker", "b"),)),
        ref(DEMO / "river.wav", reference_text=RIVER, language="en"),
        ref(truncated),
        ref(folder / "junk.mp3"),
        ref(write(folder / "silence.wav", np.zeros(2 * RATE_HZ, np.float32))),
        ref(write(folder / "stereo.wav", np.stack([SPEECH, SPEECH * 0.5], 1)), event_time=None),
    ]


@pytest.fixture(scope="module")
def expected_rows(
    tmp_path_factory: pytest.TempPathFactory, mixed_inputs: list[Input]
) -> dict[str, list[Row]]:
    out = tmp_path_factory.mktemp("expected")
    transcribe(out, *mixed_inputs, using=settings(segments=VAD))
    rows = read_all(out)
    assert [len(rows[table]) for table in ("recordings", "failures")] == [6, 2]
    return rows


@pytest.mark.parametrize("batch_seconds", [1.0, 30.0, 120.0, 480.0])
@pytest.mark.parametrize("units", [1, 3])
def test_rows_do_not_depend_on_order_batches_or_units(
    tmp_path: Path,
    mixed_inputs: list[Input],
    expected_rows: dict[str, list[Row]],
    batch_seconds: float,
    units: int,
) -> None:
    order = np.random.default_rng(round(batch_seconds) + units).permutation(len(mixed_inputs))
    shuffled = [mixed_inputs[index] for index in order]
    using = settings(segments=VAD, batch_seconds=batch_seconds)
    for first in range(units):
        transcribe(tmp_path, *shuffled[first::units], using=using)
    assert read_all(tmp_path) == expected_rows


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("batch_seconds", [1.0, 30.0])
def test_rows_do_not_depend_on_the_threads_that_decode(
    tmp_path: Path,
    mixed_inputs: list[Input],
    expected_rows: dict[str, list[Row]],
    cores: int,
    batch_seconds: float,
) -> None:
    on_device = Scripted(facts=PLACEHOLDER.facts, batch_limits=BatchLimits(at_a_time=2))
    using = settings(segments=VAD, batch_seconds=batch_seconds, cores=cores)
    written = []
    for out in (tmp_path / "one", tmp_path / "again"):
        report = transcribe(out, *mixed_inputs, recognizer=on_device, using=using)
        assert read_all(out) == expected_rows
        written.append((report.commit.files, report.commit.sources))
    assert written[0] == written[1]  # an attempt that is repeated writes the same files


@pytest.mark.parametrize("store_audio", ["flac", "opus"])
def test_stored_audio_is_the_same_bytes_every_time(tmp_path: Path, store_audio: str) -> None:
    inputs = [ref(DEMO / name) for name in ("river.wav", "greenhouse.flac")]
    for name, batch_seconds in (("one", 1.0), ("two", 480.0)):
        using = settings(segments=VAD, store_audio=store_audio, batch_seconds=batch_seconds)
        transcribe(tmp_path / name, *inputs, using=using)
    one, two = read_all(tmp_path / "one"), read_all(tmp_path / "two")
    assert all(row["audio"]["bytes"] for row in one["segments"])
    assert one == two


def test_ids_are_the_same_on_every_machine_and_in_every_process(tmp_path: Path) -> None:
    """A later run finds its rows by ids: another hash would orphan every existing output."""
    encoded = sawtooth()
    source = AudioRef("memory:sawtooth", len(encoded), inline=encoded)
    report = transcribe(tmp_path, source)
    (recording,) = read(tmp_path, "recordings")
    segments = sorted(read(tmp_path, "segments"), key=lambda row: row["segment_index"])
    assert source.source_id == "14cf30484c4539bd236bee4fced57ad4"
    assert report.commit.unit_id == "eb82c295e2577d65c44b3f74b3c4f484"
    assert recording["recording_id"] == "16b4b69ef68f5904930c52496c0c3c80"
    assert [row["segment_id"] for row in segments] == [
        "2ff29844896e0a5a487f758980eba2ae",
        "9f46799b100ed83b00c6b3b7e7b62e92",
    ]
    assert [row["text"] for row in segments] == ["foxtrot foxtrot", "foxtrot foxtrot"]


def sawtooth() -> bytes:
    """Two seconds of WAV, made of whole numbers only."""
    samples = ((np.arange(2 * RATE_HZ) % 200 - 100) * 100).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    return file.getvalue()


def test_a_committed_unit_is_not_done_again(tmp_path: Path) -> None:
    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1, 0.2]))),
        ref(write(tmp_path / "b.wav", tones([0.3]))),
        AudioRef(str(tmp_path / "missing.wav"), 100),
    ]
    out = tmp_path / "out"
    first = transcribe(out, *inputs)
    before = files(out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    recognizer = Scripted()
    again = transcribe(out, *reversed(inputs), recognizer=recognizer)
    assert not first.was_committed
    assert again.was_committed
    assert again.commit == first.commit
    assert recognizer.batches == []
    assert files(out) == before
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times


def test_a_unit_killed_midway_leaves_nothing_and_is_done_again(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(request: Request) -> Transcript:
        if is_loud(request):
            raise Killed
        return hear_loudness(request)

    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3]))),
        ref(write(tmp_path / "b.wav", tones([0.4, 0.95]))),
    ]
    out = tmp_path / "out"
    with pytest.raises(Killed):
        transcribe(out, *inputs, recognizer=Scripted(kill), using=settings(batch_seconds=1.0))
    assert files(out) == {}
    transcribe(out, *inputs)
    transcribe(tmp_path / "clean", *inputs)
    assert read_all(out) == read_all(tmp_path / "clean")


def test_parts_of_a_unit_killed_before_its_commit_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr("beam_audio.unit.transcribe.write_commit", kill)
        with pytest.raises(Killed):
            transcribe(out, source)
    assert read_ledger(str(out), [source.source_id]).missing == (source.source_id,)
    assert commits.delete_uncommitted(str(out)) == 2
    assert files(out) == {}
    assert not transcribe(out, source).was_committed
    assert read_ledger(str(out), [source.source_id]).balances


def test_a_later_attempt_replaces_the_failure(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    source, content = ref(path), path.read_bytes()
    path.unlink()
    out = tmp_path / "out"
    update(out, source)
    assert [row["attempt"] for row in read(out, "failures")] == [1]
    assert update(out, source) == []

    update(out, source, retry_failures=True)
    assert [row["attempt"] for row in read(out, "failures")] == [2]

    path.write_bytes(content)
    (third,) = update(out, source, retry_failures=True)
    assert third.commit.sources[source.source_id].attempt == 3
    rows = read_all(out)
    assert [len(rows[table]) for table in ("segments", "recordings", "failures")] == [2, 1, 0]
    assert commits.delete_uncommitted(str(out)) == 0
    assert read_ledger(str(out), [source.source_id]).balances


def test_a_touched_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    out = tmp_path / "out"
    transcribe(out, ref(path))
    rows = read_all(out)
    touched, recognizer = ref(path, version="2"), Scripted()
    (report,) = update(out, touched, recognizer=recognizer)
    assert report.commit.sources_that("known") == {touched.source_id}
    assert recognizer.batches == []
    assert read_all(out) == rows
    assert read_ledger(str(out), [ref(path).source_id, touched.source_id]).balances
    assert update(out, touched, recognizer=recognizer) == []

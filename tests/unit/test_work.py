"""The work on a unit: what the recogniser is given, what it fails on, and what is counted."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.unit_runs import (
    PLACEHOLDER,
    RATE_HZ,
    SCRIPTED_FACTS,
    WINDOWS,
    Scripted,
    fail_when_loud,
    files,
    read,
    ref,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.errors import ModelError
from beam_audio.output.ledger import read_ledger
from beam_audio.types import AudioRef, Transcript
from beam_audio.unit.progress import Progress
from beam_audio.unit.recognise import seed_of
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit, UnitRun, transcribe_unit

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request


def test_an_error_without_a_message_is_named(tmp_path: Path) -> None:
    def stop(request: Request) -> Transcript:
        if request.samples.any():
            raise LookupError
        return Transcript("")

    source = ref(write(tmp_path / "a.wav", tones([0.1])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(stop))
    (failure,) = read(tmp_path / "out", "failures")
    assert failure["message"] == "LookupError()"


def test_a_recogniser_that_fails_on_everything_stops_the_unit(tmp_path: Path) -> None:
    def crash(_: Request) -> Transcript:
        raise RuntimeError("device lost")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    with pytest.raises(ModelError, match=r"silence included.*device lost"):
        transcribe(tmp_path / "out", source, recognizer=Scripted(crash))
    assert files(tmp_path / "out") == {}
    transcribe(tmp_path / "out", source)
    assert len(read(tmp_path / "out", "segments")) == 2


def test_a_recogniser_that_dies_midway_stops_the_unit(tmp_path: Path) -> None:
    taken: list[Request] = []

    def die_later(request: Request) -> Transcript:
        if taken:
            raise RuntimeError("device lost")
        taken.append(request)
        return Transcript("one")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3])))
    with pytest.raises(ModelError, match="device lost"):
        transcribe(
            tmp_path / "out",
            source,
            recognizer=Scripted(die_later),
            using=settings(batch_seconds=1.0),
        )
    assert files(tmp_path / "out") == {}


def test_clips_that_all_fail_cost_themselves_while_the_recogniser_works(
    tmp_path: Path,
) -> None:
    def choke(request: Request) -> Transcript:
        if request.samples.any():
            raise RuntimeError("cannot take this")
        return Transcript("")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(choke))
    assert [row["unit"] for row in read(tmp_path / "out", "failures")] == ["segment"] * 2


def test_a_recogniser_that_refuses_every_clip_has_not_crashed(tmp_path: Path) -> None:
    def refuse(_: Request) -> Transcript:
        raise ModelError("not this one")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(refuse))
    assert [row["message"] for row in read(tmp_path / "out", "failures")] == ["not this one"] * 3
    assert read_ledger(str(tmp_path / "out"), [source.source_id]).seconds["failed"] == 3.0


@pytest.mark.parametrize("language", ["jv", "from_manifest"])
def test_a_model_gets_its_own_name_for_a_language(tmp_path: Path, language: str) -> None:
    facts = replace(SCRIPTED_FACTS, languages=frozenset({"en", "jw"}))
    recognizer = Scripted(facts=facts)
    source = ref(write(tmp_path / "a.wav", tones([0.1])), language="jv")
    using = settings(language=language)
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=using)
    assert {request.language for batch in recognizer.batches for request in batch} == {"jw"}


@pytest.mark.parametrize("language", ["auto", "from_manifest", "en"])
def test_an_input_in_a_language_the_model_lacks_is_one_failure(
    tmp_path: Path, language: str
) -> None:
    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1, 0.2])), language="en"),
        ref(write(tmp_path / "b.wav", tones([0.1, 0.2])), language="sw"),
        ref(write(tmp_path / "c.wav", tones([0.1])), language=None),
    ]
    recognizer = Scripted()
    using = settings(language=language)
    transcribe(tmp_path / "out", *inputs, recognizer=recognizer, using=using)
    assert sum(len(batch) for batch in recognizer.batches) == 3
    (failure,) = read(tmp_path / "out", "failures")
    assert (failure["unit"], failure["uri"]) == ("input", inputs[1].uri)
    assert failure["error_type"] == "LanguageUnsupported"
    assert "'sw'" in failure["message"]
    recorded = {row["uri"] for row in read(tmp_path / "out", "recordings")}
    assert recorded == {inputs[0].uri, inputs[2].uri}
    ledger = read_ledger(str(tmp_path / "out"), [each.source_id for each in inputs])
    assert ledger.balances


@pytest.mark.parametrize(("language", "asked"), [("auto", None), ("de", "de")])
def test_the_language_asked_for_goes_with_every_clip(
    tmp_path: Path, language: str, asked: str | None
) -> None:
    recognizer = Scripted()
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])), language="en")
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=settings(language=language))
    assert {request.language for batch in recognizer.batches for request in batch} == {asked}


def test_the_report_counts_batches_and_padding(tmp_path: Path) -> None:
    class Padding(Scripted):
        def cost_seconds(self, duration_seconds: float) -> float:
            return max(duration_seconds, 2.0)

    source = ref(write(tmp_path / "a.wav", tones([0.1] * 5)[: 4 * RATE_HZ + RATE_HZ // 2]))
    recognizer = Padding()
    using = settings(batch_seconds=6.0)
    report = transcribe(tmp_path / "out", source, recognizer=recognizer, using=using)
    assert [len(batch) for batch in recognizer.batches] == [3, 2]
    assert (report.batches.batches, report.batches.passages) == (2, 5)
    assert report.batches.passage_seconds == 4.5
    assert report.batches.padded_seconds == 10.0
    assert report.commit.rows == {"segments": 5, "recordings": 1, "failures": 0}
    assert report.commit.provider == "CPUExecutionProvider"
    assert report.batches.budget_seconds == 12.0
    assert report.commit.batches == asdict(report.batches)
    host = {"open", "decode", "segment", "measure", "recognise", "write"}
    waiting = {"wait_for_audio", "wait_for_recogniser"}
    assert host | waiting | {"device_busy", "device_idle"} == report.commit.stage_seconds.keys()


def test_progress_counts_inputs_seconds_and_failures_by_kind(tmp_path: Path) -> None:
    stereo = np.stack([tones([0.1, 0.2]), tones([0.3, 0.95])], axis=1)
    inputs = [ref(write(tmp_path / "a.wav", stereo)), AudioRef(str(tmp_path / "missing.wav"), 1)]
    progress = Progress()
    run = UnitRun(
        settings=settings(channels="split"),
        recognizer=Scripted(fail_when_loud),
        root=str(tmp_path / "out"),
        progress=progress,
    )
    transcribe_unit(Unit.of(map(Task, inputs)), run)
    assert (progress.inputs, progress.decoded_seconds) == (2, 2.0)
    assert progress.failures == {"InputError": 1, "ValueError": 1}


def test_every_segment_has_a_seed_of_its_own_that_stays(tmp_path: Path) -> None:
    """Random choices for a segment depend on the segment only, not on its batch."""
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4])))
    seeds = []
    for batch_seconds in (1.0, 100.0):
        recognizer, out = Scripted(), tmp_path / str(batch_seconds)
        using = settings(batch_seconds=batch_seconds)
        transcribe(out, source, recognizer=recognizer, using=using)
        requests = [request for batch in recognizer.batches for request in batch]
        seeds.append({float(np.abs(item.samples).max()): item.seed for item in requests})
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0].values())) == 4
    ids = {row["segment_id"] for row in read(tmp_path / "1.0", "segments")}
    assert {seed_of(segment_id) for segment_id in ids} == set(seeds[0].values())
    assert all(0 <= seed < 2**32 for seed in seeds[0].values())


def test_the_clips_have_the_rate_and_length_of_the_segments(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2], 44_100), 44_100))
    recognizer = Scripted()
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=settings(segments=WINDOWS))
    clips = [request.samples for batch in recognizer.batches for request in batch]
    assert [len(samples) for samples in clips] == [PLACEHOLDER.facts.sample_rate_hz] * 2
    assert all(samples.dtype == np.float32 for samples in clips)

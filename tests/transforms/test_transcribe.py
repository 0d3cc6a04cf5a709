"""The model handler in Beam's RunInference, and Transcribe compared with a run."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import numpy as np
import pytest
from apache_beam import Distinct
from apache_beam.ml.inference.base import (
    KeyedModelHandler,
    KeyModelMapping,
    ModelMetadata,
    PredictionResult,
    RunInference,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.installed_models import TINY_EN, needs_tiny_en
from support.run_outputs import DEMO, read_rows, run

from beam_audio import (
    DecodeAudio,
    MeasureQuality,
    ReadAudio,
    Segment,
    SplitAudio,
    Transcribe,
    Transcript,
    decode,
    split,
)
from beam_audio.errors import ConfigError, ModelError
from beam_audio.transforms.transcribe import OnnxAsrModelHandler

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import Quality, Row

LEVELS = ("rms_dbfs", "peak_dbfs", "clipped_fraction")
MEASURES = (*LEVELS, "snr_db", "bandwidth_hz", "loudness_lufs")


def bad_segment(good: Segment) -> Segment:
    """A segment that no recogniser accepts: its samples are not finite."""
    return Segment(
        recording_id=good.recording_id,
        segment_id="bad",
        segment_index=99,
        channel=None,
        sample_rate_hz=16_000,
        start_sample=16_000,
        end_sample=48_000,
        core_start_sample=16_000,
        core_end_sample=48_000,
        speech=(),
        samples=np.full(32_000, np.nan, np.float32),
    )


def river() -> list[Segment]:
    return list(split(decode(DEMO / "river.wav")))


def expect(rows: dict[str, Row]) -> dict[str, tuple[Any, ...]]:
    """The rows of a run by segment id."""
    return {
        identifier: (row["text"], row["start_seconds"], row["end_seconds"], row["recording_id"])
        for identifier, row in rows.items()
    }


@pytest.mark.parametrize(
    "model", ["placeholder", pytest.param(TINY_EN, marks=[needs_tiny_en, pytest.mark.slow])]
)
def test_steps_give_the_segments_measures_and_texts_of_a_run(model: str, tmp_path: Path) -> None:
    """Texts of recordings with one segment; a run recognises several segments together."""
    output = tmp_path / "out"
    assert run(input=f"{DEMO}/*[cv3]", output=output, model=model).exit_status == 0
    rows = {row["segment_id"]: row for row in read_rows(output, "segments")}
    recordings = Counter(row["recording_id"] for row in rows.values())
    assert len(recordings) == 3
    rows_of_recordings = {row["recording_id"]: row for row in read_rows(output, "recordings")}
    same_texts = {
        identifier
        for identifier, row in rows.items()
        if model == "placeholder" or recordings[row["recording_id"]] == 1
    }
    assert same_texts

    def check_texts(everything: list[tuple[Segment, Transcript]]) -> None:
        assert {segment.segment_id for segment, _ in everything} == rows.keys()
        found = [pair for pair in everything if pair[0].segment_id in same_texts]
        steps = {
            segment.segment_id: (
                transcript.text,
                segment.start_seconds,
                segment.end_seconds,
                segment.recording_id,
            )
            for segment, transcript in found
        }
        assert steps == expect({identifier: rows[identifier] for identifier in same_texts})
        for segment, transcript in found:
            row = rows[segment.segment_id]
            assert transcript.avg_logprob == pytest.approx(row["avg_logprob"], abs=1e-4)
            assert transcript.no_speech_prob == pytest.approx(row["no_speech_prob"], abs=1e-4)
            assert transcript.language == row["language"]

    def check_measures(found: list[tuple[Segment, Quality]]) -> None:
        assert {segment.segment_id for segment, _ in found} == rows.keys()
        for segment, quality in found:
            row = rows[segment.segment_id]
            for name in MEASURES:
                if name in LEVELS and rows_of_recordings[segment.recording_id]["channels"] > 1:
                    continue  # a run measures these of the channels, before they are mixed
                value = getattr(quality, name)
                assert row[name] == (None if value is None else pytest.approx(value, abs=1e-4))

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, _ = pipeline | ReadAudio(input=f"{DEMO}/*[cv3]")
        audio, undecoded = refs | DecodeAudio()
        segments = audio | SplitAudio()
        transcripts, unrecognised = segments | Transcribe(OnnxAsrModelHandler(model))
        assert_that(transcripts, check_texts)
        assert_that(segments | MeasureQuality(), check_measures, label="measures")
        failures = (undecoded, unrecognised) | beam.Flatten()
        assert_that(failures, equal_to([]), label="failures")


def test_the_handler_gives_what_beams_handlers_give() -> None:
    segments = river()
    expected = [(segment.segment_id, True, "placeholder/none") for segment in segments]
    handler = OnnxAsrModelHandler("placeholder", max_batch_size=2)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        results = pipeline | beam.Create(segments) | RunInference(handler)
        found = results | beam.Map(
            lambda each: (each.example.segment_id, bool(each.inference.text), each.model_id)
        )
        assert_that(found, equal_to(expected))
        kinds = (
            results
            | beam.Map(lambda each: isinstance(each, PredictionResult))
            | "Kinds" >> Distinct()
        )
        assert_that(kinds, equal_to([True]), label="kinds")
        sizes = results | beam.Map(lambda each: len(pickle.dumps(each)) < 2_000) | Distinct()
        assert_that(sizes, equal_to([True]), label="no samples")


def texts_of(results: Any) -> Any:  # noqa: ANN401 - a collection
    return results | "Texts" >> beam.Map(
        lambda each: (each.example.segment_id, each.inference.text)
    )


def test_a_batch_changes_no_text_and_neither_do_shared_copies() -> None:
    segments = [*river(), *split(decode(DEMO / "greenhouse.flac"))]
    recognizer = OnnxAsrModelHandler("placeholder").load_model()
    alone = [
        (each.example, each.inference) for one in segments for each in recognizer.predict([one])
    ]
    expected = [(segment.segment_id, transcript.text) for segment, transcript in alone]
    shared = OnnxAsrModelHandler("placeholder", max_batch_size=8, model_copies=2)
    assert (shared.share_model_across_processes(), shared.model_copies()) == (True, 2)
    assert not OnnxAsrModelHandler("placeholder").share_model_across_processes()
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        results = pipeline | beam.Create(segments) | RunInference(shared)
        assert_that(texts_of(results), equal_to(expected))


def test_keys_and_functions_before_and_after_are_beams_own() -> None:
    handler = (
        OnnxAsrModelHandler("placeholder")
        .with_preprocess_fn(lambda path: split(decode(path))[0])
        .with_postprocess_fn(lambda result: len(result.inference.text.split()) > 1)
    )
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        paths = pipeline | beam.Create([DEMO / "river.wav"])
        assert_that(paths | RunInference(handler), equal_to([True]))
        keyed = pipeline | "Keyed" >> beam.Create([("a", river()[0])])
        found = keyed | "ByKey" >> RunInference(
            KeyedModelHandler(OnnxAsrModelHandler("placeholder"))
        )
        keys = found | beam.MapTuple(lambda key, each: (key, each.example.segment_id))
        assert_that(keys, equal_to([("a", river()[0].segment_id)]), label="keys")


def test_each_key_may_have_its_own_model() -> None:
    mappings = [
        KeyModelMapping([language], OnnxAsrModelHandler("placeholder", language=language))
        for language in ("de", "fr")
    ]
    segment = river()[0]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        keyed = pipeline | beam.Create([("de", segment), ("fr", segment)])
        found = keyed | RunInference(KeyedModelHandler(mappings))
        languages = found | beam.MapTuple(lambda key, each: (key, each.inference.language))
        assert_that(languages, equal_to([("de", "de"), ("fr", "fr")]))


def test_the_model_can_be_named_while_the_pipeline_runs() -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        named = pipeline | beam.Create([ModelMetadata("placeholder", "newer")])
        segments = pipeline | "Segments" >> beam.Create(river())
        handler = OnnxAsrModelHandler("whisper-tiny.fr")
        results = segments | RunInference(handler, model_metadata_pcoll=named)
        models = results | beam.Map(lambda each: each.model_id) | Distinct()
        assert_that(models, equal_to(["placeholder/none"]))


def test_arguments_of_inference_are_refused() -> None:
    handler = OnnxAsrModelHandler("placeholder")
    segments = beam.Pipeline() | beam.Create(river())
    with pytest.raises(ConfigError, match="inference_args has language"):
        _ = segments | RunInference(handler, inference_args={"language": "en"})


def test_a_failing_segment_costs_itself_only() -> None:
    good = river()
    bad = bad_segment(good[0])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        segments = pipeline | beam.Create([*good, bad])
        handler = OnnxAsrModelHandler("placeholder", max_batch_size=64)
        transcripts, failures = segments | Transcribe(handler)
        ids = transcripts | beam.Map(lambda pair: pair[0].segment_id)
        assert_that(ids, equal_to([segment.segment_id for segment in good]))
        found = failures | beam.Map(
            lambda item: (item.unit, item.stage, item.segment_id, item.start_seconds, item.message)
        )
        message = "a clip holds samples that are not finite numbers"
        expected = [("segment", "recognise", "bad", 1.0, message)]
        assert_that(found, equal_to(expected), label="failures")


def test_other_rates_are_changed_to_the_models() -> None:
    segment = river()[0]
    (found,) = OnnxAsrModelHandler("placeholder").load_model().predict([segment])
    bare, result = found.example, found.inference
    assert isinstance(result, Transcript)
    assert (bare.segment_id, len(bare.samples)) == (segment.segment_id, 0)
    assert bare.end_sample == segment.end_sample
    assert len(result.text.split()) == pytest.approx(2 * segment.duration_seconds, abs=1.01)


def test_one_process_loads_one_model() -> None:
    handler = OnnxAsrModelHandler("placeholder")
    other = pickle.loads(pickle.dumps(handler))  # noqa: S301 - our own bytes
    assert other.acquire() is handler.acquire()


def test_a_model_that_does_not_exist_is_named_when_it_is_loaded() -> None:
    with pytest.raises(ModelError, match=r"whisper-tiny\.fr"):
        OnnxAsrModelHandler("whisper-tiny.fr").load_model()

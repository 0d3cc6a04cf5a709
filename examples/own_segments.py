"""Segments cut by times of your own, through Beam's RunInference: python own_segments.py"""

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_audio import OnnxAsrModelHandler, Segment, decode

CUTS = [("clips/greenhouse.flac", 0.0, 4.4), ("clips/river.wav", 0.0, 3.6)]  # path, seconds


def cut(path: str, start_seconds: float, end_seconds: float) -> tuple[str, Segment]:
    audio = decode(path)
    start, end = (round(edge * audio.sample_rate_hz) for edge in (start_seconds, end_seconds))
    return path, Segment(
        recording_id=path,
        segment_id=f"{path}@{start_seconds}",
        segment_index=0,
        channel=None,
        sample_rate_hz=audio.sample_rate_hz,
        start_sample=start,
        end_sample=end,
        core_start_sample=start,
        core_end_sample=end,
        speech=(),
        samples=audio.samples[start:end],
    )


handler = KeyedModelHandler(OnnxAsrModelHandler("whisper-tiny.en"))
with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    _ = (
        pipeline
        | beam.Create(CUTS)
        | beam.MapTuple(cut).with_output_types(tuple[str, Segment])
        | RunInference(handler)
        | beam.MapTuple(lambda path, result: print(path, result.inference.text, result.model_id))
    )

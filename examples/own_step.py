"""A step of your own between splitting and recognising, and rows at the end: python own_step.py"""

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_audio import (
    AsRows,
    DecodeAudio,
    MeasureQuality,
    OnnxAsrModelHandler,
    ReadAudio,
    Segment,
    SplitAudio,
    Transcribe,
    WriteParquet,
)

with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    refs, unreadable = pipeline | ReadAudio(input="clips/*[cv3]")
    audio, undecodable = refs | DecodeAudio()
    clear = (  # what the model need not hear is left out before it costs anything
        audio
        | SplitAudio()
        | MeasureQuality()
        | beam.Filter(lambda pair: (pair[1].snr_db or 0) > 20)
        | beam.Keys().with_output_types(Segment)
    )
    transcripts, unrecognised = clear | Transcribe(OnnxAsrModelHandler("whisper-tiny.en"))
    _ = (  # rows have a type by column: Beam's own transforms name the columns
        transcripts
        | AsRows()
        | beam.GroupBy("language").aggregate_field("duration_seconds", sum, "seconds")
        | beam.Map(lambda row: print(f"{row.language}: {row.seconds:.1f} s"))
    )
    _ = (
        (unreadable, undecodable, unrecognised)
        | beam.Flatten()
        | AsRows("failures")
        | WriteParquet("failed", table="failures")
    )

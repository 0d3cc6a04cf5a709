"""DecodeAudio: references to audio, and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import soundfile
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.run_outputs import write_speech

from beam_audio import Audio, DecodeAudio, ReadAudio
from beam_audio.unit.prepare_settings import PrepareSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_audio_comes_out_as_it_was_encoded(tmp_path: Path) -> None:
    path = write_speech(tmp_path / "a.wav")
    expected, rate_hz = soundfile.read(path, dtype="float32")

    def check(found: list[Audio]) -> None:
        (audio,) = found
        assert (audio.sample_rate_hz, audio.channel) == (rate_hz, None)
        np.testing.assert_array_equal(audio.samples, expected)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, _ = pipeline | ReadAudio(input=str(path))
        audio, failures = refs | DecodeAudio()
        assert_that(audio, check)
        assert_that(failures, equal_to([]), label="failures")


def test_channels_are_split_on_request(tmp_path: Path) -> None:
    stereo = np.stack([np.full(800, 0.25), np.full(800, -0.5)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 8000, subtype="FLOAT")

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, _ = pipeline | ReadAudio(input=str(tmp_path))
        audio, _ = refs | DecodeAudio(PrepareSettings(channels="split"))
        means = audio | beam.Map(lambda item: (item.channel, float(item.samples.mean())))
        assert_that(means, equal_to([(0, 0.25), (1, -0.5)]))
        ids = audio | beam.Map(lambda item: item.recording_id) | beam.Distinct() | beam.Map(len)
        assert_that(ids, equal_to([32, 32]), label="ids")


def test_a_file_without_audio_is_a_failure_and_harms_no_other(tmp_path: Path) -> None:
    write_speech(tmp_path / "a.wav")
    (tmp_path / "b.wav").write_bytes(b"no audio")
    samples, rate_hz = soundfile.read(tmp_path / "a.wav")
    soundfile.write(tmp_path / "c.flac", samples, rate_hz)
    whole = (tmp_path / "c.flac").read_bytes()
    (tmp_path / "c.flac").write_bytes(whole[: len(whole) // 2])

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, _ = pipeline | ReadAudio(input=str(tmp_path))
        audio, failures = refs | DecodeAudio()
        whole_ones = audio | beam.Map(lambda item: item.duration_seconds == 2.0)
        assert_that(whole_ones, equal_to([True, False]))
        found = failures | beam.Map(lambda item: (item.uri, item.stage, item.unit))
        bad = [(str(tmp_path / name), "decode", "recording") for name in ("b.wav", "c.flac")]
        assert_that(found, equal_to(bad), label="failures")

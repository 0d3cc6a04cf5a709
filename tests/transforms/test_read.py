"""ReadAudio: one listing gives references and failures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.data_sets import write_tar

from beam_audio import ReadAudio
from beam_audio.errors import ConfigError
from beam_audio.inputs.allowed import AllowedPlaces


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_a_pipeline_gives_references_and_failures(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    manifest = tmp_path / "m.jsonl"
    broken = [b"not json", line(audio_filepath="none.wav"), b"\xff\xfe", line(text="x")]
    manifest.write_bytes(b"\n".join([line(audio_filepath="a.wav"), *broken]))
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, failures = pipeline | ReadAudio(manifest=str(manifest))
        assert_that(refs | "Uri" >> beam.Map(lambda ref: ref.uri), equal_to([f"{tmp_path}/a.wav"]))
        found = failures | beam.Map(
            lambda failure: (failure.unit, failure.stage, failure.uri, failure.message[:7])
        )
        expected = [("input", "read", str(manifest), f"line {number}:") for number in (2, 4, 5)]
        expected.append(("input", "read", f"{tmp_path}/none.wav", "cannot "))
        assert_that(found, equal_to(expected), label="Failures")


def test_members_of_shards_are_references_and_damage_is_a_failure(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"1"), ("a.txt", b"one"), ("b.wav", b"2")])
    shard.write_bytes(shard.read_bytes()[: 4 * 512 + 100])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = ReadAudio(input=str(shard), input_format="webdataset")
        refs, failures = pipeline | read
        found = refs | beam.Map(lambda ref: (ref.uri, ref.reference_text))
        assert_that(found, equal_to([(f"{shard}#a.wav", "one")]))
        places = failures | "Places" >> beam.Map(lambda failure: failure.uri)
        assert_that(places, equal_to([str(shard)]), label="Failures")


def test_a_pipe_in_a_folder_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    os.mkfifo(tmp_path / "b.wav")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, failures = pipeline | ReadAudio(input=str(tmp_path))
        assert_that(refs | "Uri" >> beam.Map(lambda ref: ref.uri), equal_to([f"{tmp_path}/a.wav"]))
        found = failures | beam.Map(lambda failure: failure.uri)
        assert_that(found, equal_to([f"{tmp_path}/b.wav"]), label="Failures")


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    for name in ("c.wav", "a.wav", "b.flac"):
        (tmp_path / name).write_bytes(b"RIFF")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, _ = pipeline | ReadAudio(input=str(tmp_path), limit=2)
        found = refs | beam.Map(lambda ref: Path(ref.uri).name)
        assert_that(found, equal_to(["a.wav", "b.flac"]))


@pytest.mark.parametrize("given", [{}, {"input": "a", "manifest": "b"}])
def test_exactly_one_kind_of_input_is_given(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        ReadAudio(**given)  # type: ignore[arg-type]  # a test of what is wrong


def test_a_manifest_names_what_is_allowed_or_is_a_failure(tmp_path: Path) -> None:
    for name in ("in/a.wav", "secret.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"RIFF")
    (tmp_path / "in" / "link.wav").symlink_to("../secret.wav")
    named = ["in/a.wav", "secret.wav", "in/link.wav", f"file://{tmp_path}/secret.wav"]
    manifest = tmp_path / "m.jsonl"
    manifest.write_bytes(b"\n".join(line(audio_filepath=each) for each in named))
    allowed = AllowedPlaces.stated(f"{tmp_path}/in")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        refs, failures = pipeline | ReadAudio(manifest=str(manifest), allowed=allowed)
        assert_that(
            refs | "Uri" >> beam.Map(lambda ref: ref.uri), equal_to([f"{tmp_path}/in/a.wav"])
        )
        found = failures | beam.Map(lambda each: "is not below --allow_inputs=" in each.message)
        assert_that(found, equal_to([True] * 3), label="Failures")

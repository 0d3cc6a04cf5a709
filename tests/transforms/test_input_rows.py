"""Inputs as rows: nothing is lost on the way there and back, through Beam's coder, too."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import apache_beam as beam
import pytest
from apache_beam.coders import registry

from beam_audio.errors import ConfigError
from beam_audio.transforms.input_rows import INPUT_TYPE, input_of, input_row
from beam_audio.types import AudioRef, ByteRange, Failure, TableCell

NOON = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
FULL = AudioRef(
    uri="gs://b/a.wav",
    size_bytes=12,
    version="7",
    updated=NOON,
    event_time=NOON,
    offset_seconds=1.5,
    duration_seconds=2.5,
    manifest_seconds=2.4,
    reference_text="one two",
    language="en",
    metadata=(("place", "Ülo"), ("speaker", "7")),
    inline=b"\x00\x01",
    spooled_uri="gs://b/spool",
    attempt=2,
    channel=1,
    reasons=("odd",),
    stated_in="m.jsonl",
    published=NOON,
    rows_of="abc",
    inside=ByteRange("gs://b/s.tar", 512, 12, in_tar=True),
)
FAILED = Failure(
    unit="input",
    stage="read",
    source_id="s",
    uri="m.jsonl",
    error_type="InputError",
    message="line 2",
    event_time=NOON,
    payload_uri="p",
    attempt=3,
    place="somewhere",
)
INPUTS = [
    FULL,
    AudioRef("a.wav", 1),
    AudioRef("t.parquet#1", 1, inside=TableCell("t.parquet", 0, 1, "audio.bytes")),
    FAILED,
    Failure("input", "read", "s", "m", "E", "x", stated=FULL),
]


@pytest.mark.parametrize("item", INPUTS, ids=range(len(INPUTS)))
def test_an_input_comes_back_as_it_was(item: AudioRef | Failure) -> None:
    coder = registry.get_coder(INPUT_TYPE)
    assert input_of(input_row(item)) == item
    assert input_of(coder.decode(coder.encode(input_row(item)))) == item


def test_every_field_of_the_fullest_reference_differs_from_its_default() -> None:
    plain = AudioRef("", 0)
    assert not [
        each.name
        for each in fields(AudioRef)
        if getattr(FULL, each.name) == getattr(plain, each.name)
    ]


def test_further_columns_are_passed_over_and_missing_ones_are_named() -> None:
    row = input_row(FULL).as_dict()
    assert input_of(beam.Row(**row, own="x")) == FULL
    del row["reasons"]
    with pytest.raises(ConfigError, match="lacks reasons"):
        input_of(beam.Row(**row))

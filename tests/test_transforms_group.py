"""Units: every input once, bounded in bytes, whatever the order of the inputs."""

from __future__ import annotations

import random

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.transforms.group import (
    MAX_UNIT_INPUTS,
    GroupIntoUnits,
    Input,
    bucket_count,
    pack,
    size_bytes,
)
from beam_audio.types import AudioRef, Failure

Units = list[tuple[Input, ...]]

SIZES = st.lists(st.integers(0, 3000), max_size=200)


def refs(sizes: list[int]) -> list[Input]:
    return [AudioRef(uri=f"/{index}.wav", size_bytes=size) for index, size in enumerate(sizes)]


def failure(name: str) -> Failure:
    return Failure(
        unit="input",
        stage="read",
        source_id=f"{int(name):032x}",
        uri="m",
        error_type="E",
        message="",
    )


def check_units(units: Units, inputs: list[Input], unit_bytes: int) -> None:
    found = [item.source_id for unit in units for item in unit]
    assert sorted(found) == sorted({item.source_id for item in inputs})
    for unit in units:
        assert 1 <= len(unit) <= MAX_UNIT_INPUTS
        assert len(unit) == 1 or sum(map(size_bytes, unit)) <= unit_bytes


@given(SIZES, st.integers(1, 5000), st.randoms(use_true_random=False))
def test_packing_loses_nothing_and_keeps_its_bounds(
    sizes: list[int], unit_bytes: int, rng: random.Random
) -> None:
    inputs = [*refs(sizes), *(failure(str(index)) for index in range(3))]
    units = list(pack(inputs, unit_bytes))
    check_units(units, inputs, unit_bytes)
    shuffled = rng.sample(inputs, len(inputs))
    assert list(pack(shuffled, unit_bytes)) == units


def test_of_two_claims_about_one_source_the_same_one_wins() -> None:
    claims: list[Input] = [
        AudioRef(uri="/a.wav", size_bytes=1, reference_text=text) for text in ("one", "two")
    ]
    assert list(pack(claims, 10)) == list(pack(claims[::-1], 10))
    assert len(next(pack(claims, 10))) == 1


@pytest.mark.parametrize(
    ("total", "buckets"),
    [((0, 0), 1), ((100, 1), 1), ((101, 2), 2), ((0, 65), 2), ((1000, 65), 10)],
)
def test_buckets_follow_bytes_and_count(total: tuple[int, int], buckets: int) -> None:
    assert bucket_count(total, 100) == buckets


@pytest.mark.parametrize("unit_bytes", [1, 5_000, 1 << 30])
def test_a_pipeline_puts_every_input_into_one_unit(unit_bytes: int) -> None:
    rng = random.Random(0)
    inputs = [*refs([rng.randrange(3000) for _ in range(150)]), failure("1"), failure("2")]

    def check(units: Units) -> None:
        check_units(units, inputs, unit_bytes)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        twice = [*inputs, *inputs[:20]]
        units = pipeline | beam.Create(twice) | GroupIntoUnits(unit_bytes=unit_bytes)
        assert_that(units, check)

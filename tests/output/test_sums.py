"""Sums over more rows than are in memory at a time; tests/output/test_ledger.py has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.output.sums import Sums

if TYPE_CHECKING:
    from beam_audio.types import Row

COUNT = 10_000
RATE_HZ = 8_000


def recording(number: int) -> Row:
    return {
        "recording_id": f"r{number}",
        "source_id": f"s{number}",
        "uri": f"/{number}.wav",
        "channel": None,
        "sample_rate_hz": RATE_HZ,
        "decoded_seconds": 2.0,
        "keep_samples": RATE_HZ,
        "review_samples": 0,
        "drop_samples": 0,
        "failed_samples": 0,
        "skipped_samples": RATE_HZ,
        "reasons": ["no_reference"],
        "wer": None,
    }


def segment(number: int, end_seconds: float = 1.5) -> Row:
    return {
        "source_id": f"s{number}",
        "recording_id": f"r{number}",
        "core_start_seconds": 0.5,
        "core_end_seconds": end_seconds,
        "decision": "keep",
    }


def failure(number: int, error_type: str = "InputError") -> Row:
    return {
        "unit": "input",
        "stage": "open",
        "error_type": error_type,
        "source_id": f"f{number}",
        "uri": f"/{number}.wav",
        "recording_id": None,
        "start_seconds": None,
        "end_seconds": None,
    }


def test_many_rows_balance_and_one_wrong_one_is_named() -> None:
    sums = Sums()
    sums.add_recordings(map(recording, range(COUNT)))
    ends = (1.25 if number == 4321 else 1.5 for number in range(COUNT))
    sums.add_segments(map(segment, range(COUNT), ends))
    sums.add_segments([segment(COUNT + 1)])
    sums.add_listed(f"s{number}" for number in range(COUNT + 3))
    sums.add_settled([f"s{COUNT}"])
    sums.add_failures([failure(COUNT)])
    assert (sums.inputs, sums.recordings) == (COUNT + 3, COUNT)
    assert set(sums.unbalanced()) == {"r4321", f"r{COUNT + 1}"}
    assert sums.missing() == (f"s{COUNT + 1}", f"s{COUNT + 2}")
    assert sums.source_seconds()["keep"] == COUNT
    assert sums.reasons == {"no_reference": COUNT}


def test_a_failure_counts_once_and_not_if_its_file_has_a_recording() -> None:
    sums = Sums()
    sums.add_recordings(map(recording, range(2)))
    sums.add_failures([failure(0), failure(5), failure(5), failure(1, "ContradictionError")])
    assert sums.failures() == {
        ("input", "open", "ContradictionError"): 1,
        ("input", "open", "InputError"): 1,
    }

"""Commit records, looked up."""

from __future__ import annotations

from beam_audio.output.commits import Commit, InputState
from beam_audio.unit.record_index import RecordIndex
from beam_audio.unit.tasks import Committed

LAYERS = {"decode": "1", "rules": "2"}
STATES = {
    f"s{number}": InputState(
        outcome="recorded",
        place_id=f"p{number // 2}",
        stated_id="stated",
        stated_language="en",
        layers=LAYERS | {"model": str(number % 2)},
        recording_ids=("a", "b"),
        failed_segments=number,
        failed_opinions=number,
        attempt=2,
        claims_id=None,
    )
    for number in range(4)
}
UNIT = Commit("u", STATES, {}, ("segments/part-u-1-0.parquet",), version=3, run_id="r")
OTHER = Commit("v", {"s9": STATES["s0"]}, {}, ("segments/part-shared-1.parquet",))


def test_a_place_has_all_that_was_ever_committed_there() -> None:
    index = RecordIndex([UNIT, OTHER])
    found = sorted(index.at(["p0", "nowhere"]), key=repr)
    expected = [
        ("p0", Committed("u", 3, "s0", STATES["s0"], "r")),
        ("p0", Committed("u", 3, "s1", STATES["s1"], "r")),
        ("p0", Committed("v", 1, "s9", STATES["s0"])),
    ]
    assert found == sorted(expected, key=repr)


def test_inputs_and_units_are_known_as_they_were() -> None:
    index = RecordIndex([UNIT])
    assert index.state_of("s3") == STATES["s3"]
    assert index.state_of("s9") is None
    assert (index.has("s3"), index.has("s9")) == (True, False)
    assert (index.version_of("u"), index.version_of("v")) == (3, 0)


def test_files_that_units_share_are_noticed() -> None:
    assert RecordIndex([UNIT, OTHER]).shares_files
    assert not RecordIndex([UNIT]).shares_files
    assert not RecordIndex([]).shares_files

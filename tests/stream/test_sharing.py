"""A batch and streams on one output: whatever comes first, an input gets its rows once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import Scripted, levels, read, ref, run_unit, tones, write

from beam_audio.errors import HeldError
from beam_audio.output.claims import claim_files, close_claimed, read_claims
from beam_audio.output.commits import close_unit
from beam_audio.output.holder import Holder, let_go, take
from beam_audio.stream.reservations import Contradicted, Reservation, index_commits, reserve
from beam_audio.stream.sharing import claim_unit, drop_entered, give_way, open_unit
from beam_audio.unit.recut import FromAudio
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from beam_audio.stream.reservations import Refusal
    from beam_audio.types import AudioRef

BATCH = Holder.here("batch", ends_with_process=True)
DEAD = replace(BATCH, process="another-boot pid:[1] 7 1234")
STREAM = Reservation("of-stream", "stream")


@pytest.fixture
def item(tmp_path: Path) -> AudioRef:
    return ref(write(tmp_path / "a.wav", tones(levels(2))))


@pytest.fixture
def root(tmp_path: Path) -> str:
    """An output that a batch holds."""
    output = str(tmp_path / "out")
    take(output, BATCH)
    return output


def claim(root: str, *items: AudioRef) -> Unit | None:
    return claim_unit(root, Unit.of(map(Task, items)), "batch")


def of_stream(root: str, item: AudioRef) -> Task | Refusal:
    """What a stream is to do with an input, once it has reserved it."""
    task = reserve(root, item, STREAM)
    if not isinstance(task, Task):
        return task
    ((left, refusal),) = give_way(root, [task])
    return refusal or left


def commit(root: str, unit: Unit | None) -> bool:
    """Do a unit; whether its rows count."""
    assert unit is not None
    return not run_unit(Path(root), unit, recognizer=Scripted()).was_committed


def segment_ids(root: str) -> list[str]:
    return [str(row["segment_id"]) for row in read(Path(root), "segments")]


def test_a_stream_leaves_what_a_living_batch_has_claimed(root: str, item: AudioRef) -> None:
    unit = claim(root, item)
    assert of_stream(root, item) == "elsewhere"
    assert commit(root, unit)
    assert of_stream(root, item) == "repeated"


def test_a_batch_takes_what_a_stream_has_reserved(root: str, item: AudioRef) -> None:
    reserved = of_stream(root, item)
    assert isinstance(reserved, Task)
    unit = claim(root, item)
    assert not commit(root, Unit(STREAM.unit_id, (reserved,)))
    assert commit(root, unit)
    assert len(segment_ids(root)) == 2


def test_a_batch_leaves_what_a_stream_has_committed(
    root: str, item: AudioRef, tmp_path: Path
) -> None:
    other = ref(write(tmp_path / "b.wav", tones(levels(1))))
    reserved = of_stream(root, item)
    assert isinstance(reserved, Task)
    assert commit(root, Unit(STREAM.unit_id, (reserved,)))
    unit = claim(root, item, other)
    assert unit is not None
    assert [task.item for task in unit.tasks] == [other]
    assert claim(root, item) is None


@pytest.mark.parametrize("first", ["claims", "reserves"])
def test_if_both_see_each_other_the_batch_does_it(root: str, item: AudioRef, first: str) -> None:
    """The two write one after the other, and only then look."""
    if first == "claims":
        unit = claim(root, item)
        assert of_stream(root, item) == "elsewhere"
    else:
        task = reserve(root, item, STREAM)
        assert isinstance(task, Task)
        unit = claim(root, item)
        ((_, refusal),) = give_way(root, [task])
        assert refusal == "elsewhere"
    assert commit(root, unit)
    assert len(segment_ids(root)) == 2


def test_a_stream_takes_over_from_a_dead_batch_which_then_commits_nothing(
    tmp_path: Path, item: AudioRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(tmp_path / "out")
    take(root, DEAD)
    unit = claim(root, item)
    assert of_stream(root, item) == "elsewhere"
    monkeypatch.setattr("beam_audio.output.holder._SILENT_SECONDS", 0.0)
    task = of_stream(root, item)
    assert isinstance(task, Task)
    assert not commit(root, unit)
    assert commit(root, Unit(STREAM.unit_id, (task,)))
    assert len(segment_ids(root)) == 2


def test_a_batch_that_was_taken_over_stops(root: str, item: AudioRef) -> None:
    let_go(root, "batch")
    take(root, replace(BATCH, run_id="another"))
    with pytest.raises(HeldError, match="taken over by another batch"):
        claim(root, item)


@pytest.mark.parametrize("is_entered", [False, True], ids=["claims", "reservations"])
@pytest.mark.parametrize(
    ("text", "is_other"), [(None, False), ("said", False), ("meant", True)], ids=str
)
def test_a_message_that_states_what_a_batch_did_not_is_a_failure_of_its_own(
    root: str, item: AudioRef, text: str | None, *, is_other: bool, is_entered: bool
) -> None:
    item = replace(item, updated=item.event_time)  # which is then not stated
    assert commit(root, claim(root, replace(item, reference_text="said", stated_in="m line 1")))
    if is_entered:
        index_commits(root)
    message = replace(item, reference_text=text, stated_in="message 7", metadata=(("a", "b"),))
    found = of_stream(root, message)
    assert isinstance(found, Contradicted) if is_other else found == "repeated"
    if isinstance(found, Contradicted):
        assert found.failure.message.startswith("message 7 states another text")
        assert "than the batch" in found.failure.message
        assert found.failure.source_id != item.source_id
    assert len(segment_ids(root)) == 2


@pytest.mark.parametrize("first", ["batch", "stream"])
def test_the_same_content_under_the_same_name_keeps_its_rows(
    root: str, item: AudioRef, first: str
) -> None:
    """The object is written again, unchanged, between the two."""
    old, new = item, replace(item, version="2")
    if first == "batch":
        assert commit(root, claim(root, old))
    task = of_stream(root, new if first == "batch" else old)
    assert isinstance(task, Task)
    assert commit(root, Unit(STREAM.unit_id, (task,)))
    if first == "stream":
        assert commit(root, claim(root, new))
    assert len(segment_ids(root)) == 2


def test_an_input_that_failed_elsewhere_is_tried_again(root: str, item: AudioRef) -> None:
    """Its unit is to be done again: that a stream has a record of it, too, changes nothing."""
    assert commit(root, claim(root, item))
    other = Reservation("other", "stream")
    assert isinstance(reserve(root, item, other), Task)
    assert commit(root, Unit("other", (Task(item),)))
    (first,) = (each.unit_id for each in read_claims(root))
    again = Unit(first, (Task(item, FromAudio(item.source_id)),), version=1)
    assert claim_unit(root, again, "batch") == again


def test_a_closed_unit_gets_another_name(root: str) -> None:
    assert open_unit(root, "u") == "u"
    close_unit(root, "u")
    name = open_unit(root, "u")
    assert name != "u"
    assert open_unit(root, "u") == name


def test_claims_are_kept_until_streams_find_their_inputs_elsewhere(
    root: str, item: AudioRef, tmp_path: Path
) -> None:
    unit = claim(root, item)
    open_claim = claim(root, ref(write(tmp_path / "b.wav", tones(levels(1)))))
    assert open_claim is not None
    assert commit(root, unit)
    drop_entered(root)
    assert len(claim_files(root)) == 2
    index_commits(root)
    drop_entered(root)
    (left,) = read_claims(root)
    assert left.unit_id == open_claim.unit_id
    assert of_stream(root, item) == "repeated"


def test_a_claim_stays_if_a_stream_reserved_its_input_meanwhile(root: str, item: AudioRef) -> None:
    unit = claim(root, item)
    assert of_stream(root, item) == "elsewhere"  # the place names the stream's unit now
    assert commit(root, unit)
    index_commits(root)
    drop_entered(root)
    assert len(claim_files(root)) == 1
    close_claimed(root, read_claims(root)[0])
    assert of_stream(root, item) == "repeated"

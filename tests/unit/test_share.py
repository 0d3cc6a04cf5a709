"""Shares of a long recording: who recognises what, and that rows do not tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.bucket_servers import google_bucket
from support.unit_runs import Scripted, read_all, ref, run_unit, settings, tones, transcribe, write

from beam_audio.asr.passages import joined
from beam_audio.output.saved_work import saved_folders
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.recut import FromRows
from beam_audio.unit.share import do_share, shares_of
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit, UnitRun, transcribe_unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import Transcript
    from beam_audio.unit.unit_settings import UnitSettings

PART_SECONDS = 2.0
SECONDS = 34
LEVELS = [0.05 * (1 + n % 17) for n in range(SECONDS)]


class Heard(Scripted):
    """Adds up what it hears; in a passage, a piece has the text of the whole."""

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        found = super().transcribe(requests)
        return [
            joined([replace(heard, words=None) for _ in request.pieces])
            if request.pieces
            else heard
            for heard, request in zip(found, requests, strict=True)
        ]

    @property
    def seconds(self) -> float:
        return sum(len(each.samples) / 16_000 for batch in self.batches for each in batch)


def in_parts(**changes: Any) -> UnitSettings:  # noqa: ANN401 - settings
    return replace(settings(batch_seconds=2.0, **changes), part_seconds=PART_SECONDS)


def unit_of(*refs: AudioRef) -> Unit:
    return Unit.of(map(Task, refs))


def share_all(
    out: Path | str, unit: Unit, using: UnitSettings, workers: int, passage_seconds: float = 0.0
) -> list[float]:
    """Do all shares, the last one first; returns the seconds that each heard."""
    heard = []
    for share in reversed(shares_of(unit, using, workers)):
        recognizer = Heard(passage_seconds=passage_seconds)
        do_share(share, UnitRun(settings=using, recognizer=recognizer, root=str(out)))
        heard.append(recognizer.seconds)
    return heard[::-1]


def stated(seconds: float, **more: Any) -> AudioRef:  # noqa: ANN401 - fields of AudioRef
    return AudioRef("/nowhere.wav", 1, manifest_seconds=seconds, **more)


@pytest.mark.parametrize(
    ("seconds", "workers", "borders"),
    [
        (14.0, 4, []),
        (16.0, 4, [(0, 4), (4, None)]),
        (16.0, 1, []),
        (34.0, 8, [(0, 4), (4, 8), (8, 13), (13, None)]),
        (34.0, 2, [(0, 8), (8, None)]),
    ],
)
def test_a_share_is_four_parts_at_least(
    seconds: float, workers: int, borders: list[tuple[int, int | None]]
) -> None:
    found = shares_of(unit_of(stated(seconds)), in_parts(), workers)
    assert [(each.first, each.stop) for each in found] == borders


def test_a_header_is_read_where_nothing_is_stated_and_the_file_is_large(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "long.wav", tones(LEVELS)))
    assert len(shares_of(unit_of(source), in_parts(), 2)) == 2
    assert shares_of(unit_of(replace(source, size_bytes=31_999)), in_parts(), 2) == []
    cut = replace(source, offset_seconds=0.0, duration_seconds=3.0)
    assert shares_of(unit_of(cut), in_parts(), 2) == []


def test_what_is_not_recognised_anew_is_not_shared() -> None:
    failure = Failure("input", "list", "id", "/gone", "InputError", "gone")
    tasks = (Task(failure), Task(stated(99.0), FromRows("x")), Task(stated(99.0), known=("r",)))
    assert shares_of(Unit("unit", tasks), in_parts(), 2) == []


@pytest.mark.parametrize("passage_seconds", [0.0, 3.0])
@pytest.mark.parametrize("workers", [2, 4])
def test_each_share_hears_its_own_parts_and_the_unit_nothing(
    tmp_path: Path, workers: int, passage_seconds: float
) -> None:
    source = ref(write(tmp_path / "long.wav", tones(LEVELS)))
    unit, using = unit_of(source), in_parts()
    heard = share_all(tmp_path / "out", unit, using, workers, passage_seconds)
    assert sum(heard) == SECONDS
    assert min(heard) >= 4 * PART_SECONDS - passage_seconds
    last = Heard(passage_seconds=passage_seconds or 0.0)
    run_unit(tmp_path / "out", unit, recognizer=last, using=using)
    assert last.seconds == 0
    whole = Heard(passage_seconds=passage_seconds)
    transcribe(tmp_path / "whole", source, recognizer=whole, using=using)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
    assert not saved_folders(str(tmp_path / "out"))


def test_shares_are_saved_in_a_bucket_too(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "long.wav", tones(LEVELS)))
    unit, using = unit_of(source), in_parts()
    with google_bucket() as address:
        out, last = f"{address}/out", Heard()
        assert sum(share_all(out, unit, using, 2)) == SECONDS
        (parts,) = saved_folders(out).values()
        assert parts >= 8
        report = transcribe_unit(unit, UnitRun(settings=using, recognizer=last, root=out))
        assert last.seconds == 0
        assert not saved_folders(out)
    whole = transcribe(tmp_path / "whole", source, recognizer=Heard(), using=using)
    # A part file is named after its rows.
    assert report.commit.files == whole.commit.files


@pytest.mark.parametrize("channels", ["mix", "split"])
def test_the_unit_does_what_no_share_did(tmp_path: Path, channels: str) -> None:
    samples = np.stack([tones(LEVELS), tones(LEVELS[::-1])], axis=1)
    samples[:, 1] *= np.repeat(np.arange(SECONDS) % 3 > 0, 16_000)
    source = ref(write(tmp_path / "long.wav", samples), reference_text="alpha bravo")
    unit, using = unit_of(source), in_parts(channels=channels)
    first, *_ = shares_of(unit, using, 3)
    recognizer = Heard()
    do_share(first, UnitRun(settings=using, recognizer=recognizer, root=str(tmp_path / "out")))
    done = recognizer.seconds
    assert done > 0
    last = Heard()
    run_unit(tmp_path / "out", unit, recognizer=last, using=using)
    whole = Heard()
    transcribe(tmp_path / "whole", source, recognizer=whole, using=using)
    assert done + last.seconds == whole.seconds
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_a_share_that_is_repeated_hears_nothing_again(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "long.wav", tones(LEVELS)))
    unit, using = unit_of(source), in_parts()
    share_all(tmp_path / "out", unit, using, 2)
    assert share_all(tmp_path / "out", unit, using, 2) == [0, 0]
    run_unit(tmp_path / "out", unit, recognizer=Heard(), using=using)
    assert share_all(tmp_path / "out", unit, using, 2) == [0, 0]
    assert not saved_folders(str(tmp_path / "out"))


def test_a_header_that_states_too_little_or_too_much_loses_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", tones(LEVELS))
    for stated_seconds in (16.0, 99.0):
        out = tmp_path / str(stated_seconds)
        source = ref(path, manifest_seconds=stated_seconds)
        assert sum(share_all(out, unit_of(source), in_parts(), 4)) == SECONDS
        run_unit(out, unit_of(source), using=in_parts())
        transcribe(tmp_path / f"whole{stated_seconds}", source, using=in_parts())
        assert read_all(out) == read_all(tmp_path / f"whole{stated_seconds}")


def test_a_share_of_what_cannot_be_read_leaves_the_failure_to_the_unit(tmp_path: Path) -> None:
    source = replace(stated(99.0), uri=str(tmp_path / "none.wav"))
    assert share_all(tmp_path / "out", unit_of(source), in_parts(), 2) == [0, 0]
    run_unit(tmp_path / "out", unit_of(source), using=in_parts())
    assert len(read_all(tmp_path / "out")["failures"]) == 1

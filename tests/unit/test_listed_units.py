"""Units of a list: each input is in one of them, wherever waves end and whatever is repeated."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from support.run_outputs import write_byte, write_manifest
from support.unit_runs import LAYERS

from beam_audio.inputs.forgotten import Tombstone
from beam_audio.inputs.listed import list_lines
from beam_audio.inputs.tombstones import begin_forgetting, write_tombstones
from beam_audio.output.commits import Commit, InputState, read_commits, write_commit
from beam_audio.output.input_ids import read_ids, read_unfinished
from beam_audio.unit.listed_units import listed_units
from beam_audio.unit.record_index import RecordIndex
from beam_audio.unit.tasks import Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.unit.transcribe import Unit

FILES, MOST = 10, 3
OLD, NOW = (LAYERS | {"rules": rules} for rules in "12")
WANTED = Wanted(NOW, run_id="r")


def write_list(folder: Path) -> Path:
    """Ten files, the first of them named twice."""
    files = [write_byte(folder, f"{number}.wav") for number in range(FILES)]
    lines = [{"audio_filepath": str(file)} for file in [*files, files[0]]]
    return write_manifest(folder / "m.jsonl", lines)


def waves_of(folder: Path, most: int = MOST, unit_bytes: int = 2) -> list[list[Unit]]:
    """What a run plans; each input is a byte."""
    listed, output = list_lines(str(folder / "m.jsonl")), str(folder / "out")
    before = RecordIndex(read_commits(output))
    return list(
        listed_units(listed, before, WANTED, output=output, unit_bytes=unit_bytes, most=most)
    )


def commit(folder: Path, unit: Unit, layers: dict[str, str], run_id: str) -> None:
    sources = {
        task.source_id: InputState("recorded", task.item.place_id, "", None, layers, ("r",))
        for task in unit.tasks
    }
    write_commit(str(folder / "out"), Commit(unit.unit_id, sources, {}, run_id=run_id))


def test_each_input_is_in_one_unit_and_listed_as_often_as_it_came(tmp_path: Path) -> None:
    write_list(tmp_path)
    waves = waves_of(tmp_path)
    names = [task.source_id for unit in chain.from_iterable(waves) for task in unit.tasks]
    assert len(names) == len(set(names)) == FILES
    assert len(waves) > FILES // MOST
    listed = list(chain.from_iterable(read_ids(str(tmp_path / "out"), "r")))
    assert (len(listed), set(listed)) == (FILES + 1, set(names))


def test_a_unit_is_given_when_its_wave_is_planned_and_the_rest_is_known_to_be_ahead(
    tmp_path: Path,
) -> None:
    listed, output = list_lines(str(write_list(tmp_path))), str(tmp_path / "out")
    waves = listed_units(listed, RecordIndex([]), WANTED, output=output, unit_bytes=2, most=MOST)
    assert next(waves)
    ids, ahead = zip(*read_unfinished(output), strict=True)
    assert sum(map(len, ids)) + sum(ahead) == FILES + 1
    assert sum(ahead) >= FILES - MOST


def test_a_repeated_plan_gives_the_same_units_though_one_is_done(tmp_path: Path) -> None:
    write_list(tmp_path)
    units = list(chain.from_iterable(waves_of(tmp_path)))
    commit(tmp_path, units[1], NOW, run_id="r")
    again = list(chain.from_iterable(waves_of(tmp_path)))
    assert [unit.unit_id for unit in again] == [unit.unit_id for unit in units]


def test_a_stale_unit_comes_last_and_once(tmp_path: Path) -> None:
    write_list(tmp_path)
    ((whole,),) = waves_of(tmp_path, most=100, unit_bytes=100)
    commit(tmp_path, whole, OLD, run_id="before")
    *waves, (stale,) = waves_of(tmp_path)
    assert len(waves) > FILES // MOST
    assert not any(waves)
    assert (stale.unit_id, stale.version) == (whole.unit_id, 1)
    assert {task.source_id for task in stale.tasks} == {task.source_id for task in whole.tasks}


def test_an_input_at_a_forgotten_address_is_listed_and_in_no_unit(tmp_path: Path) -> None:
    manifest = write_list(tmp_path)
    output = str(tmp_path / "out")
    known = begin_forgetting(output)
    gone = str(tmp_path / "3.wav")
    write_tombstones(output, [Tombstone(known.mark("address", gone))])
    units = chain.from_iterable(waves_of(tmp_path))
    assert gone not in {task.item.uri for unit in units for task in unit.tasks}
    names = set(chain.from_iterable(read_ids(output, "r")))
    assert (manifest.exists(), len(names), len(known.among(names))) == (True, FILES, 1)

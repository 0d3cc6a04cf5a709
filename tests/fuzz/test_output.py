"""An output folder that others wrote into: errors of ours, and nothing outside it is touched."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support.fuzzing import Damaged, attempt, damaged, fuzzed, strange
from support.unit_runs import files, ref, tones, transcribe, update, write

from beam_audio.command.flags import resolve
from beam_audio.command.speeds import worker_speed
from beam_audio.errors import BeamAudioError
from beam_audio.output.commits import Commit, delete_uncommitted, parse_commit, read_commits
from beam_audio.output.compact import compact
from beam_audio.output.counted import Counted
from beam_audio.output.ledger import read_ledger
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.stream.reservations import Reservation, reserve
from beam_audio.unit.record_index import RecordIndex

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, the output made of it, and a file that is nobody's business."""
    place = tmp_path_factory.mktemp("fuzz")
    write(place / "a.wav", tones([0.1, 0.2]))
    (place / "part-a.parquet").write_bytes(b"not ours")
    transcribe(place / "whole", ref(place / "a.wav"))
    reserve(str(place / "whole"), ref(place / "a.wav"), Reservation("u", "r"))
    return place


@pytest.fixture(scope="module")
def record(place: Path) -> bytes:
    (path,) = (place / "whole" / "_units").glob("*.json")
    return path.read_bytes()


def use(output: Path, recording: AudioRef) -> None:
    """Everything that reads what is in an output."""
    committed = list(read_commits(str(output)))
    RecordIndex(committed)
    read_ledger(str(output), [recording.source_id], counted=Counted.of(committed))
    delete_uncommitted(str(output))
    update(output, recording)
    reserve(str(output), recording, Reservation("v", "s"))
    compact(str(output))


def check(parsed: Commit) -> None:
    """What other code relies on without looking."""
    for source_id, state in parsed.sources.items():
        assert isinstance(source_id, str)
        assert all(isinstance(each, str) for each in (*state.recording_ids, state.place_id))
    assert not [name for name in parsed.files if ".." in name or name.startswith("/")]


@given(content=st.data())
@fuzzed(300)
def test_strange_commit_records(record: bytes, content: st.DataObject) -> None:
    fields = json.loads(record)
    uri = f"/out/_units/{fields['unit_id']}.json"
    data = json.dumps(content.draw(strange(fields))).encode()
    attempt(data, lambda: check(parse_commit(uri, data)), BeamAudioError)


@given(data=st.data())
@fuzzed(300)
def test_damaged_commit_records(record: bytes, data: st.DataObject) -> None:
    uri = f"/out/_units/{json.loads(record)['unit_id']}.json"
    content = data.draw(damaged({"record": record, "deep": b"[" * 100_000}))
    attempt(content, lambda: check(parse_commit(uri, content)), BeamAudioError)


RUN_FILE = {
    "run_id": "20260105T090000-0123abcd",
    "schema_version": SCHEMA_VERSION,
    "configuration": {"model": "placeholder", "precision": None, "padding": None},
    "machine": {"cores": 2},
    "model_id": "m",
    "providers": ["CPUExecutionProvider"],
    "throughput": {"decoded_seconds": 90.0, "wall_seconds": 30.0, "times_real_time": 3.0},
}


@given(data=st.data())
@fuzzed(150)
def test_run_files(place: Path, data: st.DataObject) -> None:
    """A plan takes the speed of an earlier run, or goes on to the next."""
    output = place / "planned"
    output.mkdir(exist_ok=True)
    whole = json.dumps(RUN_FILE).encode()
    content = data.draw(
        damaged({"run": whole, "deep": b"[" * 100_000})
        | strange(RUN_FILE).map(lambda value: json.dumps(value).encode())
    )
    (output / "run-20260105T090000-0123abcd.json").write_bytes(content)
    config = resolve({"input": "x", "output": str(output), "model": "placeholder"})
    speed = attempt(content, lambda: worker_speed(config, cores=2), BeamAudioError)
    assert speed is None or speed.times_real_time > 0


@given(data=st.data())
@fuzzed(40)
def test_a_damaged_file_in_an_output(place: Path, data: st.DataObject) -> None:
    output = place / "damaged"
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(place / "whole", output)
    names = sorted(name for name, content in files(output).items() if content)
    name = data.draw(st.sampled_from(names))
    content: Damaged = data.draw(damaged({name: (output / name).read_bytes()}))
    (output / name).write_bytes(content)
    beside = (place / "a.wav").read_bytes()
    attempt(content, lambda: use(output, ref(place / "a.wav")), BeamAudioError)
    assert (place / "part-a.parquet").read_bytes() == b"not ours"
    assert (place / "a.wav").read_bytes() == beside

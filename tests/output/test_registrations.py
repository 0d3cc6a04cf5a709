"""Registrations of an output: noted once, read back, and what they keep from being deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.registered import replace_texts
from support.unit_runs import levels, ref, tones, transcribe, write

from beam_audio.errors import StoreError
from beam_audio.output.commits import delete_uncommitted
from beam_audio.output.compact import compact
from beam_audio.output.expire import superseded_parts
from beam_audio.output.registration import Registration
from beam_audio.output.registrations import is_registered, note_registration, read_registrations

if TYPE_CHECKING:
    from pathlib import Path

DELTA = Registration("delta", "beam_audio")


def test_a_later_registration_of_a_format_replaces_the_earlier_one(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert not is_registered(root)
    for each in (DELTA, Registration("iceberg", "a"), Registration("iceberg", "b", "prod")):
        note_registration(root, each)
    assert is_registered(root)
    assert read_registrations(root) == [DELTA, Registration("iceberg", "b", "prod")]


@pytest.mark.parametrize("text", ["", "[]", '{"format": "csv", "namespace": "a", "catalog": ""}'])
def test_a_damaged_note_is_told(tmp_path: Path, text: str) -> None:
    note_registration(str(tmp_path), DELTA)
    (tmp_path / "_registered" / "delta.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match="register again"):
        read_registrations(str(tmp_path))


@pytest.mark.parametrize("registered", [True, False])
def test_superseded_parts_of_a_registered_output_stay(tmp_path: Path, registered: bool) -> None:  # noqa: FBT001
    out = tmp_path / "out"
    for number in range(2):
        transcribe(out, ref(write(tmp_path / f"{number}.wav", tones(levels(number + 1)))))
    if registered:
        note_registration(str(out), DELTA)
    first = set(parts(out))
    replace_texts(out, "new")
    second = set(parts(out)) - first
    compact(str(out))
    delete_uncommitted(str(out))
    assert (first | second <= set(parts(out))) is registered
    assert set(superseded_parts(str(out))) == (first | second if registered else set())


def parts(out: Path) -> list[str]:
    return [str(path.relative_to(out)) for path in out.rglob("part-*.parquet")]

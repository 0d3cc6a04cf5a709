"""Claims: after a fence nobody commits what was claimed, and no row is lost by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from beam_audio.errors import StoreError
from beam_audio.output.claims import (
    Claim,
    claim_files,
    claimed_versions,
    close_claimed,
    close_others,
    drop_claims,
    is_settled,
    read_claims,
    write_claim,
)
from beam_audio.output.commits import (
    Commit,
    InputState,
    LostTo,
    Written,
    is_closed,
    read_commit,
    write_commit,
)

CLAIM = Claim("u", 1, "run", {"source": "place"})
STATE = InputState("recorded", "place", "", None, {}, ("recording",))
COMMIT = Commit("u", {"source": STATE}, {}, files=("segments/part-u.parquet",), run_id="run")


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path)


def test_claims_are_read_as_they_were_written(root: str) -> None:
    write_claim(root, CLAIM)
    write_claim(root, replace(CLAIM, version=2, run_id="other"))
    assert sorted(read_claims(root), key=lambda claim: claim.version) == [
        CLAIM,
        replace(CLAIM, version=2, run_id="other"),
    ]
    write_claim(root, replace(CLAIM, run_id="a later run"))
    assert {claim.run_id for claim in read_claims(root)} == {"a later run", "other"}


def test_units_and_versions_are_told_by_names_alone(root: str) -> None:
    write_claim(root, CLAIM)
    write_claim(root, replace(CLAIM, version=12, run_id="other"))
    for file in claim_files(root):
        Path(file.path).write_bytes(b"{")
    assert sorted(claimed_versions(root)) == [("u", 1), ("u", 12)]


def test_a_fenced_unit_is_never_committed(root: str) -> None:
    assert close_claimed(root, CLAIM).is_closed
    assert isinstance(write_commit(root, COMMIT), LostTo)


def test_a_fence_leaves_the_rows_of_a_unit_that_was_to_be_done_again(root: str) -> None:
    assert isinstance(write_commit(root, COMMIT), Written)
    again = replace(CLAIM, version=2)
    assert not is_settled(again, read_commit(root, "u"))
    fenced = close_claimed(root, again)
    assert (fenced.files, fenced.sources) == (COMMIT.files, COMMIT.sources)
    assert isinstance(write_commit(root, replace(COMMIT, version=2, files=())), LostTo)
    assert read_commit(root, "u") == fenced


def test_only_what_others_claimed_is_closed(root: str) -> None:
    write_claim(root, CLAIM)
    write_claim(root, replace(CLAIM, unit_id="v", run_id="other"))
    close_others(root, "run")
    assert read_commit(root, "u") is None
    assert is_closed(root, "v")


def test_what_is_committed_in_time_stays(root: str) -> None:
    write_commit(root, COMMIT)
    assert is_settled(CLAIM, read_commit(root, "u"))
    assert close_claimed(root, CLAIM) == COMMIT


def test_claims_stay_for_streams(root: str, tmp_path: Path) -> None:
    write_claim(root, CLAIM)
    (tmp_path / "_places").mkdir()
    (tmp_path / "_places" / "indexed").write_bytes(b"0.0")
    drop_claims(root, "run".__eq__)
    assert len(claim_files(root)) == 1
    (tmp_path / "_places" / "indexed").unlink()
    drop_claims(root, "other".__eq__)
    assert len(claim_files(root)) == 1
    drop_claims(root, "run".__eq__)
    assert claim_files(root) == []


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"unit_id": "u", "version": 1, "run_id": "r", "places": 1}',
        '{"unit_id": "../u", "version": 1, "run_id": "r", "places": {}}',
    ],
)
def test_a_broken_claim_is_named(root: str, tmp_path: Path, content: str) -> None:
    (tmp_path / "_claims").mkdir()
    (tmp_path / "_claims" / "u-1.json").write_text(content, "utf-8")
    with pytest.raises(StoreError, match=r"u-1\.json.*delete it"):
        read_claims(root)

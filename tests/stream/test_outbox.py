"""The outbox: every committed row is published, whatever happens in between."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.bucket_servers import amazon_bucket, google_bucket
from support.published_rows import expected, in_order, notes, received
from support.unit_runs import levels, ref, settings, tones, transcribe, update, write

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.output.commits import delete_uncommitted, read_commits
from beam_audio.output.compact import compact
from beam_audio.store.output_names import OUTBOX
from beam_audio.stream.outbox import note, publish_left_over, publish_unit, unit_messages
from beam_audio.stream.row_messages import ID_COLUMNS
from beam_audio.stream.topic import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from support.pubsub_emulator import Channel

    from beam_audio.schema import Table
    from beam_audio.stream.row_messages import TopicMessage
    from beam_audio.types import AudioRef

OTHER_RULES = settings(rules="strict")


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    paths = [write(tmp_path / f"{n}.wav", tones(levels(n + 1))) for n in range(3)]
    return [ref(path, metadata=(("room", f"a/{n % 2}"),)) for n, path in enumerate(paths)]


def messages(out: Path) -> list[TopicMessage]:
    return [each for commit in read_commits(str(out)) for each in unit_messages(str(out), commit)]


def contents(messages: Iterable[TopicMessage], table: Table) -> list[dict[str, Any]]:
    found = [each for each in messages if each.attributes["table"] == table]
    return in_order(json.loads(each.data) for each in found)


@pytest.mark.parametrize("partition_by", [("date", "language"), ("room",), ()])
@pytest.mark.parametrize("is_compacted", [False, True])
def test_messages_are_the_rows_of_the_part_files(
    tmp_path: Path,
    inputs: list[AudioRef],
    partition_by: tuple[str, ...],
    is_compacted: bool,  # noqa: FBT001 - a parameter
) -> None:
    out = tmp_path / "out"
    for item in inputs:
        transcribe(out, item, using=settings(partition_by=partition_by, store_audio="flac"))
    if is_compacted:
        compact(str(out))
    published = messages(out)
    assert len(published) == 9
    for table in ID_COLUMNS:
        assert contents(published, table) == expected(out, table)


def test_each_unit_of_a_shared_file_publishes_its_own_rows(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    out = tmp_path / "out"
    for item in inputs:
        transcribe(out, item)
    compact(str(out))
    for commit in read_commits(str(out)):
        published = unit_messages(str(out), commit)
        assert {each.attributes["source_id"] for each in published} == set(commit.sources)


def test_a_redone_row_has_another_version_and_a_changed_row_another_content_id(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    out = tmp_path / "out"
    transcribe(out, inputs[0])
    before = messages(out)
    update(out, inputs[0], using=OTHER_RULES)
    after = messages(out)
    assert {each.attributes["version"] for each in before} == {"1"}
    assert {each.attributes["version"] for each in after} == {"2"}
    same = ("table", "id")
    assert [[each.attributes[name] for name in same] for each in before] == [
        [each.attributes[name] for name in same] for each in after
    ]
    changed = {
        one.attributes["table"]: one.attributes["content_id"] != two.attributes["content_id"]
        for one, two in zip(before, after, strict=True)
    }
    assert changed == {"segments": True, "recordings": False}


def test_a_clean_up_keeps_notes(tmp_path: Path) -> None:
    note(str(tmp_path), "u", 1)
    delete_uncommitted(str(tmp_path))
    assert notes(tmp_path) == ["u-1"]


@pytest.mark.integration
def test_rows_committed_before_a_crash_are_published_afterwards(
    tmp_path: Path, inputs: list[AudioRef], channel: Channel
) -> None:
    out = tmp_path / "out"
    for item in inputs[:2]:
        commit = transcribe(out, item).commit
        note(str(out), commit.unit_id, commit.version)
    transcribe(out, inputs[2])
    noted = [each for each in messages(out) if each.attributes["source_id"] != inputs[2].source_id]
    with Topic(channel.topic) as topic:
        assert publish_left_over(topic, str(out)) == len(noted) == 5
        assert notes(out) == []
        assert publish_left_over(topic, str(out)) == 0
    assert received(channel) == sorted([(each.data, each.attributes) for each in noted], key=repr)


@pytest.mark.integration
def test_the_note_of_an_uncommitted_unit_is_kept(
    tmp_path: Path, inputs: list[AudioRef], channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    commit = transcribe(out, inputs[0]).commit
    note(str(out), "another", 1)
    note(str(out), commit.unit_id, commit.version + 1)
    with Topic(channel.topic) as topic:
        assert publish_left_over(topic, str(out)) == 0
        assert len(notes(out)) == 2
        update(out, inputs[0], using=OTHER_RULES)
        assert publish_left_over(topic, str(out)) == 2
        assert notes(out) == ["another-1"]
        later = time.time() + 32 * 86_400
        monkeypatch.setattr(time, "time", lambda: later)
        assert publish_left_over(topic, str(out)) == 0
        assert notes(out) == []


@pytest.mark.integration
def test_files_that_were_merged_meanwhile_are_found(
    tmp_path: Path, inputs: list[AudioRef], channel: Channel
) -> None:
    out = tmp_path / "out"
    commits = [transcribe(out, item).commit for item in inputs]
    note(str(out), commits[0].unit_id, 1)
    compact(str(out))
    with Topic(channel.topic) as topic:
        assert publish_unit(topic, str(out), commits[0]) == 2
        assert notes(out) == []
        for path in (out / "segments").rglob("*.parquet"):
            path.unlink()
        with pytest.raises(InputError):
            publish_unit(topic, str(out), next(read_commits(str(out))))


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["gs", "s3"])
def test_notes_in_a_bucket(kind: str, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        google_bucket() if kind == "gs" else amazon_bucket() as found,
        Topic(channel.topic) as topic,
    ):
        root = found if isinstance(found, str) else found[0]
        note(root, "u", 1)
        note(root, "u", 1)
        assert publish_left_over(topic, root) == 0
        assert [each.path for each in store.files_under(root)] == [f"{root}/{OUTBOX}/u-1"]
        later = time.time() + 32 * 86_400
        monkeypatch.setattr(time, "time", lambda: later)
        publish_left_over(topic, root)
        assert store.files_under(root) == []

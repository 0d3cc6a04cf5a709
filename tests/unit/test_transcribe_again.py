"""A unit with other settings: only what changed is done, and the rows equal a fresh run's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.unit_runs import (
    DEMO,
    LAYERS,
    RATE_HZ,
    RIVER,
    VAD,
    WINDOWS,
    Scripted,
    fail_when_loud,
    files,
    hear_loudness,
    read,
    read_all,
    ref,
    settings,
    speech,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.output import commits
from beam_audio.output.ledger import read_ledger
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import AudioRef, Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import Row
    from beam_audio.unit.tasks import Input
    from beam_audio.unit.unit_settings import UnitSettings

SPEECH = speech()
OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=0.5)


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Input]:
    """Speech, a truncated file, a broken one, silence and two channels."""
    folder = tmp_path_factory.mktemp("inputs")
    truncated = write(folder / "cut.flac", np.concatenate([SPEECH, SPEECH]))
    truncated.write_bytes(truncated.read_bytes()[:-9000])
    (folder / "junk.mp3").write_bytes(b"no audio at all")
    return [
        ref(DEMO / "greenhouse.flac", manifest_seconds=3.0),
        ref(DEMO / "lake.mp3", metadata=(("speaker", "b"),)),
        ref(DEMO / "river.wav", reference_text=RIVER, language="en"),
        ref(DEMO / "river.wav", offset_seconds=0.5, duration_seconds=2.0),
        ref(truncated, reference_text=RIVER),
        ref(folder / "junk.mp3"),
        ref(write(folder / "silence.wav", np.zeros(2 * RATE_HZ, np.float32))),
        ref(write(folder / "two.wav", np.stack([SPEECH, SPEECH * 0.5], 1)), event_time=None),
    ]


def changed(*names: str) -> dict[str, str]:
    """The layers, with other hashes for these."""
    return LAYERS | dict.fromkeys(names, "another")


def hear_more(request: Request) -> Transcript:
    """What another model hears."""
    transcript = hear_loudness(request)
    return replace(transcript, text=f"{transcript.text} uh", language="de")


MADE_BY = {
    "rules": ("rows", settings(segments=VAD, channels="split", rules="strict"), None),
    "metrics": (
        "rows",
        settings(segments=VAD, channels="split", normalizer="none", layers=changed("metrics")),
        None,
    ),
    "model": (
        "recognise",
        settings(segments=VAD, channels="split", layers=changed("model")),
        hear_more,
    ),
    "measures": (
        "measure",
        settings(segments=VAD, channels="split", layers=changed("measures")),
        None,
    ),
    "segment": (
        "audio",
        settings(segments=OVERLAPPING, channels="split", layers=changed("segment")),
        None,
    ),
    "decode": ("audio", settings(segments=VAD, channels="mix", layers=changed("decode")), None),
}
STAGES = {
    "rows": {"write"},
    "recognise": {"open", "decode", "measure", "recognise", "write"},
    "measure": {"open", "decode", "segment", "measure", "write"},
    "audio": {"open", "decode", "segment", "measure", "recognise", "write"},
}


@pytest.mark.parametrize("layer", MADE_BY)
def test_only_the_layers_from_the_changed_one_on_are_done_again(
    tmp_path: Path, inputs: list[Input], layer: str
) -> None:
    how, using, hear = MADE_BY[layer]
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    before = settings(segments=VAD, channels="split")
    transcribe(out, *inputs, using=before)
    recognizer = Scripted(hear or hear_loudness)
    (report,) = update(out, *inputs, using=using, recognizer=recognizer)
    transcribe(fresh, *inputs, using=using, recognizer=Scripted(hear or hear_loudness))

    assert report.commit.stage_seconds.keys() & STAGES["audio"] == STAGES[how]
    assert bool(recognizer.batches) is ("recognise" in STAGES[how])
    assert read_all(out) == read_all(fresh)
    assert read_all(out) != read_all_of(tmp_path / "before", inputs, before)
    assert commits.delete_uncommitted(str(out)) == 0
    assert read_ledger(str(out), [each.source_id for each in inputs]).balances
    stays = files(out)
    assert update(out, *inputs, using=using, recognizer=Scripted()) == []
    assert files(out) == stays


def read_all_of(root: Path, inputs: Sequence[Input], using: UnitSettings) -> dict[str, list[Row]]:
    """The rows of a fresh run."""
    transcribe(root, *inputs, using=using)
    return read_all(root)


@pytest.mark.parametrize("store_audio", ["flac", "opus"])
@pytest.mark.parametrize("layer", ["rules", "model", "measures"])
def test_stored_audio_stays_with_its_row(tmp_path: Path, store_audio: str, layer: str) -> None:
    inputs = [ref(DEMO / name) for name in ("river.wav", "greenhouse.flac")]
    options: dict[str, Any] = {"segments": VAD, "store_audio": store_audio}
    using = (
        settings(**options, rules="strict")
        if layer == "rules"
        else settings(**options, layers=changed(layer))
    )
    transcribe(tmp_path / "out", *inputs, using=settings(**options))
    update(tmp_path / "out", *inputs, using=using)
    rows = read_all_of(tmp_path / "fresh", inputs, using)
    assert all(row["audio"]["bytes"] for row in rows["segments"])
    assert read_all(tmp_path / "out") == rows


def test_changed_statements_score_again_without_inference(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{index}.wav", tones([0.1 * index, 0.2])) for index in (1, 2)]
    before = [ref(path, reference_text="alpha alpha") for path in paths]
    out, recognizer = tmp_path / "out", Scripted()
    transcribe(out, *before)
    now = [before[0], ref(paths[1], reference_text="bravo bravo", language="fr")]
    (report,) = update(out, *now, recognizer=recognizer)
    assert recognizer.batches == []
    assert report.commit.stage_seconds.keys() & STAGES["audio"] == {"write"}
    assert read_all(out) == read_all_of(tmp_path / "fresh", list(now), settings())


def test_unlisted_inputs_keep_their_rows(tmp_path: Path) -> None:
    inputs = [ref(write(tmp_path / f"{index}.wav", tones([index / 10, 0.2]))) for index in range(4)]
    gone = AudioRef(str(tmp_path / "gone.wav"), 100)
    out = tmp_path / "out"
    transcribe(out, *inputs, gone)
    before = read_all(out)
    strict = settings(rules="strict")
    (report,) = update(out, *inputs[:2], using=strict)
    assert report.commit.version == 2
    rows, fresh = read_all(out), read_all_of(tmp_path / "fresh", list(inputs), strict)
    for table in ("segments", "recordings"):
        uris = {each.uri for each in inputs[:2]}
        expected = [row for row in fresh[table] if row["uri"] in uris]
        expected += [row for row in before[table] if row["uri"] not in uris]
        assert rows[table] == sorted(expected, key=repr)
    assert rows["failures"] == before["failures"]
    update(out, *inputs[2:], gone, using=strict)
    assert read_all(out)["segments"] == fresh["segments"]


def test_failed_segments_are_tried_again_and_survive_new_rules(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.95, 0.2, 0.3, 0.4])), reference_text="a")
    out, using = tmp_path / "out", settings(segments=OVERLAPPING)
    recognizer = Scripted(fail_when_loud)
    transcribe(out, source, using=using, recognizer=recognizer)
    assert update(out, source, using=using) == []

    strict = settings(segments=OVERLAPPING, rules="strict")
    update(out, source, using=strict)
    transcribe(tmp_path / "failing", source, using=strict, recognizer=recognizer)
    assert read_all(out) == read_all(tmp_path / "failing")
    assert len(read(out, "failures")) > 0

    update(out, source, using=strict, retry_failures=True)
    rows = read_all(out)
    assert rows == read_all_of(tmp_path / "fresh", [source], strict)
    assert rows["failures"] == []


def test_a_kill_at_any_moment_leaves_the_old_rows_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [ref(write(tmp_path / f"{index}.wav", tones([0.1, 0.2]))) for index in range(2)]
    out, using = tmp_path / "out", settings(layers=changed("model"))
    transcribe(out, *inputs)
    old = read_committed(out)

    def kill(*_: object) -> None:
        raise Killed

    for moment in ("UnitWork.run", "carry", "write_commit", "delete_replaced"):
        with monkeypatch.context() as patched:
            patched.setattr(f"beam_audio.unit.transcribe.{moment}", kill)
            with pytest.raises(Killed):
                update(out, *inputs, using=using, recognizer=Scripted(hear_more))
        if moment != "delete_replaced":
            assert read_committed(out) == old
            commits.delete_uncommitted(str(out))
            assert read_all(out) == old
    assert commits.delete_uncommitted(str(out)) > 0
    assert update(out, *inputs, using=using) == []
    transcribe(tmp_path / "fresh", *inputs, using=using, recognizer=Scripted(hear_more))
    assert read_all(out) == read_all(tmp_path / "fresh")


def read_committed(root: Path) -> dict[str, list[Row]]:
    """Rows of the files that commit records name."""
    named = {root / name for commit in commits.read_commits(str(root)) for name in commit.files}
    hidden = [path for path in root.rglob("part-*.parquet") if path not in named]
    for path in hidden:
        path.rename(path.with_name(f"_{path.name}"))  # readers pass such names by
    rows = read_all(root)
    for path in hidden:
        path.with_name(f"_{path.name}").rename(path)
    return rows


@pytest.mark.parametrize("layer", ["rules", "measures", "model", "segment"])
def test_a_touched_file_is_done_again_in_place(tmp_path: Path, layer: str) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    other = ref(write(tmp_path / "b.wav", tones([0.3])))
    out, touched = tmp_path / "out", ref(path, version="2")
    transcribe(out, ref(path), other)
    update(out, touched, other)  # known by its content
    using = {
        "rules": settings(rules="strict"),
        "measures": settings(layers=changed("measures")),
        "model": settings(layers=changed("model")),
        "segment": settings(layers=changed("segment"), segments=OVERLAPPING),
    }[layer]
    update(out, touched, other, using=using)
    assert read_all(out) == read_all_of(tmp_path / "fresh", [touched, other], using)
    assert update(out, touched, other, using=using) == []


@pytest.mark.parametrize("layer", ["rules", "measures", "model", "segment"])
def test_other_content_at_the_same_place_leaves_the_old_rows(tmp_path: Path, layer: str) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    out = tmp_path / "out"
    transcribe(out, ref(path))
    old = read_all(out)
    write(path, tones([0.4, 0.5]))
    using = settings(rules="strict") if layer == "rules" else settings(layers=changed(layer))
    update(out, ref(path, version="2"), using=using)
    new = read_all_of(tmp_path / "fresh", [ref(path, version="2")], using)
    for table, rows in read_all(out).items():
        assert rows == sorted([*old[table], *new[table]], key=repr)
    assert update(out, ref(path, version="2"), using=using) == []


def test_audio_that_is_gone_is_a_failure_and_comes_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    source, content, out = ref(path), path.read_bytes(), tmp_path / "out"
    transcribe(out, source)
    path.unlink()
    using = settings(layers=changed("model"))
    update(out, source, using=using)
    rows = read_all(out)
    assert [len(rows[table]) for table in ("segments", "recordings", "failures")] == [0, 0, 1]
    path.write_bytes(content)
    update(out, source, using=using, retry_failures=True)
    assert read_all(out) == read_all_of(tmp_path / "fresh", [source], using)


def test_new_windows_of_an_old_output_are_those_of_a_fresh_one(tmp_path: Path) -> None:
    """No rows of the earlier segments stay behind."""
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4])))
    out = tmp_path / "out"
    transcribe(out, source, using=settings(segments=WINDOWS))
    using = settings(segments=OVERLAPPING, layers=changed("segment"))
    update(out, source, using=using)
    assert read_all(out) == read_all_of(tmp_path / "fresh", [source], using)
    assert {path.name.split("-")[2] for path in out.rglob("part-*.parquet")} == {"2"}


def test_a_text_without_a_channel_scores_no_channel_in_rows_made_again(tmp_path: Path) -> None:
    stereo = np.stack([tones([0.1, 0.2]), tones([0.3, 0.4])], axis=1)
    source = ref(write(tmp_path / "a.wav", stereo), reference_text="alpha")
    using = settings(channels="split")
    out = tmp_path / "out"
    transcribe(out, source, using=using)
    now = ref(tmp_path / "a.wav", reference_text="bravo")
    update(out, now, using=using)
    rows = read_all(out)
    assert rows == read_all_of(tmp_path / "fresh", [now], using)
    assert [row["wer"] for row in rows["recordings"]] == [None, None]
    assert all("reference_without_channel" in row["reasons"] for row in rows["recordings"])

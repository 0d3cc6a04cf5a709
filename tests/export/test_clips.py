"""The audio of items: from stored clips or recordings, exact to the sample."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.unit_runs import (
    RATE_HZ,
    WINDOWS,
    read,
    ref,
    settings,
    speech,
    tones,
    transcribe,
    write,
)

from beam_audio import store
from beam_audio.export.choose import Chosen, choose
from beam_audio.export.clips import CHANGED, UNDECODABLE, UNREADABLE, clips_of
from beam_audio.export.item import Clip, ExportItem
from beam_audio.export.options import ExportOptions
from beam_audio.export.plan import plan
from beam_audio.output.commits import read_commits

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from beam_audio.audio.encode import ClipCodec
    from beam_audio.types import AudioRef


def exported(
    out: Path, codec: ClipCodec = "flac", *, pack: bool = False
) -> list[tuple[ExportItem, Clip | str]]:
    """All items of an output with their audio, by time."""
    options = ExportOptions("nemo", where="true", pack_seconds=(1.5, 4.0) if pack else None)
    commits = list(read_commits(str(out)))
    chosen: Chosen = choose(str(out), commits, options)
    items = [item for shard in plan(chosen, options).shards for item in shard.items]
    found = [*clips_of(str(out), commits, items, chosen.recordings, codec)]
    return sorted(found, key=lambda each: (each[0].channel or 0, each[0].start_sample))


def decoded(clip: Clip | str) -> NDArray[np.int16]:
    assert isinstance(clip, Clip)
    samples: NDArray[np.int16] = soundfile.read(io.BytesIO(clip.encoded), dtype="int16")[0]
    assert clip.samples == len(samples)
    return samples


def whole_of(source: Path) -> NDArray[np.int16]:
    samples: NDArray[np.int16] = soundfile.read(source, dtype="int16")[0]
    return samples


@pytest.mark.parametrize("store_audio", ["none", "flac"])
@pytest.mark.parametrize("codec", ["flac", "wav"])
def test_clips_are_the_samples_of_the_recording(
    tmp_path: Path, store_audio: str, codec: ClipCodec
) -> None:
    source = write(tmp_path / "a.wav", speech())
    transcribe(tmp_path / "out", ref(source), using=settings(store_audio=store_audio))
    whole = whole_of(source)
    if store_audio != "none":
        source.unlink()
    found = exported(tmp_path / "out", codec)
    assert len(found) == len(read(tmp_path / "out", "segments")) > 1
    for item, clip in found:
        assert np.array_equal(decoded(clip), whole[item.start_sample : item.end_sample])


def test_stored_audio_in_the_wanted_codec_stays_as_it_is(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", speech())
    transcribe(tmp_path / "out", ref(source), using=settings(store_audio="opus"))
    stored = {
        row["segment_id"]: row["audio"]["bytes"] for row in read(tmp_path / "out", "segments")
    }
    for item, clip in exported(tmp_path / "out", "opus"):
        assert isinstance(clip, Clip)
        assert clip.encoded == stored[item.item_id]
    for item, clip in exported(tmp_path / "out", "flac"):
        assert len(decoded(clip)) == item.end_sample - item.start_sample


@pytest.mark.parametrize("store_audio", ["none", "flac"])
def test_packed_items_keep_the_times_of_the_recording(tmp_path: Path, store_audio: str) -> None:
    source = write(tmp_path / "a.wav", speech())
    transcribe(tmp_path / "out", ref(source), using=settings(store_audio=store_audio))
    found = exported(tmp_path / "out", pack=True)
    assert any(len(item.pieces) > 1 for item, _ in found)
    whole = whole_of(source)
    for item, clip in found:
        samples = decoded(clip)
        assert len(samples) == item.end_sample - item.start_sample
        for piece in item.pieces:
            place = slice(
                piece.start_sample - item.start_sample, piece.end_sample - item.start_sample
            )
            assert np.array_equal(samples[place], whole[piece.start_sample : piece.end_sample])


def test_channels_of_a_recording_are_cut_from_one_decoding(tmp_path: Path) -> None:
    left, right = tones([0.2, 0.4]), tones([0.5, 0.3])
    source = write(tmp_path / "a.wav", np.stack([left, right], axis=1))
    using = settings(channels="split", segments=WINDOWS)
    transcribe(tmp_path / "out", ref(source), using=using)
    found = exported(tmp_path / "out")
    assert {item.channel for item, _ in found} == {0, 1}
    for item, clip in found:
        whole = whole_of(source)[:, item.channel or 0]
        assert np.array_equal(decoded(clip), whole[item.start_sample : item.end_sample])


def test_a_cut_of_a_recording_begins_where_it_was_cut(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4]))
    cut = ref(source, offset_seconds=1.5, duration_seconds=2.0)
    transcribe(tmp_path / "out", cut, using=settings(segments=WINDOWS))
    whole = whole_of(source)[round(1.5 * RATE_HZ) :]
    found = exported(tmp_path / "out")
    assert len(found) == 2
    for item, clip in found:
        assert np.array_equal(decoded(clip), whole[item.start_sample : item.end_sample])


def test_cuts_of_one_file_are_cut_from_one_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4]))
    cuts = [ref(source, offset_seconds=start, duration_seconds=1.0) for start in (0.5, 1.5, 2.5)]
    transcribe(tmp_path / "out", *cuts, using=settings(segments=WINDOWS))
    rows = read(tmp_path / "out", "recordings")
    start_of = {row["recording_id"]: round(row["offset_seconds"] * RATE_HZ) for row in rows}
    opened: list[AudioRef] = []
    open_input = store.open_input

    def noted(ref: AudioRef) -> BinaryIO:
        opened.append(ref)
        return open_input(ref)

    monkeypatch.setattr(store, "open_input", noted)
    found = exported(tmp_path / "out")
    assert len(opened) == 1
    assert len(found) == len(cuts)
    for item, clip in found:
        start = start_of[item.recording_id]
        wanted = slice(start + item.start_sample, start + item.end_sample)
        assert np.array_equal(decoded(clip), whole_of(source)[wanted])


def test_a_recording_that_is_not_what_it_was_costs_its_own_items(tmp_path: Path) -> None:
    names = ("good", "gone", "changed")
    refs = [ref(write(tmp_path / f"{name}.wav", tones([0.3]))) for name in names]
    transcribe(tmp_path / "out", *refs, using=settings(segments=WINDOWS))
    (tmp_path / "gone.wav").unlink()
    write(tmp_path / "changed.wav", tones([0.4]))
    found = {item.uri.rpartition("/")[2]: clip for item, clip in exported(tmp_path / "out")}
    assert isinstance(found["good.wav"], Clip)
    assert found["gone.wav"] == UNREADABLE
    assert found["changed.wav"] == CHANGED
    assert UNDECODABLE not in found.values()

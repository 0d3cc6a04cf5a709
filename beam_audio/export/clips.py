"""The audio of items, from the clips that are stored or from the recordings themselves.

Stored clips are read in the order of their files. A file is copied and hashed once, whatever the
number of recordings that are cuts of it. A recording is decoded once, whatever the number of its
items, and no more of it is in memory than the item at hand.
"""

from __future__ import annotations

import io
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import soundfile

from beam_audio import store
from beam_audio.audio.decode import resample
from beam_audio.audio.decoders.request import Cut, DecodeRequest
from beam_audio.audio.encode import encode_clip, muted
from beam_audio.audio.isolated.stream import IsolatedStream
from beam_audio.audio.limits import DecodeLimits
from beam_audio.audio.mixing import Mixer
from beam_audio.errors import raise_machine_error
from beam_audio.export.item import Clip, ExportItem
from beam_audio.output.commits import counted_sources, units_by_file
from beam_audio.output.parts import opened_part, rows_of
from beam_audio.schema import AUDIO
from beam_audio.types import AudioRef, Segment
from beam_audio.unit.file_copies import FileCopies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from beam_audio.audio.encode import ClipCodec
    from beam_audio.audio.mixing import Channels
    from beam_audio.output.commits import Commit
    from beam_audio.types import Row

UNREADABLE: Final = "its recording cannot be read, and no audio is stored"
CHANGED: Final = "its recording has changed since, and no audio is stored"
UNDECODABLE: Final = "its recording cannot be decoded, and no audio is stored"

_BySource = defaultdict[tuple[str, int | None], list[ExportItem]]
"""Items by the input that they are in, and by its audio track."""

_MAGIC: Final[Mapping[ClipCodec, bytes]] = {"flac": b"fLaC", "opus": b"OggS", "wav": b"RIFF"}


def clips_of(
    root: str,
    commits: Sequence[Commit],
    items: Sequence[ExportItem],
    recordings: Mapping[str, Row],
    codec: ClipCodec,
) -> Iterator[tuple[ExportItem, Clip | str]]:
    """Yield each item with its audio, or why there is none; in any order.

    Args:
        root: The output.
        commits: The units that hold the items.
        items: The items.
        recordings: Rows of recordings by id.
        codec: The codec of the clips. Stored audio of one segment in this codec stays as it is.

    Raises:
        MachineError: The machine is at fault: its disks, memory or network.
        StoreError: A part file is damaged.
    """
    waiting = {item.item_id: item for item in items}
    for item, stored in _stored(root, commits, items):
        del waiting[item.item_id]
        yield item, _from_stored(item, stored, codec)
    by_file: defaultdict[str, _BySource] = defaultdict(lambda: defaultdict(list))
    for item in waiting.values():
        row = recordings[item.recording_id]
        by_file[row["uri"]][row["source_id"], row["track"]].append(item)
    for by_source in by_file.values():
        yield from _from_file(by_source, recordings, codec)


def _stored(
    root: str, commits: Sequence[Commit], items: Sequence[ExportItem]
) -> Iterator[tuple[ExportItem, list[bytes]]]:
    """Items all of whose segments have stored audio, with that of each."""
    item_of = {piece.segment_id: item for item in items for piece in item.pieces}
    found: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    files = units_by_file(commits)
    for name in sorted(each for each in files if each.startswith("segments/")):
        with opened_part(store.join(root, name)) as file:
            if AUDIO not in file.schema_arrow.names:
                continue
        for batch in rows_of(root, name, counted_sources(files[name]), ["segment_id", AUDIO]):
            for segment_id, audio in zip(batch["segment_id"], batch[AUDIO], strict=True):
                item = item_of.get(segment_id.as_py())
                if item is None or not audio.is_valid:
                    continue
                clips = found[item.item_id]
                clips[segment_id.as_py()] = audio["bytes"].as_py()
                if len(clips) == len(item.pieces):
                    del found[item.item_id]
                    yield item, [clips[piece.segment_id] for piece in item.pieces]


def _from_stored(item: ExportItem, stored: Sequence[bytes], codec: ClipCodec) -> Clip:
    if len(stored) == 1 and stored[0].startswith(_MAGIC[codec]) and not item.muted:
        return _clip(stored[0], codec)
    samples = np.zeros(item.end_sample - item.start_sample, np.float32)
    filled = item.start_sample
    for piece, encoded in zip(item.pieces, stored, strict=True):
        own = _own_samples(encoded, item.sample_rate_hz, piece.end_sample - piece.start_sample)
        first = max(filled, piece.start_sample)
        place = slice(first - item.start_sample, piece.end_sample - item.start_sample)
        samples[place] = own[first - piece.start_sample :]
        filled = max(filled, piece.end_sample)
    return _encoded(item, samples, codec)


def _own_samples(encoded: bytes, rate_hz: int, count: int) -> NDArray[np.float32]:
    """So many samples of stored audio at the rate of its recording; Opus has rates of its own."""
    samples, stored_hz = soundfile.read(io.BytesIO(encoded), dtype="float32")
    if stored_hz != rate_hz:
        samples = resample(samples, stored_hz, rate_hz)
    return np.pad(samples[:count], (0, max(count - len(samples), 0)))


def _from_file(
    by_source: _BySource, recordings: Mapping[str, Row], codec: ClipCodec
) -> Iterator[tuple[ExportItem, Clip | str]]:
    """The items of all inputs that are in one file."""
    refs = []
    for items in by_source.values():
        row = recordings[items[0].recording_id]
        refs.append(AudioRef(row["uri"], row["source_size_bytes"]))
    with FileCopies(refs) as copies:
        for ref, items in zip(refs, by_source.values(), strict=True):
            yield from _from_source(copies, ref, items, recordings[items[0].recording_id], codec)


def _from_source(
    copies: FileCopies, ref: AudioRef, items: Sequence[ExportItem], row: Row, codec: ClipCodec
) -> Iterator[tuple[ExportItem, Clip | str]]:
    """The items of one input, cut out of its decoded samples."""
    try:
        file, content_sha256 = copies.open(ref, DecodeLimits().max_source_bytes)
    except Exception as error:  # noqa: BLE001 - whatever it is, it costs these items only
        raise_machine_error(error, ref.uri)
        yield from ((item, UNREADABLE) for item in items)
        return
    with file:
        if content_sha256 != row["content_sha256"]:
            yield from ((item, CHANGED) for item in items)
            return
        waiting = {item.item_id: item for item in items}
        try:
            for item, samples in _cut(file, items, row):
                yield item, _encoded(item, samples, codec)
                del waiting[item.item_id]
        except Exception as error:  # noqa: BLE001 - as above
            raise_machine_error(error, ref.uri)
        yield from ((item, UNDECODABLE) for item in waiting.values())


def _cut(
    file: BinaryIO, items: Sequence[ExportItem], row: Row
) -> Iterator[tuple[ExportItem, NDArray[np.float32]]]:
    """Decode a recording from its start, as when it was transcribed, and yield what items hold."""
    channels = {item.channel for item in items}
    numbers = [channel for channel in channels if channel is not None]
    policy: Channels = "split" if len(numbers) > 1 else next(iter(numbers), "mix")
    cutters = {
        channel: _Cutter([item for item in items if item.channel == channel])
        for channel in channels
    }
    request = DecodeRequest(cut=Cut(row["offset_seconds"], None, row["track"]))
    with IsolatedStream(file, request) as stream:
        mixer = Mixer(policy, stream.format, stream.decoder)
        for block in stream.blocks():
            for mixed in mixer.push(block):
                for channel, cutter in cutters.items():
                    yield from cutter.push(mixed.signals[channel])
            if all(cutter.is_done for cutter in cutters.values()):
                return
        for mixed in mixer.finish():
            for channel, cutter in cutters.items():
                yield from cutter.push(mixed.signals[channel])


class _Cutter:
    """Cuts items out of one signal; it holds only the samples that they still need."""

    def __init__(self, items: Sequence[ExportItem]) -> None:
        self._wanted = sorted(items, key=lambda item: (item.end_sample, item.start_sample))
        starts = [item.start_sample for item in reversed(self._wanted)]
        self._needed = [*accumulate(starts, min)][::-1]  # by how many items are done
        self._done = 0
        self._held: NDArray[np.float32] = np.zeros(0, np.float32)
        self._end = 0

    @property
    def is_done(self) -> bool:
        """Whether all items have come."""
        return self._done == len(self._wanted)

    def push(
        self, samples: NDArray[np.float32]
    ) -> Iterator[tuple[ExportItem, NDArray[np.float32]]]:
        """Take the next samples, shape (n,); yield the items that end in them."""
        self._held = np.concatenate([self._held, samples])
        self._end += len(samples)
        start = self._end - len(self._held)
        while not self.is_done and self._wanted[self._done].end_sample <= self._end:
            item = self._wanted[self._done]
            self._done += 1
            yield item, self._held[item.start_sample - start : item.end_sample - start]
        needed = self._end if self.is_done else self._needed[self._done]
        self._held = self._held[max(needed - start, 0) :]


def _encoded(item: ExportItem, samples: NDArray[np.float32], codec: ClipCodec) -> Clip:
    if item.muted:
        start = item.start_seconds
        stretches = [(first - start, last - start) for first, last in item.muted]
        samples = muted(samples, item.sample_rate_hz, stretches)
    end = len(samples)
    segment = Segment(
        recording_id=item.recording_id,
        segment_id=item.item_id,
        segment_index=0,
        channel=item.channel,
        sample_rate_hz=item.sample_rate_hz,
        start_sample=0,
        end_sample=end,
        core_start_sample=0,
        core_end_sample=end,
        speech=(),
        samples=samples,
    )
    return _clip(encode_clip(segment, codec), codec)


def _clip(encoded: bytes, codec: ClipCodec) -> Clip:
    found = soundfile.info(io.BytesIO(encoded))
    return Clip(encoded, codec, found.frames, found.samplerate)

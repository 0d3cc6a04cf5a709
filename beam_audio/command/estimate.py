"""What a run would take: recordings, hours, compute and cost, estimated from headers."""

from __future__ import annotations

import math
import os
from array import array
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio import store
from beam_audio.command.fleet_work import Recordings
from beam_audio.errors import ConfigError
from beam_audio.inputs.formats.choice import read_format, recognised
from beam_audio.inputs.listed import WAVE_INPUTS, list_files, list_found, list_lines
from beam_audio.inputs.listing import list_input
from beam_audio.types import AudioRef
from beam_audio.unit.headers import header_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.audio.decoders.request import DecodeRequest
    from beam_audio.command.speeds import Speed
    from beam_audio.run.config import RunConfig
    from beam_audio.unit.tasks import Input

_THREADS: Final = 16
_HOUR_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Survey:
    """What is to be transcribed.

    Attributes:
        recordings: Number of distinct inputs with a length.
        unreadable: Number of inputs without a length: missing files, broken manifest lines, files
            without audio. If only a sample was read, its share is applied to all.
        size_bytes: Encoded bytes of the recordings.
        seconds: Their length as manifests and headers state it.
        headers: Number of headers read.
        unseen: Number of recordings whose length was estimated from their size.
        each: Length and size of each recording with a length, in any order.
    """

    recordings: int
    unreadable: int
    size_bytes: int
    seconds: float
    headers: int
    unseen: int
    each: Recordings = field(compare=False)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Compute for an amount of audio on workers of one kind, such as ``4 cores``."""

    seconds: float
    speed: Speed
    worker: str

    @property
    def worker_hours(self) -> float:
        """Hours that one worker would take."""
        return self.seconds / self.speed.times_real_time / _HOUR_SECONDS

    def workers(self, deadline_hours: float) -> int:
        """Number of workers that finish in time; starting them is not included."""
        return max(1, math.ceil(self.worker_hours / deadline_hours))


def list_inputs(config: RunConfig) -> Iterator[Input]:
    """Every distinct input of a run, in the order of their addresses.

    Raises:
        ConfigError: The input matches nothing, or has no end.
        InputError: The input cannot be listed.
    """
    if config.subscription is not None:
        raise ConfigError(
            f"--subscription={config.subscription} has no end to plan for: plan for the recordings "
            "of a typical day, with --input or --manifest"
        )
    input_format = config.input_format or recognised(config.input, config.manifest)
    if input_format is not None:
        found = read_format(input_format, config.input or config.manifest or "", config.output)
        listed = list_found(found, config.limit, config.allowed_places)
    elif config.manifest is not None:
        listed = list_lines(config.manifest, config.limit, config.allowed_places)
    else:
        listed = list_files(list_input(config.input or "", config.output), config.limit)
    if not listed.count:
        raise ConfigError("the input matches no file; check the path, and quote globs in the shell")
    for wave in listed.waves(WAVE_INPUTS):  # repeats of an input are in one wave
        yield from {item.source_id: item for item in wave}.values()


def survey(inputs: Iterable[Input], *, max_headers: int, request: DecodeRequest) -> Survey:
    """Add up the lengths of inputs; where a manifest states none, read the header.

    Args:
        inputs: The inputs of a run.
        max_headers: Most headers that are read. Of more recordings, so many are chosen by hash;
            the others are estimated from their size, at the seconds per byte of the same suffix.
        request: How headers are read; see :func:`~beam_audio.unit.headers.header_request`.
    """
    given = _Given()
    looked_at = nsmallest(max_headers, given.without_length(inputs), key=_by_hash)
    far = any(store.scheme(ref.spooled_uri or ref.uri) for ref in looked_at)
    # Reading from a disk is work and not waiting: each thread there has a child that decodes.
    with ThreadPoolExecutor(_THREADS if far else os.cpu_count()) as pool:
        headers = list(pool.map(lambda ref: header_seconds(ref, request), looked_at))
    rate = _SecondsPerByte(looked_at, headers)
    each = given.recordings(looked_at, headers, rate)
    unseen = given.unknown - len(looked_at)
    silent = sum(length is None for length in headers)
    silent += round(silent * unseen / max(1, len(looked_at)))
    return Survey(
        recordings=given.refs - silent,
        unreadable=given.failures + silent,
        size_bytes=given.size_bytes,
        seconds=float(each.seconds.sum()),
        headers=len(looked_at),
        unseen=unseen,
        each=each,
    )


class _Given:
    """What inputs state, added up as they pass: some bytes for each."""

    def __init__(self) -> None:
        self.failures = 0
        self.size_bytes = 0
        self._stated_seconds, self._stated_bytes = array("d"), array("q")
        self._unknown_bytes: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))

    @property
    def refs(self) -> int:
        """Number of inputs that can be referred to."""
        return len(self._stated_bytes) + self.unknown

    @property
    def unknown(self) -> int:
        """Number of these that state no length."""
        return sum(map(len, self._unknown_bytes.values()))

    def without_length(self, inputs: Iterable[Input]) -> Iterator[AudioRef]:
        """Add inputs up; yields those that state no length."""
        for item in inputs:
            if not isinstance(item, AudioRef):
                self.failures += 1
                continue
            self.size_bytes += item.size_bytes
            if (seconds := _claimed_seconds(item)) is not None:
                self._stated_seconds.append(seconds)
                self._stated_bytes.append(item.size_bytes)
            else:
                self._unknown_bytes[_suffix(item)].append(item.size_bytes)
                yield item

    def recordings(
        self, looked_at: Sequence[AudioRef], headers: Sequence[float | None], rate: _SecondsPerByte
    ) -> Recordings:
        """Length and size of each recording: stated, of its header, or estimated from its size."""
        found = [
            (length, ref.size_bytes)
            for ref, length in zip(looked_at, headers, strict=True)
            if length is not None
        ]
        seconds = [np.array(self._stated_seconds), np.array([length for length, _ in found])]
        sizes = [np.array(self._stated_bytes), np.array([size for _, size in found], np.int64)]
        for suffix, held in self._unknown_bytes.items():
            seen = [ref.size_bytes for ref in looked_at if _suffix(ref) == suffix]
            sizes.append(_without(np.array(held), np.array(seen, np.int64)))
            seconds.append(sizes[-1] * rate.seconds_per_byte(suffix))
        # Units hold recordings by a hash, so their order has nothing to do with their sizes.
        order = np.random.default_rng(0).permutation(sum(map(len, sizes)))
        return Recordings(np.concatenate(seconds)[order], np.concatenate(sizes)[order])


def _without(sizes: NDArray[np.int64], gone: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sizes without some of them, each taken out once."""
    ordered, gone = np.sort(sizes), np.sort(gone)
    repeats = np.arange(len(gone)) - np.searchsorted(gone, gone)
    return np.delete(ordered, np.searchsorted(ordered, gone) + repeats)


def plan_table(found: Survey, estimate: Estimate, *, deadline_hours: float, price: float) -> str:
    """The plan as aligned text.

    Args:
        found: The inputs.
        estimate: The compute they take.
        deadline_hours: Hours until they are to be done.
        price: Price of a worker per hour.
    """
    workers = estimate.workers(deadline_hours)
    speed, hours = estimate.speed.times_real_time, estimate.worker_hours
    lengths = f"{found.headers} headers read"
    if found.unseen:
        lengths += f", {found.unseen} lengths estimated from sizes"
    unreadable = f"{found.unreadable} more have no length" if found.unreadable else ""
    lines = (
        ("recordings", f"{found.recordings:,}", unreadable),
        ("audio", f"{found.seconds / _HOUR_SECONDS:,.2f} h", lengths),
        ("encoded", f"{found.size_bytes / 2**30:,.2f} GiB", ""),
        ("speed", f"{speed:,.1f} ×", f"real time on {estimate.worker}; {estimate.speed.measured}"),
        ("compute", f"{hours:,.2f} h", "of one worker"),
        (
            "workers",
            f"{workers:,}",
            f"to be done in {deadline_hours:g} h, without the time to start them",
        ),
        ("cost", f"{hours * price:,.2f}", f"at {price:g} per worker and hour of work"),
    )
    return "\n".join(f"{name:<12}{figure:>14}  {remark}".rstrip() for name, figure, remark in lines)


def _claimed_seconds(ref: AudioRef) -> float | None:
    """Length that the manifest states."""
    return ref.manifest_seconds if ref.duration_seconds is None else ref.duration_seconds


def _by_hash(ref: AudioRef) -> str:
    return ref.source_id


class _SecondsPerByte:
    """Seconds of audio per byte, by the suffix of a file."""

    def __init__(self, refs: Sequence[AudioRef], seconds: Sequence[float | None]) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._bytes: defaultdict[str, int] = defaultdict(int)
        for ref, length in zip(refs, seconds, strict=True):
            for suffix in (_suffix(ref), ""):
                self._seconds[suffix] += length or 0.0
                self._bytes[suffix] += ref.size_bytes

    def seconds_per_byte(self, suffix: str) -> float:
        known = suffix if suffix in self._bytes else ""
        return self._seconds[known] / max(1, self._bytes[known])


def _suffix(ref: AudioRef) -> str:
    return "." + ref.uri.rpartition(".")[2].lower()

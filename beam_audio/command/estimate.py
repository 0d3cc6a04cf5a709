"""What a run would take: recordings, hours, compute and cost, estimated from headers."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio import store
from beam_audio.command.fleet_choice import Recordings
from beam_audio.command.headers import header_seconds
from beam_audio.errors import ConfigError
from beam_audio.inputs.listing import input_of, input_of_file, match_input, read_lines
from beam_audio.types import AudioRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        each: Length and size of each recording with a length, in the order of source ids.
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
    """Every distinct input of a run, in the order of names or of manifest lines.

    Raises:
        ConfigError: The input matches nothing, or has no end.
        InputError: The input cannot be listed.
    """
    if config.subscription is not None:
        raise ConfigError(
            f"--subscription={config.subscription} has no end to plan for: plan for the recordings "
            "of a typical day, with --input or --manifest"
        )
    found: Iterable[Input]
    if config.manifest is not None:
        lines = islice(read_lines(config.manifest), config.limit)
        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(partial(input_of, allowed=config.allowed_places), lines))
    else:
        found = map(input_of_file, match_input(config.input or "", config.output)[: config.limit])
    distinct = {item.source_id: item for item in found}
    if not distinct:
        raise ConfigError("the input matches no file; check the path, and quote globs in the shell")
    yield from distinct.values()


def survey(inputs: Iterable[Input], *, max_headers: int, request: DecodeRequest) -> Survey:
    """Add up the lengths of inputs; where a manifest states none, read the header.

    Args:
        inputs: The inputs of a run.
        max_headers: Most headers that are read. Of more recordings, so many are chosen by hash;
            the others are estimated from their size, at the seconds per byte of the same suffix.
        request: How headers are read; see :func:`~beam_audio.command.headers.header_request`.
    """
    refs, unreadable = [], 0
    for item in inputs:
        if isinstance(item, AudioRef):
            refs.append(item)
        else:
            unreadable += 1
    claimed = {ref.source_id: _claimed_seconds(ref) for ref in refs}
    unknown = sorted((ref for ref in refs if claimed[ref.source_id] is None), key=_by_hash)
    looked_at, unseen = unknown[:max_headers], unknown[max_headers:]
    far = any(store.scheme(ref.spooled_uri or ref.uri) for ref in looked_at)
    # Reading from a disk is work and not waiting: each thread there has a child that decodes.
    with ThreadPoolExecutor(_THREADS if far else os.cpu_count()) as pool:
        headers = list(pool.map(lambda ref: header_seconds(ref, request), looked_at))
    rate = _SecondsPerByte(looked_at, headers)
    lengths = (
        claimed
        | {ref.source_id: length for ref, length in zip(looked_at, headers, strict=True)}
        | {ref.source_id: rate.seconds(ref) for ref in unseen}
    )
    each = _recordings(refs, lengths)
    silent = sum(length is None for length in headers)
    silent += round(silent * len(unseen) / max(1, len(looked_at)))
    return Survey(
        recordings=len(refs) - silent,
        unreadable=unreadable + silent,
        size_bytes=sum(ref.size_bytes for ref in refs),
        seconds=float(each.seconds.sum()),
        headers=len(looked_at),
        unseen=len(unseen),
        each=each,
    )


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


def _recordings(refs: Iterable[AudioRef], lengths: Mapping[str, float | None]) -> Recordings:
    """Length and size of the recordings that have a length."""
    ordered = [
        (length, ref.size_bytes)
        for ref in sorted(refs, key=_by_hash)
        if (length := lengths[ref.source_id]) is not None
    ]
    return Recordings(
        np.array([length for length, _ in ordered], np.float64),
        np.array([size for _, size in ordered], np.int64),
    )


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

    def seconds(self, ref: AudioRef) -> float:
        suffix = _suffix(ref) if _suffix(ref) in self._bytes else ""
        return ref.size_bytes * self._seconds[suffix] / max(1, self._bytes[suffix])


def _suffix(ref: AudioRef) -> str:
    return "." + ref.uri.rpartition(".")[2].lower()

"""Drift: whether the segments of a stream still resemble those of a reference output.

The segments of an interval and of the reference are counted in the same bins. The population
stability index (PSI) compares the two mixes, that is the share of each bin. With few rows chance
alone makes the index large, so the largest index that chance explains is computed, too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from beam_audio.errors import ConfigError
from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.parts import rows_of
from beam_audio.schema import PARTITION_LANGUAGE
from beam_audio.stream.psi import chance_index, stability_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.output.commits import Commit

    Value = float | str | None
    Counts = Counter[Value]

MIN_REFERENCE_ROWS: Final = 100
"""Effective rows that a reference needs: about ten for each bin."""

_NUMBERS: Final = {"snr_db": " dB", "avg_logprob": ""}
"""Measures that are numbers, and their units in messages."""
_MEASURES: Final = (*_NUMBERS, PARTITION_LANGUAGE)
_FOLDERS: Final = ds.partitioning(pa.schema([(PARTITION_LANGUAGE, pa.string())]), flavor="hive")
_DECIMALS: Final = 3
_QUANTILES: Final = {"p05": 5, "p25": 25, "p50": 50, "p75": 75, "p95": 95}
_DECILES: Final = range(10, 100, 10)
_NULL: Final = "null"
_SHARES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """Segments counted by their measures; samples can be added.

    Attributes:
        counts: For ``snr_db``, ``avg_logprob`` and ``language``, number of segments by value:
            numbers with three decimals, None if there is no value.
        recordings: Number of segments by recording.
    """

    counts: dict[str, Counts] = field(
        default_factory=lambda: {name: Counter() for name in _MEASURES}
    )
    recordings: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Sample) -> Sample:
        counts = {measure: self.counts[measure] + other.counts[measure] for measure in _MEASURES}
        return Sample(counts, self.recordings + other.recordings)

    @property
    def rows(self) -> int:
        """Number of segments."""
        return self.recordings.total()

    @property
    def effective_rows(self) -> float:
        """Number of independent rows with as much information: (Σ n)² / Σ n².

        n is the number of rows of a recording. Segments of a recording share their noise and their
        language. This is Kish's effective size of a sample of clusters (Survey Sampling, 1965) in
        the worst case, that all rows of a cluster are alike: an hour of one recording counts as
        one row.
        """
        return self.rows**2 / (sum(rows**2 for rows in self.recordings.values()) or 1)


@dataclass(frozen=True, slots=True)
class Figures:
    """A mix in figures for people.

    Attributes:
        quantiles: ``p05`` ``p25`` ``p50`` ``p75`` ``p95``, each a value that occurs; empty for
            languages, and if there are no numbers.
        shares: Share of the rows by language; rows without a value are ``null``.
    """

    quantiles: dict[str, float]
    shares: dict[str, float]


@dataclass(frozen=True, slots=True)
class Reference:
    """One measure of a reference output.

    Attributes:
        edges: Upper ends of the bins of a number, included in the bin; none for languages.
        mix: Share of the rows by bin; rows without a value have their own bin.
        figures: The mix in figures for people.
    """

    edges: tuple[float, ...]
    mix: dict[str, float]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Profile:
    """What a reference output looks like; it holds no rows.

    Attributes:
        rows: Number of segments.
        effective_rows: Number of independent rows with as much information.
        measures: ``snr_db``, ``avg_logprob`` and ``language``.
    """

    rows: int
    effective_rows: float
    measures: dict[str, Reference]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one measure of a sample is from the reference; ``dataclasses.asdict`` is JSON.

    Attributes:
        measure: ``snr_db``, ``avg_logprob`` or ``language``.
        rows: Number of segments in the sample.
        effective_rows: Number of independent rows with as much information.
        psi: Population stability index.
        chance_psi: The index that chance alone exceeds once in a thousand times.
        sample: The mix of the sample.
        reference: The mix of the reference.
    """

    measure: str
    rows: int
    effective_rows: float
    psi: float
    chance_psi: float
    sample: Figures
    reference: Figures


def read_profile(root: str) -> Profile:
    """The profile of the committed segments of an output.

    Args:
        root: The output folder.

    Raises:
        ConfigError: The output holds no segments, or too few to compare with.
        InputError: A part file cannot be read.
    """
    sample = read_sample(root, read_commits(root))
    if not sample.rows:
        raise ConfigError(
            f"--drift_reference={root} holds no committed segments; name the --output of a run"
        )
    if sample.effective_rows < MIN_REFERENCE_ROWS:
        raise ConfigError(
            f"--drift_reference={root} is too small: its {sample.rows} segments of "
            f"{len(sample.recordings)} recordings hold as much information as "
            f"{sample.effective_rows:.0f} independent ones, and {MIN_REFERENCE_ROWS} are needed; "
            "name an output of more recordings"
        )
    return profile_of(sample)


def read_sample(root: str, committed: Iterable[Commit]) -> Sample:
    """Count the segments of these units.

    A few hundred rows are in memory at a time. The counts grow with the recordings and with the
    range of the values, not with the segments.

    Raises:
        InputError: A part file cannot be read.
    """
    sample = Sample()
    counted = Counted.of(committed)
    for name in counted.files_of("segments"):
        keys = ds.get_partition_keys(_FOLDERS.parse(name))
        stored = [measure for measure in _MEASURES if measure not in keys]
        for rows in rows_of(root, name, counted.sources(name), ["recording_id", *stored]):
            sample.recordings.update(rows.column("recording_id").to_pylist())
            for measure in stored:
                values = rows.column(measure)
                rounded = pc.round(values, _DECIMALS) if measure in _NUMBERS else values
                sample.counts[measure].update(rounded.to_pylist())
            for measure, value in keys.items():
                sample.counts[measure][value] += rows.num_rows
    return sample


def profile_of(sample: Sample) -> Profile:
    """The profile of a reference's segments."""
    measures = {}
    for measure, counts in sample.counts.items():
        edges = _edges(counts)
        measures[measure] = Reference(edges, _mix(counts, edges), _figures(counts))
    return Profile(sample.rows, sample.effective_rows, measures)


def compare(profile: Profile, sample: Sample) -> tuple[Drift, ...]:
    """How far each measure is from the reference; empty if the sample has no rows."""
    if not sample.rows:
        return ()
    sizes = (profile.effective_rows, sample.effective_rows)
    drifts = []
    for measure, reference in profile.measures.items():
        mix = _mix(sample.counts[measure], reference.edges)
        drift = Drift(
            measure=measure,
            rows=sample.rows,
            effective_rows=sample.effective_rows,
            psi=stability_index(reference.mix, mix, sizes),
            chance_psi=chance_index(len(reference.mix.keys() | mix.keys()), sizes),
            sample=_figures(sample.counts[measure]),
            reference=reference.figures,
        )
        drifts.append(drift)
    return tuple(drifts)


def alerts(drifts: Iterable[Drift], threshold: float) -> tuple[str, ...]:
    """A sentence for each measure whose index is beyond the threshold and beyond chance."""
    return tuple(
        f"{drift.measure} drifts: PSI {drift.psi:.2f} over {drift.rows} segments is beyond the "
        f"threshold {threshold:g} and beyond chance ({drift.chance_psi:.2f}): {_moves(drift)}"
        for drift in drifts
        if drift.psi > max(threshold, drift.chance_psi)
    )


def _edges(counts: Counts) -> tuple[float, ...]:
    """The deciles; a value that is more than one of them gets its own bin."""
    deciles = Counter(_percentiles(counts, _DECILES))
    half_step = 0.5 * 10**-_DECIMALS
    below = {value - half_step for value, times in deciles.items() if times > 1}
    return tuple(sorted(deciles.keys() | below))


def _percentiles(counts: Counts, percents: Iterable[int]) -> list[float]:
    """For each percentage, the least value that so many numbers do not exceed; none if empty."""
    numbers = sorted(value for value in counts if isinstance(value, float))
    total = sum(counts[number] for number in numbers)
    found, place, passed = [], 0, 0
    for percent in percents if numbers else ():
        while (passed + counts[numbers[place]]) * 100 < percent * total:
            passed += counts[numbers[place]]
            place += 1
        found.append(numbers[place])
    return found


def _mix(counts: Counts, edges: Sequence[float]) -> dict[str, float]:
    """Share of the rows by bin."""
    bins: Counter[str] = Counter()
    for value, rows in counts.items():
        label = str(bisect_left(edges, value)) if isinstance(value, float) else value
        bins[label or _NULL] += rows
    return {label: rows / counts.total() for label, rows in sorted(bins.items())}


def _figures(counts: Counts) -> Figures:
    found = _percentiles(counts, _QUANTILES.values())
    named = Counter({value: rows for value, rows in counts.items() if not isinstance(value, float)})
    shares = {value or _NULL: rows / counts.total() for value, rows in named.most_common()}
    return Figures(dict(zip(_QUANTILES, found, strict=False)), shares)


def _moves(drift: Drift) -> str:
    """What changed: quantiles, and the shares that changed most."""
    now, before = drift.sample, drift.reference
    moves = [
        f"{name} {before.quantiles[key]:.3g} → {now.quantiles[key]:.3g}{_NUMBERS[drift.measure]}"
        for key, name in (("p50", "median"), ("p05", "p05"), ("p95", "p95"))
        if key in before.quantiles and key in now.quantiles
    ]
    shares = [
        (label, before.shares.get(label, 0.0), now.shares.get(label, 0.0))
        for label in sorted(before.shares.keys() | now.shares.keys())
    ]
    shares.sort(key=lambda each: -abs(each[2] - each[1]))
    moves += [f"{label} {was:.1%} → {share:.1%}" for label, was, share in shares[:_SHARES_SHOWN]]
    return ", ".join(moves)

"""The ledger of a run: what became of its inputs and samples, read back from the rows written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.sums import Sums
from beam_audio.output.valid_rows import valid_rows
from beam_audio.schema import LEDGER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_RECORDING_COLUMNS = [
    "recording_id",
    "source_id",
    "uri",
    "channel",
    "track",
    "sample_rate_hz",
    "decoded_seconds",
    "segments",
    *LEDGER_COLUMNS.values(),
    "wer_hits",
    "wer_substitutions",
    "wer_deletions",
    "wer_insertions",
    "reasons",
    "wer",
]
_SEGMENT_COLUMNS = [
    "source_id",
    "recording_id",
    "core_start_seconds",
    "core_end_seconds",
    "decision",
]
_FAILURE_COLUMNS = [
    "unit",
    "stage",
    "error_type",
    "source_id",
    "uri",
    "recording_id",
    "start_seconds",
    "end_seconds",
]
_FIGURES: Final = (
    *("inputs", "missing", "unbalanced", "recordings"),
    *("seconds", "segments", "failures"),
)
"""Fields that run files and ledger files hold."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every input and of every decoded sample.

    Attributes:
        inputs: Number of distinct inputs listed.
        missing: Ids of listed inputs that have no row in ``recordings/`` or ``failures/``, and
            whose content has none either.
        recordings: Number of rows in ``recordings/``.
        unbalanced: Ids of recordings that do not add up: their decoded samples differ from the sum
            of their destinations, a destination differs from the sum of its segment and failure
            rows, or it is negative, as when segments own the same samples.
        seconds: Source seconds by destination; each second counts once, also with split channels.
        segments: Number of segments by decision.
        failures: Number of failures by (unit, stage, error type). A failure that was tried again
            counts once; one that a later success supersedes does not count.
        wer_errors: Word errors over all recordings that have a reference.
        wer_words: Reference words of those recordings.
        undecoded: Ids of listed inputs that have no row in ``recordings/``.
        reasons: Number of recordings by each of their reasons.
    """

    inputs: int
    missing: tuple[str, ...]
    recordings: int
    unbalanced: tuple[str, ...]
    seconds: dict[str, float]
    segments: dict[str, int]
    failures: dict[tuple[str, str, str], int]
    wer_errors: int = 0
    wer_words: int = 0
    undecoded: frozenset[str] = frozenset()
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether no input and no sample was lost."""
        return not self.missing and not self.unbalanced

    @property
    def decoded_seconds(self) -> float:
        """Source seconds decoded."""
        return sum(self.seconds.values())

    @property
    def corpus_wer(self) -> float | None:
        """Word errors over reference words, None without references."""
        return self.wer_errors / self.wer_words if self.wer_words else None

    @property
    def figures(self) -> dict[str, Any]:
        """The fields that run files and ledger files hold, ready for JSON."""
        failures = {"/".join(key): count for key, count in self.failures.items()}
        return {name: getattr(self, name) for name in _FIGURES} | {"failures": failures}

    @classmethod
    def of_figures(cls, figures: Mapping[str, Any]) -> Self:
        """A ledger read back from a file; word errors and ``undecoded`` are in no file."""
        given = {name: figures[name] for name in _FIGURES}
        failures = {tuple(key.split("/", 2)): count for key, count in given["failures"].items()}
        lists = {name: tuple(given[name]) for name in ("missing", "unbalanced")}
        return cls(**given | lists | {"failures": failures})


def read_ledger(
    root: str,
    listed: Iterable[str],
    *,
    counted: Counted | None = None,
    repeated: Iterable[str] = (),
    forgotten: Iterable[str] = (),
) -> Ledger:
    """Balance the committed rows of an output against the inputs listed.

    Memory does not grow with the number of either; what is looked up again is kept on disk.

    Args:
        root: The output folder.
        listed: Source ids of every input this run saw, done before or not.
        counted: The units whose rows are read; all units by default.
        repeated: Source ids of inputs whose rows are in other units than these.
        forgotten: What stands in ``listed`` for inputs that are forgotten, and have no row.

    Raises:
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    counted = Counted.of(read_commits(root)) if counted is None else counted
    sums = Sums()
    # Recordings come first: segments need their rates, and they supersede earlier failures.
    sums.add_recordings(valid_rows(root, counted, "recordings", _RECORDING_COLUMNS))
    sums.add_segments(valid_rows(root, counted, "segments", _SEGMENT_COLUMNS))
    sums.add_failures(valid_rows(root, counted, "failures", _FAILURE_COLUMNS))
    sums.add_listed(listed)
    for names in (counted.known, repeated, forgotten):
        sums.add_settled(names)
    return Ledger(
        inputs=sums.inputs,
        missing=sums.missing(),
        recordings=sums.recordings,
        unbalanced=tuple(sorted(sums.unbalanced())),
        seconds=sums.source_seconds(),
        segments={name: sums.segments[name] for name in ("keep", "review", "drop")},
        failures=sums.failures(),
        wer_errors=sums.wer_errors,
        wer_words=sums.wer_words,
        undecoded=sums.undecoded(),
        reasons=dict(sorted(sums.reasons.items())),
    )

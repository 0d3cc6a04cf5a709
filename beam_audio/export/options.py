"""What is exported of an output, and in which shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.errors import ConfigError
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from beam_audio.audio.encode import ClipCodec
    from beam_audio.types import Decision

FormatName = Literal[
    "nemo", "nemo_tarred", "webdataset", "shar", "huggingface", "kaldi", "coqui",
    "srt", "vtt", "txt", "textgrid", "ctm", "rttm", "documents",
]  # fmt: skip

UNSPLIT: Final = "data"
"""The folder of an export without splits."""

_OWN_NAMES: Final = frozenset(
    {"audio", "audio_filepath", "duration", "id", "segments", "shard_id", "text", "words"}
)
"""What formats call what they write of every item."""
_SPLIT_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_HASH_DIGITS: Final = 13


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is exported, and how.

    Attributes:
        format: What reads it; see :data:`beam_audio.export.formats.table.FORMATS`.
        decision: Which segments, where no condition is given.
        where: A condition in SQL on the columns of ``segments``.
        columns: Further columns or keys of the metadata that items have.
        text_column: The column that gives the text.
        splits: Names and shares of the splits; none without.
        split_by: The column or key of the metadata whose equal values stay in one split.
        codec: The codec of clips; None for formats without audio.
        pack_seconds: Shortest and longest item that neighbouring segments are joined to.
        buckets: Borders of durations in seconds, rising; each stretch has shards of its own.
        shard_seconds: Audio in a shard, about.
    """

    format: FormatName
    decision: Decision = "keep"
    where: str | None = None
    columns: tuple[str, ...] = ()
    text_column: str = "text"
    splits: tuple[tuple[str, float], ...] = ()
    split_by: str = "recording_id"
    codec: ClipCodec | None = None
    pack_seconds: tuple[float, float] | None = None
    buckets: tuple[float, ...] = ()
    shard_seconds: float = 3600.0

    def __post_init__(self) -> None:
        if taken := sorted(_OWN_NAMES.intersection(self.columns)):
            raise ConfigError(
                f"--columns={','.join(taken)}: the export has something else of that name; "
                "--text_column chooses the text"
            )
        names = [name for name, _ in self.splits]
        if len(set(names)) != len(names):
            raise ConfigError(f"--splits names a split twice: {', '.join(names)}")
        for name, share in self.splits:
            if not _SPLIT_NAME.fullmatch(name) or not share > 0:
                raise ConfigError(
                    f"--splits={name}:{share:g}: give letters and a share above 0, such as "
                    "train:0.98,dev:0.01,test:0.01"
                )
        if self.pack_seconds is not None and not 0 < self.pack_seconds[0] <= self.pack_seconds[1]:
            raise ConfigError("--pack_seconds=MIN,MAX needs 0 < MIN <= MAX")
        if list(self.buckets) != sorted({each for each in self.buckets if each > 0}):
            raise ConfigError("--buckets needs rising seconds above 0, such as 5,10,20")
        if not self.shard_seconds > 0:
            raise ConfigError("--shard_seconds must be above 0")

    @property
    def options_id(self) -> str:
        """Hash of all of them: a folder holds the export of one set."""
        return stable_id("export", *(repr(getattr(self, name)) for name in self.__slots__))

    def folder(self, split_value: str, duration_seconds: float) -> str:
        """The folder of an item, relative to the export: its split, and its bucket.

        A split is told by the hash of the value alone, so that it never changes as an output grows.
        """
        split = _split_of(split_value, self.splits) if self.splits else UNSPLIT
        if not self.buckets:
            return split
        above = sum(duration_seconds > border for border in self.buckets)
        return f"{split}/bucket{above + 1}"


def _split_of(value: str, splits: tuple[tuple[str, float], ...]) -> str:
    """The split of a value: a stable hash, spread over the shares."""
    digits = stable_id("split", value)[:_HASH_DIGITS]
    left = int(digits, 16) / 16**_HASH_DIGITS * sum(share for _, share in splits)
    for name, share in splits:
        left -= share
        if left < 0:
            return name
    return splits[-1][0]

"""``beam-audio curate --duplicates`` and ``--against``: what they print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.run.duplicates import mark_duplicates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beam_audio.curate.duplicates.columns import Kind
    from beam_audio.curate.duplicates.places import Level
    from beam_audio.run.duplicates import Found

_NAMES: Final[Mapping[Kind, str]] = {
    "duplicate": "duplicates of other rows",
    "test_overlap": "overlaps with the test set",
}
_ALIKE: Final[Mapping[Level, str]] = {
    "bytes": "the same bytes",
    "samples": "the same samples",
    "sound": "the same sound",
    "text": "the same words, another sound",
}


def mark(output: str, against: str | None, beam_flags: Sequence[str], *, duplicates: bool) -> str:
    """Mark rows that are alike; returns what is to be said about it.

    Args:
        output: The output folder.
        against: ``--against``.
        beam_flags: Flags of Beam.
        duplicates: ``--duplicates``.

    Raises:
        ConfigError: The output is empty, or is compared with itself.
        HeldError: A living batch holds the output.
        StoreError: The output or the test set cannot be read, or the output not written.
    """
    kinds: list[Kind] = ["duplicate"] if duplicates else []
    kinds += ["test_overlap"] if against is not None else []
    return table(mark_duplicates(output, tuple(kinds), against, beam_flags), kinds)


def table(found: Found, kinds: Sequence[Kind]) -> str:
    """Marked segments by what they are alike in, and what was not compared."""
    lines = []
    for kind in kinds:
        total = sum(count for (each, _), count in found.rows.items() if each == kind)
        lines.append(f"{total:,} segments are {_NAMES[kind]}")
        lines += [
            f"  {alike}: {found.rows[kind, level]:,} segments, "
            f"{found.seconds[kind, level] / 3600:,.2f} h"
            for level, alike in _ALIKE.items()
            if (kind, level) in found.rows
        ]
    if found.without_sound:
        lines.append(
            f"{found.without_sound:,} segments have no fingerprint: they are shorter than 0.4 s, "
            "silent, or of an earlier version; their sound was not compared"
        )
    if found.crowded_keys:
        lines.append(
            f"{found.crowded_keys:,} keys are shared by so many rows that each was compared with "
            "its neighbours alone"
        )
    return "\n".join(lines)

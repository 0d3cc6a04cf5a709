"""``beam-audio curate --corrections``: what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.command.display import printable
from beam_audio.errors import ConfigError
from beam_audio.run.curation import correct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.curate.correct_unit import Corrected
    from beam_audio.curate.take_corrections import Taken

_MOST_LINES: Final = 100
"""Entries told one by one; a wrong file would fill the screen."""


def correct_and_report(output: str, file: str, beam_flags: Sequence[str]) -> int:
    """Take the corrections of a file and print what became of each; returns the exit status.

    Raises:
        ConfigError: The file cannot be read, or all that is in it is refused.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    taken, done = correct(output, file, beam_flags)
    print("\n".join(lines_of(taken, done)))
    if taken.refused and not taken.entries:
        raise ConfigError(f"--corrections={file}: nothing in it could be taken")
    return 1 if done.units["lost"] else 0


def lines_of(taken: Taken, done: Corrected) -> Iterator[str]:
    """What was taken, what is in force, and what could not be done."""
    yield _line("taken", f"{taken.entries:,} corrections; {taken.files:,} recordings have new ones")
    for why, count in sorted(taken.left_out.items()):
        yield _line("left out", f"{count:,}: {why}")
    yield from _several("refused", [f"{each.where}: {each.why}" for each in taken.refused])
    counts, words = done.counts, done.words
    in_force = f"{counts['texts']:,} texts and {counts['verdicts']:,} verdicts"
    yield _line("in force", f"{in_force}; {counts['moved']:,} decisions changed")
    rates = [
        f"{100 * words[f'errors_{when}'] / words[f'words_{when}']:.2f} % {when}"
        if words[f"words_{when}"]
        else f"none {when}"
        for when in ("before", "after")
    ]
    yield _line("WER", f"of these segments: {', '.join(rates)}")
    places = [f"recording {each}: no segment has these times" for each in done.nowhere]
    yield from _several("not placed", places)
    for rules_id, count in sorted(done.unjudged.items()):
        what = f"{count:,} segments have another reference and keep their decision"
        cure = "are not at hand: judge again with --rules"
        yield _line("not judged", f"{what}, as the rules {rules_id} {cure}")
    units = ", ".join(f"{done.units[name]:,} {name}" for name in sorted(done.units))
    yield _line("units", units)
    if done.units["lost"]:
        yield _line("", "another writer was faster for the units that are lost; run it again")


def _several(name: str, texts: Sequence[str]) -> Iterator[str]:
    yield from (_line(name, text) for text in texts[:_MOST_LINES])
    if len(texts) > _MOST_LINES:
        yield _line(name, f"and {len(texts) - _MOST_LINES:,} more")


def _line(name: str, text: str) -> str:
    return f"{name:<11} {printable(text)}"

"""What a flex template's launcher starts: ``beam-audio run`` with the template's parameters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from beam_audio.__main__ import run
from beam_audio.command.argparse_hooks import actions
from beam_audio.store.beam_hooks import beam_parsers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def words_for_beam(words: Sequence[str]) -> Iterator[str]:
    """Words whose switches stand alone: a request gives each one a value, which Beam refuses."""
    found = (action for _, parser in beam_parsers() for action in actions(parser))
    switches = {name for each in found if each.nargs == 0 for name in each.option_strings}
    for word in words:
        name, _, value = word.partition("=")
        if name not in switches:
            yield word
        elif value.lower() != "false":
            yield name


if __name__ == "__main__":
    sys.argv[1:] = ["run", *words_for_beam(sys.argv[1:])]
    run()

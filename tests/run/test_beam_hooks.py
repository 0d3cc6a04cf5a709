"""The private member of Beam that lists its flags."""

from __future__ import annotations

import argparse

from beam_audio.run.beam_hooks import add_beam_flags


def test_a_parser_takes_the_flags_of_beam() -> None:
    parser = argparse.ArgumentParser()
    add_beam_flags(parser)
    given = parser.parse_args(["--runner=PrismRunner", "--num_workers=3"])
    assert (given.runner, given.num_workers) == ("PrismRunner", 3)

"""The list of Beam's flags is that of the installed Beam."""

from __future__ import annotations

from importlib import metadata

import write_metadata

from beam_audio.command.beam_flags import beam_flags


def test_the_list_is_that_of_the_installed_beam() -> None:
    assert metadata.version("apache-beam").startswith("2.77.")
    assert sorted(beam_flags()) == write_metadata.beam_flags().splitlines()[1:]
    assert {"--runner", "--direct_num_workers", "--no_use_public_ips"} <= beam_flags()

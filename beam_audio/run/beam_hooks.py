"""A private member of Beam: how its options add their flags to a parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.options.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    import argparse


def add_beam_flags(parser: argparse.ArgumentParser) -> None:
    """Add every flag of Beam to a parser; Beam lists them nowhere else."""
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)  # noqa: SLF001

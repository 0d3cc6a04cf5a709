"""The private members of Beam that the package uses, because Beam offers nothing else.

A test checks that they exist, and fails when another minor version of Beam is installed: look at
each of them before raising ``BEAM_VERSION``.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from apache_beam.internal.gcp import auth
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileSystem
    from apache_beam.io.gcp.gcsio import GcsIO

BEAM_VERSION: Final = "2.77"
"""The minor version for which the members were looked at."""


def file_system_options() -> PipelineOptions:
    """Options that Beam's file systems have in this process; no flags where nobody set any."""
    return FileSystems._pipeline_options or PipelineOptions([])  # noqa: SLF001


def google_file_system() -> FileSystem:
    """Beam's file system for ``gs://``, with the options of the run."""
    return FileSystems.get_filesystem("gs://")


def google_options(file_system: FileSystem) -> PipelineOptions:
    """Options of a ``gs://`` file system: they tell whether a kept :func:`gcs_io` still fits."""
    return file_system._pipeline_options  # noqa: SLF001


def gcs_io(file_system: FileSystem) -> GcsIO:
    """A new access to ``gs://``; the file system itself makes one for every file."""
    return file_system._gcsIO()  # noqa: SLF001


def amazon_options() -> PipelineOptions:
    """Options of the file system for ``s3://``, to make a client of the same kind."""
    return FileSystems.get_filesystem("s3://")._options  # noqa: SLF001


def skip_google_credentials() -> None:
    """Make Beam believe that it has searched for Google's credentials and found none.

    Its own search takes half a minute to find nothing.
    """
    auth._Credentials._credentials_init = True  # noqa: SLF001


def beam_parsers() -> tuple[tuple[type[PipelineOptions], argparse.ArgumentParser], ...]:
    """Every class of Beam's options, with a parser of its flags; Beam lists them nowhere else.

    Those of Beam YAML are left out: they are known only where it has been imported.
    """
    found = []
    for options in PipelineOptions.__subclasses__():
        if options.__module__.startswith("apache_beam.yaml."):
            continue
        parser = argparse.ArgumentParser(add_help=False)
        options._add_argparse_args(parser)  # noqa: SLF001
        found.append((options, parser))
    return tuple(found)

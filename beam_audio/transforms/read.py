"""ReadAudio: turns a glob, folder, file or manifest into references; no audio is read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.errors import ConfigError
from beam_audio.inputs.listing import input_of, input_of_file, match_input, read_lines
from beam_audio.types import AudioRef, Failure, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.inputs.allowed import AllowedPlaces
    from beam_audio.inputs.manifest_files import Line

FAILURES: Final = "failures"
REFS: Final = "refs"


class ReadAudio(beam.PTransform):
    """Lists audio as :class:`AudioRef`, and what cannot be read as :class:`Failure`.

    Returns a tuple of PCollections, ``refs`` and ``failures``. Give exactly one of:

    Args:
        input: A file, a folder (searched at any depth; hidden names, outputs of beam-audio and
            suffixes of other kinds of files are left out) or a Beam glob (``*`` within a folder,
            ``**`` across).
        manifest: A JSONL, CSV or TSV file or a glob of such files; see
            :func:`beam_audio.inputs.manifest.parse_line` and
            :func:`beam_audio.inputs.manifest_files.lines_of`. Relative paths begin at the
            manifest's folder.
        exclude: A folder whose files are not inputs, such as the output.
        limit: Number of inputs to take at most, in the order of names or lines.
        allowed: Where the manifest's files may be; None allows everywhere.
    """

    def __init__(
        self,
        *,
        input: str | None = None,  # noqa: A002 - the flag's name
        manifest: str | None = None,
        exclude: str | None = None,
        limit: int | None = None,
        allowed: AllowedPlaces | None = None,
    ) -> None:
        super().__init__()
        if (input is None) == (manifest is None):
            raise ConfigError("give either --input or --manifest")
        self._input = input
        self._manifest = manifest
        self._exclude = exclude
        self._limit = limit
        self._allowed = allowed

    def expand(self, begin: beam.pvalue.PBegin) -> beam.pvalue.DoOutputsTuple:
        """Wire the listing; references are spread over the workers, which look at the files."""
        if self._manifest is not None:
            read_line = _RefOfLine(self._allowed)
            lines = (
                begin
                | "Manifest" >> beam.Create([self._manifest])
                | "Lines" >> beam.FlatMap(self._lines)
                | "SpreadLines" >> beam.Reshuffle()
            )
            return lines | "Refs" >> beam.ParDo(read_line).with_outputs(FAILURES, main=REFS)
        files = (
            begin
            | "Input" >> beam.Create([self._input])
            | "Match" >> beam.FlatMap(self._files)
            | "SpreadFiles" >> beam.Reshuffle()
        )
        return files | "Refs" >> beam.ParDo(_RefOfFile()).with_outputs(FAILURES, main=REFS)

    def _lines(self, pattern: str) -> Iterator[Line | Failure]:
        return islice(read_lines(pattern), self._limit)

    def _files(self, pattern: str) -> Iterator[StoredFile]:
        return islice(match_input(pattern, self._exclude), self._limit)


class _RefOfLine(beam.DoFn):
    def __init__(self, allowed: AllowedPlaces | None) -> None:
        super().__init__()
        self._allowed = allowed

    def process(self, element: Line | Failure) -> Iterable[AudioRef | beam.pvalue.TaggedOutput]:
        yield _tagged(input_of(element, self._allowed))


class _RefOfFile(beam.DoFn):
    def process(self, element: StoredFile) -> Iterable[AudioRef | beam.pvalue.TaggedOutput]:
        yield _tagged(input_of_file(element))


def _tagged(found: AudioRef | Failure) -> AudioRef | beam.pvalue.TaggedOutput:
    return beam.pvalue.TaggedOutput(FAILURES, found) if isinstance(found, Failure) else found

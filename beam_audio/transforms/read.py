"""ReadAudio: turns a glob, folder, file or manifest into references; no audio is read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.errors import ConfigError
from beam_audio.inputs.formats.choice import read_format
from beam_audio.inputs.found import Found, input_of
from beam_audio.inputs.left_out import LeftOut
from beam_audio.inputs.listing import match_input, read_lines
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.inputs.allowed import AllowedPlaces

FAILURES: Final = "failures"
REFS: Final = "refs"


@beam.typehints.with_output_types(AudioRef, failures=Failure)
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
        input_format: The format of the input or manifest, see
            :data:`beam_audio.inputs.formats.names.INPUT_FORMATS`; None for audio files and plain
            manifests.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        *,
        input: str | None = None,  # noqa: A002 - the flag's name
        manifest: str | None = None,
        exclude: str | None = None,
        limit: int | None = None,
        allowed: AllowedPlaces | None = None,
        input_format: str | None = None,
    ) -> None:
        super().__init__()
        if (input is None) == (manifest is None):
            raise ConfigError("give either --input or --manifest")
        self._input = input
        self._manifest = manifest
        self._exclude = exclude
        self._limit = limit
        self._allowed = allowed
        self._input_format = input_format

    def expand(self, begin: beam.pvalue.PBegin) -> beam.pvalue.DoOutputsTuple:
        """Wire the listing; references are spread over the workers, which look at the files."""
        found = (
            begin
            | "Place" >> beam.Create([self._input or self._manifest])
            | "List" >> beam.FlatMap(self._found)
            | "Spread" >> beam.Reshuffle()
        )
        look = _Look(self._allowed)
        return found | "Refs" >> beam.ParDo(look).with_outputs(FAILURES, main=REFS)

    def _found(self, place: str) -> Iterator[Found]:
        if self._input_format is not None:
            listed = read_format(self._input_format, place, self._exclude)
            found: Iterator[Found] = (each for each in listed if not isinstance(each, LeftOut))
        elif self._manifest is not None:
            found = read_lines(place)
        else:
            found = iter(match_input(place, self._exclude))
        return islice(found, self._limit)


@beam.typehints.with_output_types(AudioRef, failures=Failure)
class _Look(beam.DoFn):
    def __init__(self, allowed: AllowedPlaces | None) -> None:
        super().__init__()
        self._allowed = allowed

    def process(self, element: Found) -> Iterable[AudioRef | beam.pvalue.TaggedOutput]:
        yield _tagged(input_of(element, self._allowed))


def _tagged(found: AudioRef | Failure) -> AudioRef | beam.pvalue.TaggedOutput:
    return beam.pvalue.TaggedOutput(FAILURES, found) if isinstance(found, Failure) else found

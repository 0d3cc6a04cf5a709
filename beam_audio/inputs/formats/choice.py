"""The formats by name, which one a place holds, and how each is listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.audiofolder import read_audiofolder
from beam_audio.inputs.formats.common_voice import COLUMNS, header_of, read_common_voice
from beam_audio.inputs.formats.cuts import is_cut, read_cuts
from beam_audio.inputs.formats.files import files_named
from beam_audio.inputs.formats.kaldi import read_kaldi
from beam_audio.inputs.formats.nemo import is_tarred, read_nemo
from beam_audio.inputs.formats.shar import has_shard, read_shar
from beam_audio.inputs.formats.shards import failure_inside
from beam_audio.inputs.formats.tables import read_table
from beam_audio.inputs.formats.webdataset import read_webdataset
from beam_audio.inputs.listing import match_manifest
from beam_audio.inputs.manifest_files import numbered_lines
from beam_audio.types import Failure, StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.inputs.found import Found
    from beam_audio.inputs.left_out import LeftOut


@dataclass(frozen=True, slots=True)
class _Format:
    """A format: the names of its files in a folder, and what reads one of them."""

    names: re.Pattern[str]
    read: Callable[[StoredFile], Iterator[Found | LeftOut]]


def _format(names: str, read: Callable[[StoredFile], Iterator[Found | LeftOut]]) -> _Format:
    return _Format(re.compile(names), read)


_AUDIOFOLDER: Final = "audiofolder"
_TABLE: Final = _format(r".*\.(parquet|arrow)", read_table)
_FORMATS: Final = {
    "nemo": _format(r".*manifest.*\.jsonl?(\.gz)?", read_nemo),
    "webdataset": _format(r".*\.(tar|tar\.gz|tgz)", read_webdataset),
    "shar": _format(r"cuts(\.[^.]+)?\.jsonl(\.gz)?", read_shar),
    "cuts": _format(r".*cuts.*\.jsonl(\.gz)?", read_cuts),
    "huggingface": _TABLE,
    "kaldi": _format(r"wav\.scp", read_kaldi),
    "parquet": _TABLE,
    "common_voice": _format(
        r"(train|dev|test|validated|invalidated|other)\.tsv", read_common_voice
    ),
}
_BY_NAME: Final = {"webdataset": r"\.tar$", "parquet": r"\.(parquet|arrow)$", "kaldi": r"wav\.scp$"}
"""What ends the names of files that hold nothing else."""


def read_format(name: str, place: str, exclude: str | None = None) -> Iterator[Found | LeftOut]:
    """List the inputs of a format, in the order its files have; no audio is read.

    Args:
        name: A value of ``--input_format``.
        place: A folder, a file or a glob.
        exclude: A folder whose files are not inputs, such as the output.

    Yields:
        What was found; a failure for a file of the format that cannot be read; what is no input.

    Raises:
        InputError: The place cannot be listed.
        MachineError: The machine is at fault, or the store does not answer.
    """
    if name == _AUDIOFOLDER:
        yield from read_audiofolder(place, exclude)
        return
    form = _FORMATS[name]
    files, left_out = files_named(place, form.names, exclude)
    yield left_out
    for file in files:
        try:
            yield from form.read(file)
        except InputError as error:
            yield failure_inside(file, "", str(error))


def has_format(name: str, place: str, exclude: str | None = None) -> bool:
    """Whether a place has a file of a format.

    Raises:
        InputError: It cannot be listed.
    """
    if name == _AUDIOFOLDER:
        return store.is_local_folder(place) or _has_files(place, re.compile(".*"), exclude)
    return _has_files(place, _FORMATS[name].names, exclude)


def _has_files(place: str, names: re.Pattern[str], exclude: str | None) -> bool:
    files, _ = files_named(place, names, exclude)
    return bool(files)


def recognised(input: str | None, manifest: str | None) -> str | None:  # noqa: A002 - the flag's name
    """The format that ``--input`` or ``--manifest`` names without saying so; None for none.

    Names tell tar shards, tables and ``wav.scp``. The first line tells other manifests.

    Raises:
        InputError: A manifest cannot be opened.
    """
    for name, ending in _BY_NAME.items():
        if re.search(ending, manifest or input or ""):
            return name
    found = match_manifest(manifest)[:1] if manifest is not None else []
    return _of_first_line(found[0]) if found else None


def _of_first_line(manifest: str) -> str | None:
    first = next(numbered_lines(manifest), None)
    if first is None or isinstance(first, Failure):
        return None
    _, line = first
    if set(header_of(line)) >= COLUMNS:
        return "common_voice"
    if is_cut(line):
        return "shar" if has_shard(manifest) else "cuts"
    return "nemo" if is_tarred(line) else None

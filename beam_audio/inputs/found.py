"""What a listing finds for an input, and the reference or failure that it becomes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from beam_audio.errors import InputError
from beam_audio.inputs.listing import (
    input_of_file,
    input_of_line,
    read_failure,
    ref_of_file,
    with_statements,
)
from beam_audio.inputs.manifest import parse_line
from beam_audio.inputs.manifest_files import Line
from beam_audio.inputs.members import Member
from beam_audio.types import AudioRef, Failure, StoredFile, stable_id

if TYPE_CHECKING:
    from beam_audio.inputs.allowed import AllowedPlaces

Found = Line | Member | StoredFile | Failure
"""A line of a manifest, an input inside a file, a file, or why there is none of these."""


def input_of(found: Found, allowed: AllowedPlaces | None = None) -> AudioRef | Failure:
    """The input that was found; its audio is not opened.

    Args:
        found: What was found.
        allowed: Where the files that lines and members name may be; None allows everywhere.
    """
    match found:
        case Failure():
            return found
        case StoredFile():
            return input_of_file(found)
        case Member():
            return _input_of_member(found, allowed)
        case manifest, number, line:
            return input_of_line(manifest, number, line, allowed)


def _input_of_member(member: Member, allowed: AllowedPlaces | None) -> AudioRef | Failure:
    try:
        if allowed is not None:
            allowed.require(member.file.path)
        entry = parse_line(member.fields)
    except InputError as error:
        statement = hashlib.sha256(member.fields).hexdigest()
        identity = stable_id("member", member.uri, statement)
        return read_failure(identity, member.uri, str(error), None)
    ref = replace(
        ref_of_file(member.file),
        uri=member.uri,
        spooled_uri=None,
        size_bytes=member.size_bytes,
        inside=member.inside,
    )
    return with_statements(ref, entry, member.stated_in)

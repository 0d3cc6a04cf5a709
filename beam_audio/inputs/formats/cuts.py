"""Lhotse's cuts: lines of JSON, each a stretch of a recording with what is said in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import InputError
from beam_audio.inputs.listing import read_failure
from beam_audio.inputs.manifest import load_object
from beam_audio.inputs.manifest_files import numbered_lines
from beam_audio.inputs.members import line_of
from beam_audio.types import Failure, StoredFile, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.manifest_files import Line

_MONO, _MULTI = "MonoCut", "MultiCut"
_SAME_SECONDS: Final = 1e-3
"""Lhotse rounds times to less than this."""
_OWN: Final = ("text", "language", "speaker")


def is_cut(line: bytes) -> bool:
    """Whether a line of JSON is a cut."""
    try:
        fields = load_object(line)
    except InputError:
        return False
    return "start" in fields and "duration" in fields and "supervisions" in fields


def read_cuts(manifest: StoredFile) -> Iterator[Line | Failure]:
    """Cuts as lines of a manifest. One that is not a stretch of one file is a failure.

    Raises:
        InputError: The file cannot be opened.
    """
    for each in numbered_lines(manifest.path):
        if isinstance(each, Failure):
            yield each
            continue
        number, content = each
        try:
            yield manifest.path, number, _line(load_object(content))
        except InputError as error:
            yield cut_failure(manifest.path, number, content, error)


def cut_failure(manifest: str, number: int, content: bytes, error: InputError) -> Failure:
    """The failure of a line that gives no cut."""
    identity = stable_id("cut", manifest, content.hex())
    return read_failure(identity, manifest, f"line {number}: {error}", None)


def stated_of(cut: dict[str, Any]) -> dict[str, Any]:
    """What a cut states beside where it is: text, language, speaker, and other fields.

    The texts of several supervisions are joined in the order of their times.
    """
    supervisions = sorted(
        (each for each in _list(cut, "supervisions") if isinstance(each, dict)),
        key=lambda each: _number(each, "start"),
    )
    stated: dict[str, Any] = {"id": cut.get("id")}
    for key in _OWN:
        values = [each[key] for each in supervisions if isinstance(each.get(key), str)]
        if key == "text":
            if values:
                stated[key] = " ".join(value.strip() for value in values)
        elif len(set(values)) == 1:
            stated[key] = values[0]
    for each in (cut.get("custom"), *(each.get("custom") for each in supervisions)):
        if isinstance(each, dict):
            stated = {**each, **stated}
    return {key: value for key, value in stated.items() if not isinstance(value, (dict, list))}


def _line(cut: dict[str, Any]) -> bytes:
    kind = cut.get("type", _MONO)
    if kind not in {_MONO, _MULTI}:
        raise InputError(f"a {kind!r:.40} is made of several recordings; write its audio to a file")
    recording = cut.get("recording")
    if not isinstance(recording, dict):
        raise InputError("the cut has no recording; write cuts with their recordings")
    if recording.get("transforms"):
        raise InputError("its recording is transformed when loaded; write its audio to a file")
    start_seconds, duration_seconds = _number(cut, "start"), _number(cut, "duration")
    fields = stated_of(cut) | {"duration": duration_seconds} | _channel(cut, recording)
    is_whole = abs(_number(recording, "duration") - duration_seconds) < _SAME_SECONDS
    if start_seconds or not is_whole:
        fields["offset"] = start_seconds
    return line_of(_source(recording), fields)


def _source(recording: dict[str, Any]) -> str:
    sources = _list(recording, "sources")
    source = sources[0] if len(sources) == 1 and isinstance(sources[0], dict) else {}
    kind, place = source.get("type"), source.get("source")
    if kind == "command":
        raise InputError(
            f"the recording is a command, and commands are not run: {place!r:.200}; run it, and "
            "name the file that it writes"
        )
    if kind not in {"file", "url"} or not isinstance(place, str) or not place:
        raise InputError(
            f"the recording is {len(sources)} sources of type {kind!r:.40}; it must be one file"
        )
    return place


def _channel(cut: dict[str, Any], recording: dict[str, Any]) -> dict[str, int]:
    """The channel of a cut, unless the recording has no other."""
    stated = cut.get("channel", 0)
    wanted = stated if isinstance(stated, list) else [stated]
    sources = [each for each in _list(recording, "sources") if isinstance(each, dict)]
    known = _list(recording, "channel_ids") or (_list(sources[0], "channels") if sources else [])
    try:
        if sorted(wanted) == sorted(known or wanted):
            return {}
    except TypeError as error:
        raise InputError(f"channel is {stated!r:.80}, not a number or a list of them") from error
    if len(wanted) != 1:
        raise InputError(f"the cut has the channels {wanted}, which are some of {known}")
    return {"channel": wanted[0]}


def _list(fields: dict[str, Any], key: str) -> list[Any]:
    value = fields.get(key)
    return value if isinstance(value, list) else []


def _number(fields: dict[str, Any], key: str) -> float:
    value = fields.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{key} is {value!r:.80}, not a number")
    return float(value)

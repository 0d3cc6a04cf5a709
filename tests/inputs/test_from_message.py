"""Messages become inputs that depend on what they name, not on the message."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from support.unit_runs import read, tones, transcribe, write

from beam_audio.inputs.allowed import AllowedPlaces
from beam_audio.inputs.forgotten import Tombstone
from beam_audio.inputs.from_message import MAX_INLINE_BYTES, input_of_message
from beam_audio.inputs.listing import input_of_line
from beam_audio.inputs.messages import Message
from beam_audio.inputs.tombstones import begin_forgetting, read_forgotten, write_tombstones
from beam_audio.store.output_names import PAYLOADS
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = AllowedPlaces.stated("/nowhere")
PUBLISHED = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def message(data: bytes = b"", name: str = "17", **attributes: str) -> Message:
    return Message(data, attributes, name, PUBLISHED)


def wav(seconds: float) -> bytes:
    file = io.BytesIO()
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, round(16_000 * seconds))
    soundfile.write(file, samples, 16_000, format="WAV")
    return file.getvalue()


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_a_file_is_the_same_input_as_in_a_manifest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1]))
    line = json.dumps({"audio_filepath": str(path), "text": "yes", "offset": 0, "duration": 0.5})
    found = input_of_message(message(line.encode()), str(tmp_path / "out"))
    assert isinstance(found, AudioRef)
    assert replace(found, stated_in="m.jsonl line 1") == input_of_line("m.jsonl", 1, line.encode())


def test_a_small_payload_travels_with_its_reference(tmp_path: Path) -> None:
    found = input_of_message(message(wav(0.5), content_type="audio/wav"), str(tmp_path))
    assert isinstance(found, AudioRef)
    assert found.inline == wav(0.5)
    assert found.event_time == PUBLISHED
    assert files(tmp_path) == []


def test_a_large_payload_is_written_below_the_output_and_read_from_there(tmp_path: Path) -> None:
    payload = wav(10)
    assert len(payload) > MAX_INLINE_BYTES
    found = input_of_message(
        message(payload, content_type="audio/wav", uri="call://7"), str(tmp_path)
    )
    assert isinstance(found, AudioRef)
    assert (found.inline, found.uri) == (None, "call://7")
    (stored,) = files(tmp_path)
    assert stored.parent.name == PAYLOADS
    assert stored.read_bytes() == payload
    transcribe(tmp_path, found)
    (row,) = read(tmp_path, "recordings")
    assert (row["uri"], row["decoded_seconds"]) == ("call://7", 10.0)


def test_the_same_audio_published_twice_is_one_input(tmp_path: Path) -> None:
    first, second = (
        input_of_message(message(wav(0.5), name, content_type="audio/wav"), str(tmp_path))
        for name in ("1", "2")
    )
    assert isinstance(first, AudioRef)
    assert isinstance(second, AudioRef)
    assert first.source_id == second.source_id


def test_a_message_that_is_published_again_states_the_same(tmp_path: Path) -> None:
    """Audio in a message without a time has that of its publication, which nobody stated."""
    first = message(wav(0.5), "1", content_type="audio/wav")
    retry = replace(first, message_id="2", published=PUBLISHED + timedelta(minutes=1))
    timed = replace(retry, attributes={**first.attributes, "time": "2026-01-05T09:00:00Z"})
    ids = [
        found.stated_id
        for each in (first, retry, timed)
        if isinstance(found := input_of_message(each, str(tmp_path), "time"), AudioRef)
    ]
    assert ids[0] == ids[1] != ids[2]


def test_different_audio_under_one_name_has_different_places(tmp_path: Path) -> None:
    """A microphone may use one name for all its audio; none of it may be skipped."""
    found = [
        input_of_message(
            message(wav(seconds), content_type="audio/wav", uri="mic://7"), str(tmp_path)
        )
        for seconds in (0.5, 0.6, 10.0, 11.0)
    ]
    assert len({each.place_id for each in found if each}) == 4


def test_an_unreadable_message_is_kept_whole(tmp_path: Path) -> None:
    failure = input_of_message(message(b"\xff{", "99", room="3"), str(tmp_path))
    assert isinstance(failure, Failure)
    assert failure.payload_uri is not None
    assert "99" in failure.message
    assert '"room": "3"' in failure.message
    assert failure.event_time == PUBLISHED
    with open(failure.payload_uri, encoding="utf-8") as file:  # noqa: PTH123 - a uri
        kept = json.load(file)
    assert base64.b64decode(kept["data_base64"]) == b"\xff{"
    assert kept["attributes"] == {"room": "3"}
    again = input_of_message(message(b"\xff{", "100", room="3"), str(tmp_path))
    assert isinstance(again, Failure)
    assert again.source_id == failure.source_id


def test_no_message_can_end_the_run_that_reads_it(tmp_path: Path) -> None:
    """An unexpected error while a message is read is a failure of this message."""
    attributes = {"content_type": "audio/" + "(" * 900}
    failure = input_of_message(message(b"x", **attributes), str(tmp_path))
    assert isinstance(failure, Failure)
    assert failure.payload_uri is not None


def test_an_address_without_a_bucket_needs_no_credentials(tmp_path: Path) -> None:
    failure = input_of_message(message(b'{"audio_filepath": "gs://"}'), str(tmp_path))
    assert isinstance(failure, Failure)
    assert "names no bucket" in failure.message


def test_a_device_is_not_read(tmp_path: Path) -> None:
    failure = input_of_message(message(b'{"audio_filepath": "/dev/zero"}'), str(tmp_path))
    assert isinstance(failure, Failure)
    assert "is a device, not a regular file" in failure.message


def test_a_missing_file_is_a_failure(tmp_path: Path) -> None:
    line = json.dumps({"audio_filepath": str(tmp_path / "no.wav")}).encode()
    failure = input_of_message(message(line), str(tmp_path))
    assert isinstance(failure, Failure)
    assert failure.uri == str(tmp_path / "no.wav")


@pytest.mark.parametrize("name", ["out/segments/part-1.parquet", "in/.hidden.wav", "in/folder/"])
def test_notifications_that_name_no_input_are_skipped(name: str) -> None:
    notice = message(eventType="OBJECT_FINALIZE", bucketId="b", objectId=name)
    assert input_of_message(notice, "gs://b/out") is None


def test_a_kept_message_holds_no_secret_of_an_address(tmp_path: Path) -> None:
    data = b'{"audio": "https://me:5ec2e7@host/a.wav?sig=5ec2e7&se=1", "x": "\xff'
    failure = input_of_message(message(data, page="https://h/?token=5ec2e7"), str(tmp_path))
    assert isinstance(failure, Failure)
    assert "5ec2e7" not in failure.message
    (kept,) = files(tmp_path)
    content = json.loads(kept.read_text())
    assert content["attributes"] == {"page": "https://h/"}
    assert base64.b64decode(content["data_base64"]) == b'{"audio": "https://host/a.wav", "x": "\xff'


def test_audio_in_a_message_goes_by_an_address_without_secrets(tmp_path: Path) -> None:
    stated = {"uri": "https://me:5ec2e7@h/a?sig=5ec2e7", "page": "https://h/?token=5ec2e7&n=1"}
    found = input_of_message(message(wav(0.5), content_type="audio/wav", **stated), str(tmp_path))
    assert isinstance(found, AudioRef)
    assert found.uri == "https://h/a"
    assert found.metadata == (("page", "https://h/?n=1"),)


@pytest.mark.parametrize("form", ["line", "notice"])
def test_a_message_names_what_is_allowed_or_is_a_failure(form: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.wav", tones([0.1]))
    write(tmp_path / "secret.wav", tones([0.1]))
    allowed = AllowedPlaces.stated(f"{tmp_path}/in,gs://calls")

    def found(path: str) -> AudioRef | Failure | None:
        named = message(json.dumps({"audio": f"{tmp_path}/{path}"}).encode())
        return input_of_message(named, str(tmp_path / "out"), allowed=allowed)

    if form == "line":
        assert isinstance(found("in/a.wav"), AudioRef)
        failure = found("in/../secret.wav")
    else:
        event = message(eventType="OBJECT_FINALIZE", bucketId="others", objectId="a.wav")
        failure = input_of_message(event, str(tmp_path / "out"), allowed=allowed)
    assert isinstance(failure, Failure)
    assert (failure.error_type, failure.uri.endswith(".wav")) == ("InputError", True)
    assert f"is not below --allow_inputs={tmp_path}/in,gs://calls" in failure.message


def test_audio_in_a_message_is_no_place(tmp_path: Path) -> None:
    inline = message(wav(0.5), content_type="audio/wav", uri="/etc/passwd")
    found = input_of_message(inline, str(tmp_path), allowed=AllowedPlaces.stated("gs://calls"))
    assert isinstance(found, AudioRef)


NAMES = st.sampled_from(["../../x", "/etc/x", "a\0b", "C:\\x", "a//b", "a\nb", "x" * 300, "", ".."])


@given(
    data=st.binary(max_size=20) | st.just(wav(9)),
    attributes=st.dictionaries(st.sampled_from(["uri", "bucketId", "objectId", "k"]), NAMES),
    form=st.sampled_from([{}, {"content_type": "audio/wav"}, {"eventType": "OBJECT_FINALIZE"}]),
)
@settings(max_examples=50)
def test_no_message_writes_outside_the_payloads(
    data: bytes,
    attributes: dict[str, str],
    form: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    above = tmp_path_factory.mktemp("above")
    input_of_message(
        message(data, "../../id", **attributes | form), str(above / "deep" / "out"), allowed=NOWHERE
    )
    places = {path.parent.relative_to(above).as_posix() for path in files(above)}
    assert places <= {f"deep/out/{PAYLOADS}"}


def test_a_message_that_asks_for_a_forgotten_recording_asks_for_nothing(tmp_path: Path) -> None:
    root = str(tmp_path / "out")
    known = begin_forgetting(root)
    audio, path = wav(10.0), write(tmp_path / "a.wav", tones([0.1]))
    marks = [
        known.mark("content", hashlib.sha256(audio).hexdigest()),
        known.mark("address", str(path)),
    ]
    write_tombstones(root, map(Tombstone, marks))
    before, known = files(tmp_path), read_forgotten(root)
    assert len(audio) > MAX_INLINE_BYTES
    line = json.dumps({"audio_filepath": str(path)}).encode()
    for asked in (
        message(audio, content_type="audio/wav"),
        message(audio, content_type="audio/wav", uri="call:18"),
        message(line),
    ):
        assert input_of_message(asked, root, known=known) is None
        assert isinstance(input_of_message(asked, str(tmp_path / "other")), AudioRef)
    assert [path for path in files(tmp_path) if "other" not in path.parts] == before

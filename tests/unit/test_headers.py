"""Lengths by headers: of files and objects, read by a child."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.bucket_servers import google_bucket, put
from support.poisoned import poison, use_poison
from support.run_outputs import DEMO, settings

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.isolated.decoding_child import end_idle
from beam_audio.audio.limits import DecodeLimits
from beam_audio.errors import MachineError
from beam_audio.types import AudioRef
from beam_audio.unit.headers import header_request, header_seconds

if TYPE_CHECKING:
    from pathlib import Path

    from support.bucket_servers import Trouble

REQUEST = DecodeRequest()


def test_a_header_inside_gzip_is_read(tmp_path: Path) -> None:
    packed = tmp_path / "river.wav.gz"
    packed.write_bytes(gzip.compress((DEMO / "river.wav").read_bytes()))
    whole = header_seconds(AudioRef(str(DEMO / "river.wav"), 1), REQUEST)
    assert header_seconds(AudioRef(str(packed), packed.stat().st_size), REQUEST) == whole
    packed.write_bytes(packed.read_bytes()[:100])
    assert header_seconds(AudioRef(str(packed), 100), REQUEST) is None


def test_a_header_is_believed_up_to_the_limit_of_a_recording() -> None:
    river = AudioRef(str(DEMO / "river.wav"), 1)
    whole = header_seconds(river, REQUEST)
    assert whole == pytest.approx(3.6, abs=0.5)
    short = DecodeRequest(limits=DecodeLimits(max_recording_seconds=2.0))
    assert header_seconds(river, short) == 2.0
    assert header_seconds(AudioRef(str(DEMO / "none.wav"), 1), REQUEST) is None


def test_a_rare_container_has_a_length_where_it_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.xi"
    soundfile.write(path, np.zeros(44_100), 44_100, format="XI", subtype="DPCM_16")
    lengths = [
        header_seconds(
            AudioRef(str(path), path.stat().st_size),
            header_request(settings(input=tmp_path, output="none", **flags)),
        )
        for flags in ({}, {"decoder_allow": "xi"})
    ]
    assert lengths == [None, pytest.approx(1.0)]


def test_the_header_of_an_object_is_read_by_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    end_idle()
    use_poison(monkeypatch)
    with google_bucket() as bucket:
        put(f"{bucket}/river.wav", (DEMO / "river.wav").read_bytes())
        put(f"{bucket}/abort.wav", poison("abort"))
        names = ("abort.wav", "river.wav", "none.wav")
        lengths = [header_seconds(AudioRef(f"{bucket}/{name}", 1), REQUEST) for name in names]
    end_idle()
    assert lengths == [None, header_seconds(AudioRef(str(DEMO / "river.wav"), 1), REQUEST), None]


def test_a_bucket_that_fails_is_no_unreadable_header() -> None:
    trouble: list[Trouble] = []

    def refuse(method: str, path: str, _: int) -> Trouble | None:
        return trouble[0] if trouble and method == "GET" and "river" in path else None

    with google_bucket(refuse) as bucket:
        put(f"{bucket}/river.wav", (DEMO / "river.wav").read_bytes())
        trouble.append(407)
        with pytest.raises(MachineError, match="credentials"):
            header_seconds(AudioRef(f"{bucket}/river.wav", 1), REQUEST)

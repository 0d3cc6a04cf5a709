"""A plan: what headers and manifests claim, at a measured speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.poisoned import poison, use_poison
from support.run_outputs import settings, write_manifest, write_speech

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.isolated.decoding_child import end_idle
from beam_audio.command.estimate import (
    Estimate,
    list_inputs,
    plan_table,
    survey,
)
from beam_audio.command.speeds import Speed
from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.command.estimate import Survey


def found(*, max_headers: int = 1000, **flags: object) -> Survey:
    inputs = list_inputs(settings(output="none", **flags))
    return survey(inputs, max_headers=max_headers, request=DecodeRequest())


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """Ten recordings of 1 to 10 s, and one that is none."""
    for seconds in range(1, 11):
        write_speech(tmp_path / "in" / f"{seconds}.wav", seconds=seconds)
    (tmp_path / "in" / "bad.wav").write_bytes(b"no audio")
    return tmp_path / "in"


def test_headers_add_up(audio: Path) -> None:
    plan = found(input=audio)
    assert (plan.recordings, plan.unreadable, plan.headers, plan.unseen) == (10, 1, 11, 0)
    assert plan.seconds == pytest.approx(55)
    assert plan.size_bytes == sum(path.stat().st_size for path in audio.iterdir())


def test_a_file_that_ends_its_decoder_is_unreadable(
    audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_idle()
    use_poison(monkeypatch)
    (audio / "bad.wav").write_bytes(poison("abort"))
    plan = found(input=audio)
    end_idle()
    assert (plan.recordings, plan.unreadable) == (10, 1)
    assert plan.seconds == pytest.approx(55)


def test_what_is_not_looked_at_is_estimated_by_its_size(audio: Path) -> None:
    plan = found(input=audio, max_headers=4)
    assert (plan.headers, plan.unseen) == (4, 7)
    assert plan.seconds == pytest.approx(55, rel=0.02)
    assert found(input=audio, max_headers=4) == plan


def test_a_manifest_says_how_long_its_audio_is(audio: Path, tmp_path: Path) -> None:
    lines: list[dict[str, Any] | str] = [
        {"audio_filepath": str(audio / "10.wav"), "duration": 7200.0},
        {"audio_filepath": str(audio / "9.wav"), "offset": 1.0, "duration": 3.0},
        {"audio_filepath": str(audio / "8.wav"), "offset": 2.5},
        {"audio_filepath": str(audio / "8.wav"), "offset": 2.5},
        {"audio_filepath": str(audio / "none.wav")},
        "{broken",
    ]
    plan = found(manifest=write_manifest(tmp_path / "m.jsonl", lines))
    assert (plan.recordings, plan.unreadable, plan.headers) == (3, 2, 1)
    assert plan.seconds == pytest.approx(7200 + 3 + 5.5)
    assert found(manifest=tmp_path / "m.jsonl", limit=1).seconds == 7200


def test_nothing_to_plan_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="matches no file"):
        list(list_inputs(settings(input=tmp_path / "none", output="none")))


def test_workers_and_cost_follow_from_hours() -> None:
    estimate = Estimate(3600.0 * 1000, Speed(50, "here"), "4 cores")
    assert estimate.worker_hours == 20.0
    assert [estimate.workers(hours) for hours in (100.0, 20.0, 19.0, 1.0)] == [1, 1, 2, 20]


def test_the_table_tells_it_all(audio: Path) -> None:
    plan = found(input=audio, max_headers=4)
    estimate = Estimate(3600.0 * 1000, Speed(50, "measured here"), "4 cores")
    table = plan_table(plan, estimate, deadline_hours=8.0, price=0.25)
    for text in ("7 lengths estimated", "20.00 h", "50.0 ×", "measured here", "5.00", "at 0.25"):
        assert text in table
    (workers,) = (line for line in table.splitlines() if line.startswith("workers"))
    assert workers.split()[1] == "3"


def test_a_stream_has_no_end_to_plan_for() -> None:
    with pytest.raises(ConfigError, match=r"--subscription=.* has no end to plan for"):
        found(subscription="projects/p/subscriptions/s")

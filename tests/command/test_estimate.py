"""A plan: what headers and manifests claim, at a measured speed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.poisoned import poison, use_poison
from support.run_outputs import run, settings, write_manifest, write_speech

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.isolated.decoding_child import end_idle
from beam_audio.command.estimate import (
    Estimate,
    Speed,
    list_inputs,
    measured_speed,
    plan_table,
    survey,
)
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
    estimate = Estimate(3600.0 * 1000, Speed(12.5, "here"), worker_cores=4)
    assert estimate.worker_hours == 20.0
    assert [estimate.workers(hours) for hours in (100.0, 20.0, 19.0, 1.0)] == [1, 1, 2, 20]


def test_the_table_tells_it_all(audio: Path) -> None:
    plan = found(input=audio, max_headers=4)
    estimate = Estimate(3600.0 * 1000, Speed(12.5, "measured here"), worker_cores=4)
    table = plan_table(plan, estimate, deadline_hours=8.0, price=0.25)
    for text in ("7 lengths estimated", "20.00 h", "50.0 ×", "measured here", "5.00", "at 0.25"):
        assert text in table
    (workers,) = (line for line in table.splitlines() if line.startswith("workers"))
    assert workers.split()[1] == "3"


def test_the_speed_is_that_of_an_earlier_run_of_the_same_model(tmp_path: Path) -> None:
    write_speech(tmp_path / "in" / "a.wav")
    output = tmp_path / "out"
    run(input=tmp_path / "in", output=output)
    config = settings(input=tmp_path / "in", output=output)
    with pytest.raises(ConfigError, match="--times_real_time"):
        measured_speed(config)  # it took too little time to tell

    (path,) = output.glob("run-*.json")
    content = json.loads(path.read_text())
    content["throughput"] = {"wall_seconds": 100.0, "times_real_time": 30.0}
    content["machine"] = {"cores": 3}
    path.write_text(json.dumps(content))
    endless = json.dumps(content | {"machine": {"cores": 1e-320}})
    for number, broken in enumerate(("{cut of", "{}", "[" * 100_000, "[]", '"x"', endless), 94):
        (output / f"run-{number}.json").write_text(broken)
    assert measured_speed(config).times_real_time_per_core == 10.0
    with pytest.raises(ConfigError):
        measured_speed(settings(input="in", output=output, model="whisper-small"))


def test_the_models_with_weights_of_their_own_have_a_speed() -> None:
    for model in ("whisper-tiny.en", "whisper-base"):
        for padding in ("full", "condensed"):
            config = settings(input="in", output="none", model=model, padding=padding)
            assert measured_speed(config).times_real_time_per_core > 1


def test_a_stream_has_no_end_to_plan_for() -> None:
    with pytest.raises(ConfigError, match=r"--subscription=.* has no end to plan for"):
        found(subscription="projects/p/subscriptions/s")

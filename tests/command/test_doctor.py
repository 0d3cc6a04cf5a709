"""What doctor finds here, and what it says where something is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.project import ROOT

from beam_audio.asr import list_models
from beam_audio.asr.session import available_providers
from beam_audio.command.doctor import Finding, Report, examine
from beam_audio.models.network_card import all_network_cards

WITHOUT_MODULE = """
import sys
sys.modules[{name!r}] = None
from beam_audio.command.doctor import examine
report = examine()
print(report.text)
sys.exit(not report.healthy)
"""


def finding(report: Report, part: str) -> Finding:
    (found,) = [found for found in report.findings if found.part == part]
    return found


def examine_without(name: str) -> tuple[int, list[str]]:
    """Exit status and lines of an examination where a module cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MODULE.format(name=name)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines()


def test_this_environment_is_healthy() -> None:
    report = examine()
    assert report.healthy
    for provider in available_providers():
        assert provider in report.text
    assert finding(report, "soundfile").state == "ok"


@pytest.mark.usefixtures("cache")
def test_networks_are_named_with_the_line_that_gets_them() -> None:
    report = examine()
    for card in all_network_cards():
        found = finding(report, card.name)
        assert (found.state == "ok") == (not card.missing)
        assert found.cure == (card.cure if card.missing else "")
    assert finding(report, "campplus").cure == "beam-audio models get campplus"


def test_every_model_is_named_with_its_cure_where_it_is_missing() -> None:
    report = examine()
    for model in list_models():
        found = finding(report, model.name)
        assert (found.state == "ok") == model.available
        assert found.cure == model.cure


def test_without_pyav_the_line_that_installs_it_is_shown() -> None:
    status, lines = examine_without("av")
    assert status == 0  # nothing but further formats is missing
    (index,) = [index for index, line in enumerate(lines) if line.startswith("--  PyAV")]
    assert lines[index + 1].strip() == "pip install 'beam_audio[media]'"


def test_an_onnxruntime_that_does_not_load_is_no_health() -> None:
    status, lines = examine_without("onnxruntime")
    assert status == 1
    (index,) = [index for index, line in enumerate(lines) if line.startswith("!!  onnxruntime")]
    assert "does not load" in lines[index]
    assert lines[index + 1].strip().startswith("pip install")


def test_emulator_variables_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:1")
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    report = examine()
    assert finding(report, "STORAGE_EMULATOR_HOST").detail == "http://localhost:1"
    assert "not set" in finding(report, "PUBSUB_EMULATOR_HOST").detail


def test_the_text_keeps_names_apart_from_what_is_said_of_them() -> None:
    for found, line in zip(
        examine().findings,
        [line for line in examine().text.splitlines() if line[:1].strip()],
        strict=True,
    ):
        assert f" {found.part} " in f"{line} "


def test_missing_parts_are_no_illness_and_broken_ones_are() -> None:
    fine = Finding("ok", "a", "1.0")
    missing = Finding("missing", "b", "not here", "pip install b")
    broken = Finding("broken", "c", "damaged", "pip install c")
    assert Report((fine, missing)).healthy
    assert not Report((fine, broken)).healthy
    text = Report((fine, missing, broken)).text.splitlines()
    assert [line.split()[0] for line in text] == ["ok", "--", "pip", "!!", "pip"]

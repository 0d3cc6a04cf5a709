"""The face of the package: its names, what importing it costs, and two lines that transcribe."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from support.installed_models import needs_tiny_en
from support.unit_runs import DEMO, RIVER

import beam_audio

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = {
    *("Audio", "AudioEvent", "Classification", "Failure", "ModelOptions", "Quality", "Request"),
    *("Segment", "Transcript", "Transcription", "__version__"),
    *("classify", "decode", "load_classifier", "load_model", "measure", "resample", "split"),
    *("transcribe", "AsRows", "ClassifyAudio", "DecodeAudio", "MeasureQuality"),
    *("OnnxAsrModelHandler", "ReadAudio", "ReadRows", "SplitAudio", "Transcribe"),
    *("TranscribeUnits", "WriteParquet"),
}
HEAVY = ("apache_beam", "jiwer", "numpy", "onnx", "onnxruntime", "pyarrow", "scipy")
TWO_LINES = (
    f"from beam_audio import transcribe\nprint(transcribe({str(DEMO / 'river.wav')!r}).text)\n"
)


def python(*arguments: str, standard_input: str = "") -> str:
    ran = subprocess.run(
        [sys.executable, *arguments],
        input=standard_input,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_names_are_the_public_ones_and_each_can_be_had() -> None:
    assert set(dir(beam_audio)) == PUBLIC
    for name in PUBLIC:
        found = getattr(beam_audio, name)
        assert getattr(found, "__name__", name) == name


def test_star_imports_them_all() -> None:
    program = "from beam_audio import *; print(*globals())"
    assert set(python("-c", program).split()) >= PUBLIC


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="transcrib"):
        getattr(beam_audio, "transcrib")  # noqa: B009 - the stub knows no such name


def test_version_is_that_of_the_distribution() -> None:
    assert beam_audio.__version__ == version("beam_audio")


def test_importing_the_package_imports_nothing_heavy_and_turns_telemetry_off() -> None:
    program = (
        "import os, sys, beam_audio\n"
        f"print([each for each in {HEAVY} if each in sys.modules])\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    assert python("-c", program).split("\n") == ["[]", "1"]


@pytest.mark.parametrize(("set_before", "used"), [("", "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_memory_from_the_system_unless_another_allocator_is_named(
    monkeypatch: pytest.MonkeyPatch, set_before: str, used: str
) -> None:
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    if set_before:
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", set_before)
    program = "import beam_audio, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    assert python("-c", program) == used


@needs_tiny_en
def test_two_lines_transcribe_in_a_script_without_a_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TWO_LINES, encoding="utf-8")
    assert python(str(script)) == RIVER


@needs_tiny_en
def test_two_lines_transcribe_on_the_command_line() -> None:
    assert python("-c", TWO_LINES) == RIVER


@needs_tiny_en
def test_two_lines_transcribe_from_standard_input() -> None:
    assert python("-", standard_input=TWO_LINES) == RIVER


def test_transcribing_a_local_file_needs_no_beam() -> None:
    program = (
        "import sys\nfrom beam_audio import transcribe\n"
        f"transcribe({str(DEMO / 'river.wav')!r}, model='placeholder')\n"
        "print('apache_beam' in sys.modules)"
    )
    assert python("-c", program) == "False"

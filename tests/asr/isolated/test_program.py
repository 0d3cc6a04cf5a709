from __future__ import annotations

import logging
import resource
import subprocess
import sys

import pytest

from beam_audio.asr.isolated.recognizer import IsolatedRecognizer
from beam_audio.asr.model_options import ModelOptions

MOST_CPU_SECONDS = 2.0


def test_it_starts_without_beam_and_what_needs_other_packages() -> None:
    program = "import sys, beam_audio.asr.isolated.program; print(*sys.modules)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-c", program]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert not {"apache_beam", "pyarrow", "onnxruntime", "iso639"} & set(ran.stdout.split())
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < MOST_CPU_SECONDS


def test_its_log_is_the_parents(weights: str, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("onnxruntime")
    options = ModelOptions(provider="openvino")
    with caplog.at_level(logging.WARNING):
        recognizer = IsolatedRecognizer(weights, options)
    assert recognizer.provider == "CPUExecutionProvider"
    found = {(each.name, each.levelname, each.getMessage()) for each in caplog.records}
    ((name, level, message),) = found
    assert (name, level) == ("beam_audio.asr.session", "WARNING")
    assert message.startswith("OpenVINOExecutionProvider was asked for and CPU")

"""A stream as a process: what is refused before it begins; tests/integration has the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.project import ROOT
from support.run_outputs import settings

from beam_audio.command.streaming import stream
from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SUBSCRIPTION = "projects/p/subscriptions/s"


def test_metrics_are_not_for_dataflow(tmp_path: Path) -> None:
    words = ["--runner=DataflowRunner"]
    config = settings(subscription=SUBSCRIPTION, output=tmp_path, metrics_port=9464)
    with pytest.raises(ConfigError, match="--metrics_port is served by the command"):
        stream(config, words, PipelineOptions(words))


def test_metrics_are_not_for_a_batch(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--metrics_port can only be used with --subscription"):
        settings(input=tmp_path, output=tmp_path, metrics_port=9464)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_stream_that_cannot_begin_logs_why(tmp_path: Path, form: str) -> None:
    given = (f"--subscription={SUBSCRIPTION}", f"--output={tmp_path}/out", "--runner=PrismRunner")
    ran = subprocess.run(
        [sys.executable, "-m", "beam_audio", "run", *given, f"--log_format={form}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    first, last = ran.stderr.splitlines()
    if form == "text":
        assert " INFO beam_audio: reading " in first
        assert " ERROR beam_audio: --subscription is read on the local runner" in last
    else:
        assert json.loads(first)["event"] == "starting"
        assert json.loads(last)["event"] == "failed"
        assert json.loads(last)["exit_status"] == 2

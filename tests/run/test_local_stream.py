"""A stream on the local runner: how messages reach the graph, and which runners are refused."""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.run_outputs import settings

from beam_audio.errors import ConfigError
from beam_audio.inputs.messages import Message
from beam_audio.run.local_stream import read_held, run_stream

if TYPE_CHECKING:
    from pathlib import Path


def digest(message: Message) -> str:
    return hashlib.sha256(message.data + message.message_id.encode()).hexdigest()


def test_a_graph_does_not_hold_what_its_messages_carry(tmp_path: Path) -> None:
    """Beam compresses a graph again and again: 3 s for each megabyte."""
    now = datetime.now(UTC)
    held = [Message(os.urandom(1 << 20), {"n": name}, name, now) for name in ("1", "2")]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = read_held(pipeline, held, str(tmp_path))
        assert len(pipeline.to_runner_api().SerializeToString()) < 100_000
        assert_that(read | beam.Map(digest), equal_to([digest(each) for each in held]))


@pytest.mark.parametrize("runner", ["PrismRunner", "FlinkRunner", "DataflowRunner"])
def test_other_runners_are_refused(tmp_path: Path, runner: str) -> None:
    with pytest.raises(ConfigError, match="local runner"):
        run_stream(
            settings(subscription="projects/p/subscriptions/s", output=tmp_path),
            [f"--runner={runner}"],
            stop=threading.Event(),
            report=lambda _: None,
        )

"""Lines on stderr: plain for a person, with time and level in a log, as text or JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from support.project import ROOT

BEGIN = "import logging, warnings; from beam_audio.command import log_lines; log_lines.begin(); "
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def said(program: str, *, succeeds: bool = True) -> list[str]:
    """What a program says on stderr."""
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONIOENCODING": "latin-1"},
        check=False,
    )
    assert (ran.returncode == 0) == succeeds
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def objects(program: str, *, succeeds: bool = True) -> list[dict[str, Any]]:
    lines = said("log_lines.write_log('json'); " + program, succeeds=succeeds)
    return [json.loads(line) for line in lines]


def test_without_a_log_lines_are_plain() -> None:
    lines = said(
        "log_lines.say('reading', 'starting', run_id='r')\n"
        "logging.getLogger('beam_audio.models').info('building')\n"
        "logging.getLogger('lib').warning('cannot read https://h/a?X-Amz-Signature=5ec2e7')"
    )
    assert lines == [
        "beam-audio: reading",
        "beam-audio: building",
        "WARNING lib: cannot read https://h/a",
    ]


def test_text_lines_begin_with_time_and_level() -> None:
    first, second = said(
        "log_lines.write_log('text')\n"
        "log_lines.say('reading', 'starting')\n"
        "logging.getLogger('lib').warning('cannot read https://h/a?X-Amz-Signature=5ec2e7')"
    )
    assert re.fullmatch(TIME + " INFO beam_audio: reading", first)
    assert re.fullmatch(TIME + " WARNING lib: cannot read https://h/a", second)


def test_a_name_with_a_line_end_forges_no_line() -> None:
    _, second = said(
        "log_lines.write_log('text')\n"
        "logging.getLogger('lib').error('a\\n2026-01-05T09:00:00Z INFO beam_audio: all is well')"
    )
    assert second.startswith("  ")


def test_a_json_line_has_the_names_that_cloud_logging_takes() -> None:
    first, second = objects(
        "log_lines.say('3 × real time', 'interval', run_id='r', failed={'a/b': 1}, units=('u',))\n"
        "logging.getLogger('lib').error('no %s', 'https://me:5ec2e7@h/a')"
    )
    assert re.fullmatch(TIME, first.pop("time"))
    assert first == {
        "severity": "INFO",
        "message": "3 × real time",
        "event": "interval",
        "logger": "beam_audio",
        "run_id": "r",
        "failed": {"a/b": 1},
        "units": ["u"],
    }
    assert (second["severity"], second["message"]) == ("ERROR", "no https://h/a")
    assert (second["event"], second["logger"]) == ("log", "lib")


def test_secrets_are_in_no_figure() -> None:
    (line,) = objects("log_lines.say('x', 'e', uris=[{'a': 'https://h/a?sig=5ec2e7&b=1'}])")
    assert line["uris"] == [{"a": "https://h/a?b=1"}]


def test_names_that_are_no_text_are_json_too() -> None:
    (line,) = objects("log_lines.say('a\\udc80b\\n', 'e')")
    assert line["message"] == "a\udc80b\n"


def test_warnings_are_lines_of_the_log() -> None:
    (line,) = objects("warnings.warn('old', DeprecationWarning, stacklevel=1)")
    assert (line["severity"], line["logger"]) == ("WARNING", "py.warnings")
    assert line["message"].startswith("DeprecationWarning: old (")


def test_what_ends_the_process_is_a_line_with_its_traceback() -> None:
    (line,) = objects("raise ValueError('broken')", succeeds=False)
    assert (line["severity"], line["event"], line["message"]) == ("CRITICAL", "crashed", "broken")
    assert line["stack_trace"].endswith("ValueError: broken")


def test_a_program_with_a_log_of_its_own_keeps_it() -> None:
    program = (
        "import logging; logging.basicConfig(format='mine %(message)s')\n"
        "from beam_audio.command import log_lines\n"
        "log_lines.begin(); log_lines.write_log('json')\n"
        "logging.warning('a'); log_lines.say('b', 'e')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stderr.splitlines() == ["mine a", "beam-audio: b"]

"""What the README and docs show is run, in the order it is shown, in a folder with the demo clips.

Comments that no reader sees, on the line before a block, say what is run:

- ``<!-- run -->`` before a bash block runs it; ``<!-- run: COMMAND -->`` runs that in its place.
- ``<!-- run after: COMMAND -->`` before a bash block runs that first, then the block.
- ``<!-- not run: REASON -->``, one of REASONS and maybe what does run it, only checks a block:
  each line parses, its program is a known one, and the verbs, flags, make targets and files of this
  project that it names exist.
- Python blocks always run, each as a program of its own, except after ``<!-- not run: REASON -->``.
- ``<!-- output -->`` before a text block says that what ran last printed these lines among
  others, in this order; any number may stand for any other, and spaces do not count.
- Rules in YAML blocks are always read.

The clips and their manifest are in ``clips/``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.installed_models import needs_tiny_en
from support.project import ROOT
from support.run_outputs import read_rows, run

from beam_audio import schema
from beam_audio.quality.rules import parse_rules
from beam_audio.run.config import RunConfig

README = (ROOT / "README.md").read_text(encoding="utf-8")
CLIPS = ROOT / "beam_audio" / "data" / "demo"
DOCUMENTS = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "models/README.md", "templates/README.md"),
    *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md")),
]
OTHER_PROGRAMS = {
    *("bq", "cat", "cp", "docker", "export", "gcloud", "git", "journalctl", "ln", "mv", "pip"),
    *("python3.13", "systemctl", "terraform"),
}
VERBS = {
    *(
        "classify",
        "compact",
        "curate",
        "cut",
        "demo",
        "doctor",
        "expire",
        "explain",
        "export",
        "forget",
        "models",
    ),
    *("plan", "report", "run", "search", "status", "tables"),
}

REASONS = {
    *("it needs Google Cloud", "it needs a bucket", "it needs a Flink cluster", "it needs a GPU"),
    *("it needs root and systemd", "it needs other readers", "it needs data sets of others"),
    *("it needs a corpus", "it needs a test set", "it needs a long recording"),
    *("it needs the files of a classifier", "it needs the files of a CLAP"),
    *("it needs the files of two networks", "it needs the files of an enhancer"),
    *(
        "it runs elsewhere",
        "it needs what people did",
        "it builds a larger model and takes minutes",
    ),
    *("it installs packages", "it runs tests", "the names are made up", "Ctrl-C stops it"),
}
"""Why a block is not run."""

BLOCK = re.compile(
    r"^(?:<!-- (?P<comment>.*?) -->\n)?```(?P<language>[\w{}-]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


TABLE_ROW = re.compile(
    r"(?P<uri>\S+) +(?P<start_seconds>\S+) +(?P<end_seconds>\S+) +(?P<text>.*?) +"
    r"(?P<wer>\S+) +(?P<snr_db>\S+) +(?P<decision>\S+)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the comment before it, its language, its text and the line it starts on."""

    comment: str
    language: str
    text: str
    line: int


def blocks_of(document: str) -> list[Block]:
    return [
        Block(
            comment=found["comment"] or "",
            language=found["language"],
            text=found["text"],
            line=document.count("\n", 0, found.start()) + 1,
        )
        for found in BLOCK.finditer(document)
    ]


def command_of(block: Block) -> list[str] | None:
    """The command that runs a block, or None for one that is only shown."""
    if block.language == "python" and not block.comment.startswith("not run: "):
        return [sys.executable, "-c", block.text]
    if block.language == "bash" and re.match("run(: | after: |$)", block.comment):
        before, _, first = block.comment.partition(" after: ")
        script = f"{first}\n{block.text}" if first else before.removeprefix("run: ")
        script = block.text if block.comment == "run" else script
        return ["bash", "-euo", "pipefail", "-c", script]
    return None


def loosened(line: str) -> str:
    """A line with ids and numbers replaced by ``#`` and without spaces or rules drawn in it."""
    line = re.sub(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+([.,:]\d+)*", "#", line)
    return re.sub(r"[\s─━=-]+", "", line)


def first_missing_line(expected: str, printed: str) -> str | None:
    """The first expected line that is not printed after the ones before it."""
    remaining = iter([loosened(line) for line in printed.splitlines()])
    for line in expected.splitlines():
        if loosened(line) not in {"", "..."} and loosened(line) not in remaining:
            return line
    return None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CLIPS, tmp_path / "clips")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_shown_runs(name: str, folder: Path) -> None:
    scripts = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    printed = ""
    for block in blocks_of((ROOT / name).read_text(encoding="utf-8")):
        if command := command_of(block):
            ran = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            printed = ran.stdout
            assert ran.returncode == 0, f"{name}:{block.line} failed:\n{printed}"
        elif block.comment == "output":
            missing = first_missing_line(block.text, printed)
            assert missing is None, f"{name}:{block.line}: {missing!r} not printed in:\n{printed}"


@pytest.mark.slow
@needs_tiny_en
def test_the_table_at_the_top_is_what_a_run_writes(folder: Path) -> None:
    manifest, output = folder / "clips" / "manifest.jsonl", folder / "out"
    run(manifest=manifest, output=output, model="whisper-tiny.en")
    rows = read_rows(output, "segments")
    shown = next(block for block in blocks_of(README) if block.language == "text")
    expected = [TABLE_ROW.fullmatch(line.strip()) for line in shown.text.splitlines()[1:]]
    found = sorted(rows, key=lambda row: (Path(row["uri"]).name, row["start_seconds"]))
    for row, cells in zip(found, expected, strict=True):
        assert cells is not None
        assert (Path(row["uri"]).name, row["text"]) == (cells["uri"], cells["text"])
        assert row["decision"] == cells["decision"]
        for name in ("start_seconds", "end_seconds", "wer", "snr_db"):
            assert row[name] == pytest.approx(float(cells[name]), abs=0.006)
    assert f"Of {len(schema.column_names('segments'))} columns" in README


def commands_in(script: str) -> list[list[str]]:
    """The commands of a bash block, in words; the content of here documents is left out.

    Raises:
        ValueError: A line has an open quotation.
    """
    script = re.sub(r"<<'(\w+)'\n.*?^\1$", "", script, flags=re.MULTILINE | re.DOTALL)
    lines = script.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    commands = [
        list(command)
        for line in words
        for is_joint, command in groupby(line, key=lambda word: word in {"&&", "|", ";"})
        if not is_joint
    ]
    return [command for command in commands if command]


def problem_of(command: list[str]) -> str | None:
    """What a command names that is not there; None when nothing is missing."""
    program, *words = command
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    if program == "beam-audio":
        unknown = {*words[:1]} - VERBS or (words[0] == "run" and flags - run_flags())
        return f"beam-audio does not know {unknown}" if unknown else None
    if program == "make":
        targets = set(
            re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        )
        wanted = {word for word in words if "=" not in word}
        return f"make has no {wanted - targets}" if wanted - targets else None
    file = words[0] if program == "python" else program
    if program in OTHER_PROGRAMS or (program == "python" and file in {"-c", "-m"}):
        return None
    if not (ROOT / file).is_file():
        return f"{file} is neither a known program nor a file of the project"
    own = set(re.findall(r"--\w+", (ROOT / file).read_text("utf-8")))
    unknown = flags - own - run_flags()
    return f"{file} does not know {unknown}" if unknown else None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_reason_not_to_run_is_one_of_a_list_and_names_tests_there_are(name: str) -> None:
    for block in blocks_of((ROOT / name).read_text(encoding="utf-8")):
        if block.comment.startswith("not run: "):
            reason, _, instead = block.comment.removeprefix("not run: ").partition("; ")
            assert reason in REASONS, f"{name}:{block.line}"
            tests = re.findall(r"tests/\S+\.py", instead)
            assert all((ROOT / test).is_file() for test in tests), f"{name}:{block.line}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_rules_that_are_shown_are_rules(name: str) -> None:
    for block in blocks_of((ROOT / name).read_text(encoding="utf-8")):
        if block.language == "yaml" and re.search(r"^rules:", block.text, re.MULTILINE):
            assert parse_rules(block.text, f"{name}:{block.line}").rules


@cache
def run_flags() -> set[str]:
    """Flags that ``beam-audio run`` takes, Beam's included."""
    names = {field.name for field in fields(RunConfig)} | {"config", "help"}
    return {f"--{name}" for name in names | PipelineOptions([]).get_all_options().keys()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_not_run_names_what_there_is(name: str) -> None:
    for block in blocks_of((ROOT / name).read_text(encoding="utf-8")):
        if block.language == "bash" and not block.comment.startswith("run"):
            assert block.comment.startswith("not run: "), f"{name}:{block.line} says not why"
            problems = [
                problem for each in commands_in(block.text) if (problem := problem_of(each))
            ]
            assert not problems, f"{name}:{block.line}: {problems}"


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md"])
def test_links_lead_to_files_and_headings(name: str) -> None:
    text = re.sub(
        r"^```.*?^```$", "", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith("https://"):
            file, _, heading = link.partition("#")
            target = (ROOT / name).parent / file if file else ROOT / name
            assert target.exists(), f"{name}: {link}"
            assert not heading or heading in headings_of(target.read_text("utf-8")), link


def headings_of(document: str) -> set[str]:
    """Names of a page's headings, as links write them."""
    titles = re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "line",
    [
        *("beam-audio transcribe clips", "beam-audio run --ouptut=x", "make demmo"),
        *("python benchmarks/nothing.py", "curl https://example.com", "cat x && beam-audio walk"),
        "python templates/launch.py --imgae=x",
    ],
)
def test_a_wrong_line_would_be_found(line: str) -> None:
    assert any(problem_of(command) for command in commands_in(line))


def test_the_readme_shows_what_can_be_run() -> None:
    blocks = blocks_of((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {block.language for block in blocks if command_of(block)} == {"bash", "python"}
    assert any(block.comment == "output" for block in blocks)

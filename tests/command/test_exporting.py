"""The command's ``export``: flags, what is printed, and its status."""

from __future__ import annotations

import argparse
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import Command, read_rows, run_words

from beam_audio.command.exporting import options_of
from beam_audio.errors import ConfigError
from beam_audio.export.options import ExportOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FLAGS = (
    *("decision", "where", "columns", "text_column", "splits", "by", "codec", "pack_seconds"),
    *("buckets", "shard_seconds"),
)


def options(given: Mapping[str, str]) -> ExportOptions:
    return options_of(argparse.Namespace(format="nemo", **dict.fromkeys(FLAGS) | dict(given)))


@pytest.fixture
def out(command: Command, audio: Path, tmp_path: Path) -> Path:
    command(*run_words(audio, tmp_path / "out"))
    return tmp_path / "out"


def test_flags_become_options() -> None:
    assert options({}) == ExportOptions("nemo")
    given = {
        "where": "wer < 0.1",
        "columns": "wer,room",
        "text_column": "reference_text",
        "splits": "train:0.98,test:0.02",
        "by": "speaker",
        "codec": "opus",
        "pack_seconds": "20,30",
        "buckets": "5,10",
        "shard_seconds": "600",
    }
    assert options(given) == ExportOptions(
        "nemo",
        where="wer < 0.1",
        columns=("wer", "room"),
        text_column="reference_text",
        splits=(("train", 0.98), ("test", 0.02)),
        split_by="speaker",
        codec="opus",
        pack_seconds=(20.0, 30.0),
        buckets=(5.0, 10.0),
        shard_seconds=600.0,
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"where": "true", "decision": "keep"}, "one of --where and --decision"),
        ({"pack_seconds": "20"}, "must be MIN,MAX"),
        ({"pack_seconds": "a,b"}, "'a' is no number"),
        ({"splits": "train"}, "'' is no number"),
        ({"buckets": "5;10"}, "'5;10' is no number"),
    ],
)
def test_values_that_make_no_sense_are_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        options(given)


def test_hours_by_what_became_of_them_are_printed(
    command: Command, out: Path, tmp_path: Path
) -> None:
    flags = ("--format=nemo", f"--output={tmp_path / 'x'}")
    status, printed, _ = command("export", out, *flags, "--where=segment_index = 0")
    assert status == 0
    wanted = [row for row in read_rows(out, "segments") if row["segment_index"] == 0]
    assert f"{len(wanted)} items of" in printed
    assert "balance: every sample" in printed
    content = json.loads((tmp_path / "x" / "export.json").read_text("utf-8"))
    assert content["options"]["where"] == "segment_index = 0"
    assert set(content["hours"]) <= {"exported", "not in --where"}
    _, printed, _ = command("export", out, *flags, "--where=segment_index = 0")
    assert "nothing was written" in printed


def test_an_export_that_finds_no_audio_fails(
    command: Command, out: Path, audio: Path, tmp_path: Path
) -> None:
    shutil.rmtree(audio)
    flags = ("--where=true", f"--output={tmp_path / 'x'}")
    status, printed, _ = command("export", out, "--format=webdataset", *flags)
    assert status == 1
    assert "cannot be read" in printed


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--decison=keep", "did you mean '--decision'"),
        ("--codec=mp3", "invalid choice"),
        ("--format=parquet", "invalid choice"),
    ],
)
def test_typos_are_answered(
    command: Command, out: Path, tmp_path: Path, flag: str, told: str
) -> None:
    status, _, complained = command(
        "export", out, "--format=nemo", f"--output={tmp_path / 'x'}", flag
    )
    assert status == 2
    assert told in complained


def test_tasks_of_label_studio_take_no_flags_of_datasets(
    command: Command, out: Path, tmp_path: Path
) -> None:
    flags = ("--format=label-studio", f"--output={tmp_path / 'x'}")
    status, _, complained = command("export", out, *flags, "--splits=a:1")
    assert status == 2
    assert "does not take --splits" in complained
    (decision,) = {row["decision"] for row in read_rows(out, "segments")}
    assert command("export", out, *flags, f"--decision={decision}")[0] == 0
    assert (tmp_path / "x" / "tasks.json").is_file()

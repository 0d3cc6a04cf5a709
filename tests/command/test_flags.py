"""Flags as text, the YAML file beside them, and what becomes of a value of another kind."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import pytest

from beam_audio.command.flags import add_flags, by_group, resolve, with_file
from beam_audio.errors import ConfigError
from beam_audio.run.config import RunConfig
from beam_audio.run.run_flags import KINDS

PATHS = {"input": "in", "output": "out"}
FIELDS = {field.name: field for field in dataclasses.fields(RunConfig)}
NOT_TEXT = [name for name, kind in KINDS.items() if kind is not str]


def parse(*flags: str) -> RunConfig:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    given = vars(parser.parse_args([*flags]))
    file = given.pop("config")
    return with_file(given, [], file)[0]


def yaml(tmp_path: Path, text: str) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return f"--config={path}"


def test_the_help_shows_every_flag_with_its_default() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    shown = " ".join(parser.format_help().split())
    for field in FIELDS.values():
        entry = re.search(rf"  --{field.name}[ \]].*", f"  {shown}".replace(" --", "  --"))
        assert entry, field.name
        if field.default not in (None, ""):
            assert f"(default: {field.default})" in shown


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        ("--batch_seconds=30", "batch_seconds", 30.0),
        ("--unit_bytes=1000", "unit_bytes", 1000),
        ("--limit=3", "limit", 3),
        ("--retry_failures", "retry_failures", True),
        ("--retry_failures=false", "retry_failures", False),
        ("--require_provider=True", "require_provider", True),
        ("--channels=1", "channels", "1"),
        ("--partition_by=", "partition_by", ""),
        ("--prompt=Names: Ōe, 100%", "prompt", "Names: Ōe, 100%"),
    ],
)
def test_values_take_their_kind(flag: str, name: str, value: object) -> None:
    assert getattr(parse("--input=in", "--output=out", flag), name) == value


@pytest.mark.parametrize("name", NOT_TEXT)
def test_a_value_of_another_kind_names_its_flag(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--{name}=many must be"):
        resolve(PATHS | {name: "many"})


def test_a_file_gives_flags_and_the_command_line_wins(tmp_path: Path) -> None:
    text = "output: from-file\nmodel: whisper-base\nbatch_seconds: 60\nretry_failures: yes\n"
    config = parse(yaml(tmp_path, text), "--input=in", "--model=placeholder")
    assert Path(config.output).name == "from-file"
    assert config.model == "placeholder"
    assert (config.batch_seconds, config.retry_failures) == (60.0, True)


def test_an_empty_value_in_the_file_leaves_the_default(tmp_path: Path) -> None:
    text = "input: in\noutput: out\nmodel:\nlimit: null\n"
    assert parse(yaml(tmp_path, text)) == resolve(PATHS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle: x", "unknown key 'modle'; did you mean 'model'?"),
        ("input: in\nqqqq: x", "run.yaml, line 2: unknown key 'qqqq'"),
        ("limit: 2.5", "--limit=2.5 must be a whole number"),
        ("limit: [1]", "--limit=[1] must be a whole number"),
        ("batch_seconds: true", "--batch_seconds=True must be a number"),
        ("language: no", "--language=False must be text; quote it"),
        ("partition_by: [date]", "--partition_by=['date'] must be text"),
        ("- model", "'flag: value' lines"),
        ("just text", "'flag: value' lines"),
        ("input: in\n1: 2", "run.yaml, line 2: a key must be text"),
        (
            "rules: strict\nrules: lenient",
            "run.yaml, line 2: 'rules' is given twice, first on line 1",
        ),
        ("input: " + "[" * 100_000, "run.yaml, line 1: nested too deeply"),
        ("a: &a [x]\nb: [*a, *a]", "run.yaml, line 2: YAML aliases"),
        ("#" * 10_000_000, "limited to 65536 bytes"),
        ("model: !!python/object/apply:os.getcwd []", "line 1: YAML tags"),
        ("limit: 0x" + "f" * 9000, "line 1: the number is too large"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse("--input=in", "--output=out", yaml(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        parse("--input=in", "--output=out", f"--config={tmp_path}/none.yaml")


def test_every_flag_is_in_one_group_and_the_help_names_the_groups() -> None:
    grouped = [field.name for _, fields in by_group() for field in fields]
    assert sorted(grouped) == sorted(FIELDS)
    parser = argparse.ArgumentParser()
    add_flags(parser)
    headings = re.findall(r"^(\w+):$", parser.format_help(), re.MULTILINE)
    assert headings[-8:] == [
        *("input", "model", "segments", "judging", "output", "limits", "streaming", "Beam")
    ]


def test_the_file_takes_flags_of_beam_too_and_the_command_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "input: in\noutput: out\nrunner: DataflowRunner\nnum_workers: 4\nstreaming: true\n"
        "experiments: [use_runner_v2, enable_prime]\nproject: of-file\nregion:\n"
    )
    config, words = with_file({"output": "mine"}, ["--project=mine"], str(path))
    assert (config.input, config.output) == ("in", "mine")
    assert sorted(words) == [
        *("--experiments=enable_prime", "--experiments=use_runner_v2", "--num_workers=4"),
        *("--project=mine", "--runner=DataflowRunner", "--streaming"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runer: x", "unknown key 'runer'; did you mean 'runner'?"),
        ("streaming: false", "streaming: False must be text, a number, a list of them, or true"),
        ("experiments: [[a]]", "experiments: [['a']] must be"),
        ("environment_config: {command: x}", "environment_config: {'command': 'x'} must be"),
    ],
)
def test_a_wrong_flag_of_beam_in_the_file_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse("--input=in", "--output=out", yaml(tmp_path, text))

"""Flags, the YAML file beside them, and what becomes of a wrong one."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import pytest

from beam_audio.asr import model_facts
from beam_audio.config import RunConfig, add_flags, resolve
from beam_audio.errors import ConfigError
from beam_audio.types import stable_id

PATHS = {"input": "in", "output": "out"}
FIELDS = {field.name: field for field in dataclasses.fields(RunConfig)}
NUMBERS = [name for name, field in FIELDS.items() if str(field.type).startswith(("int", "float"))]
WHOLE_NUMBERS = [name for name in NUMBERS if str(FIELDS[name].type).startswith("int")]
SWITCHES = [name for name, field in FIELDS.items() if field.type == "bool"]
CHOOSERS = [name for name, field in FIELDS.items() if field.metadata["choices"]]
FACTS = model_facts("placeholder")


def parse(*flags: str) -> RunConfig:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    given = vars(parser.parse_args([*flags]))
    file = given.pop("config")
    return resolve(given, file)


def yaml(tmp_path: Path, text: str) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return f"--config={path}"


def test_every_flag_stands_in_the_help_with_its_default() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    shown = " ".join(parser.format_help().split())
    for field in FIELDS.values():
        entry = re.search(rf"  --{field.name}[ \]].*", f"  {shown}".replace(" --", "  --"))
        assert entry, field.name
        if field.default not in (None, ""):
            assert f"(default: {field.default})" in shown


def test_defaults_are_those_of_the_documentation() -> None:
    config = parse("--input=in", "--output=out")
    assert (config.model, config.provider, config.precision) == ("whisper-tiny.en", "auto", None)
    assert (config.language, config.task, config.prompt) == ("auto", "transcribe", None)
    assert (config.segmenter, config.vad_preset) == ("vad", "default")
    assert (config.window_seconds, config.overlap_seconds) == (30.0, 0.0)
    assert (config.channels, config.decoder) == ("mix", "auto")
    assert config.max_recording_seconds == 86_400
    assert (config.rules, config.partition_by) == ("balanced", "date,language")
    assert (config.store_audio, config.limit) == ("none", None)
    assert (config.require_provider, config.retry_failures) == (False, False)


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        ("--batch_seconds=30", "batch_seconds", 30.0),
        ("--unit_bytes=1000", "unit_bytes", 1000),
        ("--limit=3", "limit", 3),
        ("--retry_failures", "retry_failures", True),
        ("--retry_failures=false", "retry_failures", False),
        ("--require_provider=True", "require_provider", True),
        ("--channels=1", "channel_policy", 1),
        ("--channels=split", "channel_policy", "split"),
        ("--task=translate", "model_task", "translate"),
        ("--partition_by=", "partition_keys", ()),
        ("--partition_by=language, speaker", "partition_keys", ("language", "speaker")),
        ("--prompt=Names: Ōe, 100%", "prompt", "Names: Ōe, 100%"),
    ],
)
def test_values_take_their_kind(flag: str, name: str, value: object) -> None:
    assert getattr(parse("--input=in", "--output=out", flag), name) == value


@pytest.mark.parametrize("name", [*NUMBERS, *SWITCHES])
def test_a_value_of_another_kind_names_its_flag(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--{name}=many must be"):
        resolve(PATHS | {name: "many"})


@pytest.mark.parametrize("name", CHOOSERS)
def test_a_choice_that_is_none_names_the_choices(name: str) -> None:
    choices = FIELDS[name].metadata["choices"]
    with pytest.raises(ConfigError) as raised:
        resolve(PATHS | {name: f"{choices[0]}x"})
    message = str(raised.value)
    assert f"--{name}={choices[0]}x" in message
    assert all(choice in message for choice in choices)
    assert f"did you mean {choices[0]!r}?" in message


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan"])
@pytest.mark.parametrize("name", sorted({*NUMBERS} - {"window_seconds", "overlap_seconds"}))
def test_numbers_must_be_above_zero_and_finite(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"--{name}="):
        resolve(PATHS | {name: value})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"input": "in"}, "--output is missing"),
        ({"output": "out"}, "one of --input, --manifest"),
        ({"output": "out", "input": "in", "manifest": "m"}, "one of --input, --manifest"),
        ({**PATHS, "channels": "-1"}, "--channels=-1"),
        ({**PATHS, "channels": "left"}, "--channels=left"),
        ({**PATHS, "partition_by": "text"}, "--partition_by=text"),
        ({**PATHS, "partition_by": "date,decision"}, "--partition_by=decision"),
        ({**PATHS, "partition_by": "reasons"}, "--partition_by=reasons"),
        ({**PATHS, "partition_by": "wer"}, "--partition_by=wer"),
        ({**PATHS, "partition_by": "a/b"}, "--partition_by=a/b"),
        ({**PATHS, "partition_by": "a=b"}, "--partition_by=a=b"),
        ({**PATHS, "partition_by": "date,date"}, "twice"),
    ],
)
def test_what_does_not_fit_together_is_refused(flags: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        resolve(flags)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"window_seconds": "31"}, "--window_seconds"),
        ({"window_seconds": "nan"}, "--window_seconds"),
        ({"overlap_seconds": "30"}, "--overlap_seconds"),
        ({"overlap_seconds": "-1"}, "--overlap_seconds"),
    ],
)
def test_windows_are_checked_against_the_model(flags: dict[str, str], named: str) -> None:
    config = resolve(PATHS | {"segmenter": "fixed"} | flags)
    with pytest.raises(ConfigError, match=named):
        config.segment_settings(FACTS.max_seconds)


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
        ("qqqq: x", "unknown key 'qqqq'"),
        ("limit: 2.5", "--limit=2.5 must be a whole number"),
        ("limit: [1]", "--limit=[1] must be a whole number"),
        ("batch_seconds: true", "--batch_seconds=True must be a number"),
        ("language: no", "--language=False must be text; quote it"),
        ("partition_by: [date]", "--partition_by=['date'] must be text"),
        ("- model", "'flag: value' lines"),
        ("just text", "'flag: value' lines"),
        ("1: 2", "'flag: value' lines"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse("--input=in", "--output=out", yaml(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        parse("--input=in", "--output=out", f"--config={tmp_path}/none.yaml")


def changed(**flags: str) -> set[str]:
    """Layers that differ from those of the defaults."""
    default, other = (resolve(PATHS | given).layers(FACTS) for given in ({}, flags))
    return {name for name in default if default[name] != other[name]}


@pytest.mark.parametrize(
    ("flags", "layer"),
    [
        ({"channels": "split"}, "decode"),
        ({"segmenter": "fixed"}, "segment"),
        ({"vad_preset": "whisperx"}, "segment"),
        ({"language": "en"}, "model"),
        ({"task": "translate"}, "model"),
        ({"prompt": "Names: Ōe"}, "model"),
        ({"normalizer": "basic"}, "metrics"),
    ],
)
def test_a_flag_changes_the_layer_it_belongs_to(flags: dict[str, str], layer: str) -> None:
    assert changed(**flags) == {layer}


def test_the_window_counts_where_there_are_windows() -> None:
    assert changed(window_seconds="20") == set()
    twenty, thirty = (
        resolve(PATHS | {"segmenter": "fixed", "window_seconds": seconds}).layers(FACTS)
        for seconds in ("20", "30")
    )
    assert twenty["segment"] != thirty["segment"]


def test_another_model_changes_the_model_layer_alone() -> None:
    config = resolve(PATHS)
    other_weights = dataclasses.replace(FACTS, model_sha256=stable_id("other"))
    other_name = dataclasses.replace(FACTS, model_id="other")
    layers = [config.layers(facts) for facts in (FACTS, other_weights, other_name)]
    assert len({each["model"] for each in layers}) == 3
    assert len({each["segment"] for each in layers}) == 1


@pytest.mark.parametrize(
    "flags",
    [
        {"input": "elsewhere"},
        {"output": "elsewhere"},
        {"provider": "cpu"},
        {"require_provider": "true"},
        {"batch_seconds": "30"},
        {"unit_bytes": "1"},
        {"partition_by": "language"},
        {"store_audio": "flac"},
        {"decoder": "soundfile"},
        {"rules": "strict"},
        {"limit": "1"},
        {"retry_failures": "true"},
    ],
)
def test_other_flags_change_no_layer(flags: dict[str, str]) -> None:
    assert changed(**flags) == set()

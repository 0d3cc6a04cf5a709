"""Beam YAML: the demo as a YAML file, rows that YAML can filter, and errors that name the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from apache_beam.yaml import main as beam_yaml
from support.installed_models import needs_tiny_en
from support.project import ROOT
from support.run_outputs import DEMO, all_rows, read_rows, run_command, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

DEMO_YAML = (ROOT / "examples" / "demo.yaml").read_text(encoding="utf-8")
CHOSEN = """
pipeline:
  type: chain
  transforms:
    - type: ReadAudio
      config: {manifest: m.jsonl}
    - type: Filter
      config: {language: python, keep: "failure is not None or metadata['speaker'] == 'a'"}
    - type: TranscribeUnits
      config: {output: out, model: placeholder}
"""


def run_yaml(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    beam_yaml.run([f"--yaml_pipeline={text}"])


def with_providers(pipeline: str) -> str:
    return pipeline + DEMO_YAML[DEMO_YAML.index("providers:") :]


@needs_tiny_en
def test_the_demo_as_yaml_gives_the_rows_of_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command("demo", f"--output={tmp_path}/demo") == 0
    place = str(DEMO / "manifest.jsonl")
    run_yaml(DEMO_YAML.replace("clips/manifest.jsonl", place), tmp_path, monkeypatch)
    expected = all_rows(tmp_path / "demo")
    assert len(expected["recordings"]) == 3
    assert all_rows(tmp_path / "transcribed") == expected
    written = read_rows(tmp_path / "segments-only", "segments")
    assert written == [
        {name: value for name, value in row.items() if name != "date"}
        for row in expected["segments"]
    ]


def test_yaml_filters_inputs_and_failures_stay_in_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [{"audio_filepath": str(DEMO / "river.wav"), "speaker": name} for name in "ab"]
    write_manifest(tmp_path / "m.jsonl", [lines[0], lines[1] | {"offset": 1.0}, "no JSON"])
    run_yaml(with_providers(CHOSEN), tmp_path, monkeypatch)
    rows = all_rows(tmp_path / "out")
    assert [row["metadata"] for row in rows["recordings"]] == ['{"speaker": "a"}']
    assert [row["stage"] for row in rows["failures"]] == ["read"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{output: out, modle: x}", r"does not take 'modle'; did you mean 'model'"),
        ("{output: out, manifest: x}", "does not take 'manifest'"),
        ("{model: placeholder}", "--output is missing"),
        ("{output: out, rules: none.yaml}", r"none\.yaml"),
    ],
)
def test_a_wrong_key_is_named(
    config: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = with_providers(CHOSEN.replace("{output: out, model: placeholder}", config))
    with pytest.raises(ValueError, match=message):
        run_yaml(text, tmp_path, monkeypatch)


def test_beam_checks_the_steps_by_their_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = with_providers(CHOSEN).replace("manifest: m.jsonl", "manifesto: m.jsonl")
    with pytest.raises(ValueError, match="manifesto"):
        run_yaml(text, tmp_path, monkeypatch)

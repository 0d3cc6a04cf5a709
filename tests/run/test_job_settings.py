"""The settings that flags come to with a model."""

from __future__ import annotations

import dataclasses
import pickle
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import settings

from beam_audio.asr import model_facts
from beam_audio.errors import ConfigError
from beam_audio.run.job_settings import settings_by_model

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_by_model_reach_workers_without_the_file_of_rules(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rule = "{reason: short, decision: drop, column: duration_seconds, below: 1}"
    rules.write_text(f"name: mine\nrules:\n  - {rule}\n")
    facts = model_facts("placeholder")
    config = settings(input="in", output="out", rules=rules)
    by_model = settings_by_model(config)
    here = by_model(facts)
    rules.unlink()
    assert pickle.loads(pickle.dumps(by_model))(facts) == here  # noqa: S301 - dumped here
    with pytest.raises(ConfigError, match=r"rules\.yaml"):
        settings_by_model(config)


@pytest.mark.parametrize("name", ["en", "eng", "English", "en-US"])
def test_every_name_of_a_language_gives_the_same_rows(name: str) -> None:
    facts = model_facts("placeholder")
    found = settings_by_model(settings(input="in", output="out", language=name))(facts)
    plain = settings_by_model(settings(input="in", output="out", language="en"))(facts)
    assert (found.language, found.rows.layers) == ("en", plain.rows.layers)


@pytest.mark.parametrize("name", ["jv", "jw", "Javanese"])
def test_a_model_may_have_its_own_name_for_a_language(name: str) -> None:
    facts = dataclasses.replace(model_facts("placeholder"), languages=frozenset({"jw"}))
    found = settings_by_model(settings(input="in", output="out", language=name))(facts)
    assert found.language == "jv"


def test_a_language_that_the_model_does_not_know_is_refused() -> None:
    facts = dataclasses.replace(model_facts("placeholder"), languages=frozenset({"de", "en"}))
    with pytest.raises(ConfigError, match="--language=fr: placeholder knows de, en"):
        settings_by_model(settings(input="in", output="out", language="fr"))(facts)

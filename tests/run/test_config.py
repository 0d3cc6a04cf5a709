"""What a configuration is by default, what it refuses, and which layer each flag is of."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest

from beam_audio.asr import ModelOptions, model_facts
from beam_audio.enhancers.network import EnhancerModel
from beam_audio.errors import ConfigError
from beam_audio.run.config import OtherModels, RunConfig
from beam_audio.types import stable_id

PATHS: dict[str, Any] = {"input": "in", "output": "out"}
FIELDS = {field.name: field for field in dataclasses.fields(RunConfig)}
NUMBERS = [name for name, field in FIELDS.items() if str(field.type).startswith(("int", "float"))]
CHOOSERS = [name for name, field in FIELDS.items() if field.metadata["choices"]]
FACTS = model_facts("placeholder")


def configured(**flags: Any) -> RunConfig:  # noqa: ANN401 - fields of RunConfig
    return RunConfig(**(PATHS | flags))


@pytest.mark.parametrize("name", CHOOSERS)
def test_a_choice_that_is_none_names_the_choices(name: str) -> None:
    choices = FIELDS[name].metadata["choices"]
    with pytest.raises(ConfigError) as raised:
        configured(**{name: f"{choices[0]}x"})
    message = str(raised.value)
    assert f"--{name}={choices[0]}x" in message
    assert all(choice in message for choice in choices)
    assert f"did you mean {choices[0]!r}?" in message


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
@pytest.mark.parametrize("name", sorted({*NUMBERS} - {"window_seconds", "overlap_seconds"}))
def test_numbers_must_be_above_zero_and_finite(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"--{name}="):
        configured(**{name: value})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {**PATHS, "allow_inputs": "gs://b"},
            "--allow_inputs limits what manifests and messages name",
        ),
        ({"manifest": "m", "output": "out", "allow_inputs": ","}, "names no folder"),
        ({"input": "in"}, "--output is missing"),
        ({"output": "out"}, "one of --input, --manifest"),
        ({"output": "out", "input": "in", "manifest": "m"}, "one of --input, --manifest"),
        ({**PATHS, "output_topic": "t"}, "--output_topic can only be used with --subscription"),
        (
            {"subscription": "s", "output": "out", "limit": 3},
            "--limit can only be used with --input or --manifest: a subscription has no end",
        ),
        ({**PATHS, "channels": "-1"}, "--channels=-1"),
        ({**PATHS, "channels": "left"}, "--channels=left"),
        ({**PATHS, "tracks": "second"}, "--tracks=second"),
        ({**PATHS, "partition_by": "text"}, "--partition_by=text"),
        ({**PATHS, "decoder_allow": "sds,vocc"}, "--decoder_allow=vocc is no rare container; did"),
    ],
)
def test_what_does_not_fit_together_is_refused(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        RunConfig(**flags)


@pytest.mark.parametrize(
    ("flags", "name", "value"),
    [
        ({"channels": "1"}, "channel_policy", 1),
        ({"tracks": "default"}, "track_policy", None),
        ({"tracks": "1"}, "track_policy", 1),
        ({"tracks": "all"}, "track_policy", "all"),
        ({"channels": "split"}, "channel_policy", "split"),
        ({"task": "translate"}, "model_options", ModelOptions(mode="translate")),
        ({"padding": "condensed"}, "model_options", ModelOptions(padding="condensed")),
        ({}, "model_options", ModelOptions()),
        ({"partition_by": ""}, "partition_keys", ()),
        ({"partition_by": "language, speaker"}, "partition_keys", ("language", "speaker")),
        ({}, "metadata_keys", ()),
        ({"decoder_allow": "xi, sds"}, "rare_containers", ("sds", "xi")),
        ({"metadata_columns": "speaker, room"}, "metadata_keys", ("room", "speaker")),
    ],
)
def test_flags_are_taken_as_the_engine_takes_them(
    flags: dict[str, Any], name: str, value: object
) -> None:
    assert getattr(configured(**flags), name) == value


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"window_seconds": 31.0}, "--window_seconds"),
        ({"window_seconds": math.nan}, "--window_seconds"),
        ({"overlap_seconds": 30.0}, "--overlap_seconds"),
        ({"overlap_seconds": -1.0}, "--overlap_seconds"),
    ],
)
def test_windows_are_checked_against_the_model(flags: dict[str, Any], named: str) -> None:
    config = configured(segmenter="fixed", **flags)
    with pytest.raises(ConfigError, match=named):
        config.segment_settings(FACTS.max_seconds)


def changed(**flags: Any) -> set[str]:  # noqa: ANN401 - fields of RunConfig
    """Layers that differ from those of the defaults."""
    default, other = (configured(**given).layers(FACTS) for given in ({}, flags))
    return {name for name in default if default[name] != other[name]}


@pytest.mark.parametrize(
    ("flags", "layer"),
    [
        ({"channels": "split"}, "decode"),
        ({"tracks": "1"}, "decode"),
        ({"tracks": "all"}, "decode"),
        ({"segmenter": "fixed"}, "segment"),
        ({"vad_preset": "whisperx"}, "segment"),
        ({"language": "en"}, "model"),
        ({"task": "translate"}, "model"),
        ({"prompt": "Names: Ōe"}, "model"),
        ({"normalizer": "basic-1"}, "metrics"),
    ],
)
def test_a_flag_changes_the_layer_it_belongs_to(flags: dict[str, str], layer: str) -> None:
    assert changed(**flags) == {layer}


def test_the_window_counts_where_there_are_windows() -> None:
    assert changed(window_seconds=20.0) == set()
    twenty, thirty = (
        configured(segmenter="fixed", window_seconds=seconds).layers(FACTS)
        for seconds in (20.0, 30.0)
    )
    assert twenty["segment"] != thirty["segment"]


def test_another_model_changes_the_model_layer_alone() -> None:
    config = configured()
    other_weights = dataclasses.replace(FACTS, model_sha256=stable_id("other"))
    other_name = dataclasses.replace(FACTS, model_id="other")
    layers = [config.layers(facts) for facts in (FACTS, other_weights, other_name)]
    assert len({each["model"] for each in layers}) == 3
    assert len({each["segment"] for each in layers}) == 1


def test_an_enhancer_is_a_layer_of_its_own() -> None:
    plain, enhanced = (
        configured().layers(FACTS, OtherModels(enhancer=model))
        for model in (None, EnhancerModel("folder", "gtcrn", "0" * 32))
    )
    assert enhanced == plain | {"enhance": enhanced["enhance"]}
    elsewhere = OtherModels(enhancer=EnhancerModel("gs://b/e", "gtcrn", "0" * 32))
    assert configured().layers(FACTS, elsewhere) == enhanced


@pytest.mark.parametrize(
    "flags",
    [
        {"input": "elsewhere"},
        {"output": "elsewhere"},
        {"provider": "cpu"},
        {"require_provider": True},
        {"batch_seconds": 30.0},
        {"unit_bytes": 1},
        {"partition_by": "language"},
        {"store_audio": "flac"},
        {"decoder": "soundfile"},
        {"rules": "strict"},
        {"limit": 1},
        {"retry_failures": True},
    ],
)
def test_other_flags_change_no_layer(flags: dict[str, Any]) -> None:
    assert changed(**flags) == set()

"""A layer is named by its settings and by the version of its code."""

from __future__ import annotations

import pytest

from beam_audio.unit import layers
from beam_audio.unit.layers import LAYER_VERSIONS, Layer, layer_hash


@pytest.mark.parametrize("layer", LAYER_VERSIONS)
def test_settings_and_versions_change_a_layer(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = layer_hash(layer, {"a": 1})
    assert layer_hash(layer, {"a": 1}) == before
    assert layer_hash(layer, {"a": 2}) != before
    raised = {**LAYER_VERSIONS, layer: LAYER_VERSIONS[layer] + 1}
    monkeypatch.setattr(layers, "LAYER_VERSIONS", raised)
    assert layer_hash(layer, {"a": 1}) != before


def test_layers_with_the_same_settings_differ() -> None:
    assert len({layer_hash(layer, {}) for layer in LAYER_VERSIONS}) == len(LAYER_VERSIONS)

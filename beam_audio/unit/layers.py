"""Layers of a configuration: what the rows depend on, from the audio to the decision.

``decode`` and ``segment`` decide where segments are, ``measures`` what their signal is like,
``model`` what is recognised in them, ``metrics`` and ``rules`` how they are judged. Each layer is a
hash of its settings and of the version of its code. If one changes, the rows of earlier runs are
made again from that layer on; the results of other layers stay.

``dnsmos``, ``events``, ``speakers`` and ``second`` are there only if a run asks for them. What they
added to the rows of an earlier run stays when a run does not ask for them.

``enhance`` is there only if a run takes noise out of what ``model`` hears. Its absence is a
setting, too: a run without it recognises rows with it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Layer = Literal[
    "decode",
    "segment",
    "measures",
    "dnsmos",
    "events",
    "speakers",
    "enhance",
    "model",
    "second",
    "metrics",
    "rules",
]

LAYER_VERSIONS: Final[Mapping[Layer, int]] = {
    "decode": 2,
    "segment": 1,
    "measures": 2,
    "dnsmos": 1,
    "events": 1,
    "speakers": 2,
    "enhance": 1,
    "model": 1,
    "second": 1,
    "metrics": 1,
    "rules": 1,
}
"""Raise a number when a change of the code changes a row: samples, cuts, signal measures, texts,
scores and rates of texts, or decisions."""


def made_layers(
    wanted: Mapping[str, str],
    stored: Mapping[str, str],
    keeps: Collection[Layer],
    *,
    adds_evidence: bool = True,
) -> dict[str, str]:
    """Layers of rows that are made again in part.

    Args:
        wanted: Those of the run.
        stored: Those that the rows had.
        keeps: Layers whose results stay if the run does not ask for them.
        adds_evidence: False if they stay although the run asks for others.
    """
    known = {**stored, **wanted} if adds_evidence else stored
    kept = {name: known[name] for name in keeps if name in known}
    return {name: each for name, each in wanted.items() if name not in keeps} | kept


def layer_hash(layer: Layer, settings: object) -> str:
    """Hash of a layer.

    Args:
        layer: The layer.
        settings: Its resolved settings, JSON-serialisable; nothing that the code resolves later.
    """
    return stable_id("layer", layer, LAYER_VERSIONS[layer], settings)

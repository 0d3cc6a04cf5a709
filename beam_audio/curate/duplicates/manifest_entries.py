"""Items of an entry of a test set that is a manifest: its audio is decoded, its text stated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from beam_audio.audio.decode import resample
from beam_audio.curate.duplicates.places import Item, Level, Place, Source
from beam_audio.curate.duplicates.words import text_print
from beam_audio.quality.fingerprint import FINGERPRINT_RATE_HZ, fingerprint
from beam_audio.types import stable_id
from beam_audio.unit.prepare import decode_channels
from beam_audio.unit.prepare_settings import PrepareSettings

if TYPE_CHECKING:
    from beam_audio.types import AudioRef

_LOG = logging.getLogger(__name__)


def items_of_entry(ref: AudioRef) -> dict[Level, list[Item]]:
    """What a line of a manifest is compared by: the sound of its audio, and its text.

    Audio that cannot be decoded is named in a warning; the text is compared nevertheless.
    """
    source = Source(ref.source_id, ref.uri, has_reference=ref.reference_text is not None)
    items: dict[Level, list[Item]] = {"bytes": [], "samples": [], "sound": [], "text": []}
    if words := text_print([ref.reference_text]):
        place = Place(ref.source_id, "segments", source, speaker=dict(ref.metadata).get("speaker"))
        items["text"].append(Item(place, words))
    found, failure = decode_channels(ref, PrepareSettings())
    if failure is not None:
        _LOG.warning("%s is compared by its text alone: %s", ref.uri, failure.message)
    for audio in found:
        samples = resample(audio.samples, audio.sample_rate_hz, FINGERPRINT_RATE_HZ)
        if stored := fingerprint(samples):
            row_id = stable_id("test", ref.source_id, audio.channel)
            items["sound"].append(Item(Place(row_id, "recordings", source), stored))
    return items

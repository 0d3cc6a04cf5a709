"""Sums of what is exported and left out, and their balance."""

from __future__ import annotations

import json

from support.export_items import RATE_HZ, item

from beam_audio.export.totals import Totals, as_text


def of_two_items() -> Totals:
    items = [item(seconds=1.0, licence="CC0"), item("b", seconds=2.0, language=None)]
    cores = {each.item_id: round(each.duration_seconds * RATE_HZ) - 100 for each in items}
    return Totals.of_items("train", items, cores)


def test_items_count_as_audio_and_cores_as_what_was_recorded() -> None:
    found = of_two_items()
    assert found.items == {"train": 2}
    assert found.seconds == {"train": 3.0}
    assert found.languages == {"en": 1.0, "": 2.0}
    assert found.licences == {"CC0": 1.0, "": 2.0}
    assert found.samples == {"exported@16000": 3 * RATE_HZ - 200}


def test_the_order_of_parts_does_not_matter() -> None:
    other = Totals(samples={"decision drop@16000": 200}, recorded={"keep@16000": 3 * RATE_HZ})
    one, two = Totals.total([of_two_items(), other]), Totals.total([other, of_two_items()])
    assert one == two
    assert one.unbalanced == {}
    assert one.hours["decision drop"] == 200 / RATE_HZ / 3600


def test_one_sample_that_is_nowhere_is_found() -> None:
    lost = Totals(samples={"exported@8000": 9}, recorded={"keep@8000": 10})
    assert Totals.total([lost]).unbalanced == {"8000": 1}
    two_rates = Totals(samples={"exported@8000": 10}, recorded={"keep@16000": 10})
    assert Totals.total([two_rates]).unbalanced == {"16000": 10, "8000": -10}


def test_totals_survive_being_written() -> None:
    total = Totals.total([of_two_items()])
    assert Totals.of_json(json.loads(as_text(total.to_json()))) == total

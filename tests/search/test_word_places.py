"""Words in time."""

from __future__ import annotations

import pytest

from beam_audio.search.word_places import pack, second_of


def test_a_character_leads_to_the_second_of_its_word() -> None:
    text = "so, so it goes"
    packed = pack(text, [(" so,", 0.5), (" so", 1.25), (" it", None), (" goes", 61.0)])
    assert second_of(packed, text.index("so")) == pytest.approx(0.5)
    assert second_of(packed, text.rindex("so")) == pytest.approx(1.25)
    assert second_of(packed, text.index("goes") + 3) == pytest.approx(61.0)


def test_words_that_are_not_in_the_text_and_odd_times_do_no_harm() -> None:
    assert second_of(pack("one", [("two", 1.0)]), 0) == 0.0
    assert second_of(pack("one", [("one", -0.1)]), 0) == 0.0
    assert second_of(pack("one", [("one", 1e6)]), 0) == 0.0

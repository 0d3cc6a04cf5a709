"""Labels: marks and capitals that were heard, on the words of the reference."""

from __future__ import annotations

import pytest

from beam_audio.quality.labels import label_texts
from beam_audio.quality.normalizers import normalizer_for


def label(reference: str, *heard: str, language: str = "en") -> tuple[str | None, ...]:
    return label_texts(reference, heard, normalizer_for(language))


@pytest.mark.parametrize(
    ("reference", "heard", "wanted"),
    [
        ("he said yes we went", "He said yes. We went.", "He said yes. We went."),
        ("HE SAID YES", "He said yes!", "He said yes!"),
        # Words that were heard as others stay as they are.
        ("sue don't know", "Soo, does not know.", "Sue, don't know."),
        ("mister hale went", "Mr. Hale went.", "Mister Hale went."),
        ("mr hale went", "Mr. Hale went.", "Mr Hale went."),
        ("about fourteen fifty five they say", "About 1455, they say.", None),
        ("we sat twenty men came", "We sat. 20 men came.", "We sat. Twenty men came."),
        ("a forty two line book", "A forty-two-line book.", "A forty two line book."),
        # What was said beside the reference ends the sentence.
        ("we went home", "We went home, you know.", "We went home."),
        # A word that was not heard.
        ("we went very far then we slept", "We went far. We slept.", None),
        ("go on . . .", "Go on.", "go on . . ."),
    ],
)
def test_words_stay_and_marks_are_those_heard(
    reference: str, heard: str, wanted: str | None
) -> None:
    (found,) = label(reference, heard)
    assert found is not None
    normalizer = normalizer_for("en")
    assert normalizer(found) == normalizer(reference)
    assert found.casefold().replace(".", "").replace(",", "").replace("!", "") == (
        reference.casefold().replace(".", "")
    )
    if wanted is not None:
        assert found == wanted


def test_a_reference_with_punctuation_of_its_own_stays() -> None:
    assert label("Yes, said he", "yes said. He") == ("Yes, said he",)


def test_a_reference_in_two_cases_keeps_them() -> None:
    assert label("we saw NASA go", "We saw Nasa go.") == ("we saw NASA go.",)


def test_a_mark_that_changes_the_normalised_words_is_left_out() -> None:
    assert label("in nineteen eighty four men", "In 1980. Four men.") == (
        "in nineteen eighty four men",
    )


def test_segments_have_their_words_and_none_is_lost() -> None:
    found = label("one two three four five six", "One two.", "", "Four! Five")
    assert found == ("One two. Three", None, "Four! Five six")


def test_a_language_without_word_spaces_is_marked_between_characters() -> None:
    found = label("今天天气很好我们去公园吧", "今天天气很好。我们", "去公园吧?", language="zh")
    assert found == ("今天天气很好。我们", "去公园吧?")


def test_without_words_there_is_no_label() -> None:
    assert label("", "what was heard") == (None,)
    assert label("said but not heard") == ()
    assert label("said but not heard", "") == ("said but not heard",)

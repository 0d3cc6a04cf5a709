"""Known hallucinations are told from what people say."""

from __future__ import annotations

import pytest

from beam_audio.quality.hallucinations import is_known_hallucination


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Thanks for watching!", "en"),
        (" Thank you for watching. Thank you for watching.", "en"),
        ("you", "en"),
        ("Untertitel der Amara.org-Community", "de"),
        ("Und dann. Untertitelung im Auftrag des ZDF, 2021", "de"),
        ("Untertitel im Auftrag des ZDF für funk, 2017", None),
        ("Sous-titres réalisés par la communauté d'Amara.org", "en"),
        ("ご視聴ありがとうございました。", "ja"),
        ("請不吝點贊 訂閱 轉發 打賞支持明鏡與點點欄目", "zh"),
        ("Продолжение следует...", "ru"),
        ("İZLEDİĞİNİZ İÇİN TEŞEKKÜRLER", "tr"),
    ],
)
def test_what_nobody_said_is_known(text: str, language: str | None) -> None:
    assert is_known_hallucination(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("...", None),
        ("Thanks for watching the children while I was out.", "en"),
        ("I thank you", "en"),
        ("youth", "en"),
        ("you", "de"),
        ("Danke fürs Zuschauen, sagte der Lehrer.", "de"),
        ("今天天气很好", "zh"),
    ],
)
def test_what_people_say_is_not(text: str, language: str | None) -> None:
    assert not is_known_hallucination(text, language)

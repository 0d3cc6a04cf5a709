"""Personal data is found by its form: 200 made sentences in four languages, and what is none."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

import pytest

from beam_audio.quality.pii import find_pii, redact

LANGUAGES: Final = ("en", "de", "es", "fr")
DIGITS: Final = {
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "de": ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    "es": ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
    "fr": ["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"],
}
FRAMES: Final = {
    "en": {
        "email": "You can write to me at any time, {}, thank you.",
        "phone": "Please call me back on {} after five.",
        "card": "My card is {} and it expires in 10/27.",
        "iban": "Send the 250.00 euros to {} by Friday.",
        "account": "The account number is {}, I think.",
        "spoken_digits": "It is {} if I remember it well.",
    },
    "de": {
        "email": "Meine Adresse ist {}, danke.",
        "phone": "Rufen Sie mich unter {} an, bitte.",
        "card": "Die Karte hat die Nummer {} und gilt bis 10/27.",
        "iban": "Bitte 250,00 Euro an {} überweisen.",
        "account": "Meine Kundennummer ist {}, glaube ich.",
        "spoken_digits": "Das ist die {} wenn ich mich recht erinnere.",
    },
    "es": {
        "email": "Mi correo es {}, gracias.",
        "phone": "Mi teléfono es {} por la tarde.",
        "card": "La tarjeta es {} y caduca en 10/27.",
        "iban": "Mande los 250,00 euros a {} el viernes.",
        "account": "El número de cuenta es {}, creo.",
        "spoken_digits": "Es el {} si no me equivoco.",
    },
    "fr": {
        "email": "Mon adresse est {}, merci.",
        "phone": "Mon téléphone est le {} après midi.",
        "card": "Ma carte est la {} et elle expire en 10/27.",
        "iban": "Envoyez les 250,00 euros à {} vendredi.",
        "account": "Le numéro de compte est {}, je crois.",
        "spoken_digits": "C'est le {} si je me souviens bien.",
    },
}
SAID_MAIL: Final = {
    "en": "anna dot meier at example dot com",
    "de": "anna punkt meier at beispiel punkt de",
    "es": "ana punto ruiz arroba ejemplo punto es",
    "fr": "anne point martin arobase exemple point fr",
}
PHONES: Final = {
    "en": ("(415) 555-2671", "415-555-{4}", "+44 20 7946 0{3}", "020 7946 0{3}", "415555{4}"),
    "de": ("+49 30 1234{4}", "030 / 1234{3}", "0171 23456{2}", "(030) 98{5}", "01712345{3}"),
    "es": ("+34 612 345 6{2}", "612 34 56 {2}", "612-345-6{2}", "9123456{2}", "+346123456{2}"),
    "fr": (
        "06 12 34 56 {2}",
        "+33 6 12 34 56 {2}",
        "01.23.45.67.{2}",
        "06123456{2}",
        "0033 612345{3}",
    ),
}
NOTHING: Final = {
    "en": (
        "On 2026-11-21 at 10:30 we sold 1,250,000 of them for $12.50 each.",
        "In 1999, 2003 and 2007 the score was 3 to 2, or 15 to 12.",
        "One or two of the three came at four, and the other five left at six.",
        "Look at the house, it has 12 rooms, 24 windows and 365 lamps.",
    ),
    "de": (
        "Am 21.11.2026 um 10:30 Uhr kosteten 1.250.000 Stück je 12,50 Euro.",
        "Von 1999 bis 2003 waren es drei oder vier, danach fünf bis sechs.",
        "Er kam um acht, sie um neun, und wir warten seit zwei Stunden.",
        "Paragraf 12 Absatz 3 gilt seit 2017 auf 365 Seiten.",
    ),
    "es": (
        "El 21/11/2026 a las 10:30 se vendieron 1.250.000 por 12,50 euros.",
        "Entre 1999 y 2003 hubo dos o tres, y luego cuatro o cinco.",
        "Vino a las ocho, ella a las nueve, y esperamos dos horas.",
        "El artículo 12 tiene 365 páginas y 24 dibujos.",
    ),
    "fr": (
        "Le 21/11/2026 à 10h30 on a vendu 1 250 000 pièces à 12,50 euros.",
        "De 1999 à 2003 il y en avait deux ou trois, puis quatre ou cinq.",
        "Il est venu à huit heures, elle à neuf, et on attend un quart d'heure.",
        "L'article 12 a 365 pages et vingt-quatre dessins.",
    ),
}


def luhn(stem: str) -> str:
    total = sum(
        int(d) if n % 2 else sum(divmod(2 * int(d), 10)) for n, d in enumerate(reversed(stem))
    )
    return stem + str(-total % 10)


def iban(country: str, stem: str) -> str:
    letters = "".join(str(int(each, 36)) for each in f"{stem}{country}00")
    return f"{country}{98 - int(letters) % 97:02}{stem}"


def grouped(text: str, size: int = 4) -> str:
    return " ".join(text[start : start + size] for start in range(0, len(text), size))


def some(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def made(rng: random.Random, language: str, kind: str, number: int) -> str:
    """Personal data of a kind, written in turn as people and recognisers write it."""
    if kind == "email":
        written = [f"anna.meier{number}@example.com", "k-l_m+x@mail.example.co.uk"]
        return [*written, SAID_MAIL[language]][number % 3]
    if kind == "phone":
        form = PHONES[language][number % 5]
        for size in range(2, 6):
            form = form.replace(f"{{{size}}}", some(rng, size))
        return form
    if kind == "card":
        plain = luhn("4" + some(rng, 14))
        return [plain, grouped(plain), grouped(plain).replace(" ", "-")][number % 3]
    if kind == "iban":
        country, length = {"en": ("DE", 18), "de": ("DE", 18), "es": ("ES", 20), "fr": ("FR", 23)}[
            language
        ]
        plain = iban(country, some(rng, length))
        return plain if number % 2 else grouped(plain)
    if kind == "account":
        return some(rng, 8) if number % 2 else grouped(some(rng, 9), 3)
    spoken = [rng.choice(DIGITS[language]) for _ in range(7)]
    return (", " if number % 3 == 0 else " ").join(spoken)


def sentences() -> list[tuple[str, str, str, str]]:
    """Language, kind, sentence and what is in it; 50 a language, of which 8 have nothing."""
    rng, found = random.Random(17), []
    for language in LANGUAGES:
        for kind, frame in FRAMES[language].items():
            for number in range(7):
                secret = made(rng, language, kind, number)
                found.append((language, kind, frame.format(secret), secret))
        found += [(language, "", text, "") for text in NOTHING[language] * 2]
    return found


def test_recall_and_precision_of_each_kind_over_200_sentences() -> None:
    hits, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    made_sentences = sentences()
    assert len(made_sentences) == 200
    for language, kind, text, secret in made_sentences:
        found = [(each.kind, text[each.start : each.end]) for each in find_pii(text, language)]
        hits[kind] += (kind, secret) in found
        missed[kind] += bool(kind) and (kind, secret) not in found
        wrong.update(each for each, value in found if (each, value) != (kind, secret))
    for kind in FRAMES["en"]:
        recall = hits[kind] / (hits[kind] + missed[kind])
        precision = hits[kind] / (hits[kind] + wrong[kind])
        assert recall >= 0.95, (kind, recall)
        assert precision >= 0.95, (kind, precision)


@pytest.mark.parametrize(
    ("text", "language", "right"),
    [
        ("double four seven, one two three nine", "en", "[SPOKEN_DIGITS]"),
        ("thirty-four fifty six seventy eight twelve", "en", "[SPOKEN_DIGITS]"),
        ("zéro six, douze, trente-quatre, cinquante-six", "fr", "[SPOKEN_DIGITS]"),
        ("null eins sieben eins, dreiundzwanzig, vierzig", "de", "[SPOKEN_DIGITS]"),
        ("4 1 5 5 5 5", "en", "[SPOKEN_DIGITS]"),
        ("one two three", "en", "one two three"),
        ("uno due tre quattro cinque sei sette", "it", "uno due tre quattro cinque sei sette"),
        ("write to a@b.example", None, "write to [EMAIL]"),
        ("4111 1111 1111 1112", "en", "4111 1111 1111 1112"),  # no card: the check digit is wrong
        ("DE89 3704 0044 0532 0130 00 is mine", "en", "[IBAN] is mine"),
        ("DE88370400440532013000", "en", "DE88370400440532013000"),  # nor is this an IBAN
        ("", "en", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, language: str | None, right: str) -> None:
    assert redact(text, find_pii(text, language)) == right


def test_names_are_not_found() -> None:
    text = "My name is Anna Meier and I live in Baker Street."
    assert find_pii(text, "en") == ()

"""Words by which personal data is said, by language: digits, tens, and what announces a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DIGITS: Final[Mapping[str, frozenset[str]]] = {
    "en": _words("zero oh o nought one two three four five six seven eight nine"),
    "de": _words("null eins zwei zwo drei vier fünf sechs sieben acht neun"),
    "es": _words("cero uno dos tres cuatro cinco seis siete ocho nueve"),
    "fr": _words("zéro un deux trois quatre cinq six sept huit neuf"),
}
"""Words for one digit."""

MULTIPLES: Final[Mapping[str, frozenset[str]]] = {
    "en": _words("double triple"),
    "de": _words("doppel dreifach"),
    "es": _words("doble triple"),
    "fr": _words("double triple"),
}
"""Words that repeat the digit after them."""

_EN = """ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
thirty forty fifty sixty seventy eighty ninety"""
_ES = """diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte
veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho
veintinueve treinta cuarenta cincuenta sesenta setenta ochenta noventa"""
_FR = """dix onze douze treize quatorze quinze seize vingt vingts trente quarante cinquante soixante
quatre-vingt quatre-vingts"""
_DE = """zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig
dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"""

TENS: Final[Mapping[str, frozenset[str]]] = {
    "en": _words(_EN),
    "de": _words(_DE)
    | {
        f"{unit}und{ten}"
        for unit in _words("ein zwei drei vier fünf sechs sieben acht neun")
        for ten in _words("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
    },
    "es": _words(_ES),
    "fr": _words(_FR),
}
"""Words for two digits, in which numbers are said in pairs."""

JOINERS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset(),
    "de": frozenset(),
    "es": _words("y"),
    "fr": _words("et"),
}
"""Words inside a pair."""

AT: Final[Mapping[str, str]] = {
    "en": "at",
    "de": "at|ät|klammeraffe",
    "es": "arroba",
    "fr": "arobase",
}
DOT: Final[Mapping[str, str]] = {"en": "dot", "de": "punkt", "es": "punto", "fr": "point"}
"""How an address of mail is said."""

ACCOUNT: Final = (
    r"account|acct|routing|sort\scode|policy|customer|passport|social\ssecurity|ssn"
    r"|konto\w*|kunden\w*|bankleitzahl|ausweis\w*|versicherungs\w*"
    r"|cuenta|cliente|póliza|pasaporte|dni"
    r"|compte|client|police|passeport"
)
"""What announces a number of an account, a customer or a document."""
PHONE: Final = (
    r"phone|call|cell|mobile|telephone|fax|whatsapp|reach|text"
    r"|telefon\w*|handy\w*|anruf\w*|rufnummer|ruf|mobil\w*"
    r"|teléfono|móvil|llám\w+|llama\w*"
    r"|téléphone|portable|appel\w*|rappel\w*"
)
"""What announces a telephone number."""

IBAN_LENGTHS: Final[Mapping[str, int]] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI NL",
        19: "SI",
        20: "AT EE LT LU",
        21: "CH HR LI LV",
        22: "BG DE GB IE",
        23: "GI",
        24: "AD CZ ES RO SE SK",
        25: "PT",
        26: "IS TR",
        27: "FR GR IT MC SM",
        28: "CY HU PL",
        31: "MT",
    }.items()
    for country in countries.split()
}
"""Characters of an IBAN by its country, as ISO 13616 registers them."""

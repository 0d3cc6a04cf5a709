"""Languages: one code for each, whatever it is called, and how it is written.

A language has many names: ISO 639-1 codes (``en``), ISO 639-2 and 639-3 codes (``eng``, ``ger``),
English names (``English``) and BCP 47 tags (``en-US``). :func:`language_code` maps them all to one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from beam_audio.errors import InputError

LANGUAGES_WITHOUT_WORD_SPACES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue"})

_TAG: Final = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{1,8})*)")
_COMMON_CODES: Final = frozenset({"ar", "de", "en", "es", "fr", "ja", "ru", "zh"})
"""Codes that need no look-up. The table of all languages takes a third of a second to load."""

# CLDR's languageAlias: the code in use for a retired one, and the code of a group of languages for
# its main member. Norwegian, Filipino and Persian have the codes that speech models know.
_ALIASES: Final = {
    "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro",
    "sh": "sr", "mol": "ro", "scc": "sr", "scr": "hr", "hbs": "sr", "nb": "no", "nob": "no",
    "fil": "tl", "arb": "ar",
    "azj": "az", "cmn": "zh", "ekk": "et", "gaz": "om", "khk": "mn", "lvs": "lv", "npi": "ne",
    "ory": "or", "pbt": "ps", "pes": "fa", "prs": "fa", "plt": "mg", "swh": "sw", "swc": "sw",
    "uzn": "uz", "ydd": "yi", "zsm": "ms", "als": "sq", "dgo": "doi", "gom": "kok", "kmr": "ku",
    "quz": "qu", "ayr": "ay", "gug": "gn", "ike": "iu", "knc": "kr",
}  # fmt: skip

# Names in daily use that ISO 639-3 does not list, or lists in a longer form only.
_NAMES: Final = {
    "american english": "en", "azeri": "az", "bangla": "bn", "bokmal": "no", "bokmål": "no",
    "brazilian portuguese": "pt", "british english": "en", "cantonese": "yue", "dari": "fa",
    "dogri": "doi", "farsi": "fa", "filipino": "tl", "frisian": "fy", "gaelic": "gd", "greek": "el",
    "haitian creole": "ht", "interlingua": "ia", "khmer": "km", "konkani": "kok", "kyrgyz": "ky",
    "letzeburgesch": "lb", "luxembourgish": "lb", "malay": "ms", "mandarin": "zh",
    "mandarin chinese": "zh", "maori": "mi", "moldovan": "ro", "myanmar": "my", "nepali": "ne",
    "norwegian bokmål": "no", "nynorsk": "nn", "occitan": "oc", "odia": "or", "oriya": "or",
    "pashto": "ps", "serbo-croatian": "sr", "simplified chinese": "zh", "slovene": "sl",
    "sotho": "st", "swahili": "sw", "traditional chinese": "zh", "uyghur": "ug",
}  # fmt: skip
_SHORTEST_NAME: Final = 3


@cache
def language_code(name: str) -> str:
    """Map what somebody calls a language to one code: ISO 639-1, or 639-3 where that has none.

    Args:
        name: An ISO 639 code, an English name or a BCP 47 tag, in any case; ``_`` may stand for
            ``-``. Region and script are dropped: ``en-US`` is ``en``, ``zh-Hant`` is ``zh``.

    Raises:
        InputError: There is no such language.
    """
    tag = _TAG.fullmatch(name.strip().lower().replace("_", "-"))
    code = _of_tag(tag[1], tag[2][1:].split("-")) if tag else None
    code = code or _of_name(name.strip().lower())
    if code is None:
        raise InputError(
            f"language {name[:64]!r} is unknown; write an ISO 639 code such as 'en' or 'eng', "
            "an English name such as 'English', or a tag such as 'en-US'"
        )
    return code


def known_code(language: str | None) -> str | None:
    """The code of a language, or None for an unknown one."""
    try:
        return language_code(language) if language else None
    except InputError:
        return None


def chosen_language(choice: str) -> str:
    """``--language`` as models take it: ``auto``, ``from_manifest``, or a code if there is one."""
    return choice if choice in {"auto", "from_manifest"} else known_code(choice) or choice


def has_word_spaces(language: str | None) -> bool:
    """Whether words have spaces between them; True for an unknown language."""
    return known_code(language) not in LANGUAGES_WITHOUT_WORD_SPACES


def is_same_language(one: str | None, other: str | None) -> bool:
    """Whether two names mean one language whatever the region, as ``en`` and ``en-GB`` do."""
    return one == other or (known_code(one) or one) == (known_code(other) or other)


def _of_tag(primary: str, rest: list[str]) -> str | None:
    """Code of a BCP 47 tag; ``zh-yue`` and the like name the language in their second part."""
    if primary in _COMMON_CODES and not rest:
        return primary
    extended = _of_code(rest[0]) if rest and re.fullmatch("[a-z]{3}", rest[0]) else None
    return extended or _of_code(primary)


def _of_code(code: str) -> str | None:
    from iso639 import Language, LanguageNotFoundError  # noqa: PLC0415 (slow to load)

    if code in _ALIASES:
        return _ALIASES[code]
    for table in (Language.from_part1, Language.from_part3, Language.from_part2b):
        try:
            found = table(code)
        except LanguageNotFoundError:
            continue
        # "Undetermined", "multiple languages" and the like are codes of no language.
        return None if found.scope == "S" else _ALIASES.get(found.part3, found.part1 or found.part3)
    return None


def _of_name(name: str) -> str | None:
    from iso639 import Language, LanguageNotFoundError  # noqa: PLC0415 (slow to load)

    if name in _NAMES:
        return _NAMES[name]
    if len(name) < _SHORTEST_NAME:
        return None
    try:
        found = Language.match(name, strict_case=False)
    except LanguageNotFoundError:
        return None
    names = (found.name, *(other.print for other in found.other_names or ()))
    return _of_code(found.part3) if name in map(str.lower, names) else None

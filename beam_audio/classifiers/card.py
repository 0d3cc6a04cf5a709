"""Cards of classifiers: which files a named one has, their sha256, and who publishes them.

No package carries these files. A person puts them into :func:`named_folder`, or names a folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from beam_audio.models.cache_folder import cache_folder
from beam_audio.models.weight_files import file_sha256, require_sha256

_PACKAGED: Final = Path(__file__).parents[1] / "models" / "cards" / "classifiers"
_IN_THE_REPOSITORY: Final = Path(__file__).parents[2] / "models" / "classifiers"


@dataclass(frozen=True, slots=True)
class ClassifierCard:
    """A named classifier.

    Attributes:
        name: What ``--classify_model`` takes.
        description: One line about it.
        licence: SPDX identifier of the weights' licence.
        source: Where its files, or those that they are made from, are published.
        files: File name -> sha256.
        how: How a person gets the files.
    """

    name: str
    description: str
    licence: str
    source: str
    files: dict[str, str]
    how: str

    @property
    def folder(self) -> Path:
        """Where its files are looked for, whether or not they are there."""
        return cache_folder() / "classifiers" / self.name

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of its files that are not there."""
        return tuple(name for name in self.files if not (self.folder / name).is_file())

    @property
    def cure(self) -> str:
        """What a person does to have its files."""
        return f"put {', '.join(self.files)} into {self.folder} ({self.how})"

    def require_whole(self) -> None:
        """Check the sha256 of its files.

        Raises:
            ChecksumError: A file is damaged or another one.
        """
        for name, expected in self.files.items():
            file = self.folder / name
            require_sha256(file_sha256(file), expected, str(file), self.cure)


@cache
def classifier_cards() -> dict[str, ClassifierCard]:
    """Every card by its name."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _IN_THE_REPOSITORY
    cards = (
        ClassifierCard(**json.loads(path.read_text("utf-8")))
        for path in sorted(folder.glob("*.json"))
    )
    return {card.name: card for card in cards}

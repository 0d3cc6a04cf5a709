"""Where manifests and messages may name inputs, if ``--allow_inputs`` says so."""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from typing import Self

from beam_audio.errors import ConfigError, InputError
from beam_audio.inputs.addresses import plain_address


@dataclass(frozen=True, slots=True)
class AllowedPlaces:
    """Folders, buckets and files; what is below one of them may be read.

    Attributes:
        prefixes: Absolute local paths, and addresses such as ``gs://bucket/calls``.
    """

    prefixes: tuple[str, ...]

    @classmethod
    def stated(cls, text: str) -> Self:
        """Read the value of the flag, where commas separate the places.

        Raises:
            ConfigError: It names no place, or a file of another machine.
        """
        try:
            places = [plain_address(each.strip()) for each in text.split(",") if each.strip()]
        except InputError as error:
            raise ConfigError(f"--allow_inputs={text}: {error}") from error
        if not places:
            raise ConfigError(f"--allow_inputs={text} names no folder and no bucket")
        return cls(tuple(each if "://" in each else os.path.abspath(each) for each in places))  # noqa: PTH100 - links are followed on the machine that reads

    def require(self, uri: str) -> None:
        """Refuse an address outside these places; nothing is opened or asked of a store.

        A local path is taken as what it leads to, through links too. Names in buckets are literal,
        and one with ``..`` is refused: not every store takes it literally.

        Args:
            uri: An absolute path or address in its one spelling.

        Raises:
            InputError: The address is outside; the message names the flag.
        """
        place = _real(uri)
        if not any(place.startswith(_real(prefix)) for prefix in self.prefixes):
            raise InputError(
                f"{uri!r} is not below --allow_inputs={','.join(self.prefixes)}; nothing else that "
                "a manifest or message names is read"
            )


def _real(address: str) -> str:
    """What an address leads to, with a slash at its end; empty if that is not certain."""
    if "\0" in address or ("://" in address and ".." in address.split("/")):
        return ""
    place = address if "://" in address else os.path.realpath(address)
    return place.rstrip("/") + "/"

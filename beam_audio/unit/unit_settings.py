"""What the rows of a unit depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.unit.long_recordings import WorkKey

if TYPE_CHECKING:
    from beam_audio.unit.prepare_settings import PrepareSettings
    from beam_audio.unit.rows import RowSettings

_PART_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """Everything the rows of a unit depend on, and how large a batch may be.

    Attributes:
        prepare: Decoding, channels and segmentation.
        rows: Normaliser, rules, partition keys and identities that enter the rows.
        language: ``auto``, ``from_manifest`` or an ISO 639 code.
        batch_seconds: Most padded seconds in a batch; None leaves it to the recogniser.
        cores: Cores that a process may use; None for all there are. If the model runs on a device,
            as many threads decode.
        part_seconds: Of recordings longer than this, work is saved in parts of this length.
        stops_if_refused: Whether a unit fails if all its inputs are forbidden. In a stream, whoever
            publishes could stop it so.
    """

    prepare: PrepareSettings
    rows: RowSettings
    language: str = "auto"
    batch_seconds: float | None = None
    cores: int | None = None
    part_seconds: float = _PART_SECONDS
    stops_if_refused: bool = True

    @property
    def recognised_layers(self) -> dict[str, str]:
        """What decides what is saved of a segment: hashes of layers, and how audio is stored."""
        rows = self.rows
        return {**rows.config_layers, "store_audio": rows.store_audio}

    def work_key(self, root: str, provider: str) -> WorkKey:
        """What work is saved under, below an output, from a recogniser of this provider."""
        asks = self.language == "from_manifest"
        return WorkKey(root, self.recognised_layers, self.part_seconds, provider, asks)

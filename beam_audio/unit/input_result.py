"""What became of an input: its recordings, or none; the state that a commit record keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beam_audio.errors import AccessError, InputError, LanguageUnsupported, MachineError
from beam_audio.output.commits import InputState
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

_REFUSED: Final = AccessError.__name__
_NEVER_OPENED: Final = frozenset({_REFUSED, InputError.__name__})
_FEWEST_REFUSED: Final = 2


@dataclass(slots=True)
class InputResult:
    """What was found of one input so far."""

    known: tuple[str, ...] = ()
    recording_ids: set[str] = field(default_factory=set)
    content_sha256: str = ""
    failed_segments: int = 0
    failed_opinions: int = 0
    failure: Failure | None = None
    keeps_evidence: bool = False

    def fail(self, failure: Failure) -> None:
        """Take the failure of the input."""
        self.failure = failure

    @property
    def error_type(self) -> str:
        """Why the input failed, empty if it did not."""
        return self.failure.error_type if self.failure else ""

    def state(self, item: AudioRef | Failure, layers: dict[str, str]) -> InputState:
        """What became of the input in the end; without a recording it failed."""
        return InputState(
            outcome="known" if self.known else "recorded" if self.recording_ids else "failed",
            place_id=item.place_id,
            stated_id=item.stated_id if isinstance(item, AudioRef) else "",
            stated_language=item.language if isinstance(item, AudioRef) else None,
            layers=layers,
            recording_ids=tuple(sorted(self.known or self.recording_ids)),
            failed_segments=self.failed_segments,
            failed_opinions=self.failed_opinions,
            attempt=item.attempt,
            lacks_model=self.error_type == LanguageUnsupported.__name__,
            claims_id=item.claims_id or "" if isinstance(item, AudioRef) else None,
        )


def require_access(found: Iterable[InputResult]) -> None:
    """Tell inputs that are forbidden from a machine that may read nothing.

    Raises:
        MachineError: Several inputs are forbidden, and none could be opened.
    """
    failures = [each.failure for each in found]
    if not all(each and each.error_type in _NEVER_OPENED for each in failures):
        return
    refused = [each for each in failures if each and each.error_type == _REFUSED]
    if len(refused) >= _FEWEST_REFUSED:
        raise MachineError(
            f"every input of a unit is forbidden, {len(refused)} in all, so none is taken for a "
            f"failure: {refused[0].message}; give this account the right to read them"
        )

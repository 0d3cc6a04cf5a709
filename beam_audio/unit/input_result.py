"""What became of an input: its recordings, or none; the state that a commit record keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_audio.errors import LanguageUnsupported
from beam_audio.output.commits import InputState
from beam_audio.types import AudioRef, Failure


@dataclass(slots=True)
class InputResult:
    """What was found of one input so far."""

    known: tuple[str, ...] = ()
    recording_ids: set[str] = field(default_factory=set)
    content_sha256: str = ""
    failed_segments: int = 0
    lacks_model: bool = False

    def fail(self, failure: Failure) -> None:
        """Take the failure of the input."""
        self.lacks_model = failure.error_type == LanguageUnsupported.__name__

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
            attempt=item.attempt,
            lacks_model=self.lacks_model,
        )

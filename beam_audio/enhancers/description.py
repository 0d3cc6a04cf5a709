"""``enhancer.json``: what a person states about a network that takes noise out of speech."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from beam_audio.errors import ModelError
from beam_audio.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Content = Literal["spectrum", "waveform"]
"""What the network is given of a frame."""

DESCRIPTION: Final = "enhancer.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """How a network is fed.

    Attributes:
        model: Name of the ONNX file beside it.
        sample_rate_hz: Rate of the clips.
        content: ``spectrum`` for the discrete Fourier transform of a frame, real and imaginary part
            last; ``waveform`` for its samples.
        frame_samples: Length of a frame.
        hop_samples: From the start of a frame to that of the next one: as long as a frame, or at
            most half as long.
        input: Name of the input that takes a frame.
        output: Name of the output that gives it with less noise.
        states: What the network remembers from frame to frame: name of the input -> name of the
            output that is the next frame's. All begin with zeros.
    """

    model: str
    sample_rate_hz: int
    content: Content
    frame_samples: int
    hop_samples: int
    input: str
    output: str
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def frame_values(self) -> int:
        """Numbers that the network takes and gives for a frame."""
        if self.content == "spectrum":
            return 2 * (self.frame_samples // 2 + 1)
        return self.frame_samples


def read_description(folder: str) -> Description:
    """The description in a folder on this machine.

    Raises:
        ModelError: There is none, or it is not as it should be.
    """
    file = Path(folder, DESCRIPTION)
    try:
        stated = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} has no {DESCRIPTION}: name a folder with it and the ONNX file of an "
            "enhancer; docs/enhance.md shows one"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} is not JSON that can be read: {error}") from error
    if (why := next(_faults(stated), None)) is not None:
        raise ModelError(f"{file} {why}; docs/enhance.md shows one")
    return Description(**stated)


def _faults(stated: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of a person
    """What is wrong with a description, in words; the first of them counts."""
    if not isinstance(stated, dict):
        yield "holds no JSON object"
        return
    known = {each.name: each for each in fields(Description)}
    for name in stated:
        if name not in known:
            yield f"has an unknown key {name!r}{nearest(name, known)}"
    for name, each in known.items():
        if name not in stated and each.default_factory is MISSING:
            yield f"lacks {name!r}"
    yield from _wrong_values(stated)


def _wrong_values(stated: dict[str, Any]) -> Iterator[str]:
    for name in ("model", "input", "output"):
        if not isinstance(stated[name], str) or not stated[name]:
            yield f"has {name}={stated[name]!r}, which must be a name"
    if Path(stated["model"]).name != stated["model"]:
        yield f"has model={stated['model']!r}, which must be the name of a file beside it"
    for name in ("sample_rate_hz", "frame_samples", "hop_samples"):
        if type(stated[name]) is not int or stated[name] < 1:
            yield f"has {name}={stated[name]!r}, which must be a whole number above 0"
    if stated["content"] not in get_args(Content):
        yield f"has content={stated['content']!r}, which must be spectrum or waveform"
    frame, hop = stated["frame_samples"], stated["hop_samples"]
    if hop != frame and 2 * hop > frame:
        yield f"has hop_samples={hop}, which must be frame_samples={frame} or at most half of it"
    states = stated.get("states", {})
    if not isinstance(states, dict) or not all(isinstance(each, str) for each in states.values()):
        yield "has states that are not names of inputs and outputs"

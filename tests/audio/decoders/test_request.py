from __future__ import annotations

import json

import pytest

from beam_audio.audio.decoders.request import Cut, DecodeRequest
from beam_audio.audio.limits import DecodeLimits
from beam_audio.errors import InputError


@pytest.mark.parametrize(
    "request_",
    [
        DecodeRequest(),
        DecodeRequest(
            decoder="av",
            limits=DecodeLimits(max_recording_seconds=0.1, max_channels=3),
            cut=Cut(0.1, 2.5, track=1),
            block_seconds=0.25,
            rare_containers=("sds", "xi"),
        ),
    ],
)
def test_a_request_is_the_same_after_json(request_: DecodeRequest) -> None:
    assert DecodeRequest.from_json(json.loads(json.dumps(request_.to_json()))) == request_


def test_a_cut_counts_samples_at_the_rate() -> None:
    assert Cut(0.5, 0.25).samples(8_000) == (4_000, 6_000)
    assert Cut(0.5, 1e-9).samples(8_000) == (4_000, 4_001)
    assert Cut().samples(8_000) == (0, 2**62)


@pytest.mark.parametrize("stretch", [(-1.0, None), (None, 0.0), (float("nan"), None)])
def test_a_stretch_that_is_none_is_refused(
    stretch: tuple[float | None, float | None],
) -> None:
    with pytest.raises(InputError, match="the cut"):
        Cut(*stretch)

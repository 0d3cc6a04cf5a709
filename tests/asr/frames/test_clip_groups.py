from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.frames.clip_groups import group_clips, padded_samples

RATE_HZ = 100  # small, for small arrays
LENGTHS = st.lists(st.integers(0, 450), max_size=12)


@given(lengths=LENGTHS, together=st.booleans())
def test_every_clip_is_in_one_group_as_it_was(lengths: list[int], *, together: bool) -> None:
    clips = [np.full(n, row + 1, np.float32) for row, n in enumerate(lengths)]
    groups = list(group_clips(clips, RATE_HZ, together=together))
    assert sorted(row for group in groups for row in group.rows) == list(range(len(clips)))
    for group in groups:
        for row, samples, length in zip(group.rows, group.samples, group.lengths, strict=True):
            assert length == max(len(clips[row]), RATE_HZ // 10)
            assert np.array_equal(samples[: len(clips[row])], clips[row])
            assert not samples[len(clips[row]) :].any()


@given(lengths=LENGTHS, together=st.booleans())
def test_padding_depends_on_the_clip_alone(lengths: list[int], *, together: bool) -> None:
    clips = [np.zeros(n, np.float32) for n in lengths]
    for group in group_clips(clips, RATE_HZ, together=together):
        assert together or len(group.rows) == 1
        for row in group.rows:
            alone = padded_samples(lengths[row], RATE_HZ, together=together)
            assert group.samples.shape[1] == alone
            assert alone >= lengths[row]


def test_clips_of_as_many_seconds_go_together() -> None:
    clips = [np.zeros(n, np.float32) for n in (130, 40, 200, 100, 190)]
    groups = [group.rows for group in group_clips(clips, RATE_HZ, together=True)]
    assert groups == [(1, 3), (0, 2, 4)]

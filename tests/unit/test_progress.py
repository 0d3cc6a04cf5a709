"""Totals of a process, counted from several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from beam_audio.unit.progress import Progress


def test_threads_count_together() -> None:
    progress = Progress()

    def work(_: int) -> None:
        progress.plan(inputs=2)
        progress.add(inputs=1, decoded_seconds=0.5)
        progress.add(inputs=1, failures=["DecodeError"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert (progress.planned, progress.inputs, progress.decoded_seconds) == (400, 400, 100.0)
    assert progress.failures == {"DecodeError": 200}


def test_long_copies_are_shown_while_they_last() -> None:
    progress = Progress()
    with progress.copying(1 << 20) as short, progress.copying(1 << 30) as one:
        short.copied_bytes = 5
        one.copied_bytes = 1 << 29
        with progress.copying(3 << 30):
            copies = progress.long_copies
            assert (copies.copied_bytes, copies.total_bytes) == (1 << 29, 4 << 30)
    assert progress.long_copies.total_bytes == 0

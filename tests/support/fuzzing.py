"""What the tests in tests/fuzz share: damaged bytes, bounds on each example, what is kept of them.

In CI every run tries the same examples. ``make fuzz`` tries others for some minutes. It sets
``BEAM_AUDIO_FUZZ``, a folder: each example is put there before it is tried, so that an input that
ends the process is known, and one that fails stays, in the smallest form that was found.
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import re
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
FOLDER = os.environ.get("BEAM_AUDIO_FUZZ")
"""Where inputs are kept; None in CI."""
MOST_SECONDS = 10.0
"""A slow machine takes a tenth of it for the slowest example."""
HUNG_SECONDS = 30.0
MOST_MEBIBYTES = 512

_TIMES_MORE = 5
"""How many times more examples a round of ``make fuzz`` has."""
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
_ODD = (0, 1, 0x7F, 0x80, 0xFF)
_ODD_NUMBERS = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)
_REACHES = (16, 64, 512, 4096, 1 << 30)
"""Damage is among the first so many bytes: headers are where the decisions are made."""


def fuzzed(examples: int) -> settings:
    """Settings of a test: the same examples each time, or more and others for ``make fuzz``."""
    return settings(
        max_examples=examples * (_TIMES_MORE if FOLDER else 1),
        derandomize=FOLDER is None,
        deadline=None,
        phases=_PHASES,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def bounded(
    example: object, seconds: float = MOST_SECONDS, mebibytes: float = MOST_MEBIBYTES
) -> Iterator[None]:
    """Fail if the block takes longer, or more memory than before; end the process if it hangs.

    Args:
        example: The input, kept in the folder of ``make fuzz`` while the block runs, and longer if
            the block fails.
        seconds: The longest time.
        mebibytes: The most memory beyond what the process has.
    """
    kept = _keep(example)
    before = _reset_peak()
    start = time.monotonic()
    previous = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, HUNG_SECONDS)
    faulthandler.dump_traceback_later(2 * HUNG_SECONDS, exit=True)  # for what no signal ends
    try:
        yield
        took = time.monotonic() - start
        assert took <= seconds, f"{took:.1f} s"
        grown = _memory("VmHWM") - before
        assert grown <= mebibytes, f"{grown:.0f} MiB more"
    except BaseException:
        if kept is not None:
            kept.replace(kept.with_suffix(".failed"))
        raise
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if kept is not None:
            kept.unlink(missing_ok=True)


def attempt(
    example: object,
    work: Callable[[], T],
    refusal: type[Exception],
    mebibytes: float = MOST_MEBIBYTES,
) -> T | None:
    """What is made of an input within bounds; None if it is refused with some words."""
    with bounded(example, mebibytes=mebibytes):
        try:
            return work()
        except refusal as error:
            if not str(error):
                raise
            return None


class Hung(BaseException):
    """The input takes for ever; nothing that handles errors may handle this."""


def _give_up(*_: object) -> None:
    raise Hung


def _keep(example: object) -> Path | None:
    if FOLDER is None:
        return None
    test = os.environ.get("PYTEST_CURRENT_TEST", "unknown").split(" ")[0].rpartition("/")[2]
    path = Path(FOLDER, re.sub(r"[^\w.-]+", "-", test) + ".running")
    path.write_bytes(example if isinstance(example, bytes) else repr(example).encode())
    return path


def _reset_peak() -> float:
    """Let the kernel forget the most memory so far; returns what is in use now, MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


class Damaged(bytes):
    """Bytes that are not shown in full when a test fails; ``make fuzz`` keeps them in a file."""

    seed = ""

    def __repr__(self) -> str:
        name = hashlib.sha256(self).hexdigest()[:12]
        return f"Damaged({len(self)} bytes of {self.seed}, sha256 {name}, {self[:40]!s} …)"


@st.composite
def damaged(draw: st.DrawFn, seeds: Mapping[str, bytes]) -> Damaged:
    """One of the seeds after some changes; seldom after none."""
    name = draw(st.sampled_from(sorted(seeds)))
    data = seeds[name]
    for change in draw(st.lists(st.sampled_from(_CHANGES), max_size=4)):
        data = change(draw, data, seeds)
    made = Damaged(data)
    made.seed = name
    return made


def strange(value: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - JSON
    """JSON like this one with some of its parts exchanged for others."""
    odd: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, -1, 0, 2**63, 1e308, float("nan"), "", "..", "../x", "a/b", [], {}, [[]]]
    )
    if isinstance(value, dict) and value:
        return odd | st.fixed_dictionaries({}, optional={k: strange(v) for k, v in value.items()})
    if isinstance(value, list) and value:
        return odd | st.lists(st.sampled_from(value[:3]).flatmap(strange), max_size=3)
    return st.just(value) | odd


def _place(draw: st.DrawFn, data: bytes) -> int:
    reach = min(draw(st.sampled_from(_REACHES)), len(data))
    return draw(st.integers(0, reach))


def _put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _set_byte(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    value = draw(st.sampled_from(_ODD) | st.integers(0, 255))
    return _put(data, _place(draw, data), bytes([value]))


def _set_number(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    size = draw(st.sampled_from([2, 4, 8]))
    value = draw(st.sampled_from(_ODD_NUMBERS)) % 256**size
    order: Any = draw(st.sampled_from(["little", "big"]))
    return _put(data, _place(draw, data), value.to_bytes(size, order))


def _set_noise(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    return _put(data, _place(draw, data), draw(st.binary(min_size=1, max_size=64)))


def _insert(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    at = _place(draw, data)
    return data[:at] + draw(st.binary(min_size=1, max_size=64)) + data[at:]


def _delete(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    at = _place(draw, data)
    return data[:at] + data[at + draw(st.integers(1, 512)) :]


def _repeat(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    at = _place(draw, data)
    part = data[at : at + draw(st.integers(1, 512))]
    return data[:at] + part * draw(st.integers(2, 8)) + data[at:]


def _cut(draw: st.DrawFn, data: bytes, _: Mapping[str, bytes]) -> bytes:
    return data[: _place(draw, data)]


def _splice(draw: st.DrawFn, data: bytes, seeds: Mapping[str, bytes]) -> bytes:
    """The beginning of one input and the end of another."""
    other = seeds[draw(st.sampled_from(sorted(seeds)))]
    return data[: _place(draw, data)] + other[_place(draw, other) :]


_CHANGES: tuple[Callable[[st.DrawFn, bytes, Mapping[str, bytes]], bytes], ...] = (
    *(_set_byte, _set_number, _set_number, _set_noise),
    *(_insert, _delete, _repeat, _cut, _splice),
)

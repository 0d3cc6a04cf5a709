"""The batch that holds an output: one at a time, on whatever machine it works.

Two batches at once would each find the same inputs undone, group them otherwise and write their
rows twice. So a batch puts its name into a file first, and a second one is refused. A batch that
is dead is taken over: at once if its process was one of this machine, else some time after its last
sign of life. Whether another machine's batch is dead can only be guessed. A wrong guess costs work
and no row: whoever takes over closes the units that the other one has claimed and not committed.

Streams hold nothing: they share an output, see :mod:`beam_audio.stream.sharing`.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn, Self

from beam_audio import store
from beam_audio.errors import BeamAudioError, HeldError, StoreError
from beam_audio.output import processes
from beam_audio.output.claims import claim_files, close_others, drop_claims
from beam_audio.output.folder import in_use
from beam_audio.output.processes import is_running
from beam_audio.output.stored_values import value_of
from beam_audio.store.compare_and_swap import swap
from beam_audio.store.output_names import BATCH
from beam_audio.store.store_clock import present_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

BEAT_SECONDS: Final = 60.0
_SILENT_SECONDS: Final = 5 * BEAT_SECONDS
"""A command of another machine is dead after this time without a beat."""
_SILENT_JOB_SECONDS: Final = 3600.0
"""A job whose command has ended is dead when it has begun no unit for so long."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an output.

    Attributes:
        run_id: The batch.
        host: The machine it was started on.
        process: The process it ends with; empty for a job that goes on without its command.
        began_seconds: When it began, by the store's clock, since the epoch.
        beats: Number of its signs of life.
    """

    run_id: str
    host: str
    process: str
    began_seconds: float = 0.0
    beats: int = 0

    @classmethod
    def here(cls, run_id: str, *, ends_with_process: bool) -> Self:
        """A run that this process starts."""
        return cls(run_id, socket.gethostname(), processes.own() if ends_with_process else "")


@dataclass(frozen=True, slots=True)
class Found:
    """A holder, whether it is alive, and when it gave its last sign of life, since the epoch."""

    holder: Holder
    is_alive: bool
    seen_seconds: float


@contextmanager
def held(root: str, holder: Holder) -> Iterator[None]:
    """Hold an output, and let go of it at the end, unless a job goes on without its command.

    Raises:
        HeldError: A living batch holds it.
        StoreError: It cannot be written.
    """
    try:
        take(root, holder)
    except BaseException:
        with suppress(BeamAudioError):  # the first error says more
            let_go(root, holder.run_id)
        raise
    stop = threading.Event()
    beating = threading.Thread(target=_beat, args=(root, holder, stop), name="holder", daemon=True)
    beating.start()
    goes_on = False
    try:
        yield
        drop_claims(root, holder.run_id.__eq__)
    except KeyboardInterrupt:
        goes_on = not holder.process
        raise
    finally:
        stop.set()
        beating.join()
        if not goes_on:
            let_go(root, holder.run_id)
            with suppress(OSError), in_use(root, lambda: None):
                pass  # this deletes the folder of temporary files; a full disk has no room for it


def take(root: str, holder: Holder) -> None:
    """Hold an output from now on, if this run does not hold it already.

    Units that other runs have claimed and not committed are closed.

    Raises:
        HeldError: A living batch holds it.
        StoreError: It cannot be written.
    """
    now = present_seconds(root)

    def may_take(content: bytes | None) -> bool:
        other = _parsed(root, content)
        return other is None or not (other.run_id == holder.run_id or _is_alive(root, other, now))

    content = _encoded(replace(holder, began_seconds=now))
    current = _parsed(root, swap(root, BATCH, content, may_take))
    if current is not None and current.run_id != holder.run_id:
        _refuse(root, current, now)
    close_others(root, holder.run_id)
    drop_claims(root, holder.run_id.__ne__)


def require_free(root: str) -> None:
    """Check that no living batch holds an output.

    Raises:
        HeldError: One does.
    """
    current = _read(root)
    if current is not None:
        now = present_seconds(root)
        if _is_alive(root, current, now):
            _refuse(root, current, now)


def require_held(root: str, run_id: str) -> None:
    """Check that a batch still holds an output.

    Raises:
        HeldError: Another one has taken it over.
    """
    current = _read(root)
    if current is None or current.run_id != run_id:
        raise HeldError(
            f"--output={root} was taken over by another batch, as this one seemed dead; "
            "it stops, and the same command does what is left"
        )


def living_batch(root: str) -> str | None:
    """Name of the batch that holds an output; None if none does, or if it is dead."""
    current = _read(root)
    alive = current is not None and _is_alive(root, current, present_seconds(root))
    return current.run_id if current and alive else None


def holder_of(root: str, now: float) -> Found | None:
    """The batch that holds an output, dead or alive; None for nobody. Nothing is written.

    Args:
        root: The output folder.
        now: The present time, in seconds since the epoch.

    Raises:
        StoreError: The file that names it is damaged.
    """
    current = _read(root)
    if current is None:
        return None
    return Found(current, _is_alive(root, current, now), _last_sign(root))


def let_go(root: str, run_id: str) -> None:
    """End a batch's hold, unless another one has taken it over."""
    current = _read(root)
    if current is not None and current.run_id == run_id:
        store.delete(store.join(root, BATCH))


def _beat(root: str, holder: Holder, stop: threading.Event) -> None:
    """Give signs of life until the end, or until another batch has taken over."""
    beats = 0
    while not stop.wait(BEAT_SECONDS):
        with suppress(BeamAudioError):  # a store that fails now may answer the next time
            current = _read(root)
            if current is None or current.run_id != holder.run_id:
                return
            before, beats = _encoded(current), beats + 1
            swap(root, BATCH, _encoded(replace(current, beats=beats)), before.__eq__)


def _is_alive(root: str, holder: Holder, now: float) -> bool:
    running = is_running(holder.process)
    if running is not None:
        return running
    patience = _SILENT_SECONDS if holder.process else _SILENT_JOB_SECONDS
    return now - _last_sign(root) < patience


def _last_sign(root: str) -> float:
    """When the holder last gave a sign of life, by the store's clock, since the epoch."""
    signs = [file.last_updated_in_seconds for file in claim_files(root)]
    with suppress(BeamAudioError):  # it has let go meanwhile
        signs.append(store.stat(store.join(root, BATCH)).last_updated_in_seconds)
    return max(signs, default=0.0)


def _refuse(root: str, holder: Holder, now: float) -> NoReturn:
    began = _minutes(now - holder.began_seconds)
    seen = _minutes(now - _last_sign(root))
    cure = "wait until it has ended, or name another --output"
    if is_running(holder.process) is None:
        cure += f"; if it is dead for certain, delete {store.join(root, BATCH)}"
    raise HeldError(
        f"--output={root} is in use by batch {holder.run_id}, which {holder.host} started {began} "
        f"ago and which gave its last sign of life {seen} ago: {cure}"
    )


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min" if minutes else f"{rest} s"


def _read(root: str) -> Holder | None:
    uri = store.join(root, BATCH)
    if not store.exists(uri):
        return None
    with store.open_to_read(uri) as file:
        return _parsed(root, file.read())


def _parsed(root: str, content: bytes | None) -> Holder | None:
    if content is None:
        return None
    try:
        return value_of(Holder, json.loads(content))
    except (ValueError, TypeError, AttributeError) as error:
        uri = store.join(root, BATCH)
        raise StoreError(f"{uri!r} was not written by this version ({error}); delete it") from error


def _encoded(holder: Holder) -> bytes:
    return json.dumps(asdict(holder)).encode()

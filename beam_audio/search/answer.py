"""A question to an output: its index is first brought up to date, or made anew if not sound."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.output.index_place import delete_files, locked_index
from beam_audio.search.find import find
from beam_audio.search.index import StaleIndexError, opened_index
from beam_audio.search.refresh import Refreshing, refresh
from beam_audio.store.output_names import COMMITS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from beam_audio.search.find import Asked, Found

WAITS: Final = "another search brings the index up to date; waiting for it"


def answer(
    root: str, words: str, asked: Asked, progress: Refreshing, say: Callable[[str], object]
) -> Found:
    """The segments of an output in which words were said, or somebody sounds like another.

    Args:
        root: The output folder.
        words: What is searched for, as :func:`beam_audio.search.query.parse` takes it; may be empty
            if it is asked who sounds like another.
        asked: Which segments, and how many.
        progress: How far the index is brought up to date.
        say: Called with a line for a person who waits.

    Raises:
        ConfigError: It is no output, there is no word, the condition is not understood, or there is
            no such segment, or no row to compare it with.
        InputError: A part file is missing.
        StoreError: A record, a part file or the place of the index is at fault.
    """
    if store.scheme(root) is None and not store.is_local_folder(store.join(root, COMMITS)):
        raise ConfigError(f"{root!r} is no output; give the --output of a run")
    try:
        with _fresh_index(root, progress, say) as index:
            return find(index, words, asked, root)
    except StaleIndexError as error:
        say(f"the search index is made anew: {error}")
        with locked_index(root, lambda: say(WAITS)) as file:
            delete_files(file)
        with _fresh_index(root, progress, say) as index:
            return find(index, words, asked, root)


@contextmanager
def _fresh_index(
    root: str, progress: Refreshing, say: Callable[[str], object]
) -> Iterator[sqlite3.Connection]:
    """An index that is up to date; it is locked only until then, so questions wait for no other.

    Raises:
        ConfigError: Nothing is committed in the output.
    """
    with ExitStack() as stack:
        with locked_index(root, lambda: say(WAITS)) as file:
            index = stack.enter_context(opened_index(file))
            refresh(index, root, progress)
        if index.execute("SELECT 1 FROM units").fetchone() is None:
            raise ConfigError(f"{root!r} holds no rows yet; give the --output of a run")
        yield index

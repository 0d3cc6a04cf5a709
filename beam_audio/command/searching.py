"""``beam-audio search``: its arguments, and what it prints."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

from beam_audio.command.number_kinds import count
from beam_audio.command.unknown_words import refuse_unknown
from beam_audio.errors import ConfigError, DecodeError, InputError, LimitError, ModelError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from beam_audio.search.find import Asked, Found, Hit
    from beam_audio.search.similar import Sound
    from beam_audio.types import Row

_DECISIONS: Final = ("keep", "review", "drop")
_FLAGS: Final = (
    *("--decision", "--where", "--limit", "--format", "--page"),
    *("--like", "--speaker_model"),
)
_SEGMENT_ID: Final = re.compile("[0-9a-f]{32}")
_MOST_CHARACTERS: Final = 300
"""Longer texts are cut around the first mark."""
_EXAMPLES: Final = """what is searched for, all of it in one segment, in any order:
  word        the word, in any case, with or without accents
  "two words" these words, one after the other
  begin*      words that begin so
  misspelt~   words that are spelt like it; behind a phrase: all of its words but one
Chinese, Japanese, Thai, Lao, Burmese and Khmer need no spaces.

With --like, the score is the cosine of speaker embeddings; with words, too, of segments with them.

examples:
  beam-audio search out 'refund "cancel my order"'
  beam-audio search out 'umbrela~' --decision=keep --format=json
  beam-audio search gs://bucket/out '"good morning"' --where="language = 'en' AND snr_db > 20"
  beam-audio search out 'deliver*' --page=found.html
  beam-audio search out --like=4f9df5b0a7f243e5a5c5e2f3a1b0c9d8
  beam-audio search out refund --like=call.wav --speaker_model=campplus"""


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "search",
        search,
        "find the segments in which words were said, or somebody sounds like another",
        description="Keeps an index beside the texts, and reads only what is new since.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument("words", nargs="?", default="", help="what is searched for")
    parser.add_argument(
        "--like",
        metavar="CLIP|SEGMENT_ID",
        help="segments whose main speaker sounds like that of a recording or of another segment",
    )
    parser.add_argument(
        "--speaker_model",
        metavar="NAME|DIR",
        help="for --like=CLIP: the networks by which the rows have their speakers",
    )
    parser.add_argument("--decision", choices=_DECISIONS, help="only segments of this decision")
    parser.add_argument(
        "--where", metavar="SQL", help="only segments that a condition of DuckDB holds for"
    )
    parser.add_argument(
        "--limit", type=count, default=20, metavar="N", help="the best N segments (default: 20)"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="what is printed"
    )
    parser.add_argument(
        "--page", metavar="FILE", help="write a page with players in place of printing"
    )


def search(given: argparse.Namespace, rest: list[str]) -> int:
    """Print the segments in which words were said, or somebody sounds like another."""
    if not given.words and rest and not rest[0].startswith("-"):
        given.words, *rest = rest  # argparse looks for words that may be left out before flags only
    refuse_unknown(rest, _FLAGS)
    if not given.words and given.like is None:
        raise ConfigError("give words, or --like=CLIP|SEGMENT_ID")
    if given.where is not None and given.decision is not None:
        raise ConfigError("give one of --where and --decision")
    if given.page is not None:
        from beam_audio.command.reporting import require_duckdb

        require_duckdb()
    from beam_audio.search.find import Asked

    asked = Asked(given.limit, given.decision, given.where, _like(given.like, given.speaker_model))
    found = _answer(given.output, given.words, asked)
    names = {"output": given.output, "words": given.words, "like": given.like}
    content = {**names, **asdict(found)}
    if given.page is not None:
        _write_page(given.output, given.page, content)
        print(f"written to  {given.page}")
    elif given.format == "json":
        print(json.dumps(content, ensure_ascii=True))
    else:
        print(table(found))
    return 0


def _like(like: str | None, speaker_model: str | None) -> str | Sound | None:
    """What ``--like`` names: the id of a segment, or how the main speaker of a clip sounds.

    Raises:
        ConfigError: A flag is missing or too many, the networks or the clip cannot be read, or
            nobody is heard in it.
    """
    is_clip = like is not None and not _SEGMENT_ID.fullmatch(like)
    if is_clip != (speaker_model is not None):
        raise ConfigError(
            "give --like=CLIP with --speaker_model=NAME, the networks by which the rows have their "
            "speakers, and neither without the other; --like=SEGMENT_ID needs none"
        )
    if like is None or speaker_model is None:
        return like
    from beam_audio.search.similar import Sound
    from beam_audio.unit.clip_speaker import clip_speaker

    try:
        model_id, embedding = clip_speaker(like, speaker_model)
    except ModelError as error:
        raise ConfigError(f"--speaker_model={speaker_model}: {error}") from error
    except (InputError, DecodeError, LimitError) as error:
        raise ConfigError(f"--like={like}: {error}") from error
    if embedding is None:
        raise ConfigError(f"--like={like}: nobody is heard alone in it")
    return Sound(model_id, embedding)


def _answer(root: str, words: str, asked: Asked) -> Found:
    from beam_audio.command.progress_bar import ProgressBar, Status
    from beam_audio.search.answer import answer
    from beam_audio.search.refresh import Refreshing

    progress = Refreshing()
    with ProgressBar(lambda _: Status(progress.done, progress.of or None), "indexed units"):
        say = partial(print, "beam-audio:", file=sys.stderr)
        return answer(root, words, asked, progress, say)


def _write_page(root: str, page: str, content: Row) -> None:
    from beam_audio.command.reporting import write_page
    from beam_audio.report.page import search_page_of
    from beam_audio.report.tables import opened_tables

    with opened_tables(root) as tables:
        write_page(page, search_page_of(tables, content).encode("utf-8"))


def table(found: Found) -> str:
    """What was found, two lines each: what was said, and where."""
    lines = [f"{'score':>8}  {'seconds':>10}  decision  what was said, and in which file"]
    lines += [line for hit in found.hits for line in _lines(hit)]
    lines.append(f"{len(found.hits):,} of {found.total:,} segments")
    return "\n".join(lines)


def _lines(hit: Hit) -> Iterator[str]:
    from beam_audio.command.display import printable

    said = printable(_marked(hit))
    yield f"{hit.score:>8.2f}  {hit.at_seconds:>10.2f}  {hit.decision:<8}  {said}"
    yield f"{'':>32}{printable(hit.uri)}  {hit.segment_id}"


def _marked(hit: Hit) -> str:
    """The text with its marks, cut if it is long."""
    first = hit.marks[0][0] if hit.marks else 0
    start = max(0, min(first - _MOST_CHARACTERS // 3, len(hit.text) - _MOST_CHARACTERS))
    end = start + _MOST_CHARACTERS
    parts, at = ["…" if start else ""], start
    for begin, finish in hit.marks:
        if finish <= end:
            parts += [hit.text[at:begin], "[", hit.text[begin:finish], "]"]
            at = finish
    parts += [hit.text[at:end], "…" if end < len(hit.text) else ""]
    return "".join(parts)

"""The blocks of ``gpu.py``, each in a process of its own: one that dies costs the others nothing.

    python benchmarks/gpu_blocks.py BLOCK --provider=cuda --folder=FOLDER --data=../shared/data

Every result is a line of JSON in FOLDER/BLOCK.jsonl. All tools hear the same English clips, cut at
30 s, and decode greedily in English without trying again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from corpus import is_english_with_reference
from gpu_peers import big_ctranslate2, big_transformers, tiny_faster_whisper, tiny_transformers
from gpu_runs import big_run, tiny_run
from gpu_setting import BIG, PARAKEET, TINY, Setting, big_weights, longest_first, measure
from parakeet import LAYERS, write_model
from reference import read_clips
from sized_whisper import PROMPT

from beam_audio.asr import ModelOptions, Request, load_model
from beam_audio.asr.device_memory import MOST_BATCH_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio import Transcript
    from beam_audio.asr import Recognizer

_REHEARSED_EVERY: Final = 60  # clips
_CALLERS: Final = (2, 4)
"""As in a run, where words of a batch are worked out while the next one is on the card."""
_BATCHES: Final = 6


def tiny_ours(setting: Setting) -> Iterator[dict[str, Any]]:
    """Ours with trained weights: how far it is what the CPU gives, and how fast."""
    windows = setting.windows
    recognizer, _ = _loaded(TINY, "cpu", "float32")
    start = time.perf_counter()
    expected = _heard(recognizer, windows, 8)
    seconds = time.perf_counter() - start
    yield {
        **_row("ours", TINY, recognizer, "float32", 8),
        "times_real_time": setting.seconds / seconds,
        "wer_percent": setting.wer_percent([each.text for each in expected]),
    }
    for precision, rounds in (("float32", 1), ("float16", 2)):
        recognizer, load_seconds = _loaded(TINY, setting.provider, precision)
        for batch in setting.batches(8, 32, 152):
            hear = partial(_heard, recognizer, windows, batch)
            found, measured = measure(hear, setting, rounds=rounds)
            yield {
                **_row("ours", TINY, recognizer, precision, batch),
                "load_seconds": load_seconds,
                "times_real_time": setting.seconds / measured["seconds"],
                "wer_percent": setting.wer_percent([each.text for each in found]),
                **_agreement(expected, found),
                **measured,
            }
        batch = setting.batches(32)[0]
        for callers in _CALLERS:
            hear = partial(_heard, recognizer, windows, batch, callers=callers)
            found, measured = measure(hear, setting, rounds=2)
            yield {
                **_row(f"ours, {callers} callers", TINY, recognizer, precision, batch),
                "times_real_time": setting.seconds / measured["seconds"],
                **measured,
            }


def big_ours(setting: Setting) -> Iterator[dict[str, Any]]:
    """Ours with large-v3-turbo's sizes: windows of 30 s, 64 tokens each, features included.

    After a long prompt the network says its last tokens only. What that saves is the tokens' share,
    and the rest is the encoder's, with features and everything else.
    """
    folder = str(big_weights(setting))
    prompted, _ = _loaded(folder, setting.provider, setting.half, PROMPT)
    short = {}
    for batch in setting.batches(1, 8, 16, 32):
        hear = partial(_heard, prompted, setting.full_windows(batch), batch)
        found, measured = measure(hear, setting, rounds=3)
        short[batch] = len(found[0].token_ids), measured["seconds"]
    del prompted, hear
    recognizer, load_seconds = _loaded(folder, setting.provider, setting.half)
    for batch, (few, short_seconds) in short.items():
        hear = partial(_heard, recognizer, setting.full_windows(batch), batch)
        found, measured = measure(hear, setting, rounds=3)
        tokens = len(found[0].token_ids)
        token_ms = 1000 * (measured["seconds"] - short_seconds) / (tokens - few)
        yield {
            **_row("ours", BIG, recognizer, setting.half, batch),
            "load_seconds": load_seconds,
            "tokens": tokens,
            "times_real_time": 30 * batch / measured["seconds"],
            "token_ms": token_ms,
            "encoder_ms": 1000 * short_seconds - few * token_ms,
            **measured,
        }
    windows = setting.full_windows(_BATCHES * batch)
    for callers in _CALLERS:
        hear = partial(_heard, recognizer, windows, batch, callers=callers)
        _, measured = measure(hear, setting, rounds=3)
        yield {
            **_row(f"ours, {callers} callers", BIG, recognizer, setting.half, batch),
            "times_real_time": 30 * len(windows) / measured["seconds"],
            **measured,
        }


def parakeet_ours(setting: Setting) -> Iterator[dict[str, Any]]:
    """Ours with Parakeet-TDT-0.6b's sizes: windows of 30 s, features included."""
    folder = setting.folder / PARAKEET
    if not folder.is_dir():
        folder.mkdir()
        write_model(folder, 1 if setting.rehearse else LAYERS, half=setting.half == "float16")
    start = time.perf_counter()
    options = ModelOptions(
        provider=setting.provider, require_provider=True, batch_seconds=MOST_BATCH_SECONDS
    )
    recognizer = load_model(str(folder), options)
    load_seconds = time.perf_counter() - start
    for batch in setting.batches(1, 16, 32):
        hear = partial(_heard, recognizer, setting.full_windows(batch), batch)
        found, measured = measure(hear, setting, rounds=3)
        yield {
            **_row("ours", PARAKEET, recognizer, setting.half, batch),
            "load_seconds": load_seconds,
            "tokens": sum(len(each.token_ids) for each in found) / batch,
            "times_real_time": 30 * batch / measured["seconds"],
            **measured,
        }


def _row(
    tool: str, model: str, recognizer: Recognizer, precision: str, batch: int
) -> dict[str, Any]:
    """What was measured, of a row of the tables."""
    return {
        "tool": tool,
        "model": model,
        "provider": recognizer.provider,
        "precision": precision,
        "batch": batch,
    }


def _loaded(
    model: str, provider: str, precision: str, prompt: str | None = None
) -> tuple[Recognizer, float]:
    """A Whisper whose batches are as large as they are given: their memory is not tried first."""
    start = time.perf_counter()
    options = ModelOptions(
        precision=precision,
        provider=provider,
        require_provider=True,
        safeguards=False,
        prompt=prompt,
        batch_seconds=MOST_BATCH_SECONDS,
    )
    return load_model(model, options), time.perf_counter() - start


def _heard(
    recognizer: Recognizer, windows: Sequence[NDArray[np.float32]], size: int, callers: int = 1
) -> list[Transcript]:
    """Transcripts of windows, in their order."""
    batches = longest_first(windows, size)
    requests = [[Request(windows[place], "en") for place in batch] for batch in batches]
    if callers == 1:
        heard = [recognizer.transcribe(each) for each in requests]
    else:
        with ThreadPoolExecutor(callers) as threads:
            heard = list(threads.map(recognizer.transcribe, requests))
    found = dict(zip(itertools.chain(*batches), itertools.chain(*heard), strict=True))
    return [found[place] for place in range(len(windows))]


def _agreement(expected: list[Transcript], found: list[Transcript]) -> dict[str, Any]:
    """In how many clips tokens and texts are equal, and how far the numbers of those differ."""
    pairs = list(zip(expected, found, strict=True))
    same = [(one, other) for one, other in pairs if one.token_ids == other.token_ids]
    errors = [abs((one.avg_logprob or 0.0) - (other.avg_logprob or 0.0)) for one, other in same]
    return {
        "of": len(pairs),
        "same_tokens": len(same),
        "same_text": sum(one.text == other.text for one, other in pairs),
        "logprob_error": max(errors, default=None),
    }


BLOCKS: Final[dict[str, Callable[[Setting], Iterator[dict[str, Any]]]]] = {
    "tiny_ours": tiny_ours,
    "big_ours": big_ours,
    "parakeet_ours": parakeet_ours,
    "big_transformers": big_transformers,
    "big_ctranslate2": big_ctranslate2,
    "tiny_faster_whisper": tiny_faster_whisper,
    "tiny_transformers": tiny_transformers,
    "big_run": big_run,
    "tiny_run": tiny_run,
}
"""What is measured, the most telling first."""


def main() -> None:
    """Run one block."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("block", choices=BLOCKS)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rehearse", action="store_true")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is to be asked of a hub: all weights are here
    clips = read_clips(given.data, is_english_with_reference)
    if given.rehearse:
        clips = sorted(clips, key=lambda clip: len(clip.samples))[::_REHEARSED_EVERY]
    setting = Setting(given.provider, given.folder, tuple(clips), given.rehearse)
    with (given.folder / f"{given.block}.jsonl").open("w") as file:
        for result in BLOCKS[given.block](setting):
            print(json.dumps(result), file=file, flush=True)


if __name__ == "__main__":
    main()

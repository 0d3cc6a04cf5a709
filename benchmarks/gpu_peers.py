"""The peers in ``gpu.py``: transformers over torch, faster-whisper, and CTranslate2 below it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from gpu_setting import BIG, TINY, Setting, big_weights, longest_first, measure
from reference import RATE_HZ, ctranslate2_directory
from sized_whisper import TOKENS

from beam_audio.asr.whisper.log_mel import log_mel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_PROMPT: Final = ["<|startoftranscript|>", "<|notimestamps|>"]  # of an English model
_GREEDY: Final = {"num_beams": 1, "do_sample": False}


def tiny_transformers(setting: Setting) -> Iterator[dict[str, Any]]:
    """Transformers' pipeline with the trained weights."""
    import torch  # noqa: PLC0415 - few have it
    from transformers import pipeline  # noqa: PLC0415 - as above
    from whisper_transformers import write_transformers  # noqa: PLC0415 - as above

    folder = setting.folder / "transformers"
    folder.mkdir(exist_ok=True)
    write_transformers(TINY, folder)
    speech = pipeline(
        "automatic-speech-recognition",
        model=str(folder),
        dtype=getattr(torch, setting.half),
        device=setting.provider,
    )
    windows = setting.windows
    order = longest_first(windows, len(windows))[0]

    def texts(batch: int) -> list[str]:
        given = [windows[place] for place in order]
        heard = speech(given, batch_size=batch, generate_kwargs=_GREEDY)
        return _by_place(order, [each["text"].strip() for each in heard])

    for batch in setting.batches(16, 64, 152):
        yield _tiny(
            "transformers", setting, batch, *measure(partial(texts, batch), setting, rounds=2)
        )


def tiny_faster_whisper(setting: Setting) -> Iterator[dict[str, Any]]:
    """faster-whisper's batches with the trained weights: the clips as one recording with places."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel  # noqa: PLC0415 - few have it

    windows = setting.windows
    order = longest_first(windows, len(windows))[0]
    joined = np.concatenate([windows[place] for place in order])
    ends = np.cumsum([len(windows[place]) for place in order])
    starts = ends - [len(windows[place]) for place in order]
    # It cuts seconds off to whole samples: a quarter of one keeps the count.
    places = [
        {"start": (start + 0.25) / RATE_HZ, "end": (end + 0.25) / RATE_HZ}
        for start, end in zip(starts, ends, strict=True)
    ]
    with ctranslate2_directory(TINY) as weights:
        model = WhisperModel(str(weights), device=setting.provider, compute_type=setting.half)
        batched = BatchedInferencePipeline(model)

        def texts(batch: int) -> list[str]:
            options: dict[str, Any] = {"language": "en", "beam_size": 1, "temperature": 0.0}
            segments, _ = batched.transcribe(
                joined, batch_size=batch, clip_timestamps=places, **options
            )
            found = [""] * len(order)
            for segment in segments:
                # Times are rounded to milliseconds; no clip is that short.
                middle = (segment.start + 0.002) * RATE_HZ
                found[int(np.searchsorted(ends, middle, side="right"))] += segment.text
            return _by_place(order, [text.strip() for text in found])

        for batch in setting.batches(8, 32, 152):
            measured = measure(partial(texts, batch), setting, rounds=2)
            yield _tiny("faster-whisper", setting, batch, *measured)


def _by_place(order: Sequence[int], texts: Sequence[str]) -> list[str]:
    return [text for _, text in sorted(zip(order, texts, strict=True))]


def _tiny(
    tool: str, setting: Setting, batch: int, texts: list[str], measured: dict[str, Any]
) -> dict[str, Any]:
    return {
        "tool": tool,
        "model": TINY,
        "provider": setting.provider,
        "precision": setting.half,
        "batch": batch,
        "times_real_time": setting.seconds / measured["seconds"],
        "wer_percent": setting.wer_percent(texts),
        **measured,
    }


def big_transformers(setting: Setting) -> Iterator[dict[str, Any]]:
    """The large network in transformers: features, encoder and tokens, all on the card."""
    import torch  # noqa: PLC0415 - few have it
    from transformers import (  # noqa: PLC0415 - as above
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    folder = big_weights(setting)
    network = WhisperForConditionalGeneration.from_pretrained(
        folder, dtype=getattr(torch, setting.half), attn_implementation="sdpa"
    )
    network = network.to(setting.provider).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(folder)

    def features(windows: list[NDArray[np.float32]]) -> Any:  # noqa: ANN401 - a tensor
        heard = extractor(
            windows, sampling_rate=RATE_HZ, return_tensors="pt", device=setting.provider
        )
        return heard.input_features.to(setting.provider, network.dtype)

    @torch.no_grad()  # type: ignore[untyped-decorator] # torch is not followed
    def encode(windows: list[NDArray[np.float32]]) -> None:
        network.model.encoder(features(windows))
        if setting.provider == "cuda":
            torch.cuda.synchronize()

    @torch.no_grad()  # type: ignore[untyped-decorator] # as above
    def write(windows: list[NDArray[np.float32]]) -> int:
        written = network.generate(features(windows), max_new_tokens=TOKENS, **_GREEDY)
        return int(written.shape[1])

    for batch in setting.batches(1, 8, 16, 32):
        windows = setting.full_windows(batch)
        _, encoder = measure(partial(encode, windows), setting, rounds=3)
        whole = measure(partial(write, windows), setting, rounds=3)
        yield _big("transformers", setting, batch, encoder, whole)


def big_ctranslate2(setting: Setting) -> Iterator[dict[str, Any]]:
    """The large network in CTranslate2, from features that are computed before."""
    from ctranslate2 import StorageView  # noqa: PLC0415 - few have it
    from ctranslate2.models import Whisper  # noqa: PLC0415 - as above
    from whisper_ctranslate2 import write_ctranslate2  # noqa: PLC0415 - as above

    folder = setting.folder / "ctranslate2"
    if not folder.is_dir():
        write_ctranslate2(big_weights(setting), folder)
    network = Whisper(str(folder), device=setting.provider, compute_type=setting.half)

    def write(features: StorageView) -> int:
        prompts = [_PROMPT] * features.shape[0]
        written = network.generate(features, prompts, beam_size=1)
        return len(written[0].sequences_ids[0])

    for batch in setting.batches(32):
        windows = setting.full_windows(batch)
        heard = [log_mel(window, network.n_mels, 3000) for window in windows]
        features = StorageView.from_array(np.stack(heard))
        _, encoder = measure(partial(network.encode, features), setting, rounds=3)
        whole = measure(partial(write, features), setting, rounds=3)
        yield _big("CTranslate2, without features", setting, batch, encoder, whole)


def _big(
    tool: str, setting: Setting, batch: int, encoder: dict[str, Any], whole: tuple[int, Any]
) -> dict[str, Any]:
    """``whole``: the number of tokens, and what was measured of encoder and tokens."""
    tokens, measured = whole
    return {
        "tool": tool,
        "model": BIG,
        "provider": setting.provider,
        "precision": setting.half,
        "batch": batch,
        "tokens": tokens,
        "times_real_time": 30 * batch / measured["seconds"],
        "encoder_ms": 1000 * encoder["seconds"],
        "token_ms": 1000 * (measured["seconds"] - encoder["seconds"]) / TOKENS,
        **measured,
    }

"""The peers: faster-whisper, and Hugging Face transformers over torch, each at its fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from corpus import WINDOW_SECONDS, long_and_short
from reference import RATE_HZ
from workers import Heard

if TYPE_CHECKING:
    from corpus import Recording
    from tools import Configuration


def able_tools(tools: list[str], provider: str) -> list[str]:
    """The tools that can run on a provider: on a GPU, transformers where torch has one, too."""
    if provider == "cpu":
        return tools
    import ctranslate2  # noqa: PLC0415 - only on a GPU
    import torch  # noqa: PLC0415 - only on a GPU

    if FasterWhisper.name in tools and not ctranslate2.get_cuda_device_count():
        raise SystemExit("ctranslate2 finds no GPU: without faster-whisper there is no comparison")
    return [tool for tool in tools if tool != Transformers.name or torch.cuda.is_available()]


def _in_batches(recordings: list[Recording], batch: int) -> list[list[int]]:
    """Long recordings each alone, then the others, longest first, in batches."""
    long, short = long_and_short(recordings)
    grouped = [short[first : first + batch] for first in range(0, len(short), batch)]
    return [*([place] for place in long), *grouped]


class FasterWhisper:
    """faster-whisper: sequential with its seeks, or its batched pipeline with its VAD.

    Clips of at most 30 s go through the batched pipeline as one joined recording with the clips'
    places given, which is the one way it batches over files.
    """

    name = "faster-whisper"
    warms_up = True
    _OPTIONS: dict[str, Any] = {"language": "en", "beam_size": 1, "temperature": 0.0}  # noqa: RUF012 - read only

    def __init__(self, configuration: Configuration) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel  # noqa: PLC0415 - as above

        self._batch = configuration.batch
        self._model = WhisperModel(
            configuration.weights,
            device=configuration.provider,
            compute_type=configuration.precision,
            cpu_threads=configuration.layout.threads,
        )
        self._batched = BatchedInferencePipeline(self._model)

    def plan(self, recordings: list[Recording], processes: int) -> list[list[int]]:  # noqa: ARG002 - shared by all
        """Long recordings each alone, then batches."""
        return _in_batches(recordings, self._batch)

    def transcribe(self, recordings: list[Recording]) -> Heard:
        """One recording, or one batch of clips."""
        first = recordings[0]
        if self._batch == 1:
            segments, _ = self._model.transcribe(
                first.samples,
                # Timestamps are what it seeks by; within one window they only cost time.
                without_timestamps=first.seconds <= WINDOW_SECONDS,
                condition_on_previous_text=False,
                no_speech_threshold=None,
                log_prob_threshold=None,
                compression_ratio_threshold=None,
                **self._OPTIONS,
            )
            return Heard([_joined_text(segments)])
        if first.seconds > WINDOW_SECONDS:
            segments, _ = self._batched.transcribe(
                first.samples, batch_size=self._batch, **self._OPTIONS
            )
            return Heard([_joined_text(segments)])
        return Heard(self._batch_of_clips(recordings))

    def _batch_of_clips(self, recordings: list[Recording]) -> list[str]:
        ends = np.cumsum([len(recording.samples) for recording in recordings])
        starts = ends - [len(recording.samples) for recording in recordings]
        segments, _ = self._batched.transcribe(
            np.concatenate([recording.samples for recording in recordings]),
            batch_size=self._batch,
            # It cuts seconds off to whole samples: a quarter of one keeps the count.
            clip_timestamps=[
                {"start": (start + 0.25) / RATE_HZ, "end": (end + 0.25) / RATE_HZ}
                for start, end in zip(starts, ends, strict=True)
            ],
            **self._OPTIONS,
        )
        found: list[list[Any]] = [[] for _ in recordings]
        for segment in segments:
            # Times are rounded to milliseconds; no clip is that short.
            place = int(np.searchsorted(ends, (segment.start + 0.002) * RATE_HZ, side="right"))
            found[place].append(segment)
        return [_joined_text(segments) for segments in found]


def _joined_text(segments: Any) -> str:  # noqa: ANN401 - the library's segments
    return " ".join(segment.text.strip() for segment in segments)


class Transformers:
    """Hugging Face's speech recognition pipeline over torch.

    A recording beyond 30 s goes through its chunks of 30 s with timestamps: without them the pieces
    are matched by their tokens, and much of the text is lost.
    """

    name = "transformers"
    warms_up = True

    def __init__(self, configuration: Configuration) -> None:
        import torch  # noqa: PLC0415 - imports count as loading
        from transformers import pipeline  # noqa: PLC0415 - imports count as loading
        from transformers.utils import logging  # noqa: PLC0415 - imports count as loading

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(configuration.layout.threads)
        self._batch = configuration.batch
        self._pipeline = pipeline(
            "automatic-speech-recognition",
            model=configuration.weights,
            dtype=getattr(torch, configuration.precision),
            device=configuration.provider,
        )
        self._generate: dict[str, Any] = {"num_beams": 1, "do_sample": False}
        if self._pipeline.model.generation_config.is_multilingual:
            self._generate |= {"language": "en", "task": "transcribe"}

    def plan(self, recordings: list[Recording], processes: int) -> list[list[int]]:  # noqa: ARG002 - shared by all
        """Long recordings each alone, then batches."""
        return _in_batches(recordings, self._batch)

    def transcribe(self, recordings: list[Recording]) -> Heard:
        """One long recording, or one batch of clips."""
        is_long = recordings[0].seconds > WINDOW_SECONDS
        chunks = {"chunk_length_s": WINDOW_SECONDS, "return_timestamps": True} if is_long else {}
        found = self._pipeline(
            [recording.samples for recording in recordings],
            batch_size=self._batch,
            generate_kwargs=self._generate,
            **chunks,
        )
        return Heard([result["text"].strip() for result in found])

"""The flags of a run: each defined once, as a field of a frozen dataclass.

Nothing heavy is imported here, so that ``--help`` and a typo are answered at once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_type_hints

from beam_audio.audio.decoders.containers import RARE_CONTAINERS
from beam_audio.audio.limits import DecodeLimits
from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.inputs.formats.names import INPUT_FORMATS
from beam_audio.models.card import Padding
from beam_audio.segments.vad_presets import VAD_PRESETS

if TYPE_CHECKING:
    from collections.abc import Sequence

Group = Literal["input", "model", "segments", "judging", "output", "limits", "streaming"]
"""What a flag is about; ``run --help`` and docs/flags.md show the flags by group."""

AUTO_PRECISION: Final = "auto"
"""``--precision`` where nothing is asked for."""
PADDINGS: Final[tuple[Padding, ...]] = get_args(Padding)
_LIMITS: Final = DecodeLimits()


def _flag(group: Group, default: object, text: str, *, choices: Sequence[str] = ()) -> Any:  # noqa: ANN401 - dataclasses.field is Any
    metadata = {"group": group, "help": text, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """Flags of ``beam-audio run``, by their names without the dashes."""

    input: str | None = _flag(
        "input", None, "audio: a file, a folder (at any depth) or a glob such as 'gs://b/**.flac'"
    )
    manifest: str | None = _flag(
        "input",
        None,
        "JSONL, CSV or TSV; each line names a file and may have text, lang, offset, duration",
    )
    subscription: str | None = _flag(
        "input", None, "a Pub/Sub subscription, projects/P/subscriptions/S: recordings as they land"
    )
    allow_inputs: str | None = _flag(
        "input",
        None,
        "places, with commas between them, that manifests and messages may name files in: folders, "
        "buckets, gs://b/calls; everything else they name is a failure",
    )
    input_format: str | None = _flag(
        "input",
        None,
        "what --input or --manifest is, where its name and first line do not tell; a folder is "
        "audio files by default",
        choices=INPUT_FORMATS,
    )
    limit: int | None = _flag("input", None, "take only the first N inputs")
    retry_failures: bool = _flag(
        "input", default=False, text="try inputs again that failed in an earlier run"
    )
    model: str = _flag(
        "model", "whisper-tiny.en", "a name from 'beam-audio models list', a folder, or gs://…"
    )
    precision: str | None = _flag(
        "model",
        AUTO_PRECISION,
        "numbers the model computes with: float32, float16 or int8; auto is float16 for workers "
        "with a GPU, else what its card or folder names",
    )
    padding: str | None = _flag(
        "model",
        None,
        "what follows a clip in Whisper's 30 s window: full silence, or condensed silence, which "
        "is several times as fast on short clips; by default the one its card names",
        choices=PADDINGS,
    )
    provider: str = _flag(
        "model",
        "auto",
        "where inference runs: auto, cpu, cuda, tensorrt or the name of an ONNX Runtime provider",
    )
    require_provider: bool = _flag(
        "model", default=False, text="fail instead of falling back to another provider"
    )
    language: str = _flag(
        "model", "auto", "auto (the model decides), from_manifest, or a code such as en"
    )
    task: str = _flag(
        "model",
        "transcribe",
        "transcribe writes the language that is spoken, translate writes English",
        choices=("transcribe", "translate"),
    )
    prompt: str | None = _flag(
        "model", None, "text that the model treats as said before each segment"
    )
    segmenter: str = _flag(
        "segments", "vad", "cut at speech, or into fixed windows", choices=("vad", "fixed")
    )
    vad_preset: str = _flag(
        "segments", "default", "settings of voice activity detection", choices=tuple(VAD_PRESETS)
    )
    window_seconds: float = _flag("segments", 30.0, "length of a fixed window")
    overlap_seconds: float = _flag("segments", 0.0, "overlap of fixed windows")
    channels: str = _flag(
        "segments",
        "mix",
        "mix them, split them into a recording each, or the number of one, from 0",
    )
    tracks: str = _flag(
        "segments",
        "default",
        "of several audio tracks the default one, all as a recording each, or the one of a number "
        "from 0",
    )
    decoder: str = _flag(
        "segments",
        "auto",
        "library that decodes audio; auto takes the first that can",
        choices=("auto", "soundfile", "av", "tfio"),
    )
    decoder_allow: str | None = _flag(
        "segments",
        None,
        f"rare containers that are read, too, such as sds; known are {', '.join(RARE_CONTAINERS)}",
    )
    isolate_decoding: bool = _flag(
        "segments",
        default=True,
        text="decode, split and measure in child processes: a file that ends one costs that file "
        "alone; changes no row",
    )
    second_model: str | None = _flag(
        "model",
        None,
        "another model that hears each segment, too: how far its text is from the first, which "
        "language two of three name, and which text is better",
    )
    enhance_model: str | None = _flag(
        "model",
        None,
        "take noise out of what the model hears, with the network of a folder, local or gs://…; "
        "docs/enhance.md says when that helps",
    )
    speaker_model: str | None = _flag(
        "model",
        None,
        "tell speakers apart with two networks: a name, a folder, or gs://…; beam-audio models get "
        "campplus brings those of the name campplus",
    )
    speaker_count: int | None = _flag(
        "model", None, "how many people speak in each recording; by default that is found"
    )
    dnsmos: bool = _flag(
        "judging", default=False, text="rate the sound of each segment with DNSMOS"
    )
    classify_model: str | None = _flag(
        "judging",
        None,
        "a classifier that hears which sounds are in each segment, and whether it is speech or "
        "music: a name, a folder, or gs://…",
    )
    candidate_labels: str | None = _flag(
        "judging",
        None,
        "for a --classify_model that takes any labels (CLAP): what may sound, with commas between",
    )
    hypothesis_template: str = _flag(
        "judging",
        HYPOTHESIS_TEMPLATE,
        "the sentence of a candidate label, with {} where the label stands",
    )
    normalizer: str = _flag(
        "judging",
        "auto",
        "text normaliser for WER and CER: auto chooses by language; module:function is your own",
    )
    rules: str = _flag("judging", "balanced", "strict, balanced, lenient, or a YAML file of rules")
    output: str = _flag("output", "", "folder for the tables; local or gs://")
    partition_by: str = _flag(
        "output", "date,language", "folder keys of segments/: date, language, metadata keys"
    )
    metadata_columns: str | None = _flag(
        "output", None, "metadata keys that are columns of their own in segments and recordings"
    )
    store_audio: str = _flag(
        "output", "none", "keep each segment's audio in its row", choices=("none", "flac", "opus")
    )
    max_recording_seconds: float = _flag(
        "limits", _LIMITS.max_recording_seconds, "decode no further than this"
    )
    max_source_bytes: int = _flag("limits", _LIMITS.max_source_bytes, "refuse larger inputs")
    max_channels: int = _flag("limits", _LIMITS.max_channels, "refuse more channels")
    max_sample_rate_hz: int = _flag(
        "limits", _LIMITS.max_sample_rate_hz, "refuse higher sample rates"
    )
    batch_seconds: float | None = _flag(
        "limits",
        None,
        "padded seconds of audio per batch; by default 120 on a CPU, and on a GPU what its memory "
        "holds; affects speed and memory, not the text",
    )
    gpu_memory_fraction: float = _flag(
        "limits", 0.8, "share of a GPU's memory for the batches of one process"
    )
    unit_bytes: int | None = _flag(
        "limits",
        None,
        "encoded bytes of the inputs committed together; by default 33554432, and 268435456 on a "
        "GPU; changes no row",
    )
    part_minutes: float = _flag(
        "limits",
        15.0,
        "work on longer recordings is saved in parts of this length, so that a run which is "
        "stopped repeats one part at most; changes no row",
    )
    max_wait_seconds: float = _flag(
        "streaming",
        30.0,
        "longest time a recording waits to be grouped with others into one unit",
    )
    event_time_attribute: str | None = _flag(
        "streaming", None, "message attribute that states when the recording was made"
    )
    output_topic: str | None = _flag(
        "streaming",
        None,
        "a Pub/Sub topic, projects/P/topics/T: a message per segment and recording is published",
    )
    drift_reference: str | None = _flag(
        "streaming", None, "output of an earlier run that new segments are compared with"
    )
    drift_threshold: float = _flag(
        "streaming", 0.25, "population stability index above which drift raises an alert"
    )
    metrics_port: int | None = _flag(
        "streaming",
        None,
        "serve metrics for Prometheus at http://METRICS_HOST:N/metrics, and /healthz and /readyz",
    )
    metrics_host: str = _flag(
        "streaming",
        "127.0.0.1",
        "address that metrics are served on; 0.0.0.0 is every network of this machine",
    )
    log_format: str | None = _flag(
        "streaming",
        None,
        "log lines with time and level: text, which a stream writes by default, or json, one "
        "object a line; a batch writes plain lines by default",
        choices=("text", "json"),
    )


KINDS: Final[dict[str, type]] = {
    name: next(kind for kind in (*get_args(hint), hint) if kind is not NoneType)
    for name, hint in get_type_hints(RunFlags).items()
}
"""The type of each flag's value: bool, int, float or str."""
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    each.name: each.metadata["choices"] for each in dataclasses.fields(RunFlags)
}
"""The choices of each flag; empty where it takes any value."""

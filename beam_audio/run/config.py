"""The configuration of a run: every flag defined once, as a field of one frozen dataclass."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from beam_audio import schema
from beam_audio.asr import PADDINGS, ModelOptions
from beam_audio.audio.decode import DecodeLimits
from beam_audio.errors import ConfigError
from beam_audio.quality.normalizers import resolved_choice
from beam_audio.segments.splitter import VAD_PRESETS, SegmentSettings
from beam_audio.spelling import nearest
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr import ModelFacts

_LIMITS: Final = DecodeLimits()


def _flag(default: object, text: str, *, choices: Sequence[str] = ()) -> Any:  # noqa: ANN401 - dataclasses.field is Any
    return dataclasses.field(default=default, metadata={"help": text, "choices": tuple(choices)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Flags of ``beam-audio run``, by their names without the dashes."""

    input: str | None = _flag(
        None, "audio: a file, a folder (at any depth) or a glob such as 'gs://b/**.flac'"
    )
    manifest: str | None = _flag(
        None, "JSONL with audio_filepath, text, duration, offset, lang, event_time a line"
    )
    subscription: str | None = _flag(
        None, "projects/P/subscriptions/S of Pub/Sub: recordings as they land"
    )
    output: str = _flag("", "folder for the tables; local or gs://")
    model: str = _flag(
        "whisper-tiny.en", "a name from 'beam-audio models list', a folder, or gs://…"
    )
    precision: str | None = _flag(
        None, "numeric precision of the model; the card's own if not given"
    )
    padding: str | None = _flag(
        None,
        "what follows a clip in Whisper's window: full silence, or condensed, which is several "
        "times as fast on short clips; the card's own if not given",
        choices=PADDINGS,
    )
    provider: str = _flag(
        "auto", "where inference runs: auto, cpu, cuda or an ONNX Runtime provider's name"
    )
    require_provider: bool = _flag(
        default=False, text="fail instead of falling back to another provider"
    )
    language: str = _flag("auto", "auto (the model decides), from_manifest, or a code such as en")
    task: str = _flag("transcribe", "what the model writes", choices=("transcribe", "translate"))
    prompt: str | None = _flag(None, "text the model takes as said before each segment")
    segmenter: str = _flag(
        "vad", "cut where speech is, or into fixed windows", choices=("vad", "fixed")
    )
    vad_preset: str = _flag("default", "voice activity settings", choices=tuple(VAD_PRESETS))
    window_seconds: float = _flag(30.0, "length of a fixed window")
    overlap_seconds: float = _flag(0.0, "overlap of fixed windows")
    channels: str = _flag(
        "mix", "mix them, split them into recordings of their own, or a number from 0"
    )
    decoder: str = _flag("auto", "what decodes audio", choices=("auto", "soundfile", "av", "tfio"))
    max_recording_seconds: float = _flag(
        _LIMITS.max_recording_seconds, "decode no further than this"
    )
    max_source_bytes: int = _flag(_LIMITS.max_source_bytes, "refuse larger inputs")
    max_channels: int = _flag(_LIMITS.max_channels, "refuse more channels")
    max_sample_rate_hz: int = _flag(_LIMITS.max_sample_rate_hz, "refuse higher sample rates")
    normalizer: str = _flag(
        "auto",
        "text normaliser for WER and CER: auto chooses by language; module:function is your own",
    )
    rules: str = _flag("balanced", "strict, balanced, lenient, or a YAML file of rules")
    partition_by: str = _flag(
        "date,language", "folder keys of segments/: date, language, metadata keys"
    )
    store_audio: str = _flag(
        "none", "keep each segment's audio in its row", choices=("none", "flac", "opus")
    )
    batch_seconds: float = _flag(
        120.0, "padded seconds of audio a batch; changes speed and memory, no text"
    )
    unit_bytes: int = _flag(32 << 20, "encoded bytes a unit of work; changes no row")
    max_wait_seconds: float = _flag(
        30.0, "stream: how long a recording waits for others that are done with it"
    )
    event_time_attribute: str | None = _flag(
        None, "stream: attribute of a message that states when it was spoken"
    )
    output_topic: str | None = _flag(
        None, "stream: projects/P/topics/T of Pub/Sub that is told of each segment and recording"
    )
    drift_reference: str | None = _flag(
        None, "stream: the output of an earlier run that new segments are compared with"
    )
    drift_threshold: float = _flag(
        0.25, "stream: population stability index beyond which drift is an alert"
    )
    limit: int | None = _flag(None, "take the first N inputs only")
    retry_failures: bool = _flag(
        default=False, text="try inputs again that failed in an earlier run"
    )

    def __post_init__(self) -> None:
        """Check each flag for itself and against the others.

        Raises:
            ConfigError: It names the flag and the fix.
        """
        if not self.output:
            raise ConfigError("--output is missing: name a folder, local or gs://")
        self._check_source()
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"--{name}={value} must be above 0")
        if self.channels not in {"mix", "split"} and not self.channels.isdecimal():
            raise ConfigError(f"--channels={self.channels} must be mix, split or a number from 0")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                hint = nearest(value, choices)
                raise ConfigError(f"--{name}={value} is none of {', '.join(choices)}{hint}")
        _check_partition_keys(self.partition_keys)

    def _check_source(self) -> None:
        if [self.input, self.manifest, self.subscription].count(None) != 2:  # noqa: PLR2004
            raise ConfigError("give one of --input, --manifest and --subscription")
        others, of_whom = (
            (_OF_STREAMS, "--subscription")
            if self.subscription is None
            else (_OF_BATCHES, "--input and --manifest; a subscription has no end")
        )
        for name in others:
            if getattr(self, name):
                raise ConfigError(f"--{name} is of {of_whom}")

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """Keys of ``--partition_by``, in order."""
        return tuple(key.strip() for key in self.partition_by.split(",") if key.strip())

    @property
    def channel_policy(self) -> Literal["mix", "split"] | int:
        """The channel policy as the decoder takes it."""
        named: dict[str, Literal["mix", "split"]] = {"mix": "mix", "split": "split"}
        return named[self.channels] if self.channels in named else int(self.channels)

    @property
    def model_options(self) -> ModelOptions:
        """How the model is loaded and used."""
        return ModelOptions(
            precision=self.precision,
            padding=next((padding for padding in PADDINGS if padding == self.padding), None),
            provider=self.provider,
            require_provider=self.require_provider,
            mode="translate" if self.task == "translate" else "transcribe",
            prompt=self.prompt,
        )

    @property
    def limits(self) -> DecodeLimits:
        """Decoding limits."""
        return DecodeLimits(
            max_recording_seconds=self.max_recording_seconds,
            max_source_bytes=self.max_source_bytes,
            max_channels=self.max_channels,
            max_sample_rate_hz=self.max_sample_rate_hz,
        )

    def segment_settings(self, model_max_seconds: float) -> SegmentSettings:
        """Segmentation for a model that takes clips of at most ``model_max_seconds``."""
        return SegmentSettings(
            segmenter="vad" if self.segmenter == "vad" else "fixed",
            vad=VAD_PRESETS[self.vad_preset],
            window_seconds=self.window_seconds,
            overlap_seconds=self.overlap_seconds,
            max_seconds=model_max_seconds,
        )

    def layers(self, model: ModelFacts) -> dict[str, str]:
        """Hash of what decides the rows, layer by layer, the rules aside."""
        layers: dict[str, object] = {
            "decode": {"channels": self.channels},
            "segment": self.segment_settings(model.max_seconds).canonical(),
            "model": [
                model.model_id,
                model.model_sha256,
                self.language,
                self.task,
                self.prompt,
            ],
            "metrics": {"normalizer": resolved_choice(self.normalizer)},
        }
        return {name: stable_id("layer", name, what) for name, what in layers.items()}


_ABOVE_ZERO: Final = (
    "max_recording_seconds",
    "max_source_bytes",
    "max_channels",
    "max_sample_rate_hz",
    "batch_seconds",
    "unit_bytes",
    "max_wait_seconds",
    "drift_threshold",
    "limit",
)
_OF_BATCHES: Final = ("limit", "retry_failures")
_OF_STREAMS: Final = ("event_time_attribute", "output_topic", "drift_reference")
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    field.name: field.metadata["choices"]
    for field in dataclasses.fields(RunConfig)
    if field.metadata["choices"]
}


def _check_partition_keys(keys: Sequence[str]) -> None:
    allowed = {schema.PARTITION_DATE, schema.PARTITION_LANGUAGE}
    for key in keys:
        if key in schema.column_names("segments") - allowed:
            raise ConfigError(
                f"--partition_by={key}: a column of the table cannot name its folders; "
                "use date, language or metadata keys"
            )
        if not key.replace("_", "").replace("-", "").isalnum():
            raise ConfigError(f"--partition_by={key}: letters, digits, '-' and '_' only")
    if len(set(keys)) != len(keys):
        raise ConfigError(f"--partition_by={','.join(keys)}: a key stands twice")

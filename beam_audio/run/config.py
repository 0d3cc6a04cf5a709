"""The configuration of a run: every flag defined once, as a field of one frozen dataclass.

Nothing heavy is imported here, so that ``--help`` and a typo are answered at once.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_type_hints

from beam_audio.asr.model_options import ModelOptions
from beam_audio.audio.decoders.containers import RARE_CONTAINERS, check_rare
from beam_audio.audio.limits import DecodeLimits
from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.errors import ConfigError
from beam_audio.inputs.allowed import AllowedPlaces
from beam_audio.inputs.formats.names import INPUT_FORMATS
from beam_audio.models.card import Padding
from beam_audio.run.keys import check_keys, keys_in
from beam_audio.segments.vad_presets import VAD_PRESETS
from beam_audio.spelling import nearest
from beam_audio.unit.layers import layer_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr import ModelFacts
    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.speakers.networks import SpeakerModel
    from beam_audio.unit.layers import Layer

Group = Literal["input", "model", "segments", "judging", "output", "limits", "streaming"]
"""What a flag is about; ``run --help`` and docs/flags.md show the flags by group."""

AUTO_PRECISION: Final = "auto"
_LIMITS: Final = DecodeLimits()
_PADDINGS: Final[tuple[Padding, ...]] = get_args(Padding)


def _flag(group: Group, default: object, text: str, *, choices: Sequence[str] = ()) -> Any:  # noqa: ANN401 - dataclasses.field is Any
    metadata = {"group": group, "help": text, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
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
        choices=_PADDINGS,
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

    def __post_init__(self) -> None:
        """Check each flag on its own and against the others.

        Raises:
            ConfigError: The message names the flag and the fix.
        """
        if not self.output:
            raise ConfigError("--output is missing: name a folder, local or gs://")
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"--{name}={value} must be above 0")
        self._check_source()
        self._check_needed()
        if self.channels not in {"mix", "split"} and not self.channels.isdecimal():
            raise ConfigError(f"--channels={self.channels} must be mix, split or a number from 0")
        if self.tracks not in {"default", "all"} and not self.tracks.isdecimal():
            raise ConfigError(f"--tracks={self.tracks} must be default, all or a number from 0")
        if not 0 < self.gpu_memory_fraction <= 1:
            raise ConfigError(
                f"--gpu_memory_fraction={self.gpu_memory_fraction} must be above 0 and at most 1"
            )
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if choices and value is not None and value not in choices:
                hint = nearest(value, choices)
                raise ConfigError(f"--{name}={value} must be one of {', '.join(choices)}{hint}")
        check_keys(self.partition_keys, self.metadata_keys)
        check_rare(self.rare_containers)
        _ = self.allowed_places

    def _check_needed(self) -> None:
        for name, needed in _NEEDS.items():
            if getattr(self, name) is not None and getattr(self, needed) is None:
                raise ConfigError(f"--{name} can only be used with --{needed}")

    def _check_source(self) -> None:
        if [self.input, self.manifest, self.subscription].count(None) != 2:  # noqa: PLR2004
            raise ConfigError("give one of --input, --manifest and --subscription")
        others, source = (
            (_STREAM_ONLY, "--subscription")
            if self.subscription is None
            else (_BATCH_ONLY, "--input or --manifest: a subscription has no end")
        )
        for name in others:
            if getattr(self, name):
                raise ConfigError(f"--{name} can only be used with {source}")
        if self.allow_inputs is not None and self.input is not None:
            raise ConfigError(
                "--allow_inputs limits what manifests and messages name; --input names its files"
            )

    @property
    def allowed_places(self) -> AllowedPlaces | None:
        """Where manifests and messages may name inputs; None for everywhere."""
        return None if self.allow_inputs is None else AllowedPlaces.stated(self.allow_inputs)

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """Keys of ``--partition_by``, in order."""
        return keys_in(self.partition_by)

    @property
    def metadata_keys(self) -> tuple[str, ...]:
        """Keys of ``--metadata_columns``, sorted: their order means nothing."""
        return tuple(sorted(keys_in(self.metadata_columns or "")))

    @property
    def channel_policy(self) -> Literal["mix", "split"] | int:
        """The channel policy in the form the decoder takes."""
        named: dict[str, Literal["mix", "split"]] = {"mix": "mix", "split": "split"}
        return named[self.channels] if self.channels in named else int(self.channels)

    @property
    def rare_containers(self) -> tuple[str, ...]:
        """Names in ``--decoder_allow``, sorted."""
        return tuple(sorted(keys_in(self.decoder_allow or "")))

    @property
    def track_policy(self) -> Literal["all"] | int | None:
        """The audio tracks in the form the decoder takes; None for the default one."""
        named: dict[str, Literal["all"] | None] = {"all": "all", "default": None}
        return named[self.tracks] if self.tracks in named else int(self.tracks)

    @property
    def model_options(self) -> ModelOptions:
        """How the model is loaded and used; ``auto`` is decided before (``run.precision``)."""
        return ModelOptions(
            precision=None if self.precision == AUTO_PRECISION else self.precision,
            padding=next((padding for padding in _PADDINGS if padding == self.padding), None),
            provider=self.provider,
            require_provider=self.require_provider,
            mode="translate" if self.task == "translate" else "transcribe",
            prompt=self.prompt,
            batch_seconds=self.batch_seconds,
            gpu_memory_fraction=self.gpu_memory_fraction,
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
        from beam_audio.segments.splitter import SegmentSettings  # noqa: PLC0415 - heavy

        return SegmentSettings(
            segmenter="vad" if self.segmenter == "vad" else "fixed",
            vad=VAD_PRESETS[self.vad_preset],
            window_seconds=self.window_seconds,
            overlap_seconds=self.overlap_seconds,
            max_seconds=model_max_seconds,
        )

    @property
    def other_models(self) -> tuple[str | None, ...]:
        """What is heard with beside ``--model``; None where nothing is asked for."""
        return self.second_model, self.classify_model, self.speaker_model, self.enhance_model

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in ``--candidate_labels``, in order."""
        return keys_in(self.candidate_labels or "")

    def layers(
        self,
        model: ModelFacts,
        second: ModelFacts | None = None,
        classifier: ClassifierId | None = None,
        speakers: SpeakerModel | None = None,
        enhancer: EnhancerModel | None = None,
    ) -> dict[str, str]:
        """For each layer but the rules, a hash of the settings that decide its rows.

        Layers that the run does not ask for are left out.

        Args:
            model: The model.
            second: The model that gives a second opinion.
            classifier: What hears sounds.
            speakers: The networks that tell speakers apart.
            enhancer: What takes noise out of what the model hears.
        """
        from beam_audio.classifiers import dnsmos  # noqa: PLC0415 - heavy
        from beam_audio.quality.languages import chosen_language  # noqa: PLC0415 - heavy
        from beam_audio.quality.normalizers import resolved_choice  # noqa: PLC0415 - heavy

        layers: dict[Layer, object] = {
            "decode": {"channels": self.channels}
            | ({} if self.track_policy is None else {"track": self.track_policy}),
            "segment": self.segment_settings(model.max_seconds).canonical(),
            "measures": {},
            "model": [
                model.model_id,
                model.model_sha256,
                chosen_language(self.language),
                self.task,
                self.prompt,
            ],
            "metrics": {"normalizer": resolved_choice(self.normalizer)},
        }
        if self.dnsmos:
            layers["dnsmos"] = dnsmos.model_sha256()
        if classifier is not None:
            layers["events"] = classifier.canonical()
        if speakers is not None:
            layers["speakers"] = [speakers.sha256, self.speaker_count]
        if enhancer is not None:
            layers["enhance"] = enhancer.sha256
        if second is not None:
            layers["second"] = [
                second.model_id,
                second.model_sha256,
                chosen_language(self.language),
                self.task,
                self.prompt,
            ]
        return {layer: layer_hash(layer, settings) for layer, settings in layers.items()}


_ABOVE_ZERO: Final = (
    *("max_recording_seconds", "max_source_bytes", "max_channels", "max_sample_rate_hz"),
    *(
        "batch_seconds",
        "unit_bytes",
        "part_minutes",
        "max_wait_seconds",
        "drift_threshold",
        "limit",
    ),
    *("metrics_port", "speaker_count"),
)
_NEEDS: Final = {"candidate_labels": "classify_model", "speaker_count": "speaker_model"}
"""Flags that mean something beside another one only."""

_BATCH_ONLY: Final = ("input_format", "limit", "retry_failures")
_STREAM_ONLY: Final = ("event_time_attribute", "output_topic", "drift_reference", "metrics_port")
KINDS: Final[dict[str, type]] = {
    name: next(kind for kind in (*get_args(hint), hint) if kind is not NoneType)
    for name, hint in get_type_hints(RunConfig).items()
}
"""The type of each flag's value: bool, int, float or str."""
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    each.name: each.metadata["choices"] for each in dataclasses.fields(RunConfig)
}

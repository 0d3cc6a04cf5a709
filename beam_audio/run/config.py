"""The configuration of a run: its flags, checked, in the forms that the engine takes.

Nothing heavy is imported here, so that a typo is answered at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.asr.model_options import ModelOptions
from beam_audio.audio.decoders.containers import check_rare
from beam_audio.audio.limits import DecodeLimits
from beam_audio.errors import ConfigError
from beam_audio.inputs.allowed import AllowedPlaces
from beam_audio.run.keys import check_keys, keys_in
from beam_audio.run.run_flags import AUTO_PRECISION, CHOICES, PADDINGS, RunFlags
from beam_audio.segments.vad_presets import VAD_PRESETS
from beam_audio.spelling import nearest
from beam_audio.unit.layers import layer_hash

if TYPE_CHECKING:
    from beam_audio.asr import ModelFacts
    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.speakers.networks import SpeakerModel
    from beam_audio.unit.layers import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherModels:
    """What is used beside the model of ``--model``; None for what the flags do not ask for.

    Attributes:
        second: The model that gives a second opinion.
        classifier: What hears sounds.
        speakers: The networks that tell speakers apart.
        enhancer: What takes noise out of what the model hears.
    """

    second: ModelFacts | None = None
    classifier: ClassifierId | None = None
    speakers: SpeakerModel | None = None
    enhancer: EnhancerModel | None = None


NO_OTHERS: Final = OtherModels()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(RunFlags):
    """Flags that fit together."""

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
        for name, choices in CHOICES.items():
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
            padding=next((padding for padding in PADDINGS if padding == self.padding), None),
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
    def other_model_names(self) -> tuple[str | None, ...]:
        """What is heard with beside ``--model``; None where nothing is asked for."""
        return self.second_model, self.classify_model, self.speaker_model, self.enhance_model

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in ``--candidate_labels``, in order."""
        return keys_in(self.candidate_labels or "")

    def layers(self, model: ModelFacts, others: OtherModels = NO_OTHERS) -> dict[str, str]:
        """For each layer but the rules, a hash of the settings that decide its rows.

        Layers that the run does not ask for are left out.

        Args:
            model: The model.
            others: What is used beside it.
        """
        from beam_audio.classifiers import dnsmos  # noqa: PLC0415 - heavy
        from beam_audio.quality.normalizers import resolved_choice  # noqa: PLC0415 - heavy

        layers: dict[Layer, object] = {
            "decode": {"channels": self.channels}
            | ({} if self.track_policy is None else {"track": self.track_policy}),
            "segment": self.segment_settings(model.max_seconds).canonical(),
            "measures": {},
            "model": self._heard_by(model),
            "metrics": {"normalizer": resolved_choice(self.normalizer)},
        }
        if self.dnsmos:
            layers["dnsmos"] = dnsmos.model_sha256()
        if others.classifier is not None:
            layers["events"] = others.classifier.canonical()
        if others.speakers is not None:
            layers["speakers"] = [others.speakers.sha256, self.speaker_count]
        if others.enhancer is not None:
            layers["enhance"] = others.enhancer.sha256
        if others.second is not None:
            layers["second"] = self._heard_by(others.second)
        return {layer: layer_hash(layer, settings) for layer, settings in layers.items()}

    def _heard_by(self, model: ModelFacts) -> list[str | None]:
        """What decides the texts of a model."""
        from beam_audio.quality.languages import chosen_language  # noqa: PLC0415 - heavy

        language = chosen_language(self.language)
        return [model.model_id, model.model_sha256, language, self.task, self.prompt]


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

"""What decides how a recording becomes segments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.audio.decode import DecodeLimits
from beam_audio.inputs.forgotten import Forgotten
from beam_audio.segments.splitter import SegmentSettings

if TYPE_CHECKING:
    from beam_audio.audio.decode import Decoder
    from beam_audio.audio.mixing import Channels
    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.speakers.networks import SpeakerModel
    from beam_audio.unit.channels import Tracks
    from beam_audio.unit.content import Opener
    from beam_audio.unit.measured import StoredCodec


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """What decides how a recording becomes segments.

    ``rare_containers`` are read, too, where they are named. ``clip_rate_hz`` is the rate the
    recogniser takes, ``store_audio`` the codec of stored audio. ``isolate_decoding`` decodes,
    splits and measures in a child process. What is ``forgotten`` gives no rows.
    ``dnsmos`` rates each segment, see :mod:`beam_audio.classifiers.dnsmos`; ``classifier`` hears
    which sounds are in it, see :mod:`beam_audio.unit.sounds`. ``speakers`` are the networks that
    tell speakers apart. ``enhancer`` takes noise out of what the recogniser hears. ``opener`` opens
    inputs of a unit, see :mod:`beam_audio.unit.file_copies`; None opens each for itself.
    """

    decoder: Decoder = "auto"
    rare_containers: tuple[str, ...] = ()
    channels: Channels = "mix"
    tracks: Tracks = None
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    segments: SegmentSettings = field(default_factory=SegmentSettings)
    clip_rate_hz: int = 16_000
    store_audio: StoredCodec = "none"
    isolate_decoding: bool = True
    forgotten: Forgotten = field(default_factory=Forgotten)
    dnsmos: bool = False
    classifier: ClassifierId | None = None
    speakers: SpeakerModel | None = None
    enhancer: EnhancerModel | None = None
    opener: Opener | None = None

    @property
    def on_this_machine(self) -> PrepareSettings:
        """The same, with networks where each process of this machine finds them.

        Those of a bucket are copied, once a process. The one that decodes has a folder of its own.
        """
        classifier, speakers, enhancer = self.classifier, self.speakers, self.enhancer
        if classifier is not None and not classifier.is_named:
            classifier = replace(classifier, name=_local_folder(classifier.name))
        if speakers is not None and not speakers.is_named:
            speakers = replace(speakers, name=_local_folder(speakers.name))
        return replace(
            self,
            classifier=classifier,
            speakers=speakers,
            enhancer=enhancer and replace(enhancer, folder=_local_folder(enhancer.folder)),
        )


@cache
def _local_folder(name: str) -> str:
    from beam_audio.asr.remote_model import local_model  # noqa: PLC0415 - imports Beam

    return str(Path(local_model(name)).expanduser().absolute())

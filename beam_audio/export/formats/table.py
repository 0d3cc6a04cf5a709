"""The formats of exports by name."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError
from beam_audio.export.formats import coqui, kaldi, nemo, transcripts
from beam_audio.export.formats.documents import write_documents
from beam_audio.export.formats.huggingface import HuggingFaceShard
from beam_audio.export.formats.shar import SharShard
from beam_audio.export.formats.shard import ClipFormat, Format, TextFormat
from beam_audio.export.formats.webdataset import WebDatasetShard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.export.options import ExportOptions, FormatName

FORMATS: Final[Mapping[FormatName, Format]] = {
    "nemo": ClipFormat(nemo.NemoShard, lists={nemo.MANIFEST: ""}),
    "nemo_tarred": ClipFormat(nemo.NemoTarredShard),
    "webdataset": ClipFormat(WebDatasetShard),
    "shar": ClipFormat(SharShard),
    "huggingface": ClipFormat(HuggingFaceShard, has_card=True),
    "kaldi": ClipFormat(
        kaldi.KaldiShard,
        codecs=("wav",),
        lists=dict.fromkeys(kaldi.LISTS, ""),
        derived={kaldi.SPEAKERS: (kaldi.SPEAKERS_OF, kaldi.speakers)},
    ),
    "coqui": ClipFormat(coqui.CoquiShard, codecs=("wav",), lists={coqui.TABLE: coqui.HEADER}),
    "srt": TextFormat(transcripts.write_srt),
    "vtt": TextFormat(transcripts.write_vtt),
    "txt": TextFormat(transcripts.write_txt),
    "textgrid": TextFormat(transcripts.write_textgrid),
    "ctm": TextFormat(transcripts.write_ctm),
    "rttm": TextFormat(transcripts.write_rttm),
    "documents": TextFormat(write_documents),
}


def settled(options: ExportOptions) -> ExportOptions:
    """The options with the codec that their format takes.

    Raises:
        ConfigError: The format cannot do what they ask for.
    """
    of_name = FORMATS[options.format]
    if isinstance(of_name, TextFormat):
        if options.codec or options.pack_seconds or options.buckets:
            raise ConfigError(
                f"--format={options.format} has no audio: leave out --codec, --pack_seconds and "
                "--buckets"
            )
        return replace(options, shard_seconds=inf)
    codec = options.codec or of_name.codecs[0]
    if codec not in of_name.codecs:
        raise ConfigError(
            f"--format={options.format} does not take --codec={codec}; "
            f"give {' or '.join(of_name.codecs)}"
        )
    return replace(options, codec=codec)

"""How the main speaker of a recording sounds, as rows say it of a segment."""

from __future__ import annotations

from itertools import groupby

from beam_audio.asr.remote_model import local_model
from beam_audio.quality.turns import main_speaker, turns_of
from beam_audio.speakers.networks import RATE_HZ, load_networks
from beam_audio.speakers.people import main_embedding, name_people
from beam_audio.speakers.voices import hear_voices
from beam_audio.unit.pieces import PIECE_SECONDS, pieces


def clip_speaker(place: str, speaker_model: str) -> tuple[str, bytes | None]:
    """How who speaks longest in a recording sounds.

    It is heard in pieces of a minute, so memory does not grow with its length.

    Args:
        place: The recording: a path, or an address such as ``gs://bucket/call.wav``.
        speaker_model: The folder of the networks, local or ``gs://``.

    Returns:
        The id of the networks, and a direction as 192 signed bytes, as in the column
        ``speaker_embedding``; None if nobody is heard alone.

    Raises:
        ModelError: The networks cannot be had.
        InputError: The recording does not exist or cannot be read.
        DecodeError: No decoder makes audio of it.
        LimitError: It is larger or longer than the limits of ``beam-audio run``.
    """
    networks = load_networks(local_model(speaker_model))
    windows = [
        [*voices]
        for number, piece in enumerate(pieces(place, RATE_HZ))
        for _, voices in groupby(
            hear_voices(piece, number * PIECE_SECONDS, networks), lambda it: it.window
        )
    ]
    heard = [voice for each in name_people(windows, None) for voice in each]
    main = main_speaker(turns_of(heard))
    embedding = main_embedding([each for each in heard if main and each.speaker == main])
    return networks.model.model_id, embedding

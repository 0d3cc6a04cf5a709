"""Whisper to ONNX, built node by node from the weights: no torch, no tracing.

``encoder.onnx`` turns log-mel features into the cross-attention keys and values of every decoder
layer, which are all the decoder needs of the audio. ``decoder.onnx`` is a step with a key/value
cache. It takes any number of tokens, writes their keys and values into buffers, and computes logits
only at the positions asked for, so that reading a prompt does not compute a vocabulary of logits
for each of its tokens. What is chosen from the logits is computed in the graph, so that nothing
large leaves a device between two tokens. The other graphs have no weights: ``audio_rows.onnx`` and
``rows.onnx`` take rows out of a batch, and ``alignment.onnx`` computes what word times need.

Shapes, with b clips, n audio positions, h heads of size d, t tokens, s places in the buffers, p
positions asked for, q tokens asked for, a alignment heads, k rows, m positions, u tokens::

    log_mel  samples (b, 160 (frames + 2)) -> log_mel (b, bands, frames)
    encoder  log_mel (b, bands, frames), source (b, n), place (b, n), log_members (b, n)
             -> cross_key_N (b, h, d, n), cross_value_N (b, h, n, d)
    decoder  tokens (b, t), start (1,), positions (p,), hidden (p, vocabulary), asked (q,),
             past_key_N, past_value_N (b, h, s, d), past_query (b, a, s, d),
             cross_key_N, cross_value_N, log_members (b, n)
             -> token (b, p), logprob (b, p), asked_logprobs (b, p, q),
                logits (b, p, vocabulary), present_key_N, present_value_N, present_query
    alignment   query (b, a, s, d), cross_key_N of some layers, first (3,), stop (3,)
             -> scores (1, a, u, m)
    audio_rows  cross_key_N, cross_value_N, log_members, rows (k,), positions (1,)
             -> the same as kept_…, of k rows and m positions
    rows     key_N, value_N, query, rows (k,) -> the same as kept_…, of k rows

For each position, ``source`` is the index of the convolutions' output it is taken from, and
``place`` is the row of its embedding (``beam_audio.models.whisper.position_groups``).
``log_members`` is added to its attention scores: the log of the number of positions it represents
(``beam_audio.asr.whisper.padding``), or a large negative number if a row of a batch has no such
position. The keys of the audio have their last two axes swapped, so that a step multiplies them
without a transposition. In float16, ``cross_value_N`` is (b, h, d, n) everywhere, too.

``start`` is the place of the first token. ``hidden`` is added to the logits, and minus infinity
hides a token from the choice; ``token`` is the likeliest of the others. ``asked_logprobs`` are log
probabilities of given tokens. ``query`` holds the queries of the heads that follow time;
``scores`` are those against the keys of the audio, before ``log_members``. ``first`` and ``stop``
bound the row, the tokens and the audio positions that they are computed for.

The network is that of Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
Supervision" (pre-norm transformer, exact GELU, tied output embedding).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from beam_audio.models.onnx_graph import GraphWriter
from beam_audio.models.whisper.alignment_graph import write_alignment
from beam_audio.models.whisper.decoder_graph import write_decoder
from beam_audio.models.whisper.encoder_graph import write_encoder
from beam_audio.models.whisper.log_mel_graph import write_log_mel
from beam_audio.models.whisper.rows_graph import write_audio_rows, write_rows
from beam_audio.models.whisper.transformer import Layers

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.whisper.checkpoint import WhisperCheckpoint
    from beam_audio.models.whisper.transformer import Precision

LOG_MEL_FILE = "log_mel.onnx"
ENCODER_FILE = "encoder.onnx"
DECODER_FILE = "decoder.onnx"
ALIGNMENT_FILE = "alignment.onnx"
AUDIO_ROWS_FILE = "audio_rows.onnx"
ROWS_FILE = "rows.onnx"
_INLINE_LIMIT_BYTES = (
    1_900_000_000  # protobuf's limit is 2 GiB, and the graph itself needs some room
)


def export_whisper(
    checkpoint: WhisperCheckpoint,
    directory: Path,
    *,
    precision: Precision = "float32",
    inline_limit_bytes: int = _INLINE_LIMIT_BYTES,
) -> None:
    """Write the graphs, each to a file of its own.

    Args:
        checkpoint: Configuration and weights.
        directory: An existing directory.
        precision: Number type of weights and activations.
        inline_limit_bytes: Above this many bytes of float32 weights, a graph's weights go to a
            ``.data`` file beside it.
    """
    weights, config = checkpoint.weights, checkpoint.config
    encoder = {name for name in weights if name.startswith("encoder.") or ".cross.kv." in name}
    graphs = (
        (LOG_MEL_FILE, set[str](), write_log_mel),
        (ENCODER_FILE, encoder, write_encoder),
        (DECODER_FILE, weights.keys() - encoder, write_decoder),
        (ALIGNMENT_FILE, set[str](), write_alignment),
        (AUDIO_ROWS_FILE, set[str](), write_audio_rows),
        (ROWS_FILE, set[str](), write_rows),
    )
    for file, names, write in graphs:
        size_bytes = sum(4 * math.prod(weights[name].shape) for name in names)
        graph = GraphWriter(file, directory / file, external=size_bytes > inline_limit_bytes)
        write(Layers(graph, weights, config.dimensions.width, precision), config)
        graph.write()

"""Bytes to samples: decoders, resampling, and the encoding of stored audio.

In: encoded audio in any seekable binary file.
Out: float32 blocks at the source rate, exact in samples.
Main function: :func:`beam_audio.audio.decode.open_audio`.
"""

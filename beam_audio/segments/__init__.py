"""Samples to segments: voice activity detection and fixed windows.

In: float32 samples of one channel, block by block.
Out: segments with exact sample positions and disjoint cores.
Main function: :func:`beam_audio.segments.splitter.split`.
"""

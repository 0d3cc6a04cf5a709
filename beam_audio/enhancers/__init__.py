"""Clips to clips with less noise, which the recogniser hears: no text, no Beam.

In: clips, float32 samples, and the folder of a network that takes one frame after the other.
Out: clips of the same length.
Main function: :meth:`beam_audio.enhancers.network.Enhancer.enhance`.
"""

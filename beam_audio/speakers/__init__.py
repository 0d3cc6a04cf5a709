"""Clips to voices, and voices to people: no text, no Beam.

In: clips, float32 samples at 16 kHz, and the folder of two networks.
Out: who speaks when, as labels that hold within a recording, or over all of an output.
Main function: :func:`beam_audio.speakers.voices.hear_voices`.
"""

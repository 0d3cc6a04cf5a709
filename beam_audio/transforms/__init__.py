"""Beam transforms: only wiring, one file per stage.

In: PCollections of references, audio, segments or messages.
Out: PCollections of the next stage, and of failures.
Main function: :class:`beam_audio.transforms.units.TranscribeUnits`.
"""

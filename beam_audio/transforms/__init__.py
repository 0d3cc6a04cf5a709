"""Beam transforms: wiring and little else, one file a stage.

In: PCollections of references, audio, segments or messages.
Out: PCollections of the next stage, and of failures.
Main function: :class:`beam_audio.transforms.units.TranscribeUnits`.
"""

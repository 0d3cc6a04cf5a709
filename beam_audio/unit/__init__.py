"""One unit of inputs, from references to committed rows; runs in a loop or inside a worker.

In: references to audio, and the stored rows of those that are done again.
Out: rows in part files and one commit record.
Main function: :func:`beam_audio.unit.transcribe.transcribe_unit`.
"""

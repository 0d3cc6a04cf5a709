"""Data sets of other programs: one reader a format, all of them listing inputs.

In: a file or folder of the format.
Out: lines as of a manifest, members of a file, and failures; no audio is read.
Main function: :func:`beam_audio.inputs.formats.choice.read_format`.
"""

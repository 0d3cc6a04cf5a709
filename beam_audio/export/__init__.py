"""Rows of an output in the forms that other programs read.

In: committed rows.
Out: files in a folder beside the output, never in it.
Main function: :func:`beam_audio.export.write.export`.
"""

"""Rows and audio of an output in the shape that other programs read.

In: committed rows, stored clips or the recordings.
Out: files in a folder beside the output, never in it.
Main function: :func:`beam_audio.export.export_group.export_group`.
"""

"""Formats of exports: one file each, of what other programs read.

In: items with their audio.
Out: files of a shard, and lines of the lists that all shards of a folder share.
Main function: :data:`beam_audio.export.formats.table.FORMATS`.
"""

"""Rows that are like other rows: the same bytes, samples, sound or words.

In: what each row is compared by.
Out: pairs of rows that are alike, and which of them survives.
Main function: :func:`beam_audio.curate.duplicates.survivors.marks_of`.
"""

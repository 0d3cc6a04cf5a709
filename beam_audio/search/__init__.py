"""Search in what was said and who spoke: an index of an output, kept fresh by its commit records.

In: an output folder, and words, or how somebody sounds, or both.
Out: segments, best first, with the place of the words in text and recording.
Main function: :func:`beam_audio.search.find.find`.
"""

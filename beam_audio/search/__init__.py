"""Search in what was said: an index of an output's texts, kept fresh by its commit records.

In: an output folder, and words.
Out: segments, best first, with the place of the words in text and recording.
Main function: :func:`beam_audio.search.find.find`.
"""

"""Classifiers: networks that say what sounds in a clip, and DNSMOS, which rates how it sounds.

In: clips, float32 at a network's rate, and the name of a classifier or a folder of its files.
Out: scores of labels by window, labels of the whole, events with times, scores of speech and music.
Main function: :func:`beam_audio.classifiers.load.load_classifier`.
"""

from typing import Final

HYPOTHESIS_TEMPLATE: Final = "This is a sound of {}."
"""The sentence of a candidate label, as in Hugging Face's pipeline."""

"""Measures of samples and texts, and rules that judge segments by them.

In: samples, transcripts and references.
Out: measurements, error rates, and a decision with reasons.
Main function: :func:`beam_audio.quality.ruleset.Rules.decide`.
"""

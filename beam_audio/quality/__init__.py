"""Numbers and verdicts: what is measured of samples and texts, and how it is judged.

In: samples, transcripts and references.
Out: measurements, error rates, and a decision with reasons.
Main function: :func:`beam_audio.quality.rules.Rules.decide`.
"""

"""Families that place tokens on frames of audio: CTC, RNN-T and TDT.

In: clips, float32 at the model's rate, and graphs as published.
Out: transcripts with log probabilities and words.
Main function: :func:`beam_audio.asr.frames.recognizer.load_frame_recognizer`.
"""

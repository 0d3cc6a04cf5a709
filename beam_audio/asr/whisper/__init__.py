"""The Whisper family: log-mel, decoding, safeguards and word times.

In: clips, float32 at 16 kHz, and built graphs.
Out: transcripts with log probabilities and words.
Main function: :func:`beam_audio.asr.whisper.recognizer.WhisperRecognizer`.
"""

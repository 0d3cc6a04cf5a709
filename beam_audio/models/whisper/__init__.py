"""Whisper checkpoints to ONNX graphs.

In: weights in the layout of OpenAI, Hugging Face, CTranslate2 or optimum.
Out: an encoder and a decoder graph with the settings to run them.
Main function: :func:`beam_audio.models.whisper.export.export_whisper`.
"""

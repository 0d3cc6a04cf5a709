"""Checkpoints of the two networks that tell people apart, to ONNX graphs.

In: weights of CAM++ and of pyannote segmentation 3.0 as torch saves them.
Out: one graph each, in float32.
Main function: :func:`beam_audio.models.speakers.campplus.write_campplus`.
"""

"""Model cards and exporters: published weights to ONNX graphs; no weights are kept here.

In: a model's name, or a folder of weights.
Out: a folder of ONNX graphs with everything a recogniser needs to load them.
Main function: :func:`beam_audio.models.resolve.ensure_built`.
"""

"""Model cards and exporters: published weights to ONNX graphs; holds no weights.

In: a model's name, a folder or a bucket address.
Out: a folder of ONNX graphs with everything a recogniser needs to load them.
Main function: :func:`beam_audio.models.resolve.resolve`.
"""

"""Model cards, readers of published weight files, and exporters to ONNX; no weights."""

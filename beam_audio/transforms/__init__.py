"""Beam transforms: wiring and little else, one file a stage."""

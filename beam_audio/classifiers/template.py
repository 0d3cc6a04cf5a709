"""The sentence of a label in words; apart from CLAP, as flags have it and import nothing heavy."""

from typing import Final

HYPOTHESIS_TEMPLATE: Final = "This is a sound of {}."
"""As in Hugging Face's pipeline for zero-shot audio classification."""

"""Names of the formats, without what reads them: flags are checked before anything is loaded."""

from __future__ import annotations

from typing import Final

INPUT_FORMATS: Final = (
    *("nemo", "webdataset", "shar", "cuts", "huggingface", "audiofolder", "kaldi", "parquet"),
    "common_voice",
)
"""Values of ``--input_format``."""

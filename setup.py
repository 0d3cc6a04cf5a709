"""What pyproject.toml cannot say of the package; Beam takes this file as ``--setup_file``."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup


def without_local_links(text: str) -> str:
    """Markdown whose links to files of the repository are their names: an index has no such files.

    Links to the web and to headings stay.
    """
    return re.sub(r"\[([^][]+)\]\((?![a-z]+:|#)([^()\s]+)\)", r"\1 (`\2`)", text)


setup(
    # The cards are in models/, where people edit them; installed they are beam_audio/models/cards.
    packages=[*find_packages(include=["beam_audio", "beam_audio.*"]), "beam_audio.models.cards"],
    package_dir={"beam_audio.models.cards": "models"},
    long_description=without_local_links(Path(__file__).with_name("README.md").read_text("utf-8")),
    long_description_content_type="text/markdown",
)

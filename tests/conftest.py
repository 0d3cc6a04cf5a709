"""Where the shared audio is, and what happens to the tests that need it when it is not there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

IN_CI = os.environ.get("CI", "").lower() == "true"
SHARED_DATA = Path(
    os.environ.get("BEAM_AUDIO_SHARED") or Path(__file__).resolve().parents[2] / "shared" / "data"
)
SHARED_IS_MISSING = not (SHARED_DATA / "manifest.jsonl").is_file()
MISSING_MESSAGE = (
    f"the shared audio is not at {SHARED_DATA}; point BEAM_AUDIO_SHARED at the folder with its "
    "manifest.jsonl"
)

# Decoding and inference have no steady duration; in CI a failure must be the same on every run.
hypothesis.settings.register_profile("beam_audio", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("beam_audio")


def pytest_report_header() -> str:
    return f"shared audio: {MISSING_MESSAGE if SHARED_IS_MISSING else SHARED_DATA}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SHARED_IS_MISSING:
        return
    needing = [item for item in items if item.get_closest_marker("shared")]
    if needing and IN_CI:
        raise pytest.UsageError(f"{len(needing)} tests cannot run in CI: {MISSING_MESSAGE}")
    for item in needing:
        item.add_marker(pytest.mark.skip(reason=MISSING_MESSAGE))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the shared audio; the test that asks for it carries ``pytest.mark.shared``."""
    if SHARED_IS_MISSING:
        pytest.fail(f"{MISSING_MESSAGE}; and mark this test with pytest.mark.shared")
    return SHARED_DATA


@pytest.fixture(scope="session")
def manifest_lines(shared_data: Path) -> list[dict[str, Any]]:
    """The lines of the shared manifest, in order."""
    text = (shared_data / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]

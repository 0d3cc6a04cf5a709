"""Model folders that a test puts in each other's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.random_ctc import random_ctc, write_ctc
from support.run_outputs import settings

from beam_audio.asr import model_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.run.config import RunConfig
    from beam_audio.stream.model_watch import Choice


def write_versions(folder: Path) -> list[Path]:
    """Write three models of the same sizes, which carry no sha256 of their files."""
    found = [folder / f"v{number}" for number in range(3)]
    for seed, each in enumerate(found):
        write_ctc(each, random_ctc(seed), masked=True)
    return found


def link_to(target: Path, link: Path) -> None:
    """Make a link lead to the target, in one step."""
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.replace(link)


def flags(model: Path | str, **more: str) -> RunConfig:
    """A configuration that names the model; its input and output are not used."""
    given = {"input": "unused", "output": "unused", "partition_by": "date", "provider": "cpu"}
    return settings(model=model, **given, **more)


def sha256_of(folder: Path | str) -> str:
    """The identity of the model in a folder."""
    return model_facts(str(folder)).model_sha256


def in_use(choose: Callable[[], Choice]) -> str:
    """The identity that the next unit's rows state, which must be that of its recogniser."""
    found, recognizer = choose()
    assert found.rows.model_sha256 == recognizer.facts.model_sha256
    assert found.rows.model_id == recognizer.facts.model_id
    return recognizer.facts.model_sha256

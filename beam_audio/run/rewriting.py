"""What the graphs that rewrite an output have in common: it is checked, held and cleaned."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio.errors import ConfigError
from beam_audio.output.commits import delete_uncommitted, is_shared, read_commits
from beam_audio.output.compact import drop_stale_rows
from beam_audio.output.folder import in_use, part_files
from beam_audio.output.holder import Holder, held
from beam_audio.store.credentials import require_access

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def options_for(output: str, beam_flags: Sequence[str]) -> PipelineOptions:
    """Options of Beam for a graph over an output that holds rows.

    Raises:
        AccessError: There are no credentials for it.
        ConfigError: It holds no committed rows.
    """
    options = PipelineOptions(list(beam_flags))
    require_access((output,), options)
    if not any(commit.files for commit in read_commits(output)):
        raise ConfigError(f"{output} holds no committed part files; name the --output of a run")
    return options


@contextmanager
def rewriting(output: str, run_id: str) -> Iterator[None]:
    """Hold an output, clean it before, and rewrite files that units left to others.

    It is cleaned only while nobody else writes there: a stream may.

    Raises:
        HeldError: A living batch holds the output.
        StoreError: It cannot be written.
    """
    with held(output, Holder.here(run_id, ends_with_process=True)):
        with in_use(output, lambda: delete_uncommitted(output)):
            is_merged = any(is_shared(file.path) for file in part_files(output))
            yield
        if is_merged:
            with in_use(output, lambda: drop_stale_rows(output)):
                pass

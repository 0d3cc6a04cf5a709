"""The graph of ``export``: one element a group of units, from the commit records alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import apache_beam as beam

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.export import records
from beam_audio.export.choose import check_where, is_redacted
from beam_audio.export.export_group import export_group
from beam_audio.export.finish import finish
from beam_audio.export.formats.table import settled
from beam_audio.export.note import note_export
from beam_audio.run.rewriting import options_for
from beam_audio.run.runners import choose_runner, share_cores
from beam_audio.store.credentials import require_access

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.export.finish import Exported
    from beam_audio.export.options import ExportOptions
    from beam_audio.export.records import Group


def export(
    root: str, target: str, options: ExportOptions, beam_flags: Sequence[str] = ()
) -> Exported:
    """Write what is asked for of an output to a folder, in the shape that another program reads.

    Args:
        root: The output.
        target: The folder; one that holds the same export of the same rows stays as it is.
        options: What is exported, and how.
        beam_flags: Flags of Beam.

    Raises:
        ConfigError: The output holds no committed rows, the folder something else, or the options
            contradict each other.
        MachineError: The machine is at fault: its disks, memory or network.
        StoreError: Something cannot be read or written.
    """
    options = settled(options)
    if store.scheme(target) is None:
        target = str(Path(target).absolute())  # workers may be elsewhere, and lists name it
    beam_options = options_for(root, beam_flags)
    require_access((target,), beam_options)
    if options.where is not None:
        check_where(root, options.where)
    redacted = is_redacted(root)
    group = partial(
        records.groups_of,
        options=options,
        is_redacted=redacted,
        segments=records.GROUP_SEGMENTS,
    )
    groups = [*group(root)]
    if not groups:
        raise ConfigError(f"{root} holds no segments")
    records.claim_folder(root, target, options)
    # The note comes first: who forgets a recording is told of an export that was not finished, too.
    note_export(root, target, options.format)
    if len(groups) > 1:
        share_cores(beam_options)
    runner = choose_runner(beam_options)
    work = partial(_export, root=root, target=target, options=options, is_redacted=redacted)
    with beam.Pipeline(runner=runner, options=beam_options) as pipeline:
        _ = (
            pipeline
            | "Output" >> beam.Create([root])
            | "Groups" >> beam.FlatMap(group)
            | "Spread" >> beam.Reshuffle()
            | "Export" >> beam.Map(work)
        )
    return finish(root, target, options, {group.group_id for group in groups})


def _export(
    group: Group, root: str, target: str, options: ExportOptions, *, is_redacted: bool
) -> None:
    export_group(root, target, options, group, is_redacted=is_redacted)

"""One group of units, from its rows to files that count."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING

from beam_audio import store
from beam_audio.export.choose import choose
from beam_audio.export.clips import clips_of
from beam_audio.export.formats.shard import ClipFormat, TextFormat
from beam_audio.export.formats.table import FORMATS
from beam_audio.export.plan import plan
from beam_audio.export.records import LISTS, GroupRecord, read_record, write_record
from beam_audio.export.shard_files import ShardFiles
from beam_audio.export.totals import Totals
from beam_audio.output.commits import load_commit
from beam_audio.schema import LEDGER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beam_audio.export.choose import Chosen
    from beam_audio.export.formats.shard import Shard
    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.options import ExportOptions
    from beam_audio.export.plan import Plan, PlannedShard
    from beam_audio.export.records import Group
    from beam_audio.output.commits import Commit

_SEGMENTS = ("keep", "review", "drop")
"""What the ledger of a recording says of samples that are in segments."""


def export_group(
    root: str, target: str, options: ExportOptions, group: Group, *, is_redacted: bool
) -> None:
    """Export a group of units, unless that is done.

    Args:
        root: The output.
        target: The folder of the export.
        options: What is exported.
        group: The units.
        is_redacted: Whether personal data is redacted in the output.

    Raises:
        InputError: A part file is missing.
        MachineError: The machine is at fault: its disks, memory or network.
        StoreError: Something cannot be read or written.
    """
    before = read_record(target, group.group_id)
    if before is not None and before.is_complete:
        return
    commits = [load_commit(uri) for uri in group.records]
    chosen = choose(root, commits, options)
    planned = plan(chosen, options, is_redacted=is_redacted)
    done = _Done(target, planned.cores)
    of_name = FORMATS[options.format]
    if isinstance(of_name, TextFormat):
        _write_texts(of_name, planned, done)
    else:
        _write_clips(of_name, planned, done, (root, commits, chosen, options))
    record = done.record(group.group_id, _totals(chosen, planned))
    if record != before:
        write_record(target, record)


class _Done:
    """What of a group is written so far."""

    def __init__(self, target: str, cores: Mapping[str, int]) -> None:
        self.target = target
        self._cores = cores
        self._files: list[str] = []
        self._lines: defaultdict[str, list[str]] = defaultdict(list)
        self._totals: list[Totals] = []
        self._is_complete = True

    def add(self, folder: str, files: ShardFiles, items: Iterable[ExportItem]) -> None:
        """Add a shard whose files are closed."""
        self._files += files.finish()
        for name, lines in files.lines.items():
            self._lines[f"{folder}/{name}"] += lines
        self._totals.append(Totals.of_items(folder, items, self._cores))

    def leave_out(self, item: ExportItem, why: str) -> None:
        """Leave out an item that has no audio; another try may find it."""
        self._is_complete = False
        count = sum(self._cores[piece.segment_id] for piece in item.pieces)
        self._totals.append(Totals(samples=Counter({f"{why}@{item.sample_rate_hz}": count})))

    def record(self, group_id: str, others: Totals) -> GroupRecord:
        """Write the lines of lists; the record that then is true."""
        lists = {}
        for name, lines in sorted(self._lines.items()):
            lists[name] = f"{LISTS}/{group_id}/{name}"
            content = "".join(f"{line}\n" for line in sorted(lines)).encode()
            store.write_whole(self.target, lists[name], content)
        totals = Totals.total([*self._totals, others])
        return GroupRecord(group_id, tuple(sorted(self._files)), lists, totals, self._is_complete)


def _totals(chosen: Chosen, planned: Plan) -> Totals:
    """What is left out by the rows alone, and what recordings hold."""
    samples = Counter({f"{why}@{rate}": count for (why, rate), count in planned.left_out.items()})
    recorded: Counter[str] = Counter()
    for row in chosen.recordings.values():
        for name in _SEGMENTS:
            recorded[f"{name}@{row['sample_rate_hz']}"] += row[LEDGER_COLUMNS[name]]
    return Totals(samples=samples, recorded=recorded)


def _write_texts(of_name: TextFormat, planned: Plan, done: _Done) -> None:
    for shard in planned.shards:
        with ShardFiles(done.target, shard.folder) as files:
            for item in shard.items:
                files.count(item)
            of_name.write(shard.items, files)
            done.add(shard.folder, files, shard.items)


class _OpenShard:
    """A shard that waits for the audio of some of its items."""

    def __init__(self, planned: PlannedShard, files: ShardFiles, shard: Shard) -> None:
        self.folder, self.files, self._shard = planned.folder, files, shard
        self.written: list[ExportItem] = []
        self._waiting = len(planned.items)

    def take(self, item: ExportItem, clip: Clip | str) -> bool:
        """Take the audio of an item, or why there is none; whether it was the last."""
        self._waiting -= 1
        if not isinstance(clip, str):
            self.files.count(item)
            self._shard.add(item, clip)
            self.written.append(item)
        if not self._waiting:
            self._shard.close()
        return not self._waiting


def _write_clips(
    of_name: ClipFormat,
    planned: Plan,
    done: _Done,
    source: tuple[str, Sequence[Commit], Chosen, ExportOptions],
) -> None:
    """Write each item when its audio comes; shards are open from their first item to the last."""
    root, commits, chosen, options = source
    place_of = {
        item.item_id: place for place, shard in enumerate(planned.shards) for item in shard.items
    }
    opened: dict[int, _OpenShard] = {}
    items = [item for shard in planned.shards for item in shard.items]
    if options.codec is None:
        raise ValueError("a format with audio has a codec")
    with ExitStack() as stack:
        for item, clip in clips_of(root, commits, items, chosen.recordings, options.codec):
            place = place_of[item.item_id]
            if place not in opened:
                shard = planned.shards[place]
                files = stack.enter_context(ShardFiles(done.target, shard.folder))
                opened[place] = _OpenShard(shard, files, of_name.shard(files))
            if isinstance(clip, str):
                done.leave_out(item, clip)
            if opened[place].take(item, clip):
                ended = opened.pop(place)
                if ended.written:
                    done.add(ended.folder, ended.files, ended.written)

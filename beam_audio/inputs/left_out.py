"""What a folder holds beside inputs: hidden files, outputs of beam-audio, files of other kinds.

Names alone decide; nothing is opened. Files whose suffix is unknown are inputs.
"""

from __future__ import annotations

import os.path
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beam_audio.inputs.redaction import redacted
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.store.output_names import COMMITS, RUN_FILES
from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RUN_FILE: Final = re.compile(
    r"\d{8}T\d{6}-[0-9a-f]{8}".join(map(re.escape, RUN_FILES.split("*"))),
)

# Kinds of files that corpora keep beside their audio and that hold no audio. Archives are not
# among them: they may hold audio, so they are inputs, and fail where everybody sees it.
_SUFFIXES: Final = {
    "manifest": ".json .jsonl .ndjson .yaml .yml .xml .scp .cue .m3u .m3u8 .pls",
    "table": ".csv .tsv .parquet .arrow .feather .xls .xlsx .db .sqlite",
    "text file": ".txt .md .rst .pdf .html .htm .doc .docx .rtf .tex .bib .log .toml .ini .cfg",
    "annotation": ".srt .vtt .lrc .textgrid .ctm .stm .rttm .uem .lab .eaf .trs .cha .phn .wrd",
    "image": ".png .jpg .jpeg .gif .bmp .tif .tiff .svg .webp .heic .ico",
    "array": ".npy .npz .pt .pth .pkl .h5 .hdf5",
    "program": ".py .ipynb .sh .bat .ps1 .pl",
    "checksum": ".md5 .sha1 .sha256 .sha512 .sfv",
}
KINDS: Final[Mapping[str, str]] = {
    suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()
}
"""Kind by suffix, in lower case, of the files that are left out of a folder."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files and members that match ``--input`` and are not inputs.

    Attributes:
        hidden: Those whose name, or the name of a folder above them, begins with a dot.
        outputs: Outputs of beam-audio; nothing below them is an input.
        suffixes: Files by their suffix, which :data:`KINDS` lists.
    """

    hidden: int = 0
    outputs: tuple[str, ...] = ()
    suffixes: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: LeftOut) -> LeftOut:
        """What is left out of two places."""
        return LeftOut(
            self.hidden + other.hidden,
            self.outputs + other.outputs,
            Counter(self.suffixes) + Counter(other.suffixes),
        )

    @property
    def summary(self) -> str:
        """Such as ``3 hidden, 2 tables (.csv), 1 output of beam-audio``; empty for nothing."""
        parts = [f"{self.hidden} hidden"] if self.hidden else []
        for kind in _SUFFIXES:
            found = [suffix for suffix in sorted(self.suffixes) if KINDS[suffix] == kind]
            if found:
                count = sum(self.suffixes[suffix] for suffix in found)
                parts.append(f"{_counted(count, kind)} ({' '.join(found)})")
        if self.outputs:
            parts.append(f"{_counted(len(self.outputs), 'output')} of beam-audio")
        return ", ".join(parts)


def inputs_below(
    folder: str, found: Iterable[StoredFile], exclude: str | None = None
) -> tuple[GroupsOnDisk[StoredFile], LeftOut]:
    """Tell the inputs in a folder from everything else.

    Args:
        folder: The folder, as the paths begin.
        found: Everything below it, at any depth; gone through twice.
        exclude: A folder whose files are not inputs: the output of the run.

    Returns:
        The inputs by their addresses, and what was left out.
    """
    start = len(folder.rstrip("/")) + 1
    outputs = set(_outputs(folder, (file.path[start:] for file in found)))
    outputs |= {exclude.rstrip("/")} if exclude else set()
    hidden, seen, suffixes = 0, set[str](), Counter[str]()

    def is_input(file: StoredFile) -> bool:
        nonlocal hidden
        inside = file.path[start:]
        suffix = os.path.splitext(inside)[1].lower()  # noqa: PTH122 - a path object takes its time
        output = next(filter(outputs.__contains__, _above(file.path)), None) if outputs else None
        if output is not None:
            seen.add(output)
        elif is_hidden_inside(inside):
            hidden += 1
        elif suffix in KINDS:
            suffixes[suffix] += 1
        else:
            return True
        return False

    inputs = GroupsOnDisk[StoredFile]()
    inputs.add((redacted(file.path), file) for file in found if is_input(file))
    return inputs, LeftOut(hidden, tuple(sorted(seen)), suffixes)


def is_hidden_inside(name: str) -> bool:
    """Whether a name in a folder or a tar file, or a folder of it, begins with a dot.

    ``.`` and ``..`` are no names, so ``./a.wav`` is not hidden.
    """
    return any(part.startswith(".") and part not in {".", ".."} for part in name.split("/"))


def _outputs(folder: str, names: Iterable[str]) -> Iterator[str]:
    """Folders that hold commit records or run files, given what is below a folder."""
    root = folder.rstrip("/")
    for name in names:
        *above, last = name.split("/")
        if COMMITS in above:
            yield "/".join([root, *above[: above.index(COMMITS)]])
        elif _RUN_FILE.fullmatch(last):
            yield "/".join([root, *above])


def _above(path: str) -> Iterator[str]:
    """The folders a path is in, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

"""How well speakers are told apart: embeddings, turns and words, in three tables.

Embeddings: pairs of LibriSpeech clips, whole and cut to the 1.5 s in their middle; the threshold is
the one at which as many pairs are wrong either way. Turns and words: ``beam-audio run`` on
recordings whose turns a person marked, and on 20 conversations made of read speech, see
``conversations.py``. The error is that of pyannote.metrics: missed, false and confused seconds over
spoken ones, overlaps scored, 0.25 s on each side of an edge not. A word is right if the speaker
that its row names is the one who speaks in its middle; words where not exactly one does are left
out.

    python benchmarks/speakers.py --data=../shared/data --models=../shared/models

``--picture=FILE.svg`` draws the turns of the telephone call, too.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset
import soundfile
from conversations import RATE_HZ, Spoken, make_conversation, speakers_of
from machine import describe_machine, machine_line
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from reference import markdown_table

from beam_audio.command.cli import main as beam_audio
from beam_audio.speakers.networks import load_networks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.speakers.networks import SpeakerNetworks
    from beam_audio.types import Row

CONVERSATIONS = 20
PEOPLE = (2, 3, 4)
CONVERSATION_SECONDS = 60.0
SHORT_SECONDS = 1.5
COLLAR_SECONDS = 0.25
DRAWN = "pyannote_sample.wav"
MARKED = ("diarization", "meeting_ami")
LIBRISPEECH = ("librispeech", "librispeech_train_untranscribed")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and who speaks when in it."""

    name: str
    group: str
    seconds: float
    spoken: tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Seconds of speech that are wrong, of so many, and words, in recordings of one group."""

    group: str
    recordings: int
    people_right: int
    missed: float
    false: float
    confused: float
    spoken: float
    words_right: int
    words: int

    @property
    def error(self) -> float:
        """The diarization error rate."""
        return (self.missed + self.false + self.confused) / self.spoken


def equal_error(clips: dict[str, list[np.ndarray]], networks: SpeakerNetworks) -> tuple[float, ...]:
    """Equal error rate and its threshold, and how many pairs are of one speaker and of two."""
    names = [name for name, own in clips.items() for _ in own]
    found = [networks.embed(clip) for own in clips.values() for clip in own]
    directions = np.stack([each for each in found if each is not None])
    first, second = np.triu_indices(len(names), 1)
    cosines = (directions @ directions.T)[first, second]
    same = np.array(names)[first] == np.array(names)[second]
    bounds = np.sort(cosines)
    missed = np.array([(cosines[same] < bound).mean() for bound in bounds])
    taken = np.array([(cosines[~same] >= bound).mean() for bound in bounds])
    place = int(np.abs(missed - taken).argmin())
    rate = float(missed[place] + taken[place]) / 2
    return rate, float(bounds[place]), int(same.sum()), int((~same).sum())


def marked_recordings(data: Path, folder: Path) -> list[Recording]:
    """The recordings of the manifest whose turns are marked, linked into a folder."""
    found = []
    for line in (data / "manifest.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry["audio_filepath"].partition("/")[0] not in MARKED:
            continue
        path = data / entry["audio_filepath"]
        (folder / path.name).write_bytes(path.read_bytes())
        spoken = tuple(map(_marked, entry["annotation"]))
        found.append(Recording(path.name, path.stem, entry["duration"], spoken))
    return found


def made_recordings(data: Path, folder: Path) -> list[Recording]:
    """Conversations that no threshold was chosen by, written into a folder."""
    clips, found = speakers_of([data / name for name in LIBRISPEECH]), []
    for number in range(CONVERSATIONS):
        people = PEOPLE[number % len(PEOPLE)]
        made = make_conversation(clips, people, CONVERSATION_SECONDS, seed=number)
        name = f"made-{number:02}.flac"
        soundfile.write(folder / name, made.samples, RATE_HZ)
        found.append(Recording(name, "20 made", len(made.samples) / RATE_HZ, made.spoken))
    return found


def score(group: str, recordings: list[Recording], rows: dict[str, list[Row]]) -> Score:
    """What is wrong in recordings, by the rows of each."""
    totals = np.zeros(4)
    people = right = words = 0
    measure = DiarizationErrorRate(collar=2 * COLLAR_SECONDS, skip_overlap=False)
    for each in recordings:
        said = _annotation(_said(rows[each.name]))
        truth, whole = _annotation(each.spoken), Timeline([Segment(0, each.seconds)])
        part = measure(truth, said, detailed=True, uem=whole)
        totals += [part[key] for key in ("missed detection", "false alarm", "confusion", "total")]
        people += len(said.labels()) == len(truth.labels())
        names = measure.optimal_mapping(truth, said, uem=whole)
        heard = list(_words(rows[each.name], each.spoken))
        right += sum(names.get(speaker) == truly for speaker, truly in heard)
        words += len(heard)
    missed, false, confused, spoken = map(float, totals)
    return Score(group, len(recordings), people, missed, false, confused, spoken, right, words)


def picture(truth: Sequence[Spoken], found: Sequence[Spoken]) -> str:
    """Turns as an image in SVG: a line for each speaker, in truth and as found."""
    lines = [
        (f"{kind} {name}", colour, [each for each in spoken if each.speaker == name])
        for kind, colour, spoken in (("marked", "#8a8f98", truth), ("found", "#2f6fdd", found))
        for name in sorted({each.speaker for each in spoken})
    ]
    seconds = max(each.end_seconds for each in (*truth, *found))
    drawn = []
    for row, (name, colour, spoken) in enumerate(lines):
        top = 10 + 26 * row
        drawn.append(f'<text x="10" y="{top + 14}">{name}</text>')
        drawn += [
            f'<rect x="{170 + 600 * each.start_seconds / seconds:.1f}" y="{top}" height="18" '
            f'width="{600 * (each.end_seconds - each.start_seconds) / seconds:.1f}" '
            f'rx="3" fill="{colour}"/>'
            for each in spoken
        ]
    foot = 10 + 26 * len(lines) + 14
    ticks = [
        f'<text x="{170 + 600 * at / seconds:.1f}" y="{foot}" text-anchor="middle">{at} s</text>'
        for at in range(0, int(seconds) + 1, 5)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {foot + 12}" font-size="13" '
        f'font-family="sans-serif"><rect width="800" height="{foot + 12}" fill="#fff"/>\n'
        + "\n".join([*drawn, *ticks])
        + "\n</svg>\n"
    )


def _said(rows: Sequence[Row]) -> list[Spoken]:
    """The turns that rows tell of."""
    return [
        Spoken(turn["speaker"] or "", turn["start_seconds"], turn["end_seconds"])
        for row in rows
        for turn in row["speaker_turns"]
    ]


def _words(rows: list[Row], spoken: tuple[Spoken, ...]) -> Iterable[tuple[str | None, str]]:
    """The speaker of each word by its row and in truth."""
    for row in rows:
        for word, speaker in zip(row["words"] or (), row["word_speakers"] or (), strict=True):
            middle = (word["start_seconds"] + word["end_seconds"]) / 2
            truly = {
                each.speaker for each in spoken if each.start_seconds <= middle < each.end_seconds
            }
            if len(truly) == 1:
                yield speaker, truly.pop()


def _marked(entry: dict[str, Any]) -> Spoken:
    if "dur" in entry:
        return Spoken(entry["speaker"], entry["start"], entry["start"] + entry["dur"])
    return Spoken(str(entry["speaker_tag"]), entry["start_sec"], entry["end_sec"])


def _annotation(spoken: Iterable[Spoken]) -> Annotation:
    found = Annotation()
    for number, each in enumerate(spoken):
        found[Segment(each.start_seconds, each.end_seconds), number] = each.speaker
    return found


def _rows(output: Path) -> dict[str, list[Row]]:
    columns = ["uri", "words", "word_speakers", "speaker_turns"]
    found: dict[str, list[Row]] = {}
    for row in pyarrow.dataset.dataset(output / "segments").to_table(columns).to_pylist():
        found.setdefault(row["uri"].rpartition("/")[2], []).append(row)
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared audio")
    parser.add_argument("--models", type=Path, required=True, help="name or folder of both")
    parser.add_argument("--picture", type=Path, help="where to draw the turns of the call")
    parser.add_argument("--model", default="whisper-tiny.en", help="what recognises the words")
    given = parser.parse_args()
    networks = load_networks(str(given.models))
    print(machine_line(describe_machine()), end="\n\n")
    clips = speakers_of([given.data / "librispeech"])
    half = round(SHORT_SECONDS * RATE_HZ / 2)
    short = {
        name: [clip[len(clip) // 2 - half : len(clip) // 2 + half] for clip in own]
        for name, own in clips.items()
    }
    table: list[tuple[object, ...]] = []
    for name, own in (("whole clip", clips), (f"middle {SHORT_SECONDS} s", short)):
        rate, bound, same, other = equal_error(own, networks)
        table.append((name, f"{same}", f"{other}", f"{100 * rate:.2f} %", f"{bound:.2f}"))
    clips_header = ("clips", "pairs of one speaker", "of two", "equal error", "at cosine")
    print(markdown_table(clips_header, table), end="\n\n")
    with tempfile.TemporaryDirectory() as name:
        folder, output = Path(name, "in"), Path(name, "out")
        folder.mkdir()
        recordings = marked_recordings(given.data, folder) + made_recordings(given.data, folder)
        flags = [f"--input={folder}", f"--output={output}", f"--model={given.model}"]
        with contextlib.redirect_stdout(io.StringIO()):
            beam_audio(["run", *flags, f"--speaker_model={given.models}"])
        rows = _rows(output)
    if given.picture:
        call = next(each for each in recordings if each.name == DRAWN)
        given.picture.write_text(picture(call.spoken, _said(rows[DRAWN])), "utf-8")
    groups = dict.fromkeys(each.group for each in recordings)
    scores = [score(name, [it for it in recordings if it.group == name], rows) for name in groups]
    header = (
        "recordings",
        "speech",
        "missed",
        "false",
        "confused",
        "error",
        "people right",
        "words right",
    )
    print(markdown_table(header, [_line(each) for each in scores]))


def _line(score: Score) -> tuple[object, ...]:
    parts = (score.missed, score.false, score.confused)
    words = f"{score.words_right} of {score.words}" if score.words else ""
    return (
        score.group,
        f"{score.spoken:.1f} s",
        *(f"{100 * part / score.spoken:.1f} %" for part in parts),
        f"{100 * score.error:.1f} %",
        f"{score.people_right} of {score.recordings}",
        words,
    )


if __name__ == "__main__":
    main()

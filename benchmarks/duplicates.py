"""What ``curate --duplicates`` finds among copies of real recordings, and its cost, in tables.

Shared recordings of 3 to 60 s and copies of them go through ``beam-audio run`` with a placeholder
for the recogniser, and their rows are compared. Which recordings hold the same passage was listed
before, in ``same_passages.json``. Then fingerprints and texts are generated, with a test set of
which one per cent is planted.

    python benchmarks/duplicates.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
import soundfile
import soxr
from generated_prints import Texts, copied, item, sounds, text_of
from reference import markdown_table

from beam_audio.audio.decode import decode, resample
from beam_audio.command.flags import resolve
from beam_audio.curate.duplicates.items import items_of
from beam_audio.curate.duplicates.pairs import find_pairs
from beam_audio.curate.duplicates.words import text_print
from beam_audio.errors import BeamAudioError
from beam_audio.output.commits import read_commits
from beam_audio.quality.fingerprint import fingerprint
from beam_audio.run import batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beam_audio.curate.duplicates.places import Item, Level, Source

RATE_HZ: Final = 16_000
PASSAGES: Final = Path(__file__).with_name("same_passages.json")
COUNTED: Final = ("original", "mp3 64k", "opus 32k", "8 kHz", "-12 dB", "cut")
"""Copies that the acceptance counts; the others are only measured."""
MEASURED_STEP: Final = 3
"""Copies that are only measured are made of every so manyth recording."""
GENERATED: Final[tuple[Level, ...]] = ("sound", "text")
CUT_SECONDS: Final = 0.7
LEAST_SECONDS_LEFT: Final = 3.0


def encoded(
    samples: NDArray[np.float32], container: str, codec: str, bits: int
) -> NDArray[np.float32]:
    """Samples after a codec of FFmpeg, at 16 kHz."""
    rate_hz = 48_000 if codec == "libopus" else RATE_HZ
    packed = np.ascontiguousarray(soxr.resample(samples, RATE_HZ, rate_hz)).reshape(1, -1)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate_hz)
        stream.layout, stream.bit_rate = "mono", bits
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    file.seek(0)
    audio = decode(file)
    return resample(audio.samples, audio.sample_rate_hz, RATE_HZ)


def with_noise(samples: NDArray[np.float32], snr_db: float) -> NDArray[np.float32]:
    """Samples in white noise."""
    power = float(np.square(samples).mean()) * 10 ** (-snr_db / 10)
    noise = np.random.default_rng(0).standard_normal(len(samples)) * np.sqrt(power)
    noisy: NDArray[np.float32] = (samples + noise).astype(np.float32)
    return noisy


def middle(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """The middle of a recording."""
    start = max(0, (len(samples) - round(seconds * RATE_HZ)) // 2)
    return samples[start : start + round(seconds * RATE_HZ)]


def copies(samples: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """A recording and its copies, at 16 kHz."""
    cut = round(CUT_SECONDS * RATE_HZ)
    yield "original", samples
    yield "mp3 64k", encoded(samples, "mp3", "libmp3lame", 64_000)
    yield "opus 32k", encoded(samples, "ogg", "libopus", 32_000)
    yield "8 kHz", resample(resample(samples, RATE_HZ, 8_000), 8_000, RATE_HZ)
    yield "-12 dB", samples * np.float32(10 ** (-12 / 20))
    if len(samples) - 2 * cut >= LEAST_SECONDS_LEFT * RATE_HZ:
        yield "cut", samples[cut:-cut]
    yield "2 s of it", middle(samples, 2.0)
    yield "1.2 s of it", middle(samples, 1.2)
    yield "noise, 20 dB", with_noise(samples, 20.0)
    yield "noise, 10 dB", with_noise(samples, 10.0)
    yield "2 % faster", resample(samples, RATE_HZ, round(RATE_HZ / 1.02))
    yield "5 % faster", resample(samples, RATE_HZ, round(RATE_HZ / 1.05))


def write_copies(folder: Path, data: Path, step: int) -> int:
    """Write copies of the shared speech; how many recordings there were."""
    lines = (data / "manifest.jsonl").read_text("utf-8").splitlines()
    count = 0
    listed = {name for group in json.loads(PASSAGES.read_text()) for name in group}
    for number, entry in enumerate(map(json.loads, lines)):
        name, seconds = entry["audio_filepath"], entry.get("duration") or 0.0
        if not LEAST_SECONDS_LEFT <= seconds <= 60.0 or entry["kind"] == "malformed":
            continue
        if number % step and name not in listed:
            continue
        try:
            audio = decode(data / name)
        except BeamAudioError:
            continue
        samples = resample(audio.samples, audio.sample_rate_hz, RATE_HZ)
        count += 1
        for copy, changed in copies(samples):
            if copy not in COUNTED and number % MEASURED_STEP:
                continue
            path = folder / copy / f"{name.replace('/', '=')}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, changed, RATE_HZ, subtype="PCM_16")
    return count


def passages() -> dict[str, str]:
    """Recordings that hold the passage of another one, with the name of their group."""
    groups = json.loads(PASSAGES.read_text(encoding="utf-8"))
    return {name: group[0] for group in groups for name in group}


def recall(output: Path) -> tuple[list[tuple[object, ...]], str]:
    """Rows of a table by copy, and what is to be said about all that count."""
    groups = passages()
    items = [
        item
        for commit in read_commits(str(output))
        for item in items_of(str(output), commit)["sound"]
    ]
    recordings = [
        item.place.source
        for commit in read_commits(str(output))
        for item in items_of(str(output), commit)["bytes"]
    ]

    def copy_and_passage(source: Source) -> tuple[str, str]:
        path = Path(source.uri)
        name = path.name.removesuffix(".wav").replace("=", "/")
        return path.parent.name, groups.get(name, name)

    found: set[frozenset[str]] = set()
    false = []
    for pair in find_pairs(items, "sound"):
        first, second = pair.first.source, pair.second.source
        found.add(frozenset((first.recording_id, second.recording_id)))
        if copy_and_passage(first)[1] != copy_and_passage(second)[1]:
            false.append((first.uri, second.uri))
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    counted = {"of one recording": [0, 0], "of two recordings of one passage": [0, 0]}
    heard = [source for source in recordings if source.segments]
    for first, second in combinations(heard, 2):
        (one, passage), (other, same) = copy_and_passage(first), copy_and_passage(second)
        if passage != same:
            continue
        hit = frozenset((first.recording_id, second.recording_id)) in found
        own = Path(first.uri).name == Path(second.uri).name
        if one in COUNTED and other in COUNTED:
            sums = counted["of one recording" if own else "of two recordings of one passage"]
            sums[0] += hit
            sums[1] += 1
        for copy in {one, other} - {"original"} if own and "original" in {one, other} else ():
            counts[copy][0] += hit
            counts[copy][1] += 1
    rows: list[tuple[object, ...]] = [
        (copy, f"{hits} of {total}", f"{hits / total:.3f}")
        for copy, (hits, total) in counts.items()
    ]
    unheard = [source for source in recordings if not source.segments]
    known = {Path(source.uri).name for source in heard if "/original/" in source.uri}
    lost = [each for each in unheard if Path(each.uri).name in known]
    lines = [
        f"{len(heard)} of {len(recordings)} files have a segment",
        f"{len(lost)} of the others are copies of recordings that have one",
        *(
            f"Pairs of copies {which}: {hits:,} of {total:,} are found ({hits / total:.4f})"
            for which, (hits, total) in counted.items()
        ),
        f"False pairs: {len(false)}",
        *(f"false: {first} {second}" for first, second in false[:20]),
        *(f"without a segment: {source.uri}" for source in lost[:40]),
    ]
    return rows, "\n".join(lines)


def text_pairs(data: Path) -> str:
    """Pairs among the different texts of the shared recordings; none is true."""
    lines = map(json.loads, (data / "manifest.jsonl").read_text("utf-8").splitlines())
    stored = {text_print([entry["text"]]) for entry in lines if entry.get("text")} - {None}
    items = [item(str(number), each) for number, each in enumerate(stored) if each]
    found = len(list(find_pairs(items, "text")))
    return f"{len(items)} different texts of shared recordings: {found} pairs by text"


def fingerprint_cost(folder: Path) -> str:
    """Seconds of a processor for an hour of sound; the best of five."""
    sounds = [soundfile.read(path, dtype="float32")[0] for path in sorted(folder.glob("*.wav"))]
    hours = sum(map(len, sounds)) / RATE_HZ / 3600
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for samples in sounds:
            fingerprint(samples)
        best = min(best, (time.process_time() - start) / hours)
    return f"fingerprints: {best:.2f} CPU seconds an hour of sound, {hours:.2f} h"


def prints(level: Level, count: int) -> tuple[list[bytes], list[bytes]]:
    """Prints of rows, and of a copy of each hundredth."""
    if level == "sound":
        words = sounds(count)
        return [each.tobytes() for each in words], [copied(each) for each in words[::100]]
    texts = Texts()
    said = texts.sentences(count)
    return list(map(text_of, said)), [text_of(texts.misheard(each)) for each in said[::100]]


def true_and_false(items: list[Item], level: Level) -> tuple[int, int]:
    """Copies that are found with what they are a copy of, and other pairs."""
    pairs = [
        {each.source.uri.removesuffix(" copy") for each in (pair.first, pair.second)}
        for pair in find_pairs(items, level)
    ]
    true = {name for names in pairs if len(names) == 1 for name in names}
    return len(true), sum(len(names) > 1 for names in pairs)


def scaling() -> Iterator[tuple[object, ...]]:
    """Seconds for rows of which one in a hundred is in them a second time, with errors."""
    for level in GENERATED:
        for count in (1_000, 10_000, 100_000):
            stored, copies_of = prints(level, count)
            items = [item(str(number), each) for number, each in enumerate(stored)]
            items += [item(f"{100 * n} copy", each) for n, each in enumerate(copies_of)]
            start, cpu = time.perf_counter(), time.process_time()
            true, false = true_and_false(items, level)
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            each = f"{cpu / count * 1e6:.0f} µs"
            found = f"{true:,} of {len(copies_of):,}"
            yield level, f"{count:,}", f"{seconds:.1f} s", f"{cpu:.1f} s", each, found, false


def planted_test_set(count: int = 10_000) -> Iterator[tuple[object, ...]]:
    """How much of a test set is found, of which one per cent is in a corpus twice its size."""
    for level in GENERATED:
        stored, planted = prints(level, 3 * count)
        items = [item(str(n), each, "" if n < count else "unit") for n, each in enumerate(stored)]
        planted = planted[: count // 100]
        items += [item(f"{100 * n} copy", each) for n, each in enumerate(planted)]
        true, false = true_and_false(items, level)
        yield level, f"{count:,}", f"{true} of {len(planted)}", false


def measured(data: Path, step: int) -> str:
    """What is found among copies of the shared recordings."""
    with tempfile.TemporaryDirectory() as temporary:
        audio, output = Path(temporary, "audio"), Path(temporary, "out")
        count = write_copies(audio, data, step)
        batch.run(resolve({"model": "placeholder", "input": str(audio), "output": str(output)}))
        rows, said = recall(output)
        cost = fingerprint_cost(audio / "original")
    table = markdown_table(("copy", "found as the original's", "recall"), rows)
    texts = text_pairs(data)
    return f"{count} recordings\n\n{said}\n\n{texts}\n\n{cost}\n\n{table}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the shared audio")
    parser.add_argument("--step", type=int, default=1, help="take every so manyth recording")
    given = parser.parse_args()
    print(measured(given.data, given.step), flush=True)
    scaled = ("level", "rows", "time", "CPU", "CPU each", "copies found", "false pairs")
    print(f"\n{markdown_table(scaled, list(scaling()))}", flush=True)
    planted = ("level", "rows of a test set", "planted and found", "false pairs")
    print(f"\n{markdown_table(planted, list(planted_test_set()))}")


if __name__ == "__main__":
    main()

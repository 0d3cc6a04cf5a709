"""Which inputs are meant, and which go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.run_outputs import only, read_rows, run, write_manifest, write_speech

from beam_audio.curate.chosen import Chosen, Selector, choose
from beam_audio.inputs.forgotten import Forgotten, Stretch
from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted

if TYPE_CHECKING:
    from pathlib import Path

KEY = Forgotten(b"key")
ROW = {"recording_id": "r", "uri": "u", "metadata": '{"speaker": "anna"}'}


@pytest.mark.parametrize(
    ("selector", "takes"),
    [
        (Selector(recording="r"), True),
        (Selector(recording="s"), False),
        (Selector(uri="u"), True),
        (Selector(uri="v"), False),
        (Selector(metadata=("speaker", "anna")), True),
        (Selector(metadata=("speaker", "ann")), False),
        (Selector(metadata=("name", "anna")), False),
    ],
)
def test_a_selector_takes_the_rows_it_means(selector: Selector, takes: bool) -> None:  # noqa: FBT001 - parametrised
    assert selector.takes(ROW) is takes


def choice(output: Path, selector: Selector) -> Chosen:
    return choose(str(output), Counted.of(read_commits(str(output))), selector, KEY)


def test_an_input_goes_with_both_its_channels_and_the_failures_at_its_address(
    tmp_path: Path,
) -> None:
    import numpy as np  # noqa: PLC0415 - of this test alone
    import soundfile  # noqa: PLC0415 - as above

    mono = write_speech(tmp_path / "mono.wav")
    samples, rate_hz = soundfile.read(mono)
    stereo = tmp_path / "stereo.wav"
    soundfile.write(stereo, np.stack([samples, samples[::-1]], axis=1), rate_hz)
    lines: list[dict[str, Any] | str] = [
        {"audio_filepath": str(stereo)},
        {"audio_filepath": str(stereo), "offset": 99.0, "duration": 1.0},
        {"audio_filepath": str(mono)},
    ]
    manifest = write_manifest(tmp_path / "corpus.jsonl", lines)
    run(manifest=manifest, output=tmp_path / "out", channels="split")
    rows = read_rows(tmp_path / "out", "recordings")
    failed = only(read_rows(tmp_path / "out", "failures"))
    meant = next(row for row in rows if row["uri"] == str(stereo))
    found = choice(tmp_path / "out", Selector(recording=meant["recording_id"]))
    assert found.sources == {meant["source_id"], failed["source_id"]}
    assert len(found.recordings) == 2
    assert {each.stretch for each in found.tombstones} == {Stretch()}
    assert found.addresses == {str(stereo)}
    assert found.decoded_seconds == pytest.approx(2.0)


def test_who_is_not_there_is_not_found(audio: Path, tmp_path: Path) -> None:
    run(input=audio, output=tmp_path / "out")
    assert choice(tmp_path / "out", Selector(recording="r")).sources == set()

"""What travels to a GPU without a network arrives whole; what is measured there is in a table."""

from __future__ import annotations

import importlib
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ctranslate2 import StorageView
from ctranslate2.models import Whisper
from support.project import ROOT

from beam_audio.asr import ModelOptions, Request, load_model
from beam_audio.models.card import load_card
from beam_audio.models.weight_files import gather

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def program(name: str) -> ModuleType:
    return importlib.import_module(name)


def library(*kernels: tuple[int, bytes]) -> bytearray:
    """A library with one container of kernels, each of an architecture."""
    entries = b""
    for architecture, payload in kernels:
        head = struct.pack("<HHIQ", 2, 0x101, 64, len(payload)) + bytes(12)
        entries += (head + struct.pack("<I", architecture)).ljust(64, b"\7") + payload
    return bytearray(b"code" + struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entries)) + entries)


def test_kernels_of_other_architectures_are_blanked_and_nothing_else() -> None:
    blank_others = program("cuda_kernels").blank_others
    content = library((75, b"t4 kernels"), (90, b"h100 kernels"), (75, b"more"))
    whole = bytes(content)
    assert blank_others(content, 90) == {75: 14, 90: 12}
    assert content == whole.replace(b"t4 kernels", bytes(10)).replace(b"more", bytes(4))


def test_a_library_without_kernels_for_a_card_is_left_as_it_is() -> None:
    content = library((75, b"t4 kernels"), (90, b"h100 kernels"))
    whole = bytes(content)
    with pytest.raises(ValueError, match="architecture 89: there are 75, 90"):
        program("cuda_kernels").blank_others(content, 89)
    assert content == whole


def packed(folder: Path) -> Path:
    """A folder of random bytes in parts of 1000 bytes."""
    (folder / "content" / "inside").mkdir(parents=True)
    noise = np.random.default_rng(0).bytes(5000)
    (folder / "content" / "inside" / "noise").write_bytes(noise)
    (folder / "parts").mkdir()
    program("gpu_pack").write_parts(folder / "content", folder / "parts", part_bytes=1000)
    return folder / "parts"


def test_parts_are_unpacked_to_what_was_packed(tmp_path: Path) -> None:
    parts = packed(tmp_path)
    sizes = [path.stat().st_size for path in sorted(parts.glob("part-*"))]
    assert len(sizes) > 5
    assert sizes[:-1] == [1000] * (len(sizes) - 1)
    for _ in range(2):  # a second time there is nothing to do
        program("run_there").unpack(parts, tmp_path / "there")
    noise = (tmp_path / "content" / "inside" / "noise").read_bytes()
    assert (tmp_path / "there" / "inside" / "noise").read_bytes() == noise


def test_a_damaged_or_missing_part_is_named(tmp_path: Path) -> None:
    parts = packed(tmp_path)
    (parts / "part-03").write_bytes(b"other")
    with pytest.raises(SystemExit, match="part-03 is missing or damaged"):
        program("run_there").unpack(parts, tmp_path / "there")


def test_packages_that_a_machine_has_are_taken_from_it(tmp_path: Path) -> None:
    for name in ("numpy", "only-here"):
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (tmp_path / f"{name}.py").write_text("")
        (info / "RECORD").write_text(f"{name}.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    assert program("run_there").drop_what_is_there(tmp_path) == ["numpy"]
    assert not list(tmp_path.glob("numpy*"))  # an empty folder would hide the other one's version
    assert program("run_there").drop_what_is_there(tmp_path) == []  # when it is run again
    assert not (tmp_path / "numpy.py").exists()
    assert (tmp_path / "only-here.py").exists()


def test_a_network_of_any_size_says_the_same_64_tokens(tmp_path: Path, cache: None) -> None:  # noqa: ARG001
    sized = program("sized_whisper")
    (tmp_path / "weights").mkdir()
    tokenizer = gather(load_card("whisper-tiny.en"), tmp_path / "weights")["tokenizer.json"]
    sized.write_sized_whisper(tmp_path / "small", sized.SMALL, tokenizer)
    recognizer = load_model(str(tmp_path / "small"), ModelOptions(provider="cpu"))
    noise = np.random.default_rng(0).standard_normal(64_000).astype(np.float32)
    found = recognizer.transcribe([Request(noise[:16_000], "en"), Request(noise, "en")])
    assert [len(each.token_ids) for each in found] == [64, 64]
    assert found[0].text == found[1].text
    assert found[0].text.startswith("The old lighthouse keeper walked slowly")
    assert (found[0].avg_logprob or -1) > -0.01  # so sure that no safeguard tries again


def test_ctranslate2_says_the_same_tokens(tmp_path: Path, cache: None) -> None:  # noqa: ARG001
    sized = program("sized_whisper")
    (tmp_path / "weights").mkdir()
    tokenizer = gather(load_card("whisper-tiny.en"), tmp_path / "weights")["tokenizer.json"]
    sized.write_sized_whisper(tmp_path / "small", sized.SMALL, tokenizer)
    program("whisper_ctranslate2").write_ctranslate2(tmp_path / "small", tmp_path / "converted")
    network = Whisper(str(tmp_path / "converted"), compute_type="float32")
    noise = np.random.default_rng(0).standard_normal((1, network.n_mels, 3000)).astype(np.float32)
    prompt = ["<|startoftranscript|>", "<|notimestamps|>"]
    (found,) = network.generate(StorageView.from_array(noise), [prompt], beam_size=1)
    assert len(found.sequences[0]) == sized.TOKENS
    assert found.sequences[0][:3] == ["\u0120The", "\u0120old", "\u0120lighthouse"]


def test_parakeets_shape_says_something_and_not_all_the_time(tmp_path: Path) -> None:
    program("parakeet").write_model(tmp_path, 1, half=False)
    recognizer = load_model(str(tmp_path), ModelOptions(provider="cpu"))
    noise = np.random.default_rng(0).standard_normal((2, 10 * 16_000)).astype(np.float32)
    found = recognizer.transcribe([Request(clip / 10) for clip in noise])
    assert all(5 < len(each.token_ids) < 100 for each in found)
    assert found[0].token_ids != found[1].token_ids


def test_the_cards_load_is_that_of_the_time_before_its_last_kernel() -> None:
    load = program("machine").GpuLoad()
    assert load.last_percent(0.4) is None
    load.take("100, 5\n0, 5\n50, 9\n100, 7\n0, 1\n0, 1")
    assert (load.percent, load.peak_mebibytes) == (250 / 6, 9)
    assert load.last_percent(0.4) == 75  # two looks of 0.2 s
    assert load.last_percent(60) == 62.5


def test_tables_show_what_was_measured_and_leave_the_rest_empty() -> None:
    gpu = program("gpu")
    results = [
        {
            "tool": "ours",
            "model": "whisper-tiny.en",
            "provider": "CUDAExecutionProvider",
            "precision": "float16",
            "batch": 32,
            "times_real_time": 318.2,
            "gpu_percent": 13.0,
            "peak_mebibytes": 8000.0,
            "wer_percent": 17.283,
            "of": 151,
            "same_tokens": 150,
        },
        {
            "tool": "beam-audio run",
            "model": "turbo-shape",
            "exit_status": 0,
            "audio_hours": 40.0,
            "times_real_time": 2100.0,
            "wall_seconds": 68.6,
            "balances": True,
            "stages": {"seconds": {"decode": 80.0}, "busy_share": 0.71},
            "precision": "float16",
        },
    ]
    lines = gpu.tables(results).splitlines()
    assert "| ours | cuda | float16 | 32 | 318 | 13 | 8000 | 17.28 | 150 of 151 |  |  |  |" in lines
    assert "| turbo-shape | 40.0 | 2100 | 69 | 0.71 |  |  |  |  |  | True | 0 |" in lines
    assert "| turbo-shape | 2.00 |" in lines

"""A stream's model is exchanged while folders are swapped, broken and mended."""

from __future__ import annotations

import gc
import logging
import re
import shutil
import threading
import time
import weakref
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.bucket_servers import google_bucket, put
from support.random_ctc import random_ctc, write_ctc
from support.random_onnx_asr import write_gigaam_ctc
from support.random_whisper import Shape, random_weights, write_huggingface
from support.run_outputs import only
from support.swapped_models import flags, in_use, link_to, sha256_of, write_versions

from beam_audio import store
from beam_audio.asr import build_model, load_model
from beam_audio.errors import ModelError
from beam_audio.run.job_settings import settings_by_model
from beam_audio.stream.model_watch import ModelWatch

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)
COUNTS: Counter[str] = Counter()
"""How often each counter was counted in this test."""
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    COUNTS.clear()
    caplog.set_level(logging.INFO, logger="beam_audio")
    return caplog


@pytest.fixture
def versions(tmp_path: Path) -> list[Path]:
    return write_versions(tmp_path / "versions")


@pytest.fixture(scope="module")
def whispers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models whose ``config.json`` holds the sha256 of their files."""
    found = []
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BEAM_AUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
        for seed in range(2):
            weights = tmp_path_factory.mktemp("weights")
            write_huggingface(weights, random_weights(SHAPE, seed), SHAPE)
            found.append(Path(build_model(str(weights)) or ""))
    return found


def watch(model: Path | str, *, look_seconds: float = 0.0, **more: str) -> ModelWatch:
    """A watch that looks at the folder before each unit."""
    config = flags(model, **more)
    return ModelWatch(
        str(model),
        partial(load_model, options=config.model_options),
        settings_by_model(config),
        count=lambda name: COUNTS.update([name]),
        look_seconds=look_seconds,
    )


def refusals(log: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in log.records if "is refused: " in each.message]


def exchanges(log: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in log.records if "is exchanged for" in each.message]


def test_a_folder_is_renamed_into_place(
    versions: list[Path], log: pytest.LogCaptureFixture
) -> None:
    """Between the two renames there is no folder: that is logged, and the model stays."""
    place, shas = versions[0].with_name("model"), [sha256_of(each) for each in versions]
    versions[0].rename(place)
    choose = watch(place).choose
    assert in_use(choose) == shas[0]
    place.rename(versions[0])
    assert in_use(choose) == in_use(choose) == shas[0]
    assert "does not exist" in only(refusals(log))
    versions[1].rename(place)
    assert in_use(choose) == shas[1]
    line = only(exchanges(log))
    assert all(text in line for text in (str(place), *shas[:2]))
    assert COUNTS == {"refused_models": 1, "exchanged_models": 1}


def test_a_damaged_model_is_refused_until_it_is_mended(
    tmp_path: Path, whispers: list[Path], log: pytest.LogCaptureFixture
) -> None:
    old, new = whispers[0], shutil.copytree(whispers[1], tmp_path / "new")
    link, graph = tmp_path / "model", new / "decoder.onnx"
    link.symlink_to(old)
    choose = watch(link).choose
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    link_to(new, link)
    assert in_use(choose) == in_use(choose) == sha256_of(old)
    line = only(refusals(log))
    assert all(text in line for text in (f"--model={link}", str(graph), "has sha256", "goes on"))
    graph.write_bytes(whole)
    assert in_use(choose) == sha256_of(new) != sha256_of(old)
    link_to(old, link)
    assert in_use(choose) == sha256_of(old)
    assert len(exchanges(log)) == 2


@pytest.mark.parametrize("models", ["whispers", "versions"])
def test_a_half_copied_folder_is_refused_until_it_is_whole(
    tmp_path: Path, models: str, request: pytest.FixtureRequest, log: pytest.LogCaptureFixture
) -> None:
    folders: list[Path] = request.getfixturevalue(models)
    old, new = (sha256_of(folder) for folder in folders[:2])
    place = shutil.copytree(folders[0], tmp_path / "model")
    choose = watch(place).choose
    shutil.rmtree(place)
    place.mkdir()
    for path in sorted(folders[1].iterdir()):
        assert in_use(choose) == old
        content = path.read_bytes()
        (place / path.name).write_bytes(content[: len(content) // 2])
        assert in_use(choose) == old
        (place / path.name).write_bytes(content)
    assert in_use(choose) == new
    assert len(exchanges(log)) == 1
    assert len(refusals(log)) >= 3


def test_a_folder_that_was_just_written_to_is_left_alone_for_a_while(
    tmp_path: Path, versions: list[Path], log: pytest.LogCaptureFixture
) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    choose = watch(link, look_seconds=1.5).choose
    link_to(versions[1], link)
    time.sleep(1.6)
    (versions[1] / "vocab.json").touch()
    assert in_use(choose) == sha256_of(versions[0])
    (versions[1] / "model.onnx").touch()
    time.sleep(1.6)
    assert in_use(choose) == sha256_of(versions[1])
    assert refusals(log) == []


def test_between_two_looks_the_model_stays(tmp_path: Path, versions: list[Path]) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    choose = watch(link, look_seconds=3600).choose
    link_to(versions[1], link)
    assert in_use(choose) == sha256_of(versions[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"language": "en"}, "--language=en: .* knows ru"),
        ({"precision": "float32"}, "not a known model in float32"),
    ],
)
def test_a_model_that_does_not_fit_the_flags_is_refused(
    tmp_path: Path,
    versions: list[Path],
    given: dict[str, Any],
    says: str,
    log: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("onnx_asr")
    link, new = tmp_path / "model", tmp_path / "new"
    write_gigaam_ctc(new)
    if "precision" in given:
        (graph,) = new.glob("*.onnx")
        graph.rename(graph.with_name(f"{graph.stem}.int8.onnx"))
    link.symlink_to(versions[0])
    choose = watch(link, **given).choose
    link_to(new, link)
    assert in_use(choose) == sha256_of(versions[0])
    assert re.search(says, only(refusals(log)))


def test_a_file_without_effect_exchanges_no_model(
    versions: list[Path], log: pytest.LogCaptureFixture
) -> None:
    choose = watch(versions[0]).choose
    _, before = choose()
    (versions[0] / "README.md").write_text("notes")
    _, after = choose()
    assert after is before
    assert exchanges(log) == refusals(log) == []


def test_the_old_model_is_let_go_of_when_its_last_unit_is_done(
    tmp_path: Path, versions: list[Path]
) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    choose = watch(link).choose
    _, at_work = choose()
    old = weakref.ref(at_work)
    link_to(versions[1], link)
    assert in_use(choose) == sha256_of(versions[1])
    assert at_work.facts.model_sha256 == sha256_of(versions[0])
    del at_work
    gc.collect()
    assert old() is None


@pytest.mark.slow
def test_a_model_in_a_bucket_is_exchanged_when_its_upload_is_complete(
    whispers: list[Path], log: pytest.LogCaptureFixture
) -> None:
    old, new = whispers
    is_shut = threading.Event()

    def refuse(method: str, path: str, _: int) -> int | None:
        return 403 if is_shut.is_set() and method == "GET" and "/o?" in path else None

    with google_bucket(refuse) as bucket:
        address = f"{bucket}/models/mine"
        for path in old.iterdir():
            put(f"{address}/{path.name}", path.read_bytes())
        choose = watch(address).choose
        for name in ("tokenizer.json", "config.json", "encoder.onnx", "decoder.onnx"):
            assert in_use(choose) == sha256_of(old)
            put(f"{address}/{name}", (new / name).read_bytes())
        assert in_use(choose) == sha256_of(new)
        assert "has sha256" in refusals(log)[-1]
        is_shut.set()
        assert in_use(choose) == in_use(choose) == sha256_of(new)
        assert "cannot list" in refusals(log)[-1]
        is_shut.clear()
        assert in_use(choose) == sha256_of(new)
        for path in new.iterdir():
            store.delete(f"{address}/{path.name}")
        assert in_use(choose) == in_use(choose) == sha256_of(new)
        assert "holds no file" in refusals(log)[-1]
        assert (len(exchanges(log)), len(refusals(log))) == (1, 4)


def test_a_model_missing_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        watch(tmp_path / "none")


def test_the_name_of_a_card_means_one_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    choose = watch("placeholder").choose
    _, before = choose()
    write_ctc(tmp_path / "placeholder", random_ctc(), masked=True)
    assert choose()[1] is before
    assert exchanges(log) == refusals(log) == []

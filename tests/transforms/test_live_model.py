"""A model exchanged under a running stream, by folders that are swapped, broken and mended."""

from __future__ import annotations

import gc
import logging
import pickle
import re
import shutil
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from support.bucket_servers import google_bucket, put
from support.random_ctc import random_ctc, write_ctc
from support.random_onnx_asr import write_gigaam_ctc
from support.random_whisper import Shape, random_weights, write_huggingface
from support.run_outputs import only, read_rows, settings, write_speech

from beam_audio import store
from beam_audio.asr import build_model, model_facts
from beam_audio.errors import ModelError
from beam_audio.inputs.listing import ref_of_file
from beam_audio.run import job
from beam_audio.transforms.live_model import FixedModel, LiveModel
from beam_audio.transforms.units import RunUnits
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.run.config import RunConfig
    from beam_audio.transforms.live_model import Choice

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="beam_audio")
    return caplog


@pytest.fixture
def versions(tmp_path: Path) -> list[Path]:
    """Three models of the same sizes, which carry no sha256 of their files."""
    found = [tmp_path / "versions" / f"v{number}" for number in range(3)]
    for seed, folder in enumerate(found):
        write_ctc(folder, random_ctc(seed), masked=True)
    return found


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


def flags(model: Path | str, **more: str) -> RunConfig:
    given = {"input": "unused", "output": "unused", "partition_by": "date", "provider": "cpu"}
    return settings(model=model, **given, **more)


def watch(model: Path | str, *, look_seconds: float = 0.0, **more: str) -> LiveModel:
    """A stream's model, whose folder is looked at before each unit."""
    config = flags(model, **more)
    by_model, handler = job.settings_by_model(config), job.model_handler(config)
    return LiveModel(by_model, handler, look_seconds=look_seconds)


def sha256_of(folder: Path | str) -> str:
    return model_facts(str(folder)).model_sha256


def in_use(choose: Callable[[], Choice]) -> str:
    """What the next unit's rows would say, which is what its recogniser says."""
    found, recognizer = choose()
    assert found.rows.model_sha256 == recognizer.model_sha256
    assert found.rows.model_id == recognizer.model_id
    return recognizer.model_sha256


def link_to(target: Path, link: Path) -> None:
    """Let a link lead elsewhere, in one step."""
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.replace(link)


def refusals(log: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in log.records if "is refused: " in each.message]


def exchanges(log: pytest.LogCaptureFixture) -> list[str]:
    return [each.message for each in log.records if "is exchanged for" in each.message]


def test_rows_are_of_the_model_there_was_when_their_unit_began(
    tmp_path: Path, versions: list[Path]
) -> None:
    """Units of one pipeline; before each but the first the link is made to lead elsewhere."""
    link, broken, output = tmp_path / "model", tmp_path / "broken", tmp_path / "out"
    shutil.copytree(versions[2], broken)
    (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes()[:-100])
    link.symlink_to(versions[0])
    targets, units = {}, []
    for place, (name, target) in enumerate(
        {"first": versions[0], "refused": broken, "exchanged": versions[1]}.items()
    ):
        path = write_speech(tmp_path / "in" / f"{name}.wav", start_seconds=place)
        unit = Unit.of([Task(ref_of_file(store.stat(str(path))))])
        units.append(unit)
        targets[unit.unit_id] = target

    def swap(unit: Unit) -> Unit:
        link_to(targets[unit.unit_id], link)
        return unit

    graph = beam.Pipeline(runner=FnApiRunner())
    one_after_the_other = graph | beam.Create(units, reshuffle=False) | beam.Map(swap)
    _ = one_after_the_other | RunUnits(watch(link), output=str(output), run_id="run")
    result = graph.run()
    result.wait_until_finish()

    rows = {Path(row["uri"]).stem: row for row in read_rows(output, "segments")}
    old, new = model_facts(str(versions[0])), model_facts(str(versions[1]))
    for name, facts in {"first": old, "refused": old, "exchanged": new}.items():
        assert rows[name]["model_id"] == facts.model_id
        assert rows[name]["model_sha256"] == facts.model_sha256
    assert rows["first"]["config_id"] == rows["refused"]["config_id"]
    assert rows["first"]["config_id"] != rows["exchanged"]["config_id"]
    counters = {
        each.key.metric.name: each.committed for each in result.metrics().query()["counters"]
    }
    assert (counters["refused_models"], counters["exchanged_models"]) == (1, 1)


def test_a_folder_is_renamed_into_place(
    versions: list[Path], log: pytest.LogCaptureFixture
) -> None:
    """Between the two renames there is no folder, and nothing happens but that it is said."""
    place, shas = versions[0].with_name("model"), [sha256_of(each) for each in versions]
    versions[0].rename(place)
    choose = watch(place).acquire()
    assert in_use(choose) == shas[0]
    place.rename(versions[0])
    assert in_use(choose) == in_use(choose) == shas[0]
    assert "does not exist" in only(refusals(log))
    versions[1].rename(place)
    assert in_use(choose) == shas[1]
    line = only(exchanges(log))
    assert all(text in line for text in (str(place), *shas[:2]))


def test_a_damaged_model_is_refused_until_it_is_mended(
    tmp_path: Path, whispers: list[Path], log: pytest.LogCaptureFixture
) -> None:
    old, new = whispers[0], shutil.copytree(whispers[1], tmp_path / "new")
    link, graph = tmp_path / "model", new / "decoder.onnx"
    link.symlink_to(old)
    choose = watch(link).acquire()
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
    choose = watch(place).acquire()
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
    choose = watch(link, look_seconds=1.5).acquire()
    link_to(versions[1], link)
    time.sleep(1.6)
    (versions[1] / "vocab.json").touch()
    assert in_use(choose) == sha256_of(versions[0])
    (versions[1] / "model.onnx").touch()
    time.sleep(1.6)
    assert in_use(choose) == sha256_of(versions[1])
    assert refusals(log) == []


def test_between_two_looks_a_unit_is_done_with_what_there_is(
    tmp_path: Path, versions: list[Path]
) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    choose = watch(link, look_seconds=3600).acquire()
    link_to(versions[1], link)
    assert in_use(choose) == sha256_of(versions[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"language": "en"}, "--language=en: .* knows ru"),
        ({"precision": "float32"}, "no model that is known in float32"),
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
    choose = watch(link, **given).acquire()
    link_to(new, link)
    assert in_use(choose) == sha256_of(versions[0])
    assert re.search(says, only(refusals(log)))


def test_what_changes_no_model_is_no_exchange(
    versions: list[Path], log: pytest.LogCaptureFixture
) -> None:
    choose = watch(versions[0]).acquire()
    _, before = choose()
    (versions[0] / "README.md").write_text("notes")
    _, after = choose()
    assert after is before
    assert exchanges(log) == refusals(log) == []


def test_many_threads_load_once_and_none_waits(
    tmp_path: Path, versions: list[Path], log: pytest.LogCaptureFixture
) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    live = watch(link)
    copies = [pickle.loads(pickle.dumps(live)) for _ in range(8)]  # noqa: S301 - our own bytes
    with ThreadPoolExecutor(8) as pool:
        chooses = list(pool.map(lambda copy: copy.acquire(), copies))
        assert len({id(choose()[1]) for choose in chooses}) == 1
        link_to(versions[1], link)
        seen = set(pool.map(in_use, chooses * 4))
    assert seen <= {sha256_of(versions[0]), sha256_of(versions[1])}
    assert {in_use(choose) for choose in chooses} == {sha256_of(versions[1])}
    assert len({id(choose()[1]) for choose in chooses}) == 1
    assert len(exchanges(log)) == 1


def test_the_old_model_is_let_go_of_when_its_last_unit_is_done(
    tmp_path: Path, versions: list[Path]
) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    choose = watch(link).acquire()
    _, at_work = choose()
    old = weakref.ref(at_work)
    link_to(versions[1], link)
    assert in_use(choose) == sha256_of(versions[1])
    assert at_work.model_sha256 == sha256_of(versions[0])
    del at_work
    gc.collect()
    assert old() is None


def test_a_worker_that_starts_late_begins_with_what_there_is_then(
    tmp_path: Path, versions: list[Path]
) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    live = watch(link)
    link_to(versions[1], link)
    assert in_use(live.acquire()) == sha256_of(versions[1])


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
        choose = watch(address).acquire()
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


def test_a_model_that_cannot_be_had_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        watch(tmp_path / "none").acquire()


def test_a_name_stands_for_one_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    choose = watch("placeholder").acquire()
    _, before = choose()
    write_ctc(tmp_path / "placeholder", random_ctc(), masked=True)
    assert choose()[1] is before
    assert exchanges(log) == refusals(log) == []


def test_a_batch_has_one_model_and_takes_no_other(tmp_path: Path, versions: list[Path]) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    config = flags(link)
    settings_then = job.settings_by_model(config)(model_facts(str(link)))
    choose = FixedModel(settings_then, job.model_handler(config)).acquire()
    link_to(versions[1], link)
    assert in_use(choose) == sha256_of(versions[0])
    late = FixedModel(settings_then, job.model_handler(config))
    with pytest.raises(ModelError, match="holds another model"):
        late.acquire()

"""The model of the units in a pipeline, its threads and its workers."""

from __future__ import annotations

import logging
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from support.run_outputs import read_rows, write_speech
from support.swapped_models import flags, in_use, link_to, sha256_of, write_versions

from beam_audio import store
from beam_audio.asr import model_facts
from beam_audio.errors import ModelError
from beam_audio.inputs.listing import ref_of_file
from beam_audio.run import job
from beam_audio.run.job_settings import settings_by_model
from beam_audio.transforms.live_model import FixedModel, LiveModel
from beam_audio.transforms.units import RunUnits
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def versions(tmp_path: Path) -> list[Path]:
    return write_versions(tmp_path / "versions")


def watch(model: Path | str) -> LiveModel:
    """A stream's model, whose folder is looked at before each unit."""
    config = flags(model)
    by_model, handler = settings_by_model(config), job.model_handler(config)
    return LiveModel(by_model, handler, look_seconds=0.0)


def test_rows_state_the_model_their_unit_began_with(tmp_path: Path, versions: list[Path]) -> None:
    """Units of one pipeline; the link leads elsewhere before the second and the third."""
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


def test_many_threads_load_once_and_none_waits(
    tmp_path: Path, versions: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="beam_audio")
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
    assert ["is exchanged for" in each.message for each in caplog.records].count(True) == 1


def test_a_late_worker_begins_with_the_current_model(tmp_path: Path, versions: list[Path]) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    live = watch(link)
    link_to(versions[1], link)
    assert in_use(live.acquire()) == sha256_of(versions[1])


def test_a_batch_has_one_model_and_takes_no_other(tmp_path: Path, versions: list[Path]) -> None:
    link = tmp_path / "model"
    link.symlink_to(versions[0])
    config = flags(link)
    settings_then = settings_by_model(config)(model_facts(str(link)))
    choose = FixedModel(settings_then, job.model_handler(config)).acquire()
    link_to(versions[1], link)
    assert in_use(choose) == sha256_of(versions[0])
    late = FixedModel(settings_then, job.model_handler(config))
    with pytest.raises(ModelError, match="holds another model"):
        late.acquire()

"""What a worker does units with: it travels before it is loaded."""

from __future__ import annotations

import pickle

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.run_outputs import settings, write_speech

from beam_audio.run.job import check_run
from beam_audio.transforms.unit_runs import UnitRuns


def test_a_worker_loads_the_model_and_counts_its_units_together(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    write_speech(folder / "in" / "a.wav", 0.0, seconds=1.0)
    config = settings(input=folder / "in", output=folder / "out")
    job = check_run(config, PipelineOptions())
    runs: UnitRuns = pickle.loads(pickle.dumps(UnitRuns(job.model, job.output, run_id="r")))  # noqa: S301 - ours
    with pytest.raises(RuntimeError, match="not loaded"):
        runs.begin()
    runs.load()
    one, other = runs.begin(), runs.begin()
    assert (one.run_id, one.root, one.second) == ("r", job.output, None)
    assert one.recognizer.facts.model_id == job.settings.rows.model_id
    assert one.device is other.device

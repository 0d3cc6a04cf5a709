"""What Dataflow would be sent, without sending it: no service, store or credentials are asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.internal.names import STAGED_PIPELINE_FILENAME

from beam_audio.asr.registry import PLACEHOLDER
from beam_audio.errors import ConfigError
from beam_audio.output.holder import Holder
from beam_audio.run import batch, stream
from beam_audio.run.dataflow import check_submission
from beam_audio.run.job import make_job
from beam_audio.stream.close_interval import Watch
from beam_audio.stream.drift import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from apache_beam.portability.api.beam_runner_api_pb2 import PTransform

    from beam_audio.run.config import RunConfig
    from beam_audio.run.job import Job

_SHOWN_DEPTH: Final = 2
_NO_PROFILE: Final = Profile(rows=0, effective_rows=0.0, measures={})


@dataclass(frozen=True, slots=True)
class DryRun:
    """What Dataflow would be sent.

    Attributes:
        job: The job as JSON, its graph left out.
        graph: The steps of the graph, one a line, those of a composite indented below it.
    """

    job: str
    graph: str


def dry_run(config: RunConfig, beam_flags: Sequence[str]) -> DryRun:
    """Make the job that these flags would submit.

    Flags are checked, but not what they name: whether an input, a subscription or an output is
    there. A model in a bucket is not read either.

    Args:
        config: The flags.
        beam_flags: Flags of Beam, ``--runner=DataflowRunner`` among them.

    Raises:
        ConfigError: The flags cannot be run.
        ModelError: The model is unknown.
    """
    options = PipelineOptions([*beam_flags, "--dry_run=True"])
    options.view_as(StandardOptions).streaming = config.subscription is not None
    check_submission(config, options)
    _require_place_for_temporary_files(options)
    sent = _pipeline(make_job(_without_buckets(config), options), options).run().job
    components = sent.proto_pipeline.components
    (root,) = sent.proto_pipeline.root_transform_ids
    steps = _lines(components.transforms, components.transforms[root].subtransforms)
    return DryRun(_sent_json(sent), "\n".join(steps))


def _require_place_for_temporary_files(options: PipelineOptions) -> None:
    """Refuse what Beam would answer by making a bucket of its own."""
    from apache_beam.runners.dataflow import DataflowRunner  # noqa: PLC0415 - an extra

    validator = PipelineOptionsValidator(options, DataflowRunner())
    google = options.view_as(GoogleCloudOptions)
    if validator.validate_gcs_path(google, "temp_location"):
        raise ConfigError(
            f"--temp_location={google.temp_location or ''}: name a folder in a bucket, such as "
            "gs://my-bucket/tmp"
        )


def _pipeline(job: Job, options: PipelineOptions) -> beam.Pipeline:
    """The graph of a batch or a stream; a reference that drift is measured by stays unread."""
    config, pipeline = job.config, beam.Pipeline(options=options)
    if config.subscription is None:
        batch.build(pipeline, job, Holder.here(job.run_id, ends_with_process=False))
        return pipeline
    watch = Watch(_NO_PROFILE, config.drift_threshold) if config.drift_reference else None
    intervals = stream.Intervals(f"{job.run_id}-", stream.INTERVAL_SECONDS, watch)
    stream.read_stream(pipeline, job, intervals)
    return pipeline


def _without_buckets(config: RunConfig) -> RunConfig:
    """The flags without models in buckets, which no step of the graph depends on."""
    if "://" in (config.second_model or ""):
        config = replace(config, second_model=None)
    return replace(config, model=PLACEHOLDER) if "://" in config.model else config


def _sent_json(sent: Any) -> str:  # noqa: ANN401 - Beam's Job, of an extra
    """The job with its environment, which Beam makes only once it has uploaded the graph."""
    from apache_beam.runners.dataflow.internal import apiclient  # noqa: PLC0415 - an extra

    google = sent.google_cloud_options
    nobody = PipelineOptions(["--no_auth", f"--project={google.project}"])
    environment = apiclient.Environment(
        packages=[],
        options=sent.options,
        environment_version=apiclient.DataflowApplicationClient(nobody).environment_version,
        proto_pipeline_staged_url=f"{google.staging_location}/{STAGED_PIPELINE_FILENAME}",
        proto_pipeline=sent.proto_pipeline,
    )
    sent.proto.environment = environment.proto
    return json.dumps(json.loads(sent.json()), indent=1, sort_keys=True)


def _lines(
    transforms: Mapping[str, PTransform], names: Iterable[str], depth: int = 0
) -> Iterator[str]:
    """Steps in the order in which they were put together."""
    for name in names:
        step = transforms[name]
        yield "  " * depth + step.unique_name.rpartition("/")[2]
        if depth + 1 < _SHOWN_DEPTH:
            yield from _lines(transforms, step.subtransforms, depth + 1)

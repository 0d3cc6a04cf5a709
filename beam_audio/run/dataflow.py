"""What a job on Dataflow needs, checked before anything is submitted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    SetupOptions,
    StandardOptions,
    TestOptions,
    WorkerOptions,
)

from beam_audio.errors import ConfigError
from beam_audio.models.card import has_card
from beam_audio.run.runners import is_dataflow
from beam_audio.stream.subscription import Subscription

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.run.config import RunConfig


_PUBSUB_EMULATOR: Final = "PUBSUB_EMULATOR_HOST"


def is_only_handed_over(options: PipelineOptions) -> bool:
    """Whether the command does not wait for the job.

    A flex template's launcher writes the job, and Dataflow starts it once the launcher has ended.
    Beam's ``--dry_run`` submits nothing. ``--no_wait_until_finish`` asks not to wait.
    """
    return is_dataflow(options) and bool(
        options.view_as(GoogleCloudOptions).template_location
        or options.view_as(TestOptions).dry_run
        or options.view_as(StandardOptions).no_wait_until_finish
    )


def is_dry_run(options: PipelineOptions) -> bool:
    """Whether Dataflow is only to be shown what it would be sent."""
    return is_dataflow(options) and bool(options.view_as(TestOptions).dry_run)


def check_submission(config: RunConfig, options: PipelineOptions) -> None:
    """Refuse what Dataflow's workers would fail at minutes later; other runners are not checked.

    Nothing is asked of the service or of a store.

    Raises:
        ConfigError: The message names the flag, or the extra to install.
    """
    if not is_dataflow(options):
        return
    _check_libraries()
    _check_addresses(config)
    _check_package(options)
    check_kind(config, options)
    _check_emulator(config, options)


def check_kind(config: RunConfig, options: PipelineOptions) -> None:
    """Refuse flags of Dataflow that a batch or a stream cannot have.

    Raises:
        ConfigError: The message names the flag.
    """
    google = options.view_as(GoogleCloudOptions)
    if config.subscription is None:
        if options.view_as(StandardOptions).streaming:
            raise ConfigError(
                "--streaming can only be used with --subscription: this job would never end"
            )
        if google.update:
            raise ConfigError(
                "--update can only be used with --subscription: a batch has no state to keep; let "
                "its job end or cancel it, and run the command again"
            )
    elif google.flexrs_goal:
        raise ConfigError(
            "--flexrs_goal can only be used with --input or --manifest: a stream cannot wait for "
            "cheap workers"
        )
    if google.update and not google.job_name:
        raise ConfigError("--update needs --job_name=NAME of the running job that it replaces")


def require_subscription(config: RunConfig, options: PipelineOptions) -> None:
    """Refuse a subscription that Dataflow could not read; other runners are not checked.

    Raises:
        ConfigError: It does not exist, or cannot be asked about.
    """
    if config.subscription is not None and is_dataflow(options):
        Subscription(config.subscription).close()


def _check_libraries() -> None:
    try:
        import apache_beam.runners.dataflow.internal.apiclient  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"--runner=DataflowRunner needs pip install 'beam_audio[gcp]': {error}"
        ) from error


def _check_addresses(config: RunConfig) -> None:
    for name in ("input", "manifest", "output"):
        value = getattr(config, name)
        if value is not None and "://" not in value:
            raise ConfigError(
                f"--{name}={value} is on this machine, where Dataflow's workers cannot read or "
                "write: name a folder or file in gs://"
            )
    for name in ("model", "second_model", "classify_model", "speaker_model", "enhance_model"):
        value = getattr(config, name)
        if value is not None and not has_card(value) and Path(value).is_dir():
            raise ConfigError(
                f"--{name}={value} is a folder of this machine, which Dataflow's workers cannot "
                "read: copy it to gs:// and name that, or name a model that their image contains"
            )


def _check_package(options: PipelineOptions) -> None:
    setup = options.view_as(SetupOptions)
    if setup.setup_file:
        # Beam changes into the file's folder by name, and "setup.py" alone has no folder.
        setup.setup_file = os.path.abspath(setup.setup_file)  # noqa: PTH100 - no links followed
    if options.view_as(WorkerOptions).sdk_container_image:
        return
    if not (setup.setup_file or setup.extra_packages):
        raise ConfigError(
            "Dataflow's workers have no beam_audio: give --sdk_container_image=IMAGE "
            "(docs/dataflow.md builds one), or --setup_file=./setup.py in a clone"
        )
    if not setup.requirements_file:
        raise ConfigError(
            "Dataflow's workers have no ONNX Runtime and no weights: give "
            "--requirements_file=templates/setup-requirements.txt as well"
        )


def _check_emulator(config: RunConfig, options: PipelineOptions) -> None:
    emulator = os.environ.get(_PUBSUB_EMULATOR)
    google = options.view_as(GoogleCloudOptions)
    is_theirs = google.dataflow_endpoint == GoogleCloudOptions.DATAFLOW_ENDPOINT
    if config.subscription is not None and emulator and is_theirs:
        raise ConfigError(
            f"{_PUBSUB_EMULATOR}={emulator} is an emulator on this machine, where Dataflow's "
            "workers cannot reach it: unset it"
        )

"""The request that launches a flex template: every flag at its place in it, or refused.

Flags of ``beam-audio run`` are parameters of the template. Where a flag of Beam goes follows from
Beam's own option classes and from the fields that the service's request has.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    JobServerOptions,
    KafkaStreamsRunnerOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    SparkRunnerOptions,
    TestDataflowOptions,
    TestOptions,
)
from google.auth.credentials import AnonymousCredentials
from google.cloud.dataflow import (
    FlexTemplateRuntimeEnvironment,
    FlexTemplatesServiceClient,
    LaunchFlexTemplateParameter,
    LaunchFlexTemplateRequest,
)

from beam_audio.command.argparse_hooks import actions
from beam_audio.command.flags import resolve
from beam_audio.errors import ConfigError
from beam_audio.run.dataflow import check_kind
from beam_audio.run.dry_run import dry_run
from beam_audio.run.run_flags import KINDS
from beam_audio.spelling import nearest
from beam_audio.store.beam_hooks import beam_parsers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

IMAGE: Final = "sdk_container_image"
"""The parameter of the template that is no flag of ``beam-audio run``."""
_TRUE: Final = "true"  # the value of a switch in a request
_METADATA: Final = Path(__file__).with_name("metadata.json")

# Fields of the environment that are called otherwise than Beam's options.
_OTHER_NAMES: Final = {
    "max_num_workers": "max_workers",
    "labels": "additional_user_labels",
    "experiments": "additional_experiments",
    # Google's own way for templates, as in its pages on GPUs and on at-least-once streams.
    "dataflow_service_options": "additional_experiments",
    "dataflow_kms_key": "kms_key_name",
    "use_public_ips": "ip_configuration",
}
_OF_THE_REQUEST: Final = frozenset(
    {"project", "region", "update", "transform_name_mapping", "dataflow_endpoint", "no_auth"}
)
_IN_THE_IMAGE: Final = (
    "workers take what is in their image: put it there (templates/worker-cpu.Dockerfile)"
)
_REFUSED: Final = {
    "runner": "a template runs on Dataflow alone; leave it out",
    "streaming": "--subscription makes a stream; leave it out",
    "no_wait_until_finish": "nothing waits for a template's job; leave it out",
    "job_name": "launch.py itself takes --job_name",
    IMAGE: "launch.py itself takes --image",
    "worker_harness_container_image": "launch.py itself takes --image",
    "template_location": "the service sets it, for the launcher",
    "dataflow_job_file": "the launcher writes the job where the service asks for it",
    "impersonate_service_account": "sign in as that account: "
    "gcloud auth application-default login --impersonate-service-account=ACCOUNT",
    **dict.fromkeys(
        (
            *("setup_file", "requirements_file", "extra_packages", "files_to_stage"),
            *("requirements_cache", "requirements_cache_only_sources", "sdk_location"),
            *("prebuild_sdk_container_engine", "prebuild_sdk_container_base_image"),
            *("docker_registry_push_url", "cloud_build_machine_type"),
        ),
        _IN_THE_IMAGE,
    ),
}
_AUTOSCALING: Final = {"NONE": "NONE", "THROUGHPUT_BASED": "BASIC"}
_OTHER_RUNNERS: Final = (
    *(DirectOptions, PortableOptions, JobServerOptions, FlinkRunnerOptions),
    *(KafkaStreamsRunnerOptions, SparkRunnerOptions, PrismRunnerOptions),
)
_TESTS: Final = (TestOptions, TestDataflowOptions)


@dataclass(frozen=True, slots=True)
class BeamFlag:
    """A flag of Beam.

    Attributes:
        dest: Name of the option it sets.
        is_switch: Whether it stands alone, without a value.
        refusal: Why a template cannot take it and what to do; empty for one that is taken.
    """

    dest: str
    is_switch: bool
    refusal: str

    @property
    def field(self) -> str | None:
        """The field of the environment that it is; None for one that is none."""
        name = _OTHER_NAMES.get(self.dest, self.dest)
        return name if name in FlexTemplateRuntimeEnvironment.meta.fields else None


@cache
def beam_flags() -> Mapping[str, BeamFlag]:
    """Every flag of Beam by each of its spellings, without dashes."""
    return {
        name.removeprefix("--"): BeamFlag(
            action.dest, is_switch=action.nargs == 0, refusal=_refusal(options, action.dest)
        )
        for options, parser in beam_parsers()
        for action in actions(parser)
        for name in action.option_strings
    }


def launch_request(
    words: Sequence[str], *, template: str, image: str, job_name: str
) -> LaunchFlexTemplateRequest:
    """The request that launches a template.

    Args:
        words: Flags of ``beam-audio run`` and of Beam, each ``--name=value`` or a switch.
        template: Address of the template's specification, ``gs://….json``.
        image: The workers' image.
        job_name: Name of the job.

    Raises:
        ConfigError: A flag is unknown, has a wrong value, or cannot be given to a template. The
            message names it and says where it belongs.
    """
    known = beam_flags()
    ours, beams = _sorted(words)
    _check_names(beams, known)
    _check_values(ours)
    options = PipelineOptions([*beams, f"--job_name={job_name}"])
    values = options.get_all_options()
    check_kind(resolve(ours), options)
    for name in ("project", "region"):
        if not values[name]:
            raise ConfigError(f"--template needs --{name}=…")
    parameter = LaunchFlexTemplateParameter(
        job_name=job_name,
        container_spec_gcs_path=template,
        parameters={**ours, IMAGE: image},
        environment=_environment(beams, known, values),
        update=values["update"],
        transform_name_mappings=values["transform_name_mapping"],
    )
    return LaunchFlexTemplateRequest(
        project_id=values["project"], location=values["region"], launch_parameter=parameter
    )


def as_json(request: LaunchFlexTemplateRequest) -> str:
    """The request as the service gets it, less fields that are empty."""
    shown: dict[str, Any] = json.loads(
        LaunchFlexTemplateRequest.to_json(
            request, use_integers_for_enums=False, always_print_fields_with_no_presence=False
        )
    )
    return json.dumps(shown, indent=1, sort_keys=True)


def graph(words: Sequence[str], *, image: str, job_name: str) -> str:
    """The steps of the graph that the template's launcher would write; asks no service.

    Raises:
        ConfigError: The flags cannot be run.
    """
    ours, beams = _sorted(words)
    own = ("--runner=DataflowRunner", f"--{IMAGE}={image}", f"--job_name={job_name}")
    return dry_run(resolve(ours), [*own, *beams]).graph


def send(request: LaunchFlexTemplateRequest, words: Sequence[str]) -> str:
    """Launch the template; returns the id of its job.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: Nobody is signed in.
        google.api_core.exceptions.GoogleAPICallError: The service refuses the request.
    """
    given = PipelineOptions(_sorted(words)[1]).get_all_options()
    client = FlexTemplatesServiceClient(
        credentials=AnonymousCredentials() if given["no_auth"] else None,  # type: ignore[no-untyped-call]
        transport="rest",
        client_options={"api_endpoint": given["dataflow_endpoint"]},
    )
    return str(client.launch_flex_template(request).job.id)


def _refusal(options: type[PipelineOptions], dest: str) -> str:
    if options in _OTHER_RUNNERS:
        return "it is of another runner; leave it out"
    if options in _TESTS:
        return "it is of Beam's own tests; leave it out (--dry_run is launch.py's)"
    return _REFUSED.get(dest, "")


def _sorted(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Values of our flags by name, and Beam's flags as they were given."""
    ours = {
        name: _TRUE if value is None else value
        for name, value in map(_parted, words)
        if name in KINDS
    }
    return ours, [word for word in words if _parted(word)[0] not in KINDS]


def _parted(word: str) -> tuple[str, str | None]:
    """Name and value of a flag; None for one without a value."""
    name, equals, value = word.removeprefix("--").partition("=")
    return name, value if equals else None


def _check_names(beams: Iterable[str], known: Mapping[str, BeamFlag]) -> None:
    for name, _ in map(_parted, beams):
        if name == "config":
            raise ConfigError("--config: a template reads no file; give its lines as flags")
        if name not in known:
            raise ConfigError(f"unknown flag --{name}{nearest(name, {*KINDS, *known})}")
        if known[name].refusal:
            raise ConfigError(f"--{name} cannot be given with --template: {known[name].refusal}")


def _check_values(ours: Mapping[str, str]) -> None:
    """Refuse what the service would refuse: values that a parameter's patterns do not match."""
    described = json.loads(_METADATA.read_text(encoding="utf-8"))["parameters"]
    for parameter in described:
        value = ours.get(parameter["name"])
        for pattern in parameter.get("regexes", ()) if value is not None else ():
            if not re.search(pattern, value or ""):
                raise ConfigError(
                    f"--{parameter['name']}={value} is no value for a template: "
                    f"{parameter['helpText']}"
                )


def _environment(
    beams: Iterable[str], known: Mapping[str, BeamFlag], values: Mapping[str, Any]
) -> FlexTemplateRuntimeEnvironment:
    """What of Beam's flags is no part of the request itself."""
    environment = FlexTemplateRuntimeEnvironment()
    taken: set[str] = set()
    for name, value in map(_parted, beams):
        flag = known[name]
        if flag.field is None and flag.dest not in _OF_THE_REQUEST:
            # The launcher makes switches of what is true.
            environment.additional_pipeline_options.append(
                f"{name}={_TRUE if value is None else value}"
            )
        elif flag.field is not None and flag.dest not in taken:
            taken.add(flag.dest)
            sent = _as_sent(flag, values[flag.dest])
            if isinstance(sent, list):  # two flags share a field
                getattr(environment, flag.field).extend(sent)
            else:
                setattr(environment, flag.field, sent)
    return environment


def _as_sent(flag: BeamFlag, value: Any) -> Any:  # noqa: ANN401 - as Beam parsed it, and as Google's type takes it
    """The value of a field; enumerations are given by the names of their values."""
    match flag.dest:
        case "labels":
            return _labels(value)
        case "autoscaling_algorithm":
            return f"AUTOSCALING_ALGORITHM_{_AUTOSCALING[value]}"
        case "flexrs_goal":
            return f"FLEXRS_{value}"
        case "use_public_ips":
            return f"WORKER_IP_{'PUBLIC' if value else 'PRIVATE'}"
        case _:
            return value


def _labels(given: Iterable[str]) -> dict[str, str]:
    """Labels as Beam reads them: ``key=value``, or a dictionary of them."""
    labels: dict[str, str] = {}
    for each in given:
        if "{" in each:
            labels |= {key: str(value) for key, value in ast.literal_eval(each).items()}
        else:
            key, _, value = each.partition("=")
            labels[key] = value
    return labels

"""Every flag arrives in the request that launches a template, or is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from launch_request import as_json, beam_flags, launch_request

from beam_audio.errors import ConfigError

FLAGS = dict(sorted(beam_flags().items()))
IMAGE = "europe-docker.pkg.dev/p/r/worker-cpu@sha256:" + "0" * 64
RUN = ("--input=gs://bucket/in/", "--output=gs://bucket/out", "--project=p", "--region=r")
STREAM = ("--subscription=projects/p/subscriptions/s", *RUN[1:])
# What flags are given where any text is not a value of theirs, and what arrives.
VALUES: dict[str, tuple[str | None, object]] = {
    "autoscaling_algorithm": ("NONE", "AUTOSCALING_ALGORITHM_NONE"),
    "flexrs_goal": ("SPEED_OPTIMIZED", "FLEXRS_SPEED_OPTIMIZED"),
    "labels": ("team=speech", {"team": "speech"}),
    "label": ("team=speech", {"team": "speech"}),
    "use_public_ips": (None, "WORKER_IP_PUBLIC"),
    "no_use_public_ips": (None, "WORKER_IP_PRIVATE"),
    "transform_name_mapping": ('{"a": "b"}', {"a": "b"}),
    "sdk_harness_log_level_overrides": ('{"a": "DEBUG"}', None),
    "profiler_extra_env_vars": ('{"A": "b"}', None),
    "beam_services": ('{"a": "b"}', None),
    "resource_hints": ("min_ram=4GB", None),
    "resource_hint": ("min_ram=4GB", None),
    "pickle_library": ("cloudpickle", None),
    "profiler_agent": ("memray", None),
    "gcs_custom_audit_entry": ("user=me", None),
    "gcs_custom_audit_entries": ('{"user": "me"}', None),
    "type_check_strictness": ("ALL_REQUIRED", None),
}


HOW_IT_IS_SENT = {"dataflow_endpoint", "no_auth"}  # and not what it says


def given(name: str) -> tuple[str | None, object]:
    """A value of a flag, None for a switch, and what arrives where that is not the same."""
    return VALUES.get(name, (None if FLAGS[name].is_switch else "7", None))


def word_of(name: str) -> str:
    """The flag with that value."""
    value, _ = given(name)
    return f"--{name}" if value is None else f"--{name}={value}"


def asked(*words: str, run: tuple[str, ...] = RUN) -> dict[str, Any]:
    """The request as JSON."""
    request = launch_request(
        [*run, *words], template="gs://bucket/t.json", image=IMAGE, job_name="calls"
    )
    shown: dict[str, Any] = json.loads(as_json(request))
    return shown


def leaves(value: object) -> list[object]:
    """Everything that a JSON value holds: dictionaries, and what stands in them."""
    if isinstance(value, dict):
        return [value, *(leaf for each in value.values() for leaf in leaves(each))]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


@pytest.mark.parametrize("name", [name for name in FLAGS if FLAGS[name].refusal])
def test_flags_that_a_template_cannot_take_are_refused_with_their_place(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        asked(word_of(name))
    assert str(refused.value) == f"--{name} cannot be given with --template: {FLAGS[name].refusal}"


@pytest.mark.parametrize("name", [name for name in FLAGS if not FLAGS[name].refusal])
def test_every_other_flag_of_beam_arrives(name: str) -> None:
    run = STREAM if name == "update" else RUN
    before, after = asked(run=run), asked(word_of(name), run=run)
    if name in HOW_IT_IS_SENT:
        assert after == before
        return
    new = leaves(after)
    for each in leaves(before):
        if each in new:
            new.remove(each)
    value, arrived = given(name)
    as_option = f"{name}={value or 'true'}"
    as_field = arrived or (True if value is None else value)
    assert any(each in (as_option, as_field, 7) for each in new), new


def test_options_of_beam_with_a_field_of_their_own_are_there_by_their_kind() -> None:
    environment = asked(
        *("--worker_machine_type=n2-standard-8", "--disk_size_gb=80", "--max_num_workers=9"),
        *("--labels=a=1", '--label={"b": 2}', "--experiments=x,y", "--experiment=z"),
        "--dataflow_service_options=enable_prime",
    )["launchParameter"]["environment"]
    assert environment == {
        "machineType": "n2-standard-8",
        "diskSizeGb": 80,
        "maxWorkers": 9,
        "additionalUserLabels": {"a": "1", "b": "2"},
        "additionalExperiments": ["x", "y", "z", "enable_prime"],
    }


def test_flags_of_run_are_parameters_and_so_is_the_image() -> None:
    parameter = asked("--limit=3", "--retry_failures", "--prompt=Ada, Grace")["launchParameter"]
    assert parameter["parameters"] == {
        "input": "gs://bucket/in/",
        "output": "gs://bucket/out",
        "limit": "3",
        "retry_failures": "true",
        "prompt": "Ada, Grace",
        "sdk_container_image": IMAGE,
    }
    assert "environment" not in parameter or not parameter["environment"]


def test_an_empty_value_stays_empty() -> None:
    parameter = asked("--prompt=", "--user_agent=")["launchParameter"]
    assert parameter["parameters"]["prompt"] == ""
    assert parameter["environment"]["additionalPipelineOptions"] == ["user_agent="]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--modle=x",), "unknown flag --modle; did you mean 'model'?"),
        (("--disk_size=5",), "did you mean 'disk_size_gb'?"),
        (("--config=f.yaml",), "give its lines as flags"),
        (("--limit=few",), "--limit=few"),
        (("--rules=my.yaml",), "--rules=my.yaml is no value for a template"),
        (("--vad_preset=none",), "--vad_preset"),
        (("--runner=FlinkRunner",), "runs on Dataflow alone"),
        (("--setup_file=./setup.py",), "take what is in their image"),
        (("--sdk_container_image=i",), "launch.py itself takes --image"),
        (("--update",), "--update can only be used with --subscription"),
    ],
)
def test_what_a_template_cannot_take_is_refused(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        asked(*words)
    assert says in str(refused.value)


def test_a_stream_has_no_flexible_schedule() -> None:
    batch = asked("--flexrs_goal=COST_OPTIMIZED")["launchParameter"]["environment"]
    assert batch["flexrsGoal"] == "FLEXRS_COST_OPTIMIZED"
    with pytest.raises(ConfigError, match="--flexrs_goal can only be used with --input"):
        asked("--flexrs_goal=COST_OPTIMIZED", run=STREAM)


def test_project_and_region_are_asked_for() -> None:
    with pytest.raises(ConfigError, match="--template needs --region"):
        asked(run=RUN[:-1])

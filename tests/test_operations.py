"""The files in templates/operations/ fit the programs that read them, and the metrics there are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from google.cloud.monitoring_v3 import AlertPolicy
from prometheus_client import CollectorRegistry
from promql_parser import parse
from support.project import ROOT

from beam_audio.command.flags import with_file
from beam_audio.stream.metrics import StreamMetrics
from beam_audio.stream.progress import StreamProgress
from beam_audio.stream.totals import DECISIONS, DESTINATIONS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ROOT / "templates" / "operations"
OF_PROMETHEUS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
VALUES = {"decision": DECISIONS, "destination": DESTINATIONS, "outcome": OUTCOMES}


def read_yaml(name: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    (group,) = read_yaml("alerts.yaml")["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


def exported() -> dict[str, set[str]]:
    """The series that a stream serves, by name, with the labels of each."""
    registry = CollectorRegistry()
    progress = StreamProgress()
    registry.register(StreamMetrics(progress, lambda: True, time.time))
    found: dict[str, set[str]] = {"beam_audio_stage_seconds_total": {"stage"}}
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(expression: Any) -> Iterator[Any]:  # noqa: ANN401 - the parser is not typed
    """Every choice of series in a parsed expression."""
    if type(expression).__name__ == "VectorSelector":
        yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if (part := getattr(expression, name, None)) is not None:
            yield from selectors(part)
    for part in getattr(expression, "args", ()) or ():
        yield from selectors(part)


@pytest.mark.parametrize("text", [*expressions()])
def test_expressions_are_promql_and_name_metrics_that_there_are(text: str) -> None:
    series = exported()
    found = list(selectors(parse(text)))
    assert found
    for each in found:
        if each.name in OF_PROMETHEUS:
            continue
        labels = {matcher.name: matcher.value for matcher in each.matchers.matchers}
        assert labels.keys() - {"instance", "job"} <= series[each.name]
        for label in labels.keys() & VALUES.keys():
            assert labels[label] in VALUES[label]


def test_a_rule_that_is_wrong_would_be_found() -> None:
    (selector,) = selectors(parse('sum(rate(beam_audio_gone_total{decision="keep"}[5m]))'))
    assert selector.name not in exported()


@pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus is not installed")
@pytest.mark.parametrize(
    "words",
    [("check", "config", "prometheus.yaml"), ("test", "rules", "alerts_test.yaml")],
    ids=["configuration", "rules"],
)
def test_prometheuss_own_program_takes_the_files(words: tuple[str, ...]) -> None:
    ran = subprocess.run(
        ["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alert_says_how_grave_it_is_and_what_is_so() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_every_alert_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in page] == []


def test_every_metric_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    names = {name.removesuffix("_bucket") for name in exported()}
    names -= {f"{name}_{part}" for name in names for part in ("count", "sum")}
    assert [name for name in names if f"`{name}" not in page] == []


def test_panels_of_the_dashboard_lie_beside_each_other() -> None:
    squares = [
        (column, row)
        for each in panels()
        for column in range(each["gridPos"]["x"], each["gridPos"]["x"] + each["gridPos"]["w"])
        for row in range(each["gridPos"]["y"], each["gridPos"]["y"] + each["gridPos"]["h"])
    ]
    assert len(squares) == len(set(squares))
    assert max(column for column, _ in squares) == 23
    assert len({each["id"] for each in panels()}) == len(panels())


@pytest.mark.parametrize("name", ["alert-policy.json", "alert-policy-ledger.json"])
def test_policies_are_what_cloud_monitoring_takes(name: str) -> None:
    policy = AlertPolicy.from_json((FOLDER / name).read_text("utf-8"))
    assert policy.conditions
    assert policy.alert_strategy.auto_close.total_seconds() == 86400


def test_the_compose_file_fits_its_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ran = subprocess.run(
        [*command, str(FOLDER / "compose.yaml")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_files_that_the_compose_file_mounts_are_there() -> None:
    services = read_yaml("compose.yaml")["services"]
    mounted = [volume.partition(":")[0] for each in services.values() for volume in each["volumes"]]
    assert all((FOLDER / name).is_file() for name in mounted if name.startswith("./"))


def test_flags_of_the_example_are_flags() -> None:
    settings, beam_words = with_file({}, [], str(FOLDER / "stream.yaml"))
    assert beam_words == []
    (scraped,) = read_yaml("prometheus.yaml")["scrape_configs"]
    assert scraped["static_configs"] == [
        {"targets": [f"{settings.metrics_host}:{settings.metrics_port}"]}
    ]
    check = read_yaml("compose.yaml")["services"]["stream"]["healthcheck"]["test"][-1]
    assert f"http://{settings.metrics_host}:{settings.metrics_port}/healthz" in check


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_one_of_systemds(tmp_path: Path) -> None:
    text = (FOLDER / "beam-audio.service").read_text("utf-8")
    unit = tmp_path / "beam-audio.service"
    unit.write_text(text.replace("/opt/beam-audio/bin/beam-audio", sys.executable))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_unit_signals_the_command_alone_and_does_not_repeat_wrong_flags() -> None:
    lines = (FOLDER / "beam-audio.service").read_text("utf-8").splitlines()
    assert {"KillMode=mixed", "Restart=always", "RestartPreventExitStatus=2"} <= set(lines)

"""The Cloud Build file: Google's own type takes it, and it builds what build.sh builds."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from google.cloud.devtools.cloudbuild_v1 import Build
from google.protobuf.json_format import ParseDict, ParseError
from support.project import ROOT

PATH = ROOT / "templates" / "cloudbuild.yaml"


def described() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


def test_googles_type_knows_every_field_of_it() -> None:
    build = Build(ParseDict(described(), Build.pb(Build())))
    assert [step.id for step in build.steps] == ["worker-cpu", "worker-gpu", "push", "template"]
    assert build.timeout.total_seconds() == 3600
    wrong = described()
    wrong["steps"][0]["waitfor"] = ["-"]
    with pytest.raises(ParseError, match="waitfor"):
        ParseDict(wrong, Build.pb(Build()))


def test_steps_wait_for_steps_before_them() -> None:
    seen = {"-"}
    for step in described()["steps"]:
        assert set(step["waitFor"]) <= seen
        seen.add(step["id"])


def test_it_builds_the_images_of_the_script_and_registers_the_same_template() -> None:
    script = (PATH.parent / "build.sh").read_text(encoding="utf-8")
    steps = {step["id"]: step["args"] for step in described()["steps"]}
    for kind in ("cpu", "gpu"):
        dockerfile = f"templates/worker-{kind}.Dockerfile"
        assert (ROOT / dockerfile).is_file()
        assert steps[f"worker-{kind}"] == [
            *("build", "--platform=linux/amd64", f"--file={dockerfile}"),
            *(f"--tag=${{_REPOSITORY}}/worker-{kind}:${{_TAG}}", "."),
        ]
    assert [image.partition("/")[2] for image in described()["images"]] == [
        *("worker-cpu:${_TAG}", "worker-gpu:${_TAG}")
    ]
    for flag in ("--sdk-language=PYTHON", "--metadata-file=templates/metadata.json"):
        assert flag in script
        assert flag in steps["template"][1]


def test_what_it_asks_for_is_named_in_its_command() -> None:
    text = PATH.read_text(encoding="utf-8")
    (command,) = re.findall(r"--substitutions=(\S+)", text)
    given = {each.partition("=")[0] for each in command.split(",")}
    assert given == set(re.findall(r"\$\{(_\w+)\}", text)) == {"_REPOSITORY", "_TAG", "_FOLDER"}
    # Any other dollar would be taken for a substitution.
    script = described()["steps"][-1]["args"][1]
    assert not re.search(r"(?<!\$)\$(?![${(])", script)

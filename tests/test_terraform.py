"""The Terraform module says only what the provider knows, and grants the roles that are documented.

``tests/data`` holds the names that the provider's version has, from its published bindings.
``terraform validate`` and ``terraform plan`` were run by hand: docs/dataflow.md says how.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
from support.project import ROOT

from beam_audio.command.beam_flags import beam_flags

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = sorted((ROOT / "templates" / "terraform").glob("*.tf"))
PROVIDER = json.loads((ROOT / "tests" / "data" / "google_beta_6.50.json").read_text("utf-8"))
OF_TERRAFORM = {"for_each", "count", "depends_on", "lifecycle", "provider"}
NOTES = {"__is_block__", "__comments__"}


def module() -> dict[str, list[dict[str, Any]]]:
    """Blocks of all files by their kind."""
    blocks: dict[str, list[dict[str, Any]]] = {}
    for path in FILES:
        with path.open(encoding="utf-8") as file:
            for kind, found in hcl2.load(file).items():
                blocks.setdefault(kind, []).extend(found)
    return blocks


MODULE = module()


def named(kind: str) -> dict[str, dict[str, Any]]:
    """Blocks with one name."""
    return {name.strip('"'): body for each in MODULE[kind] for name, body in each.items()}


def resources() -> dict[tuple[str, str], dict[str, Any]]:
    """Resources by type and name."""
    return {
        (kind.strip('"'), name.strip('"')): body
        for each in MODULE["resource"]
        for kind, named_body in each.items()
        for name, body in named_body.items()
    }


RESOURCES = resources()


def wrong_names(body: dict[str, Any], known: dict[str, Any], where: str) -> Iterator[str]:
    """What the provider does not know, and what it asks for in vain."""
    given = dict(body)
    for dynamic in given.pop("dynamic", []):
        for name, block in dynamic.items():
            given[name.strip('"')] = block["content"]
    blocks = known["blocks"]
    names = {name for name in given if name not in NOTES | OF_TERRAFORM}
    for name in sorted(names - {*known["required"], *known["optional"], *blocks}):
        yield f"{where}.{name} is unknown"
    for name in sorted(set(known["required"]) - names):
        yield f"{where}.{name} is missing"
    for name in sorted(names & set(blocks)):
        for each in given[name]:
            yield from wrong_names(each, blocks[name], f"{where}.{name}")


def texts(value: object) -> Iterator[str]:
    """Every text below a value, names of blocks left out."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in NOTES:
                yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("kind_and_name", RESOURCES, ids=".".join)
def test_the_provider_knows_every_argument(kind_and_name: tuple[str, str]) -> None:
    known = PROVIDER["resources"][kind_and_name[0]]
    assert not [*wrong_names(RESOURCES[kind_and_name], known, ".".join(kind_and_name))]


def test_the_check_finds_what_is_wrong() -> None:
    known = PROVIDER["resources"]["google_storage_bucket"]
    body = {"name": '"b"', "place": '"eu"', "soft_delete_policy": [{"seconds": 0}]}
    assert [*wrong_names(body, known, "b")] == [
        "b.place is unknown",
        "b.location is missing",
        "b.soft_delete_policy.seconds is unknown",
    ]


def test_what_is_referred_to_is_there() -> None:
    everything = [text for blocks in MODULE.values() for text in texts(blocks)]
    attributes = {"var": named("variable"), "local": MODULE["locals"][0]}
    for text in everything:
        for root, name in re.findall(r"\b(var|local)\.(\w+)", text):
            assert name in attributes[root], text
        for kind, name, attribute in re.findall(r"\b(google_\w+)\.(\w+)(?:\.(\w+))?", text):
            assert (kind, name) in RESOURCES, text
            known = PROVIDER["resources"][kind]
            assert attribute in {"", *known["required"], *known["optional"], *known["computed"]}


def test_the_provider_is_the_one_whose_names_are_known() -> None:
    (settings,) = MODULE["terraform"]
    (needed,) = settings["required_providers"]
    provider = {name.strip('"'): value.strip('"') for name, value in needed["google"].items()}
    assert provider["source"] == PROVIDER["provider"]
    assert provider["version"] == f"~> {PROVIDER['version'].rpartition('.')[0]}"


def test_the_stream_is_made_of_parameters_and_flags_that_there_are() -> None:
    described = json.loads((ROOT / "templates" / "metadata.json").read_text("utf-8"))
    stream = RESOURCES["google_dataflow_flex_template_job", "stream"]
    given = set(re.findall(r"(\w+) *=", stream["parameters"]))
    assert given == {"subscription", "output", "sdk_container_image"}
    assert given <= {each["name"] for each in described["parameters"]}
    options = re.findall(r'"(\w+)=\w+"', named("variable")["stream"]["type"])
    assert options == ["number_of_worker_harness_threads", "disk_size_gb"]
    assert {f"--{name}" for name in options} <= set(beam_flags())


def test_the_roles_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "dataflow.md").read_text(encoding="utf-8")
    row = r"^\| (workers|submitter) \| `(roles/[\w.]+)` \|"
    documented = set(re.findall(row, page, re.MULTILINE))
    of_the_output_topic = {("workers", "roles/pubsub.publisher")}  # which is not made here
    granted = set()
    for (kind, _), body in RESOURCES.items():
        if kind.endswith("_iam_member") and "var.submitters" not in str(body.get("for_each")):
            roles = re.findall(r"roles/[\w.]+", " ".join(texts(body)))
            members = re.findall(r"local\.(\w+)", f"{body['member']} {body.get('for_each', '')}")
            who = {"worker": "workers", "submitter": "submitter"}
            granted |= {(who[member], role) for member in members for role in roles}
    assert granted == documented - of_the_output_topic
